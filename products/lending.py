"""Loans that were paid out, by the number of their case. They are recorded on a floor above, which says in `ready()` how to
find one; subsidies and quotas ask here whose loan it is before anything is booked on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

NOT_YOURS = (
    "没有这笔本单位已放款的办件。"  # for a foreign case and for one that does not exist: numbers cannot be probed
)


@dataclass(frozen=True, slots=True)
class Lent:
    """A loan that was paid out: yuan; `covered` has what each guarantor or insurer covers of it by organisation id, of
    covers that the enterprise took together with the offer."""

    enterprise_id: int
    lender_id: int
    amount: Decimal
    covered: Mapping[int, Decimal]


Find = Callable[[str], Lent | None]

_finders: list[Find] = []


def register(find: Find) -> None:
    """`find` takes the canonical number of a case; None while nothing was paid out, and when there is no such case."""
    _finders[:] = [find]


def loan_of(number: str) -> Lent | None:
    """The loan of a case, or None."""
    return next((lent for find in _finders if (lent := find(number)) is not None), None)
