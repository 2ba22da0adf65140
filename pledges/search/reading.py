"""Reads of the public search: by patent number the whole history, by party one keyset page. Nothing else is told than the
patent gazette tells (parties, patent number, grant and registration date, changes); never an amount. Parties are called as
they are registered: a new name counts in the register only once its change is registered there.

Plain SQL: one statement by index, and no more work than its rows are worth (`bin/portal bench --only B11`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from weakref import WeakSet

from django.db import DatabaseError, connection

from pledges.models import Registration
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.moments import local_date

State = Registration.State
# Whatever has not been registered (yet). Said this way round, so that a state which is added after registration is found.
NEVER = (
    State.DRAFT, State.CONFIRMING, State.SUBMITTED, State.EXAMINING, State.CORRECTING, State.REFUSED, State.WITHDRAWN,
)  # fmt: skip
_NEVER = ", ".join(f"'{state.value}'" for state in NEVER)
MOST = 200  # pledges of one patent: each needs its own working day, so nobody ever reaches this
PAGE = 20
NUMBERS_SHOWN = 10

_OF_PATENT = f"""
SELECT p.number, p.kind, p.grant_date, r.decided_at, r.state, p.effective IS NOT NULL, upper(p.effective),
       COALESCE(NULLIF(r.pledgor_name, ''), (SELECT name FROM accounts_organisation WHERE id = r.pledgor_id)),
       COALESCE(NULLIF(r.pledgee_name, ''), (SELECT name FROM accounts_organisation WHERE id = r.pledgee_id)), r.national_number
FROM pledges_pledgedpatent p JOIN pledges_registration r ON r.id = p.registration_id
WHERE p.number = %s AND r.state NOT IN ({_NEVER}) ORDER BY r.id DESC LIMIT {MOST}
"""  # noqa: S608 - only constants of this file
_PARTY = "SELECT id, name FROM accounts_organisation WHERE uscc = %s"
_SIDE = f"""
(SELECT id, decided_at, state, pledgor_id, pledgee_id, pledgor_name, pledgee_name, national_number FROM pledges_registration
 WHERE {{side}} = %(party)s AND id < %(before)s AND state NOT IN ({_NEVER}) ORDER BY id DESC LIMIT %(rows)s)
"""  # noqa: S608
_OF_PARTY = f"""
SELECT r.id, r.decided_at, r.state, COALESCE(NULLIF(r.pledgor_name, ''), a.name), COALESCE(NULLIF(r.pledgee_name, ''), b.name),
       r.pledgor_id, r.national_number
FROM ({_SIDE.format(side="pledgor_id")} UNION {_SIDE.format(side="pledgee_id")}) r
JOIN accounts_organisation a ON a.id = r.pledgor_id JOIN accounts_organisation b ON b.id = r.pledgee_id
ORDER BY r.id DESC LIMIT %(rows)s
"""  # noqa: S608
_NUMBERS = """
SELECT registration_id, number, kind, effective IS NOT NULL, upper(effective)
FROM pledges_pledgedpatent WHERE registration_id = ANY(%s) ORDER BY registration_id, number
"""
FIRST = 2**62
_PLAN = "pledges_of_patent"
# Behind a pooler the next statement may meet another server process: the plan is not there, or somebody else's is.
_NO_PLAN = ("26000", "42P05")
_planned: "WeakSet[Any]" = WeakSet()  # connections of the driver that have it


@dataclass(frozen=True, slots=True)
class Pledge:
    """One pledge of one patent, as anybody may know it. `ended_on` is None while it is effective, or when it never was."""

    number: str
    kind: str
    granted_on: date | None
    registered_on: date | None
    live: bool
    state: str  # in words
    ended_on: date | None
    pledgor: str
    pledgee: str
    national_number: str

    @property
    def dotted(self) -> str:
        return f"{self.number[:-1]}.{self.number[-1]}"


@dataclass(frozen=True, slots=True)
class Contract:
    """One registration of a party with its patents; `role` is what the party asked for is in it."""

    pk: int
    registered_on: date | None
    state: str
    live: bool
    role: str
    pledgor: str
    pledgee: str
    national_number: str
    numbers: tuple[tuple[str, bool], ...]  # (patent number, effective)

    @property
    def shown(self) -> tuple[tuple[str, str, bool], ...]:
        """(number, with dot, whether this one was released while the contract's others are still pledged) of the first few."""
        return tuple((n, f"{n[:-1]}.{n[-1]}", self.live and not live) for n, live in self.numbers[:NUMBERS_SHOWN])

    @property
    def more(self) -> int:
        return max(0, len(self.numbers) - NUMBERS_SHOWN)


@dataclass(frozen=True, slots=True)
class Contracts:
    """A keyset page, newest first; `before` continues it, 0 when there is nothing more."""

    name: str  # of the party; "" when the portal does not know the code
    rows: tuple[Contract, ...]
    before: int


def of_patent(number: str) -> list[Pledge]:
    """Every pledge of this canonical number that was ever registered here, newest first; one statement."""
    return [_pledge(*row) for row in _rows(number)]


def _rows(number: str) -> list[Any]:
    """The statement planned once per connection: planning it takes PostgreSQL five times as long as running it."""
    with connection.cursor() as cursor:
        driver = connection.connection
        if connection.in_atomic_block:  # an error about a plan would break the transaction
            cursor.execute(_OF_PATENT, [number])
        else:
            try:
                if driver not in _planned:
                    cursor.execute(f"PREPARE {_PLAN} (text) AS {_OF_PATENT.replace('%s', '$1')}")
                    _planned.add(driver)
                cursor.execute(f"EXECUTE {_PLAN} (%s)", [number])
            except DatabaseError as error:
                if getattr(error.__cause__, "pgcode", "") not in _NO_PLAN:
                    raise
                _planned.discard(driver)
                cursor.execute(_OF_PATENT, [number])
        return list(cursor.fetchall())


def _pledge(
    number: str, kind: str, granted_on: date | None, decided_at: datetime | None, state: str, was: bool,
    until: datetime | None, pledgor: str, pledgee: str, national_number: str,
) -> Pledge:  # fmt: skip
    return Pledge(
        number, str(PatentKind(kind).label), granted_on, local_date(decided_at) if decided_at else None,
        was and until is None, _words(state, was, until), local_date(until) if until else None,
        pledgor, pledgee, national_number,
    )  # fmt: skip


def _words(state: str, was: bool, until: datetime | None) -> str:
    """What a reader is told. An effective pledge is called so whatever is being examined about it."""
    if was and until is None:
        return "质押中"
    if state == State.REGISTERED and was:  # this patent was released, the contract's others may not be
        return "已解除质押"
    return str(State(state).label)


def of_party(code: str, *, before: int = 0, rows: int = PAGE) -> Contracts:
    """Registrations in which the organisation with this USCC is pledgor or pledgee, newest first; three statements."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTY, [code])
        found = cursor.fetchone()
        if found is None:
            return Contracts("", (), 0)
        party, name = found
        cursor.execute(_OF_PARTY, {"party": party, "before": before or FIRST, "rows": rows + 1})
        contracts = cursor.fetchall()
        cursor.execute(_NUMBERS, [[row[0] for row in contracts[:rows]]])
        numbers = cursor.fetchall()
    made = tuple(_contract(row, party, [n for n in numbers if n[0] == row[0]]) for row in contracts[:rows])
    return Contracts(str(name), made, contracts[rows - 1][0] if len(contracts) > rows else 0)


def _contract(row: Sequence[Any], party: int, numbers: list[Sequence[Any]]) -> Contract:
    pk, decided_at, state, pledgor, pledgee, pledgor_id, national_number = row
    patents = tuple((str(n[1]), bool(n[3]) and n[4] is None) for n in numbers)
    live = any(effective for _, effective in patents)
    return Contract(
        pk, local_date(decided_at) if decided_at else None, "质押中" if live else _ended(state), live,
        "出质人" if pledgor_id == party else "质权人", pledgor, pledgee, national_number, patents,
    )  # fmt: skip


def _ended(state: str) -> str:
    return "已解除质押" if state == State.REGISTERED else str(State(state).label)
