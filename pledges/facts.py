"""What the grounds look at, as plain values: no database, no clock."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

_APART = re.compile(r"[;；、，]|\s{2,}")


@dataclass(frozen=True, slots=True)
class PatentFacts:
    """One patent of the file. `consents`: co-owners whose consent is on file. `pledged`: an effective pledge exists;
    `pending`: other files with this number that are with the office.

    `register` and `asked_at`: which register said this, and when it was asked; without them the enterprise did. `problem`:
    why the register leaves it open. `pledge_noted`: a pledge the register itself has. `transferred_on`: last transfer.
    """

    number: str
    title: str
    kind: str
    patentee: str
    status: str
    filing_date: date | None
    grant_date: date | None
    expires_on: date | None
    fee_paid_until: date | None
    preserved: bool
    invalidation_pending: bool
    same_day_twin: str
    checked_on: date | None
    co_owners: tuple[str, ...] = ()
    consents: frozenset[str] = frozenset()
    pledged: bool = False
    pending: int = 0
    register: str = ""
    asked_at: datetime | None = None
    problem: str = ""
    pledge_noted: str = ""
    transferred_on: date | None = None

    @property
    def dotted(self) -> str:
        return f"{self.number[:-1]}.{self.number[-1]}"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The file as it stands on `today`. `filing`: before it is handed in, when a pending file elsewhere also stands against it."""

    today: date
    filing: bool
    pledgor: str
    debtor: str
    contract_number: str
    contract_signed_on: date | None
    contract_on_file: bool
    debt_kind: str
    debt_amount: Decimal | None
    debt_from: date | None
    debt_to: date | None
    scope: str
    agreement: bool  # the co-owners agreed otherwise
    agreement_on_file: bool
    twin_declared: bool
    invalidation_declared: bool
    patents: tuple[PatentFacts, ...]
    debt_to_said: str = ""  # of a maximum-amount pledge: how `debt_to`, the last day a debt can fall due, comes about
    recent_days: int = 365  # a transfer within so many days is pointed out (settings)


def plain_name(name: str) -> str:
    """A name for comparing: without spaces, brackets in one width."""
    return re.sub(r"\s", "", name).replace("（", "(").replace("）", ")")


def split_names(line: str) -> list[str]:
    """The names in the register's line of patentees."""
    return [n.strip() for n in _APART.split(line) if n.strip()]


def owners(patent: PatentFacts) -> list[str]:
    """Every registered patentee: the names in the register's line, then the co-owners that were entered one by one."""
    names = split_names(patent.patentee)
    known = {plain_name(n) for n in names}
    return names + [n for n in patent.co_owners if plain_name(n) not in known]


def others(patent: PatentFacts, pledgor: str) -> list[str]:
    """The patentees other than the pledgor, whose consent is needed."""
    return [n for n in owners(patent) if plain_name(n) != plain_name(pledgor)]
