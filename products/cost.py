"""What a loan costs an enterprise altogether: interest, fees and premiums, less subsidies, a year and as one annual rate. Pure.

How it is counted, so that it can be checked by hand:
- One payment at the end of every month, month n counted from the day the money comes (month 0). Rates are percent a year; a
  month is a twelfth. Every amount that is paid is rounded to a fen, half up; the last instalment clears what rounding left.
- Guarantee fee and insurance premium are paid in advance at the beginning of every year, on the principal that is open then;
  of a last year that is not full, by the month. Valuation, other fees and a premium that is one sum are paid on the first day.
- A subsidy is money that comes back, in the month it is given (without one: the last).
- The annual percentage rate is twelve times the monthly rate at which everything that flows is worth nothing on the first day
  (internal rate of return), found by bisection, in percent with two decimals. Without fees and with monthly instalments it is
  the loan's own rate.
What nobody has said is unknown, not 0: then there is no total, only what is known so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum

from portal.foundation.core.money import round_to_fen

ZERO = Decimal("0.00")
INTEREST = "利息"  # the label of that part of a bill
PERCENT = Decimal("0.01")
_LOWEST, _HIGHEST = Decimal("-0.05"), Decimal("1")  # monthly rates between which the root is looked for
_STEPS = 34  # halvings: far below a hundredth of a percent a year


class Way(StrEnum):
    """How a loan is repaid."""

    ANNUITY = "等额本息"
    LINEAR = "等额本金"
    INTEREST_FIRST = "按期付息，到期还本"
    BULLET = "到期一次还本付息"


def way_of(words: str) -> Way | None:
    """The way of an offer's own words; None for others (随借随还) and for nothing."""
    if "等额本息" in words:
        return Way.ANNUITY
    if "等额本金" in words:
        return Way.LINEAR
    if "一次还本付息" in words:
        return Way.BULLET
    return Way.INTEREST_FIRST if "付息" in words and "到期还本" in words else None


@dataclass(frozen=True, slots=True)
class Subsidy:
    """Money that comes back to the enterprise: yuan, in which month of the loan (None: the last)."""

    label: str
    amount: Decimal
    month: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What is known of a price. Rates in percent a year, amounts in yuan; None means unknown, 0 means none."""

    amount: Decimal
    term_months: int
    way: Way
    annual_rate: Decimal | None
    guarantee_rate: Decimal | None = ZERO
    insurance_rate: Decimal | None = ZERO
    premium: Decimal = ZERO  # of an insurance that costs a sum, paid on the first day
    valuation: Decimal | None = ZERO
    other_fees: Decimal | None = ZERO
    subsidies: Sequence[Subsidy] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the bill in yuan (a subsidy is negative); None when nobody has said."""

    label: str
    yuan: Decimal | None


@dataclass(frozen=True, slots=True)
class Total:
    """The bill. `known` adds up what is known; `total`, `per_year` and `apr` (percent) are None while a part is unknown.

    `apr` is also None when there is no such rate, e.g. when fees eat up the loan on the first day.
    """

    parts: tuple[Part, ...]
    known: Decimal
    total: Decimal | None
    per_year: Decimal | None
    apr: Decimal | None
    months: int

    def part(self, label: str) -> Decimal | None:
        """One line in yuan; None when nobody has said it."""
        return next((part.yuan for part in self.parts if part.label == label), None)

    @property
    def unknown(self) -> list[str]:
        return [part.label for part in self.parts if part.yuan is None]


@dataclass(frozen=True, slots=True)
class Instalment:
    """One month: yuan of principal and of interest."""

    principal: Decimal
    interest: Decimal


def schedule(amount: Decimal, *, annual_rate: Decimal, term_months: int, way: Way) -> list[Instalment]:
    """Month by month, every figure rounded to a fen; the principals add up to the amount exactly."""
    monthly = annual_rate / 1200
    if way is Way.BULLET:
        idle = [Instalment(ZERO, ZERO)] * (term_months - 1)
        return [*idle, Instalment(amount, round_to_fen(amount * monthly * term_months))]
    annuity = _annuity(amount, monthly, term_months) if way is Way.ANNUITY else ZERO
    level = round_to_fen(amount / term_months)
    made, open_ = [], amount
    for month in range(1, term_months + 1):
        interest = round_to_fen(open_ * monthly)
        if month == term_months:
            principal = open_
        elif way is Way.ANNUITY:
            principal = min(annuity - interest, open_)
        else:
            principal = min(level, open_) if way is Way.LINEAR else ZERO
        made.append(Instalment(principal, interest))
        open_ -= principal
    return made


def _annuity(amount: Decimal, monthly: Decimal, months: int) -> Decimal:
    if not monthly:
        return round_to_fen(amount / months)
    return round_to_fen(amount * monthly / (1 - (1 + monthly) ** -months))


def total(price: Price) -> Total:
    """The whole bill of a price. Raises ValueError for an amount or a term that is not above 0."""
    if price.amount <= 0 or price.term_months < 1:
        raise ValueError("a loan has an amount and a term")
    with localcontext() as context:
        context.prec = 28
        plan = schedule(
            price.amount, annual_rate=price.annual_rate or ZERO, term_months=price.term_months, way=price.way
        )
        guarantee = _yearly(price.guarantee_rate, price.amount, plan)
        insurance = _yearly(price.insurance_rate, price.amount, plan)
        interest = None if price.annual_rate is None else sum((i.interest for i in plan), ZERO)
        parts = [
            Part(INTEREST, interest),
            Part("担保费", None if guarantee is None else sum(guarantee.values(), ZERO)),
            Part("保险费", None if insurance is None else sum(insurance.values(), price.premium)),
            Part("评估费", price.valuation),
            Part("其他费用", price.other_fees),
            *(Part(subsidy.label, -subsidy.amount) for subsidy in price.subsidies),
        ]
        known = sum((part.yuan for part in parts if part.yuan is not None), ZERO)
        if any(part.yuan is None for part in parts):
            return Total(tuple(parts), known, None, None, None, price.term_months)
        flows = _flows(price, plan, guarantee or {}, insurance or {})
        per_year = round_to_fen(known * 12 / price.term_months)
        return Total(tuple(parts), known, known, per_year, rate_of_return(flows), price.term_months)


def _yearly(rate: Decimal | None, amount: Decimal, plan: Sequence[Instalment]) -> dict[int, Decimal] | None:
    """Fees by the month they are paid in; None when the rate is unknown."""
    if rate is None:
        return None
    fees: dict[int, Decimal] = {}
    open_ = amount
    for month, instalment in enumerate(plan):
        if rate and month % 12 == 0:
            fees[month] = round_to_fen(open_ * rate * min(12, len(plan) - month) / 1200)
        open_ -= instalment.principal
    return fees


def _flows(price: Price, plan: Sequence[Instalment], *fees: dict[int, Decimal]) -> list[Decimal]:
    """What the enterprise gets (+) and pays (−) from month 0 to the last."""
    flows = [price.amount - price.premium - (price.valuation or ZERO) - (price.other_fees or ZERO)]
    flows += [-(i.principal + i.interest) for i in plan]
    for paid in fees:
        for month, fee in paid.items():
            flows[month] -= fee
    for subsidy in price.subsidies:
        month = price.term_months if subsidy.month is None else min(max(subsidy.month, 0), price.term_months)
        flows[month] += subsidy.amount
    return flows


def rate_of_return(flows: Sequence[Decimal]) -> Decimal | None:
    """Percent a year (twelve monthly rates) with two decimals; None when no rate between −60 % and 1,200 % balances them."""
    low, high = _LOWEST, _HIGHEST
    at_low, at_high = _worth(flows, low), _worth(flows, high)
    if at_low > 0 or at_high < 0:
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _worth(flows, middle) > 0:
            high = middle
        else:
            low = middle
    return (high * 1200).quantize(PERCENT, rounding="ROUND_HALF_UP") + ZERO


def _worth(flows: Sequence[Decimal], rate: Decimal) -> Decimal:
    """On the first day, at a monthly rate (Horner)."""
    discount = 1 / (1 + rate)
    worth = ZERO
    for flow in reversed(flows):
        worth = worth * discount + flow
    return worth
