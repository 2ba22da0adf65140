"""What an institution does with a request: claim, ask, offer, decline, assign, take from the pool, dispatch.

Every verb locks the application, then the referral, then the clock, re-reads them and only then decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from applications import rules
from applications.actions import cover_ends, next_lenders, offer_sql
from applications.actions.claiming import claim_this, require_contact
from applications.actions.submit import Address, refer
from applications.matching import rank_for
from applications.models import Application, Consent, DeclineReason, InformationRequest, NextRound, Offer, Referral
from banks.models import Institution
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.moments import local_date
from portal.foundation.core.prepared import Prepared, Slot
from portal.foundation.journal.record import record
from portal.foundation.sla import clocks, facts

# A referral in one of these leaves room for a new one to the same institution (constraint one_open_referral).
ENDED = (
    Referral.State.DECLINED,
    Referral.State.WITHDRAWN,
    Referral.State.REASSIGNED,
    Referral.State.NOT_SELECTED,
    Referral.State.LAPSED,
)


_ITS_APPLICATION = Prepared(
    lambda: Application.objects.filter(referrals=Slot("referral")).select_for_update(of=("self",))
)
_REFERRAL = Prepared(
    lambda: (
        Referral.objects.filter(pk=Slot("referral"))
        .select_related("institution__organisation")
        .select_for_update(of=("self",))
    )
)
_VERSIONS = Prepared(lambda: Offer.objects.filter(referral_id=Slot("referral")).select_for_update(of=("self",)))


def locked(referral_id: int) -> Referral:
    """The referral with its application, both locked in the house's order (application first)."""
    applications = _ITS_APPLICATION(referral=referral_id)
    referral = _REFERRAL.one(referral=referral_id)
    referral.application = applications[0]
    return referral


def _answered(referral: Referral, *, now: datetime, reason: str) -> Sequence[facts.Fact]:
    """The first substantive reply stops the clock; later ones find it stopped. Returns the facts for the journal entry."""
    if referral.clock_id is None:
        return ()
    return clocks.stop(referral.clock_id, now=now, reason=reason).facts


def _tell(
    verb: str, referral: Referral, *, actor: Actor, now: datetime, text: str, data: dict[str, object] | None = None
) -> None:
    record(
        verb,
        actor=actor,
        now=now,
        subject=f"referral:{referral.pk}",
        case_number=referral.application.number,
        text=text,
        data={"institution": referral.institution_id, "referral": str(referral.ref), **(data or {})},
        parties=[referral.application.organisation_id, referral.institution_id],
    )


# 接单 is one statement (claiming.py); this name stays for whoever answers by verb.
claim = claim_this


@transaction.atomic(durable=True)
def ask(referral_id: int, *, question: str, actor: Actor, now: datetime) -> InformationRequest:
    """Ask the enterprise for something; counts as a substantive reply."""
    referral = locked(referral_id)
    rules.can_ask(actor, referral).require()
    if not question.strip():
        raise Invalid("question", "写明需要企业补充什么。", fields={"question": "写明需要企业补充什么。"})
    referral.ask(officer_id=actor.user_id, now=now)
    referral.save(update_fields=["state", "officer", "responded_at"])
    asked = InformationRequest.objects.create(
        referral=referral, question=question.strip(), asked_by=actor.label, asked_at=now
    )
    stopped = _answered(referral, now=now, reason="asked")
    said = f"{referral.institution} 请企业补充：{asked.question}"
    _tell("referral.asked", referral, actor=actor, now=now, text=said, data={"clocks": stopped})
    failpoint("ask.before_commit")
    return asked


@dataclass(frozen=True, slots=True)
class Terms:
    """An offer's content, validated by the form. Yuan, months, percent a year."""

    amount: Decimal
    term_months: int
    valid_until: date
    annual_rate: Decimal | None = None
    fee_rate: Decimal | None = None
    other_fees: Decimal = Decimal(0)
    repayment: str = ""
    conditions: str = ""

    def are_of(self, offer: Offer) -> bool:
        """Whether this offer says exactly these terms."""
        return all(getattr(offer, f.name) == getattr(self, f.name) for f in fields(self))


@transaction.atomic(durable=True)
def offer(referral_id: int, terms: Terms, *, actor: Actor, now: datetime) -> Offer:
    """Put terms to the enterprise; a newer version replaces an open one.

    The same terms again from the same person are the open offer: the answer to the first sending was lost, nothing is new.
    """
    referral = locked(referral_id)
    rules.can_offer(actor, referral).require()
    if terms.valid_until < local_date(now):
        raise Invalid("valid_until", "有效期不能早于今天。", fields={"valid_until": "有效期不能早于今天。"})
    if referral.institution.lends and terms.annual_rate is None:
        raise Invalid("annual_rate", "填写年利率。", fields={"annual_rate": "填写年利率，例如 3.45。"})
    if not referral.institution.lends and terms.fee_rate is None:
        raise Invalid("fee_rate", "填写担保或保险费率。", fields={"fee_rate": "填写担保或保险费率，例如 0.8。"})
    versions = _VERSIONS(referral=referral.pk)
    for open_offer in versions:
        if open_offer.state == Offer.State.OPEN and open_offer.made_by == actor.label and terms.are_of(open_offer):
            open_offer.referral = referral
            return open_offer
    for old in versions:
        if old.state == Offer.State.OPEN:
            old.replace()
            old.save(update_fields=["state"])
    version = len(versions) + 1
    first_reply = referral.responded_at is None
    referral.offer(officer_id=actor.user_id, now=now)
    drawn_up = Offer(
        referral=referral,
        version=version,
        amount=terms.amount,
        term_months=terms.term_months,
        annual_rate=terms.annual_rate,
        fee_rate=terms.fee_rate,
        other_fees=terms.other_fees,
        repayment=terms.repayment,
        conditions=terms.conditions,
        valid_until=terms.valid_until,
        made_by=actor.label,
        made_at=now,
    )
    made = offer_sql.insert_offer(drawn_up, answered=referral)
    failpoint("offer.rows_written")
    # A later version finds the clock stopped by the reply before it, so it need not look.
    stopped = _answered(referral, now=now, reason="offered") if first_reply else ()
    _tell(
        "referral.offered",
        referral,
        actor=actor,
        now=now,
        text=f"{referral.institution} 出具方案（第 {version} 版）",
        data={
            "offer": made.pk,
            "amount": str(made.amount),
            "annual_rate": str(made.annual_rate),
            "fee_rate": str(made.fee_rate),
            "clocks": stopped,
        },
    )
    failpoint("offer.before_commit")
    return made


def lock_open_offers(referral: Referral) -> Sequence[Offer]:
    return list(referral.offers.select_for_update(of=("self",)).filter(state=Offer.State.OPEN))


@transaction.atomic(durable=True)
def decline(referral_id: int, *, code: str, note: str, actor: Actor, now: datetime) -> Referral:
    """婉拒 with a reason code; when it was the last open one, the enterprise is told what comes next."""
    referral = locked(referral_id)
    rules.can_decline(actor, referral).require()
    if code not in DeclineReason.values:
        raise Invalid("code", "选择婉拒原因。", fields={"code": "选择婉拒原因。"})
    if code == DeclineReason.OTHER and not note.strip():
        raise Invalid("note", "选择“其他”时请写明原因。", fields={"note": "选择“其他”时请写明原因。"})
    why = f"{referral.institution} 婉拒"
    cover_ends.end_all(referral.application, referrals=[referral], reason="withdrawn", why=why, actor=actor, now=now)
    for old in lock_open_offers(referral):
        old.close()
        old.save(update_fields=["state"])
    referral.decline(officer_id=actor.user_id, code=code, note=note.strip(), now=now)
    referral.save(update_fields=["state", "officer", "decline_code", "decline_note", "responded_at", "closed_at"])
    stopped = _answered(referral, now=now, reason="declined")
    failpoint("decline.clock_stopped")
    label = DeclineReason(code).label
    _tell(
        "referral.declined",
        referral,
        actor=actor,
        now=now,
        text=f"{referral.institution} 婉拒：{label}",
        data={"code": code, "note": note.strip(), "clocks": stopped},
    )
    application = referral.application
    if application.state == Application.State.OPEN and not application.referrals.open().exists():
        application.all_declined_at = now
        application.save(update_fields=["all_declined_at"])
        begun: Sequence[facts.Fact] = ()
        if not referral.institution.dispatcher:  # the desk has just said itself that it knows nobody
            _, begun = next_lenders.owe(application, cause=NextRound.Cause.DECLINED, since=now)
        failpoint("decline.all_declined")
        record(
            "application.all_declined",
            actor=actor,
            now=now,
            subject=f"application:{application.pk}",
            case_number=application.number,
            text="所有机构均已婉拒，可另选机构",
            data={"clocks": begun},
            parties=[application.organisation_id],
        )
    return referral


@transaction.atomic(durable=True)
def assign(referral_id: int, *, officer_id: int, actor: Actor, now: datetime) -> Referral:
    """A manager hands the referral to a colleague of the same institution; the clock does not move."""
    referral = locked(referral_id)
    rules.can_assign(actor, referral).require()
    seat = (
        Membership.objects.at_work()
        .select_related("user")
        .filter(user_id=officer_id, organisation_id=actor.organisation_id, role__in=(Role.OFFICER, Role.MANAGER))
        .first()
    )
    if seat is None:
        raise Invalid("officer", "选择本机构在岗的经办人。", fields={"officer": "选择本机构在岗的经办人。"})
    referral.officer = seat.user
    referral.save(update_fields=["officer"])
    record(
        "referral.assigned",
        actor=actor,
        now=now,
        subject=f"referral:{referral.pk}",
        case_number=referral.application.number,
        text=f"转派给 {seat.user.name}",
        data={"officer": officer_id, "referral": str(referral.ref)},
        parties=[referral.institution_id],
    )
    return referral


@transaction.atomic(durable=True)
def claim_from_pool(
    application_id: int, *, contact_name: str, contact_phone: str, next_step: str, actor: Actor, now: datetime
) -> Referral:
    """Take an open call that was addressed to others; there is no clock, because no promise was made to this institution."""
    application = lock(Application.objects.filter(pk=application_id))
    # Everything but an ended referral, as the constraint one_open_referral says: an accepted guarantor has it too.
    already = application.referrals.filter(institution_id=actor.organisation_id).exclude(state__in=ENDED).exists()
    # The open call's authorisation is general: it must not give back what was taken from this institution alone.
    revoked = application.consents.filter(institution_id=actor.organisation_id, revoked_at__isnull=False).exists()
    rules.can_claim_from_pool(actor, application, already=already, revoked=revoked).require()
    require_contact(contact_name=contact_name, contact_phone=contact_phone, next_step=next_step)
    failpoint("pool.locked")
    institution = Institution.objects.select_related("organisation").get(pk=actor.organisation_id)
    if institution.dispatcher:
        raise WrongState("dispatcher", "调度台不认领需求，请在工作台分派给机构。")
    referral = Referral(application=application, institution=institution, origin=Referral.Origin.POOL, created_at=now)
    referral.claim(
        officer_id=actor.user_id,
        contact_name=contact_name.strip(),
        contact_phone=contact_phone.strip(),
        next_step=next_step.strip(),
        now=now,
    )
    referral.save(force_insert=True)
    Consent.objects.get_or_create(
        application=application,
        institution=institution,
        revoked_at=None,
        defaults={"granted_by": "公开征集授权", "granted_at": now},
    )
    settled = next_lenders.settle(application, outcome=NextRound.Outcome.ANSWERED, now=now)
    _tell(
        "referral.claimed",
        referral,
        actor=actor,
        now=now,
        text=f"{institution} 从需求池认领：{referral.next_step}",
        data={"pool": True, "clocks": settled},
    )
    failpoint("pool.before_commit")
    return referral


@transaction.atomic(durable=True)
def dispatch(referral_id: int, *, institution_ids: Sequence[int], actor: Actor, now: datetime) -> list[Referral]:
    """The dispatcher's desk addresses institutions, each with its own clock; the desk's own clock stops."""
    referral = locked(referral_id)
    rules.can_dispatch(actor, referral).require()
    chosen = list(Institution.objects.active().filter(pk__in=institution_ids).order_by("pk"))
    taken = set(referral.application.referrals.values_list("institution_id", flat=True))
    if not chosen or len(chosen) != len(set(institution_ids)) or taken & {i.pk for i in chosen}:
        raise Invalid(
            "institutions", "选择至少一家尚未推送的机构。", fields={"institutions": "选择至少一家尚未推送的机构。"}
        )
    referral.reassign(now=now)
    referral.save(update_fields=["state", "responded_at", "closed_at"])
    stopped = _answered(referral, now=now, reason="dispatched")
    made, started = refer(referral.application, _matched(referral.application, chosen), actor=actor, now=now)
    record(
        "referral.dispatched",
        actor=actor,
        now=now,
        subject=f"referral:{referral.pk}",
        case_number=referral.application.number,
        text=f"调度台已分派 {len(chosen)} 家机构",  # every one of them reads it: none learns who the others are
        data={"institutions": [i.pk for i in chosen], "clocks": [*stopped, *started]},
        parties=[referral.application.organisation_id, *(i.pk for i in chosen)],
    )
    return made


def _matched(application: Application, institutions: Sequence[Institution]) -> list[Address]:
    """Each institution with its best product for the request, where it has one that fits."""
    best = {m.institution_id: m for m in rank_for(application)}
    return [
        Address(i.pk, best[i.pk].product, best[i.pk].score, Referral.Origin.DISPATCH)
        if i.pk in best
        else Address(i.pk, None, 0, Referral.Origin.DISPATCH)
        for i in institutions
    ]
