"""Distribution of the proceeds: computed, shown, and confirmed as it was shown."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from applications.models import Cover
from pledges.disposal import rules
from pledges.disposal.locking import locked, tell
from pledges.disposal.models import Default, Disposal
from pledges.disposal.proceeds import ZERO, Claims, Cost, Kind, Line, distribute, to_pledgee
from pledges.disposal.settlement_models import Distribution, Share
from pledges.models import DebtKind, Registration, Scope
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.moments import local_date
from products.risk.shares import Party

MAX_BILLS = 10
# Whose part of a loss reaches the bank through the guarantor: the others pay it back to the guarantor, not to the bank.
THROUGH_GUARANTOR = (Party.GUARANTOR, Party.REGUARANTOR, Party.NATIONAL, Party.CITY)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The money is there, and what is owed on that day. Yuan; `bills` are the disposal's own."""

    received_on: date
    bills: Sequence[Cost]
    costs: Decimal
    interest: Decimal
    principal: Decimal


def ceiling_of(file: Registration) -> Decimal | None:
    """The registered cap of a 最高额质押, which governs over the contract's; None for a fixed debt."""
    return file.debt_amount if file.debt_kind == DebtKind.MAXIMUM else None


@dataclass(frozen=True, slots=True)
class Paid:
    """What a guarantor or an insurer paid the bank before the distribution. Yuan."""

    cover: Cover
    amount: Decimal

    @property
    def payee(self) -> str:
        return str(self.cover.institution)


def own_patents(file: Registration) -> bool:
    """Whether the debtor itself pledged: a guarantor who paid has the creditor's rights against the debtor, not against others."""
    return file.debtor_org_id in (None, file.pledgor_id)


def paid_before(file: Registration) -> list[Paid]:
    """Who has compensated the bank for this loan already, the earliest first; one query."""
    found = Cover.objects.filter(
        referral_id=file.offer.referral_id, state=Cover.State.COMPENSATED, accepted_at__isnull=False
    ).select_related("institution__organisation", "scheme")
    paid = []
    for cover in found.order_by("closed_at", "pk"):
        through = (Party.INSURER,) if cover.insures else THROUGH_GUARANTOR
        parts = cover.parts(loss=cover.loss, fund_pays=bool(cover.fund_pays) or Party.NATIONAL not in cover.shares)
        paid.append(Paid(cover, sum((part for party, _, part in parts if party in through), ZERO)))
    return paid


def behind(file: Registration, paid: Sequence[Paid]) -> list[Paid]:
    """Of those who paid, who is paid from the proceeds after the bank: guarantors of a debtor who pledged its own patents."""
    return [each for each in paid if each.amount and not each.cover.insures] if own_patents(file) else []


def said_of(file: Registration, paid: Sequence[Paid]) -> list[str]:
    """A sentence on each payment, for who fills in what is still owed."""
    said = []
    for each in paid:
        if not own_patents(file):
            then = "专利由第三人出质，另有约定的由各方另行结算，不列入本次分配"
        elif each.cover.insures:
            then = "其权利按保险合同办理，不列入本次分配"
        else:
            then = "质权人受偿以后有余款的，在代偿范围内分给该机构，再退还出质人"
        verb = "赔付" if each.cover.insures else "代偿"
        said.append(f"{each.payee} 已{verb} {each.amount:,.2f} 元，下面的本金和利息请填扣除以后还欠的；{then}。")
    return said


def still_owed(default: Default, paid: Sequence[Paid]) -> tuple[Decimal, Decimal, Decimal]:
    """(costs, interest, principal) of the default less what was paid since it was recorded, in that order (民法典 561)."""
    since = [each.amount for each in paid if (each.cover.closed_at or default.recorded_at) >= default.recorded_at]
    left, owed = sum(since, ZERO), []
    for part in (default.costs, default.interest, default.principal):
        taken = min(part, left)
        left -= taken
        owed.append(part - taken)
    return owed[0], owed[1], owed[2]


def secured(file: Registration, receipt: Receipt, *, subrogated: Sequence[Paid] = ()) -> Claims:
    """What the registered scope secures of what is owed; of a fixed debt no more principal than is registered."""
    ceiling = ceiling_of(file)
    principal = receipt.principal if ceiling is not None else min(receipt.principal, file.debt_amount)
    return Claims(
        bills=receipt.bills,
        costs=receipt.costs if file.scope == Scope.ALL else ZERO,
        interest=receipt.interest if file.scope in (Scope.ALL, Scope.PRINCIPAL_INTEREST) else ZERO,
        principal=principal,
        ceiling=ceiling,
        subrogated=[Cost(each.payee, each.amount) for each in subrogated],
    )


def lines_of(disposal: Disposal, receipt: Receipt) -> list[Line]:
    """The distribution as it would be confirmed. Raises Invalid with the field."""
    wrong: dict[str, str] = {}
    if receipt.principal > disposal.default.principal:
        wrong["principal"] = f"本金不能超过违约时尚欠的 {money_wan(disposal.default.principal)}。"
    if receipt.interest < 0 or receipt.costs < 0 or receipt.principal < 0:
        wrong["interest"] = "金额不能为负。"
    if disposal.awarded_at is not None and receipt.received_on < local_date(disposal.awarded_at):
        wrong["received_on"] = f"到账日期不能早于成交日期{full_date_cn(local_date(disposal.awarded_at))}。"
    if len(receipt.bills) > MAX_BILLS:
        wrong["bills"] = f"处置费用最多 {MAX_BILLS} 项。"
    if wrong or disposal.price is None:
        raise Invalid("receipt", "；".join(wrong.values()), fields=wrong)
    file = disposal.registration
    claims = secured(file, receipt, subrogated=behind(file, paid_before(file)))
    return distribute(disposal.price, claims, pledgee=file.pledgee.name, pledgor=file.pledgor.name)


def owed(receipt: Receipt) -> Decimal:
    """Yuan the pledgee is owed on that day, secured or not; less what it gets it is the net loss."""
    return receipt.principal + receipt.interest + receipt.costs


def fingerprint(lines: Sequence[Line], receipt: Receipt) -> str:
    """What was shown, in a word that the confirmation sends back: the lines, the day, and what is owed.

    What is owed belongs to it: outside the registered scope, or above the cap, it moves the net loss without moving a line.
    """
    said = [f"{line.kind}|{line.payee}|{line.claimed}|{line.amount}" for line in lines]
    said.append(f"{receipt.received_on}|{receipt.costs}|{receipt.interest}|{receipt.principal}")
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]


@transaction.atomic(durable=True)
def confirm(disposal_id: int, receipt: Receipt, *, shown: str, actor: Actor, now: datetime) -> Distribution:
    """Write the distribution that was shown. Raises WrongState when it would now be another one."""
    disposal = locked(disposal_id)
    rules.can_distribute(actor, disposal).require()
    if receipt.received_on > local_date(now):
        raise Invalid("received_on", "到账日期不能晚于今天。", fields={"received_on": "到账日期不能晚于今天。"})
    lines = lines_of(disposal, receipt)
    if fingerprint(lines, receipt) != shown:
        raise WrongState("shown", "分配结果与刚才显示的不同，请核对后再确认。")
    file = disposal.registration
    made = Distribution.objects.create(
        disposal=disposal,
        proceeds=sum((line.amount for line in lines), ZERO),
        received_on=receipt.received_on,
        ceiling=ceiling_of(file),
        claim=owed(receipt),
        paid=to_pledgee(lines),
        confirmed_by=actor.label,
        confirmed_at=now,
    )
    Share.objects.bulk_create(
        Share(
            distribution=made,
            position=at,
            kind=line.kind.value,
            payee=line.payee,
            claimed=line.claimed,
            amount=line.amount,
        )
        for at, line in enumerate(lines, start=1)
    )
    disposal.settle(now=now)
    disposal.save(update_fields=["state", "closed_at"])
    if not made.shortfall:
        Default.objects.filter(pk=disposal.default_id, cured_at=None).update(
            cured_at=now, cured_by=actor.label, cure_note="处置价款已足额清偿"
        )
    amounts = [line.amount for line in lines if line.kind == Kind.SUBROGATED]
    guarantors = [
        {"institution": each.cover.institution_id, "cover": str(each.cover.ref), "amount": str(amount)}
        for each, amount in zip(behind(file, paid_before(file)), amounts, strict=True)
    ]
    tell(
        "disposal.distributed",
        disposal,
        actor=actor,
        now=now,
        text=f"处置 {disposal.number} 的价款分配已确认",
        guarantors=guarantors,
        proceeds=str(made.proceeds),
        shares=[{"kind": line.kind.value, "payee": line.payee, "amount": str(line.amount)} for line in lines],
        buyer=disposal.buyer_id,
    )
    return made
