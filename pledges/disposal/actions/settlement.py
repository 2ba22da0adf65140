"""Distribution of the proceeds: computed, shown, and confirmed as it was shown."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from pledges.disposal import rules
from pledges.disposal.locking import locked, tell
from pledges.disposal.models import Default, Disposal
from pledges.disposal.proceeds import ZERO, Claims, Cost, Line, distribute, to_pledgee
from pledges.disposal.settlement_models import Distribution, Share
from pledges.models import DebtKind, Registration, Scope
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.moments import local_date

MAX_BILLS = 10


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


def secured(file: Registration, receipt: Receipt) -> Claims:
    """What the registered scope secures of what is owed; of a fixed debt no more principal than is registered."""
    ceiling = ceiling_of(file)
    principal = receipt.principal if ceiling is not None else min(receipt.principal, file.debt_amount)
    return Claims(
        bills=receipt.bills,
        costs=receipt.costs if file.scope == Scope.ALL else ZERO,
        interest=receipt.interest if file.scope in (Scope.ALL, Scope.PRINCIPAL_INTEREST) else ZERO,
        principal=principal,
        ceiling=ceiling,
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
    return distribute(disposal.price, secured(file, receipt), pledgee=file.pledgee.name, pledgor=file.pledgor.name)


def fingerprint(lines: Sequence[Line]) -> str:
    """What was shown, in a word that the confirmation sends back."""
    said = "\n".join(f"{line.kind}|{line.payee}|{line.claimed}|{line.amount}" for line in lines)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


@transaction.atomic(durable=True)
def confirm(disposal_id: int, receipt: Receipt, *, shown: str, actor: Actor, now: datetime) -> Distribution:
    """Write the distribution that was shown. Raises WrongState when it would now be another one."""
    disposal = locked(disposal_id)
    rules.can_distribute(actor, disposal).require()
    if receipt.received_on > local_date(now):
        raise Invalid("received_on", "到账日期不能晚于今天。", fields={"received_on": "到账日期不能晚于今天。"})
    lines = lines_of(disposal, receipt)
    if fingerprint(lines) != shown:
        raise WrongState("shown", "分配结果与刚才显示的不同，请核对后再确认。")
    file = disposal.registration
    made = Distribution.objects.create(
        disposal=disposal,
        proceeds=sum((line.amount for line in lines), ZERO),
        received_on=receipt.received_on,
        ceiling=ceiling_of(file),
        claim=receipt.principal + receipt.interest + receipt.costs,
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
    tell(
        "disposal.distributed",
        disposal,
        actor=actor,
        now=now,
        text=f"处置 {disposal.number} 的价款分配已确认",
        proceeds=str(made.proceeds),
        shares=[{"kind": line.kind.value, "payee": line.payee, "amount": str(line.amount)} for line in lines],
        buyer=disposal.buyer_id,
    )
    return made
