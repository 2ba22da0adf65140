"""How far the published calendar reaches, what is only provisional (暂定) because of it, and saying so in time."""

import logging
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

from . import calendars_in_use
from .calendar_models import CalendarAlarm
from .models import Clock
from .recounting import settle

log = logging.getLogger(__name__)

AHEAD = timedelta(days=60)  # before the last published day, and of a provisional due moment
NOTICE_MONTH = 11  # the State Council announces the next year in November
LOOK_EVERY = 60.0  # seconds, in one process
_looked = float("-inf")


@dataclass(frozen=True, slots=True)
class Horizon:
    """`last`: the last published day. `missing`: the year to load, from 1 November on, else None. `near`: 60 days or fewer left."""

    last: date
    days_left: int
    missing: int | None
    near: bool


def horizon(*, now: datetime) -> Horizon:
    """Where the calendar in force ends, seen from a moment. Raises LookupError without a calendar."""
    last, today = calendars_in_use.current().last_published, local_date(now)
    due = today >= date(last.year, NOTICE_MONTH, 1)
    return Horizon(last, (last - today).days, last.year + 1 if due else None, today >= last - AHEAD)


def provisional() -> "QuerySet[Clock]":
    """Open clocks whose due moment may still move when the next year is published, soonest first."""
    return Clock.objects.running().filter(provisional=True).order_by("due_at", "pk")


def raise_alarms(*, now: datetime) -> list[str]:
    """Journal, once each, that the calendar ends soon and that deadlines depend on the unpublished year; what was raised now.

    Any number of callers at any time: the alarm's row is written with its entry, and only one of them can write it.
    """
    found = horizon(now=now)
    if not found.near:
        return []
    year = found.last.year + 1
    wanted = {
        f"horizon:{year}": f"工作日历只公布到 {found.last:%Y-%m-%d}，请在国务院办公厅公布 {year} 年放假安排后尽快导入",
        f"deadlines:{year}": f"有在办时限将在 60 天内到期，而 {year} 年放假安排尚未导入，这些时限只是暂定",
    }
    raised = set(CalendarAlarm.objects.filter(key__in=wanted).values_list("key", flat=True))
    done = []
    for key in [key for key in wanted if key not in raised]:
        count = provisional().filter(due_at__lte=now + AHEAD).count()
        if key.startswith("deadlines") and not count:
            continue
        with transaction.atomic():
            _, created = CalendarAlarm.objects.get_or_create(key=key, defaults={"raised_at": now})
            if not created:
                continue
            record(
                "calendar.alarm",
                actor=SYSTEM,
                now=now,
                subject=f"calendar:{year}",
                text=wanted[key],
                data={"alarm": key, "year": year, "last": found.last, "provisional": count},
            )
        done.append(key)
    return done


def watch(*, now: datetime) -> None:
    """What every caller of the sweep does beside it. It never raises: announcing deadlines must not stop for the calendar."""
    global _looked
    try:
        settle(now=now)
        if time.monotonic() - _looked >= LOOK_EVERY:
            _looked = time.monotonic()
            raise_alarms(now=now)
    except Exception:  # whatever it is, the loop goes on, and the next round tries again
        log.exception("looking after the calendar failed")
