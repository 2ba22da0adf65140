"""What the form says about the particulars, validated by the form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class MaximumEntry:
    """The period in which debts arise (local days) and the longest term of one of them in months."""

    determined_from: date
    determined_to: date
    term_months: int


@dataclass(frozen=True, slots=True)
class PledgorEntry:
    """The third-party pledgor. `kind` is an IdentityKind, `identity` canonical for it."""

    kind: str
    name: str
    identity: str
    address: str


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """The agency: for whom it acts, which side has no residence in China ("" for none), and what it may do."""

    acts_for: str
    abroad: str
    agency: str
    person: str
    identity: str
    phone: str
    powers: Sequence[str]
