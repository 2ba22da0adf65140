"""The cases behind a figure: exactly the clocks a cell of the report counts, newest first."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from portal.foundation.core.errors import Invalid
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.lamps import Lamp

from .facts import fact, parameters
from .measures import MEASURES, Measure
from .paging import PAGE, Cursor, Page, Place, page
from .scope import Scope
from .sla import Names

_COLUMNS = "id, number, file, organisation_id, district, started_at, due_at, stopped_at, paused_at, excused, provisional, warn_at"


@dataclass(frozen=True, slots=True)
class Case:
    """One clock as a regulator sees it in a list: no enterprise's name, that stands on the case's own page."""

    clock: int
    number: str
    file: str  # number of the registration file, "" for a response
    institution: str
    district: str
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    excused: bool
    provisional: bool
    lamp: Lamp

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.started_at, self.clock)


def measure(scope: Scope, code: str) -> Measure:
    """The measure of that code. Raises Invalid for a code that this promise does not have."""
    found = MEASURES[scope.kind].get(code)
    if found is None:
        raise Invalid("measure", "没有这一项指标，请从报表中的数字进入。")
    return found


def count(scope: Scope, code: str, *, now: datetime) -> int:
    """How many cases the figure counts, by the same predicate."""
    statement = f"{fact(scope.kind)} SELECT count(*) FROM fact WHERE {_condition(scope, code)}"  # noqa: S608 — constants
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters(scope, now=now))
        return int(cursor.fetchone()[0])


def cases(scope: Scope, code: str, *, place: Place, known: Names, now: datetime, size: int = PAGE) -> Page[Case]:
    """One page of the cases, one query. Raises Invalid for an unknown measure."""
    order, sign = ("ASC", ">") if place.backwards else ("DESC", "<")
    beyond = f"AND (started_at, id) {sign} (%(at)s, %(id)s)" if place.cursor else ""
    statement = f"""{fact(scope.kind)} SELECT {_COLUMNS} FROM fact WHERE {_condition(scope, code)} {beyond}
        ORDER BY started_at {order}, id {order} LIMIT %(limit)s"""  # noqa: S608 — constants; the cursor is a parameter
    values = parameters(scope, now=now) | {"limit": size + 1}
    if place.cursor:
        values |= {"at": place.cursor.at, "id": place.cursor.id}
    calendar = calendars_in_use.current()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    found = [
        Case(
            clock=clock,
            number=number,
            file=file,
            institution=known.key("institution", organisation).label,
            district=known.key("district", district).label,
            started_at=started,
            due_at=due,
            stopped_at=stopped,
            excused=excused,
            provisional=provisional,
            lamp=lamps.lamp(
                due_at=due,
                stopped_at=stopped,
                paused_at=paused,
                excused=excused,
                provisional=provisional,
                warn_at=warn,
                now=now,
                calendar=calendar,
                kind=scope.kind,
            ),
        )
        for clock, number, file, organisation, district, started, due, stopped, paused, excused, provisional, warn in rows
    ]
    return page(found, place, [case.cursor for case in found], size=size)


def _condition(scope: Scope, code: str) -> str:
    return f"({measure(scope, code).predicate}) AND (%(desk)s::boolean IS NULL OR desk = %(desk)s)"
