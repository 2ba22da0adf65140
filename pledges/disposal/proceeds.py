"""Who gets how much of the proceeds, to the fen. Pure: no database, no clock.

Order (民法典 561 for a debt's own parts, 389 and 438 for the pledge): costs of the disposal and of realising the right, then
interest, then principal, then guarantors who have paid the pledgee before (民法典 700: within what they paid, and never to the
creditor's harm), then what is left to the pledgor. Within one rank that cannot be paid in full the money is shared in
proportion and rounded by the largest remainder: every line gets its share cut to the fen, and the fens left over go, one each,
to the lines with the largest cut-off parts (of equal ones to the one named first).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from portal.foundation.core.money import FEN, round_to_fen

ZERO = Decimal("0.00")
ROUNDING_SAID = "同一顺位不足清偿的，按比例分配到分；舍去的分按余数从大到小逐一补给，余数相同的按列出的先后。"


class Kind(StrEnum):
    """A line's rank; the values are those of `Share.Kind`."""

    COST = "cost"
    PLEDGEE_COST = "pledgee_cost"
    INTEREST = "interest"
    PRINCIPAL = "principal"
    SUBROGATED = "subrogated"
    REMAINDER = "remainder"


@dataclass(frozen=True, slots=True)
class Cost:
    """What is owed to a third party: a bill of the disposal itself (auction fee, valuation), or what a guarantor paid. Yuan."""

    payee: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Claims:
    """What is secured, in yuan with two decimals, none negative. `ceiling` is the cap of a 最高额质押, None without one.

    `subrogated`: guarantors who paid the pledgee and stand in its place behind it; what they paid is no part of the others.
    """

    bills: Sequence[Cost]
    costs: Decimal
    interest: Decimal
    principal: Decimal
    ceiling: Decimal | None = None
    subrogated: Sequence[Cost] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the distribution: who, why, what was claimed, what is paid. Yuan."""

    kind: Kind
    payee: str
    claimed: Decimal
    amount: Decimal


def pro_rata(available: Decimal, claims: Sequence[Decimal]) -> list[Decimal]:
    """Yuan for each claim: all in full if it suffices, else in proportion with the largest remainder. Adds up to the fen.

    Raises ValueError for a negative amount or one finer than a fen.
    """
    wanted = [_fens(claim) for claim in claims]
    money = min(_fens(available), sum(wanted))
    if not money:
        return [ZERO for _ in wanted]
    whole = sum(wanted)
    parts = [money * each // whole for each in wanted]
    ranked = sorted(range(len(wanted)), key=lambda at: (-(money * wanted[at] % whole), at))
    for at in ranked[: money - sum(parts)]:
        parts[at] += 1
    return [_yuan(part) for part in parts]


def distribute(proceeds: Decimal, claims: Claims, *, pledgee: str, pledgor: str) -> list[Line]:
    """Every line in order of priority; the amounts add up to the proceeds exactly, and no line exceeds its claim.

    Under a cap the pledgee's own lines, those of guarantors in its place, and the bills take at most the cap (担保制度解释 15:
    the cap includes interest and costs); the bills themselves are paid whatever the cap, because without them there were no proceeds.
    """
    left = round_to_fen(proceeds)
    _fens(left)
    bills = [bill for bill in claims.bills if bill.amount]
    # Bills and the pledgee's own costs stand in one rank; the cap binds only the pledgee's.
    allowance = None
    if claims.ceiling is not None:
        allowance = max(round_to_fen(claims.ceiling) - sum((b.amount for b in bills), ZERO), ZERO)
    own_costs = claims.costs if allowance is None else min(claims.costs, allowance)
    first = pro_rata(left, [*(bill.amount for bill in bills), own_costs])
    lines = [Line(Kind.COST, b.payee, b.amount, part) for b, part in zip(bills, first, strict=False)]
    if claims.costs:
        lines.append(Line(Kind.PLEDGEE_COST, pledgee, claims.costs, first[-1]))
    left -= sum(first, ZERO)
    if allowance is not None:
        allowance -= first[-1]
    for kind, claim in ((Kind.INTEREST, claims.interest), (Kind.PRINCIPAL, claims.principal)):
        if not claim:
            continue
        part = min(left, claim) if allowance is None else min(left, claim, allowance)
        _fens(claim)
        lines.append(Line(kind, pledgee, claim, part))
        left -= part
        if allowance is not None:
            allowance -= part
    behind = [each for each in claims.subrogated if each.amount]
    parts = pro_rata(left if allowance is None else min(left, allowance), [each.amount for each in behind])
    lines += [Line(Kind.SUBROGATED, b.payee, b.amount, part) for b, part in zip(behind, parts, strict=True)]
    left -= sum(parts, ZERO)
    if left:
        lines.append(Line(Kind.REMAINDER, pledgor, left, left))
    return lines


def to_pledgee(lines: Sequence[Line]) -> Decimal:
    """Yuan the pledgee gets."""
    return sum((line.amount for line in lines if line.kind in _PLEDGEES), ZERO)


_PLEDGEES = (Kind.PLEDGEE_COST, Kind.INTEREST, Kind.PRINCIPAL)


def _fens(yuan: Decimal) -> int:
    if not yuan.is_finite() or yuan < 0 or yuan != yuan.quantize(FEN):
        raise ValueError("amounts are whole fens, not negative")
    return int(yuan * 100)


def _yuan(fens: int) -> Decimal:
    return (Decimal(fens) / 100).quantize(FEN)
