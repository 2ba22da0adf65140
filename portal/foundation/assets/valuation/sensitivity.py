"""How much the value moves when an assumption does: small tables that are printed and drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils.safestring import SafeString

from portal.foundation.core import charts
from portal.foundation.core.money import YUAN_PER_WAN, round_to_fen

from .approaches import Comparable, Cost, Income, Outcome, adjusted, cost_value, income_value, market_value

POINTS = (Decimal(-2), Decimal(0), Decimal(2))  # of the discount rate
SWINGS = (Decimal(-20), Decimal(0), Decimal(20))  # % of revenue
AGEING = (Decimal(-10), Decimal(0), Decimal(10))  # points of obsolescence
PRICES = (Decimal(-10), Decimal(0), Decimal(10))  # % of the comparable prices


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of yuan under column labels; the first label names the rows. `title` says what is varied."""

    title: str
    corner: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Decimal]]]

    @property
    def lowest(self) -> Decimal:
        return min(value for _, values in self.rows for value in values)

    @property
    def highest(self) -> Decimal:
        return max(value for _, values in self.rows for value in values)

    @property
    def data(self) -> charts.Data:
        """The same figures in 万元 for the chart: one series a row, or one bar a row where there is one column."""
        if len(self.columns) == 1:
            bars = [values[0] / YUAN_PER_WAN for _, values in self.rows]
            return charts.Data([name for name, _ in self.rows], [charts.Series(self.columns[0], bars)], unit="万元")
        return charts.Data(
            list(self.columns),
            [charts.Series(name, [value / YUAN_PER_WAN for value in values]) for name, values in self.rows],
            unit="万元",
        )

    def chart(self) -> SafeString:
        return charts.bar(self.data, title=self.title)


def of_income(given: Income) -> Table:
    """Discount rate ±2 points (never below zero) against revenue ±20 %."""
    return Table(
        "收益法敏感性：折现率和收入变动时的估值",
        "折现率",
        [f"收入 {_signed(s)}%" if s else "收入不变" for s in SWINGS],
        [
            (
                f"折现率 {_plain(max(given.discount + p, Decimal(0)))}%",
                [
                    income_value(
                        replace(
                            given,
                            discount=max(given.discount + p, Decimal(0)),
                            revenue=round_to_fen(given.revenue * (100 + s) / 100),
                        )
                    )
                    for s in SWINGS
                ],
            )
            for p in POINTS
        ],
    )


def of_market(deals: Sequence[Comparable]) -> Table:
    """Each deal alone, and all prices ±10 %."""
    swung = [
        (f"价格 {_signed(s)}%" if s else "价格不变", [market_value([_swing(deal, s) for deal in deals])])
        for s in PRICES
    ]
    alone = [(f"只看交易 {place}", [adjusted(deal)]) for place, deal in enumerate(deals, start=1)]
    return Table("市场法敏感性：可比价格变动时的估值", "情形", ["估值"], swung + alone)


def of_cost(given: Cost) -> Table:
    """Obsolescence ±10 points, within 0 and 100."""
    rows = []
    for p in AGEING:
        level = min(max(given.obsolescence + p, Decimal(0)), Decimal(100))
        rows.append((f"贬值率 {_plain(level)}%", [cost_value(replace(given, obsolescence=level))]))
    return Table("成本法敏感性：贬值率变动时的估值", "贬值率", ["估值"], rows)


def outcome(value: Decimal, table: Table) -> Outcome:
    return Outcome(value, table.lowest, table.highest)


def _swing(deal: Comparable, percent: Decimal) -> Comparable:
    return replace(deal, price=round_to_fen(deal.price * (100 + percent) / 100))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _signed(number: Decimal) -> str:
    return f"{number:+f}".replace("-", "−")
