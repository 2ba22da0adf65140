"""The working-day calendar this process counts with: read from the database, kept for half a minute."""

import hashlib
import time
from datetime import date
from itertools import chain
from threading import Lock

from django.db import transaction

from .calendar_files import BadCalendarFile, YearFile, all_years
from .models import CalendarDay, CalendarYear
from .workdays import WorkCalendar

KEEP_SECONDS = 30.0
_lock = Lock()
_cached: tuple[float, WorkCalendar] | None = None


def current() -> WorkCalendar:
    """The calendar in force. One query each half minute at most; an import calls `forget()`."""
    global _cached
    found = _cached
    if found is not None and time.monotonic() - found[0] < KEEP_SECONDS:
        return found[1]
    with _lock:
        calendar = build(list(CalendarYear.objects.order_by("year")))
        _cached = (time.monotonic(), calendar)
    return calendar


def forget() -> None:
    """Read the calendar again at the next use (after an import, and between tests)."""
    global _cached
    _cached = None


def build(years: list[CalendarYear]) -> WorkCalendar:
    """One immutable calendar of consecutive published years.

    Raises LookupError when none is loaded, BadCalendarFile when a year between is missing: its festivals would silently count.
    """
    if not years:
        raise LookupError("no working-day calendar is loaded: run load_reference")
    known = {y.year for y in years}
    if missing := sorted(set(range(years[0].year, years[-1].year)) - known):
        raise BadCalendarFile(f"年度日历必须逐年连续，缺少 {'、'.join(map(str, missing))} 年，请先载入。")
    return WorkCalendar(
        holidays=frozenset(chain.from_iterable(y.holidays for y in years)),
        makeup_workdays=frozenset(chain.from_iterable(y.makeup_workdays for y in years)),
        first_day=date(years[0].year, 1, 1),
        last_published=date(years[-1].year, 12, 31),
        version=f"{years[-1].year}-{hashlib.sha256(''.join(y.digest for y in years).encode()).hexdigest()[:8]}",
    )


@transaction.atomic
def load(files: list[YearFile] | None = None) -> int:
    """Load every year that is new or changed, and rewrite the day table; returns how many years changed."""
    known = dict(CalendarYear.objects.values_list("year", "digest"))
    fresh = [y for y in (all_years() if files is None else files) if known.get(y.year) != y.digest]
    CalendarYear.objects.filter(year__in=[y.year for y in fresh]).delete()
    CalendarYear.objects.bulk_create(
        CalendarYear(
            year=y.year,
            digest=y.digest,
            document=y.document,
            source=y.source,
            holidays=sorted(y.holidays),
            makeup_workdays=sorted(y.makeup_workdays),
        )
        for y in fresh
    )
    if fresh:
        _write_days()
    forget()
    return len(fresh)


def _write_days() -> None:
    rows = build(list(CalendarYear.objects.order_by("year"))).rows()
    CalendarDay.objects.all().delete()
    CalendarDay.objects.bulk_create((CalendarDay(**row._asdict()) for row in rows), batch_size=5000)
