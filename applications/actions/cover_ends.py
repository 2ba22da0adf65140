"""How covers end with what they were asked for, and what of them is told. Called inside the verbs of a case."""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from applications.cover_models import Cover
from applications.models import Application, Consent, Offer, Referral
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import WrongState
from portal.foundation.core.moments import local_date
from portal.foundation.core.money import format_wan
from portal.foundation.journal.record import record
from portal.foundation.sla import clocks, facts
from products.risk import exposure


def tell(
    verb: str,
    cover: Cover,
    *,
    actor: Actor,
    now: datetime,
    text: str,
    data: dict[str, object] | None = None,
) -> None:
    """The journal entry. The institution asked reads nothing of it before the enterprise has agreed."""
    parties = [cover.application.organisation_id, cover.referral.institution_id]
    if cover.consented_at is not None:
        parties.append(cover.institution_id)
    record(
        verb,
        actor=actor,
        now=now,
        subject=cover.subject,
        case_number=cover.application.number,
        text=text,
        data={"institution": cover.institution_id, "cover": str(cover.ref), **(data or {})},
        parties=parties,
    )


def end_all(
    application: Application,
    *,
    referrals: Iterable[Referral] | None = None,
    institution_id: int | None = None,
    reason: str,
    why: str,
    actor: Actor,
    now: datetime,
) -> None:
    """End what is live of a case, or of some banks' parts of it; those referrals (and the application) are locked already.

    With `institution_id` also what that institution itself was asked for, whoever's loan it is for.

    `reason` is the clocks' (a word of sla.replay_words.REASONS), `why` what people read.
    """
    covers = Cover.objects.live().filter(application=application)
    if referrals is not None:
        covers = covers.filter(Q(referral__in=list(referrals)) | Q(institution_id=institution_id))
    found = covers.select_for_update(of=("self",)).select_related("institution__organisation", "referral")
    for cover in found.order_by("pk"):
        cover.application = application
        text = f"{why}，向 {cover.institution} 的{cover.word}申请结束"
        end(cover, note=why, reason=reason, text=text, actor=actor, now=now)


def end(cover: Cover, *, note: str, reason: str, text: str, actor: Actor, now: datetime) -> None:
    committed = cover.state == Cover.State.COMMITTED
    cover.withdraw(note=note, now=now)
    cover.save(update_fields=["state", "close_note", "closed_at"])
    if committed:
        give_back(cover, now=now)
    stopped: Iterable[facts.Fact] = ()
    if cover.clock_id is not None:
        stopped = clocks.stop(cover.clock_id, now=now, reason=reason, excused=True).facts
    end_consent(cover, now=now)
    tell("cover.withdrawn", cover, actor=actor, now=now, text=text, data={"clocks": list(stopped)})


def give_back(cover: Cover, *, now: datetime) -> None:
    """What was counted at the commitment no longer is."""
    if cover.scheme is not None and cover.scheme.counts_to_cap:
        exposure.give_back(cover.application.organisation_id, cover.amount, subject=cover.subject, now=now)


def end_consent(cover: Cover, *, now: datetime) -> None:
    """The institution reads no further, unless it works on the request for another reason."""
    application, institution = cover.application_id, cover.institution_id
    still = (
        Referral.objects.filter(application=application, institution=institution)
        .filter(state__in=(*Referral.OPEN_STATES, Referral.State.ACCEPTED))
        .exists()
        or Cover.objects.live().filter(application=application, institution=institution).exists()
    )
    if not still:
        Consent.objects.filter(application=application, institution=institution, revoked_at=None).update(revoked_at=now)


def lock_of_clocks(clock_ids: Iterable[int]) -> None:
    """Lock the covers of these clocks by pk, for a change that begins with their clocks (foundation.sla.owners)."""
    wanted = Cover.objects.filter(clock_id__in=list(clock_ids)).order_by("pk")
    list(wanted.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def carry(offer: Offer, *, seen: Collection[str] | None, now: datetime) -> list[Cover]:
    """The bank's offer is being accepted: what was committed for it goes with it.

    Raises WrongState while one is undecided or expired, when together they exceed the loan, and when they are not those the
    enterprise has `seen` (`Cover.seen` of each; None: it was shown none to compare).
    """
    found = Cover.objects.live().filter(referral=offer.referral_id).select_for_update(of=("self",))
    covers = list(found.select_related("institution__organisation").order_by("pk"))
    if seen is not None and {cover.seen for cover in covers} != set(seen):
        raise WrongState("cover_changed", "担保、保险的条件在您查看以后有变动，请按最新的条件再核对一遍。")
    together = sum((cover.amount for cover in covers), Decimal(0))
    if together > offer.amount:
        said = f"担保、保险合计 {format_wan(together)} 万元，超过方案金额 {format_wan(offer.amount)} 万元。"
        raise WrongState("cover_amount", said + "请撤回其中一份，按方案金额重新申请。")
    today = local_date(now)
    for cover in covers:
        if cover.valid_until is not None and cover.valid_until < today:
            raise WrongState("cover_expired", f"{cover.institution} 的条件已过有效期，请联系它重新提出并承诺。")
        if cover.state != Cover.State.COMMITTED:
            raise WrongState(
                "cover",
                f"{cover.institution} 对{cover.word}申请还没有承诺（{Cover.State(cover.state).label}）。"
                f"请等它承诺，或先撤回{cover.word}申请，再选定方案。",
            )
        cover.accepted_at = now
        cover.save(update_fields=["accepted_at"])
    return covers
