"""The working-day calendar this process counts with: read from the database, kept for half a minute.

A calendar that is half a minute old is good enough to show how many days are left. Whoever *counts a due moment* asks for
`counted_with`, which costs a look at the number of the calendar in force (a start asks for it with the policy it reads anyway)
and reads the calendar again when that number is another one.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from threading import Lock

from django.db import connection

from .calendar_files import BadCalendarFile
from .calendar_models import CalendarChange, CalendarYear, Closure, YearDays
from .workdays import WorkCalendar

KEEP_SECONDS = 30.0
_lock = Lock()
_cached: tuple[float, "Calendars"] | None = None


@dataclass(frozen=True)
class Calendars:
    """The country's calendar and what each IP office adds: its closures, and the number of its last own change.

    An office's calendar is built when it is first asked for, and the next asker gets the same one.
    """

    national: WorkCalendar
    closed: Mapping[int, frozenset[date]] = field(default_factory=dict)
    numbers: Mapping[int, int] = field(default_factory=dict)
    _built: dict[int, WorkCalendar] = field(default_factory=dict, repr=False)

    def of(self, organisation_id: int | None = None) -> WorkCalendar:
        """The calendar of one organisation; the country's when it never closed on a working day."""
        if organisation_id is None or organisation_id not in self.numbers:
            return self.national
        if organisation_id not in self._built:
            self._built[organisation_id] = with_closures(
                self.national, self.closed.get(organisation_id, frozenset()), number=self.numbers[organisation_id]
            )
        return self._built[organisation_id]


def current(organisation_id: int | None = None) -> WorkCalendar:
    """The calendar in force, with the closures of one IP office. Two or three queries each half minute at most."""
    return _kept().of(organisation_id)


def counted_with(organisation_id: int | None, *, number: int) -> WorkCalendar:
    """The calendar with that number or a later one, for counting a due moment in this transaction."""
    kept = current(organisation_id)
    if kept.number == number:
        return kept
    forget()
    return current(organisation_id)


def number(organisation_id: int | None = None) -> int:
    """Which calendar is in force now, held until this transaction ends: nobody settles a change over our head (one query)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sla_calendar_number(%s)", [organisation_id])
        return int(cursor.fetchone()[0])


def forget() -> None:
    """Read the calendar again at the next use (after an import, and between tests)."""
    global _cached
    _cached = None


def _kept() -> Calendars:
    global _cached
    found = _cached
    if found is not None and time.monotonic() - found[0] < KEEP_SECONDS:
        return found[1]
    with _lock:
        read = read_now()
        _cached = (time.monotonic(), read)
    return read


def read_now() -> Calendars:
    """The calendars as this transaction sees them, past what the process keeps. Raises as `build`."""
    closed: dict[int, set[date]] = {}
    numbers: dict[int, int] = {}
    national = 0
    # Numbers first: a change that is committed between the two queries makes its days look older than they are, and the next
    # who counts reads again. The other way round old days would carry the new number.
    for organisation, last in _last_changes():
        if organisation is None:
            national = last
        else:
            numbers[organisation] = last
    for organisation, day in (
        Closure.objects.filter(removal=None).values_list("organisation_id", "day") if numbers else ()
    ):
        closed.setdefault(organisation, set()).add(day)
    return Calendars(
        national=build(list(CalendarYear.objects.order_by("year")), number=national),
        closed={organisation: frozenset(days) for organisation, days in closed.items()},
        numbers=numbers,
    )


def _last_changes() -> Iterable[tuple[int | None, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id, max(id) FROM sla_calendarchange GROUP BY organisation_id")
        return [(organisation, int(last)) for organisation, last in cursor.fetchall()]


def build(years: list[CalendarYear], *, number: int = 0) -> WorkCalendar:
    """One immutable calendar of consecutive published years, in order.

    Raises LookupError when none is loaded, BadCalendarFile when a year between is missing: its festivals would silently count.
    """
    return of_days({year.year: year for year in years}, number=number)


def of_days(years: Mapping[int, YearDays], *, number: int) -> WorkCalendar:
    """The same from what each year says, whichever table it stands in. Raises as `build`."""
    if not years:
        raise LookupError("no working-day calendar is loaded: run load_reference")
    first, last = min(years), max(years)
    if missing := sorted(set(range(first, last)) - set(years)):
        raise BadCalendarFile(f"年度日历必须逐年连续，缺少 {'、'.join(map(str, missing))} 年，请先载入。")
    digest = hashlib.sha256("".join(years[year].digest for year in sorted(years)).encode()).hexdigest()[:8]
    return WorkCalendar(
        holidays=frozenset(chain.from_iterable(each.holidays for each in years.values())),
        makeup_workdays=frozenset(chain.from_iterable(each.makeup_workdays for each in years.values())),
        first_day=date(first, 1, 1),
        last_published=date(last, 12, 31),
        version=f"{number}-{last}-{digest}",
        number=number,
    )


def with_closures(national: WorkCalendar, closures: frozenset[date], *, number: int) -> WorkCalendar:
    """An office's calendar: the country's and its own days off. `number` is that of its last own change.

    The version begins with the number of the last change it knows, so the journal says of what it is made.
    """
    number = max(number, national.number)
    text = national.version.partition("-")[2] + "".join(f",{day.isoformat()}" for day in sorted(closures))
    return WorkCalendar(
        holidays=national.holidays,
        makeup_workdays=national.makeup_workdays,
        first_day=national.first_day,
        last_published=national.last_published,
        closures=closures,
        version=f"{number}-{national.last_published.year}-{hashlib.sha256(text.encode()).hexdigest()[:8]}",
        number=number,
    )


def last_change() -> int:
    """The number of the last change of any calendar, 0 before the first."""
    return CalendarChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
