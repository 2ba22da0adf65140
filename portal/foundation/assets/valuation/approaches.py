"""Income, market and cost approach, and what they come to together: pure functions over Decimal.

Money is yuan; rates are percent (12 means 12 %). Every amount that appears in a table is rounded to the fen, half up, by
itself, and totals are sums of what the table shows, so that a reader's calculator agrees. Powers are computed with 50 digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from portal.foundation.core.money import round_to_fen

HUNDRED = Decimal(100)
ZERO = Decimal("0.00")
_DIGITS = 50


@dataclass(frozen=True, slots=True)
class Income:
    """Relief from royalty. `revenue` is the first year's revenue of the products that use the patents."""

    revenue: Decimal
    growth: Decimal  # % a year
    share: Decimal  # % of revenue that is due to the patents
    tax: Decimal  # % of that income
    discount: Decimal  # % a year, paid at the end of each year
    years: int


@dataclass(frozen=True, slots=True)
class Year:
    """One line of the income table, yuan."""

    year: int
    revenue: Decimal
    income: Decimal  # due to the patents, after tax
    present: Decimal


@dataclass(frozen=True, slots=True)
class Comparable:
    """A comparable deal: what was paid, and how ours differs in percent (100 is the same, 110 is better by a tenth)."""

    name: str
    price: Decimal
    technology: Decimal
    rights: Decimal
    timing: Decimal
    weight: Decimal  # %, all deals together 100


@dataclass(frozen=True, slots=True)
class Cost:
    """What making the patents again would cost, yuan; `profit` and `obsolescence` in percent."""

    labour: Decimal
    materials: Decimal
    equipment: Decimal
    other: Decimal
    profit: Decimal
    obsolescence: Decimal


def income_years(given: Income) -> list[Year]:
    """The table behind the income approach, one line a year."""
    lines = []
    with localcontext(prec=_DIGITS):
        keep = given.share / HUNDRED * (1 - given.tax / HUNDRED)
        for year in range(1, given.years + 1):
            revenue = given.revenue * (1 + given.growth / HUNDRED) ** (year - 1)
            income = revenue * keep
            present = income / (1 + given.discount / HUNDRED) ** year
            lines.append(Year(year, round_to_fen(revenue), round_to_fen(income), round_to_fen(present)))
    return lines


def income_value(given: Income) -> Decimal:
    """Yuan to the fen: the sum of the yearly present values as printed."""
    return sum((line.present for line in income_years(given)), ZERO)


def adjusted(deal: Comparable) -> Decimal:
    """What the deal would have paid for ours, yuan to the fen."""
    with localcontext(prec=_DIGITS):
        return round_to_fen(
            deal.price * (deal.technology / HUNDRED) * (deal.rights / HUNDRED) * (deal.timing / HUNDRED)
        )


def market_value(deals: Sequence[Comparable]) -> Decimal:
    """The weighted mean of the adjusted prices, yuan to the fen. Raises ValueError without deals or without weight."""
    return _weighted([(adjusted(deal), deal.weight) for deal in deals])


def cost_total(given: Cost) -> Decimal:
    return round_to_fen(given.labour + given.materials + given.equipment + given.other)


def cost_value(given: Cost) -> Decimal:
    """Costs with a fair profit, less what has become obsolete; yuan to the fen."""
    with localcontext(prec=_DIGITS):
        return round_to_fen(cost_total(given) * (1 + given.profit / HUNDRED) * (1 - given.obsolescence / HUNDRED))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one approach says, with the lowest and highest figure of its sensitivity table; yuan."""

    value: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Reconciled:
    value: Decimal
    low: Decimal
    high: Decimal


def reconcile(parts: Sequence[tuple[Outcome, Decimal]]) -> Reconciled:
    """One value and a range from the approaches used, each with its weight in percent (together 100).

    Raises ValueError when nothing is weighed.
    """
    return Reconciled(
        _weighted([(o.value, w) for o, w in parts]),
        _weighted([(o.low, w) for o, w in parts]),
        _weighted([(o.high, w) for o, w in parts]),
    )


def _weighted(rows: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    total = sum((weight for _, weight in rows), Decimal(0))
    if total <= 0:
        raise ValueError("nothing is weighed")
    with localcontext(prec=_DIGITS):
        return round_to_fen(sum((amount * weight for amount, weight in rows), Decimal(0)) / total)
