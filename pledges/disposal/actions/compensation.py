"""代偿: after the distribution the bank claims its net loss from who guaranteed it; that institution pays or refuses."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from applications.actions.cover_answers import compensated
from applications.actions.covers import own_locked
from applications.models import Cover
from pledges.disposal import rules
from pledges.disposal.locking import locked
from pledges.disposal.models import Disposal
from pledges.disposal.proceeds import ZERO
from pledges.disposal.settlement_models import Compensation, Distribution
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

State = Compensation.State
SUBROGATED = (
    "担保机构代偿以后，除另有约定外，在代偿范围内享有银行对债务人的权利，可以向债务人追偿，但不得损害银行的利益"
    "（民法典第七百条）。"
)
INSURED = "保险机构赔付以后，对债务人的权利按保险合同办理。"  # 民法典 700 speaks of guarantors alone


def recourse(cover: Cover) -> str:
    """What the institution may do against the debtor once it has paid."""
    return INSURED if cover.insures else SUBROGATED


def tell(verb: str, claim: Compensation, *, actor: Actor, now: datetime, text: str) -> None:
    file = claim.disposal.registration
    record(
        verb,
        actor=actor,
        now=now,
        subject=claim.subject,
        case_number=file.application.number,
        text=text,
        data={"claim": str(claim.ref), "loss": str(claim.loss), "cover": str(claim.cover.ref)},
        parties=[*file.parties, claim.cover.institution_id],
    )


def open_loss(disposal: Disposal) -> Decimal:
    """Yuan of the net loss nobody has been asked to share yet; zero before the distribution."""
    found = Distribution.objects.filter(disposal=disposal).first()
    if found is None:
        return ZERO
    asked = Compensation.objects.filter(disposal=disposal, state__in=(State.FILED, State.PAID))
    return found.shortfall - sum(asked.values_list("loss", flat=True), ZERO)


def covers_of(disposal: Disposal) -> list[Cover]:
    """Who committed a guarantee or an insurance for this loan and has neither paid nor been released."""
    referral = disposal.registration.offer.referral_id
    found = Cover.objects.filter(referral_id=referral, state=Cover.State.COMMITTED, accepted_at__isnull=False)
    return list(found.select_related("institution__organisation", "scheme").order_by("pk"))


@transaction.atomic(durable=True)
def claim(disposal_id: int, cover_id: int, loss: Decimal, *, actor: Actor, now: datetime) -> Compensation:
    """Claim so many yuan of the net loss. Raises Invalid with the field, WrongState, Forbidden."""
    disposal = locked(disposal_id)
    rules.can_claim(actor, disposal).require()
    cover = next((c for c in covers_of(disposal) if c.pk == cover_id), None)
    if cover is None:
        raise Invalid("cover", "选择一家已承诺、尚未代偿的机构。", fields={"cover": "选择一家已承诺、尚未代偿的机构。"})
    cover = lock(Cover.objects.filter(pk=cover_id).select_related("institution__organisation", "scheme"))
    if cover.state != Cover.State.COMMITTED:
        raise WrongState("cover", f"{cover.institution} 的{cover.word}现在是“{cover.get_state_display()}”。")
    if Compensation.objects.filter(cover=cover, state__in=(State.FILED, State.PAID)).exists():
        raise WrongState("once", f"已经向 {cover.institution} 申请过代偿。")
    most = min(open_loss(disposal), cover.amount)
    if not Decimal(0) < loss <= most:
        said = f"金额要大于 0，不超过尚未申请的净损失和{cover.word}金额，现在最多 {most} 元。"
        raise Invalid("loss", said, fields={"loss": said})
    made = Compensation(
        disposal=disposal, cover=cover, loss=loss, shares=cover.shares, filed_by=actor.label, filed_at=now
    )
    made.save(force_insert=True)
    text = f"{actor.organisation_name} 就处置 {disposal.number} 的净损失向 {cover.institution} 申请代偿"
    tell("compensation.claimed", made, actor=actor, now=now, text=text)
    return made


@dataclass(frozen=True, slots=True)
class Payment:
    """That the parts were paid: by which voucher, on which day; whether the national fund compensates."""

    paid_on: date
    voucher: str
    fund_pays: bool = True


def _answered(claim_id: int) -> Compensation:
    """The claim with its cover, locked in the house's order."""
    cover = own_locked(Compensation.objects.values_list("cover_id", flat=True).get(pk=claim_id))
    found = lock(
        Compensation.objects.filter(pk=claim_id).select_related(
            "disposal__registration__application", "disposal__registration__pledgee", "disposal__default"
        )
    )
    found.cover = cover
    return found


@transaction.atomic(durable=True)
def pay(claim_id: int, payment: Payment, *, actor: Actor, now: datetime) -> Compensation:
    """The institution records that it has compensated; its commitment ends with it, as on its own page."""
    found = _answered(claim_id)
    rules.can_answer_claim(actor, found).require()
    if found.disposal.default.cured_at is not None:
        raise WrongState("cured", "银行已记录债务清偿，不再需要代偿，请答复不予代偿。")
    wrong: dict[str, str] = {}
    if payment.paid_on > local_date(now):
        wrong["paid_on"] = "代偿日期不能晚于今天。"
    elif payment.paid_on < local_date(found.filed_at):
        wrong["paid_on"] = f"代偿日期不能早于申请日期{full_date_cn(local_date(found.filed_at))}。"
    if not payment.voucher.strip():
        wrong["voucher"] = "填写凭证号。"
    if wrong:
        raise Invalid("payment", "；".join(wrong.values()), fields=wrong)
    cover = compensated(
        found.cover,
        loss=found.loss,
        fund_pays=payment.fund_pays,
        note=f"处置 {found.disposal.number} 后代偿，凭证 {payment.voucher.strip()}"[:300],
        actor=actor,
        now=now,
    )
    found.pay(
        fund_pays=bool(cover.fund_pays),
        paid_on=payment.paid_on,
        voucher=payment.voucher.strip(),
        by=actor.label,
        now=now,
    )
    found.save(update_fields=["state", "fund_pays", "paid_on", "voucher", "answered_by", "answered_at"])
    text = f"{cover.institution} 已{'赔付' if cover.insures else '代偿'}（处置 {found.disposal.number}）"
    tell("compensation.paid", found, actor=actor, now=now, text=text)
    return found


@transaction.atomic(durable=True)
def refuse(claim_id: int, *, note: str, actor: Actor, now: datetime) -> Compensation:
    """Not compensated, with the reason; the bank may claim again."""
    found = _answered(claim_id)
    rules.can_answer_claim(actor, found).require()
    if not note.strip():
        raise Invalid("note", "写明未获代偿的理由。", fields={"note": "写明未获代偿的理由。"})
    found.refuse(note=note.strip()[:300], by=actor.label, now=now)
    found.save(update_fields=["state", "refused_note", "answered_by", "answered_at"])
    text = f"{found.cover.institution} 未予代偿（处置 {found.disposal.number}）"
    tell("compensation.refused", found, actor=actor, now=now, text=text)
    return found
