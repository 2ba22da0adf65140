"""The inputs of the three approaches as they are kept (text) and as they are counted (Decimal)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from . import sensitivity
from .approaches import Comparable, Cost, Income, Outcome, cost_value, income_value, market_value

KINDS: Mapping[str, str] = {"income": "收益法", "market": "市场法", "cost": "成本法"}
Given = Income | tuple[Comparable, ...] | Cost


@dataclass(frozen=True, slots=True)
class Computed:
    """One approach with its result, table and outcome."""

    kind: str
    given: Given
    value: Decimal
    table: sensitivity.Table

    @property
    def name(self) -> str:
        return KINDS[self.kind]

    @property
    def outcome(self) -> Outcome:
        return sensitivity.outcome(self.value, self.table)


def stored(given: Given) -> Any:
    """As JSON: every Decimal as text, so that nothing is lost on the way."""
    if isinstance(given, tuple):
        return [_texts(asdict(deal)) for deal in given]
    return _texts(asdict(given))


def read(kind: str, kept: Any) -> Given:
    """Back from JSON. Raises KeyError for an unknown approach."""
    if kind == "market":
        return tuple(Comparable(name=row["name"], **_numbers(row, "name")) for row in kept)
    if kind == "income":
        return Income(years=int(kept["years"]), **_numbers(kept, "years"))
    return {"cost": Cost}[kind](**_numbers(kept))


def compute(kind: str, given: Given) -> Computed:
    """Result and sensitivity of one approach."""
    if isinstance(given, Income):
        return Computed(kind, given, income_value(given), sensitivity.of_income(given))
    if isinstance(given, Cost):
        return Computed(kind, given, cost_value(given), sensitivity.of_cost(given))
    return Computed(kind, given, market_value(given), sensitivity.of_market(given))


def computed(kept: Mapping[str, Any]) -> dict[str, Computed]:
    """Every approach that has inputs, in the order of KINDS."""
    return {kind: compute(kind, read(kind, kept[kind])) for kind in KINDS if kind in kept}


def _texts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def _numbers(row: Mapping[str, Any], *but: str) -> dict[str, Decimal]:
    return {name: Decimal(value) for name, value in row.items() if name not in but}
