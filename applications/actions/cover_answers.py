"""What a guarantor or an insurer does: intent, terms, commit, decline, release, compensate.

The first reply of whatever kind stops its clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from applications import cover_rules as rules
from applications.actions.claiming import require_contact
from applications.actions.cover_ends import end_consent, give_back, tell
from applications.actions.covers import own_locked
from applications.cover_figures import rate_with
from applications.cover_models import Cover
from applications.models import DeclineReason
from banks.models import Institution
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.moments import local_date
from portal.foundation.core.money import format_wan
from portal.foundation.sla import clocks, facts
from products.risk import exposure
from products.risk.models import RiskScheme
from products.risk.schemes import fitting
from products.risk.shares import COMPENSATION_CAP, FEE_CAP_LARGE, Party, fee_cap, read, written


def _answered(cover: Cover, *, now: datetime, reason: str) -> Iterable[facts.Fact]:
    """The first substantive reply stops the clock; later ones find it stopped."""
    if cover.clock_id is None:
        return ()
    return clocks.stop(cover.clock_id, now=now, reason=reason).facts


@transaction.atomic(durable=True)
def intend(
    cover_id: int, *, contact_name: str, contact_phone: str, next_step: str, actor: Actor, now: datetime
) -> Cover:
    """有意向: whom the enterprise reaches, and what happens next."""
    cover = own_locked(cover_id)
    rules.can_intend(actor, cover).require()
    require_contact(contact_name=contact_name, contact_phone=contact_phone, next_step=next_step)
    cover.intend(
        officer_id=actor.user_id,
        contact_name=contact_name.strip(),
        contact_phone=contact_phone.strip(),
        next_step=next_step.strip(),
        now=now,
    )
    cover.save(update_fields=["state", "officer", "responded_at", "contact_name", "contact_phone", "next_step"])
    stopped = _answered(cover, now=now, reason="intent")
    text = f"{cover.institution} 有{cover.word}意向：{cover.next_step}"
    tell("cover.intent", cover, actor=actor, now=now, text=text, data={"clocks": list(stopped)})
    return cover


@dataclass(frozen=True, slots=True)
class Terms:
    """What an institution asks for: yuan, % a year for a guarantee, yuan in all for an insurance."""

    scheme_id: int
    amount: Decimal
    valid_until: date
    fee_rate: Decimal | None = None
    premium: Decimal | None = None
    conditions: str = ""
    over: int | None = None  # the version the page showed; None where no page was open


@transaction.atomic(durable=True)
def set_terms(cover_id: int, terms: Terms, *, actor: Actor, now: datetime) -> Cover:
    """提出条件: the scheme, the fee and the conditions; a later version replaces the one before until it is committed."""
    cover = own_locked(cover_id)
    rules.can_set_terms(actor, cover).require()
    if terms.over is not None and terms.over != cover.version:
        raise WrongState("stale", f"同事刚刚发出第 {cover.version} 版条件，您填写的内容还在页面上，请核对后再发。")
    scheme = _scheme(cover, terms, today=local_date(now))
    cover.set_terms(officer_id=actor.user_id, now=now)
    cover.scheme, cover.shares, cover.amount = scheme, written(scheme.percentages()), terms.amount
    cover.fee_rate, cover.premium = (None, terms.premium) if cover.insures else (terms.fee_rate, None)
    cover.conditions, cover.valid_until = terms.conditions.strip(), terms.valid_until
    cover.save(
        update_fields=[
            *("state", "officer", "responded_at", "version", "scheme", "shares", "amount"),
            *("fee_rate", "premium", "conditions", "valid_until"),
        ]
    )
    stopped = _answered(cover, now=now, reason="terms")
    tell(
        "cover.terms",
        cover,
        actor=actor,
        now=now,
        text=f"{cover.institution} 提出{cover.word}条件（第 {cover.version} 版）",
        data={
            "amount": str(cover.amount),
            "fee_rate": str(cover.fee_rate),
            "premium": str(cover.premium),
            "scheme": scheme.pk,
            "shares": cover.shares,
            "clocks": list(stopped),
        },
    )
    return cover


def _scheme(cover: Cover, terms: Terms, *, today: date) -> RiskScheme:
    """The scheme of these terms, or every slip at once, each beside its field."""
    said: dict[str, str] = {}
    kind = cover.institution.organisation.kind
    schemes, _ = fitting(cover.application.organisation, kind=kind, on=today)
    scheme = next((s for s in schemes if s.pk == terms.scheme_id), None)
    if scheme is None:
        said["scheme"] = "这个方案现在不适用于这家企业（分档、区县或版本），请重新选择。"
    if not Decimal(0) < terms.amount <= cover.application.amount:
        said["amount"] = f"金额要大于 0，不超过融资金额 {format_wan(cover.application.amount)} 万元。"
    if terms.valid_until < today:
        said["valid_until"] = "有效期不能早于今天。"
    if cover.insures and terms.premium is None:
        said["premium"] = "填写保险费，例如 12000。"
    if not cover.insures and terms.fee_rate is None:
        said["fee_rate"] = "填写担保费率，例如 0.8。"
    if scheme is not None and Party.REGUARANTOR in scheme.percentages():
        most = fee_cap(terms.amount)
        taken = scheme.fee_large if most == FEE_CAP_LARGE else scheme.fee_small
        if taken > most:
            said["scheme"] = f"方案的再担保费率 {taken}% 超过这一金额的上限 {most}%。"
    if said or scheme is None:
        raise Invalid("terms", "；".join(said.values()), fields=said)
    return scheme


@transaction.atomic(durable=True)
def commit(cover_id: int, *, version: int, actor: Actor, now: datetime) -> Cover:
    """承诺 the terms as last shown (`version`): the household's outstanding is counted under its lock, within its cap."""
    cover = own_locked(cover_id)
    rules.can_commit(actor, cover, today=local_date(now)).require()
    if cover.version != version or cover.scheme is None:
        raise Invalid("version", f"条件已改为第 {cover.version} 版，请核对后再承诺。")
    schemes, _ = fitting(cover.application.organisation, kind=cover.institution.organisation.kind, on=local_date(now))
    if cover.scheme_id not in {scheme.pk for scheme in schemes}:
        raise WrongState("scheme", "风险分担方案或企业分档已有变动，请重新提出条件后再承诺。")
    cover.commit(by=actor.label, now=now)
    cover.save(update_fields=["state", "committed_by", "committed_at"])
    if cover.scheme.counts_to_cap:
        exposure.take(cover.application.organisation_id, cover.amount, subject=cover.subject, now=now)
    tell(
        "cover.committed",
        cover,
        actor=actor,
        now=now,
        text=f"{cover.institution} 承诺{cover.word}",
        data={
            "amount": str(cover.amount),
            "shares": cover.shares,
            "split": {party.value: str(part) for party, _, part in cover.parts()},
        },
    )
    return cover


@transaction.atomic(durable=True)
def decline(cover_id: int, *, code: str, note: str, actor: Actor, now: datetime) -> Cover:
    """婉拒, with a reason from the closed list; the bank's offer goes on without it."""
    cover = own_locked(cover_id)
    rules.can_decline(actor, cover).require()
    if code not in DeclineReason.values:
        raise Invalid("code", "选择婉拒原因。", fields={"code": "选择婉拒原因。"})
    if code == DeclineReason.OTHER and not note.strip():
        raise Invalid("note", "选“其他”时，请写明原因。", fields={"note": "选“其他”时，请写明原因。"})
    cover.decline(officer_id=actor.user_id, code=code, note=note.strip(), now=now)
    cover.save(update_fields=["state", "officer", "decline_code", "decline_note", "responded_at", "closed_at"])
    stopped = _answered(cover, now=now, reason="declined")
    end_consent(cover, now=now)
    tell(
        "cover.declined",
        cover,
        actor=actor,
        now=now,
        text=f"{cover.institution} 婉拒{cover.word}：{DeclineReason(code).label}",
        data={"code": code, "note": note.strip(), "clocks": list(stopped)},
    )
    return cover


@transaction.atomic(durable=True)
def release(cover_id: int, *, note: str, actor: Actor, now: datetime) -> Cover:
    """解除: the loan is repaid, or was never taken; the household's outstanding goes down by what was counted."""
    cover = own_locked(cover_id)
    rules.can_release(actor, cover, today=local_date(now)).require()
    if not note.strip():
        raise Invalid(
            "note", "写明解除的原因，例如“贷款已结清”。", fields={"note": "写明解除的原因，例如“贷款已结清”。"}
        )
    cover.release(note=note.strip(), now=now)
    cover.save(update_fields=["state", "close_note", "closed_at"])
    give_back(cover, now=now)
    tell(
        "cover.released",
        cover,
        actor=actor,
        now=now,
        text=f"{cover.institution} 解除{cover.word}责任：{cover.close_note}",
    )
    return cover


@transaction.atomic(durable=True)
def compensate(cover_id: int, *, loss: Decimal, fund_pays: bool, note: str, actor: Actor, now: datetime) -> Cover:
    """代偿: so many yuan were lost. Above the cap of the compensation rate the national fund does not pay, and the city shares."""
    return compensated(own_locked(cover_id), loss=loss, fund_pays=fund_pays, note=note, actor=actor, now=now)


def compensated(cover: Cover, *, loss: Decimal, fund_pays: bool, note: str, actor: Actor, now: datetime) -> Cover:
    """The same of a cover that `own_locked` gave, inside the caller's transaction (pledges: after a disposal)."""
    rules.can_compensate(actor, cover).require()
    lock(Institution.objects.filter(pk=cover.institution_id))  # its rate is read and changed by one at a time
    offer = cover.application.accepted_offer
    most = cover.amount if offer is None else min(cover.amount, offer.amount)
    if not Decimal(0) < loss <= most:
        said = f"金额要大于 0，不超过{cover.word}金额和贷款金额中较小的 {format_wan(most)} 万元。"
        raise Invalid("loss", said, fields={"loss": said})
    filed = Party.NATIONAL in read(cover.shares)
    rate = rate_with(cover.institution_id, loss) if filed else None
    over = rate is not None and rate > COMPENSATION_CAP
    pays = bool(filed and fund_pays and not over)
    cover.compensate(loss=loss, fund_pays=pays, note=note.strip(), now=now)
    cover.save(update_fields=["state", "loss", "fund_pays", "close_note", "closed_at"])
    give_back(cover, now=now)
    said = f"{cover.institution} 记录{'赔付' if cover.insures else '代偿'}"
    if filed and not pays:
        said += "，国家基金不补偿" + (f"（计入这一笔后代偿率超过 {COMPENSATION_CAP}%）" if over else "")
        if cover.scheme is not None and cover.scheme.city_percent:
            said += "，市级按方案分担"
    parts = {party.value: str(part) for party, _, part in cover.parts(loss=loss, fund_pays=pays or not filed)}
    tell(
        "cover.compensated",
        cover,
        actor=actor,
        now=now,
        text=said,
        data={"loss": str(loss), "fund_pays": pays, "split": parts},
    )
    return cover
