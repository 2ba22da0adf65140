"""What a changed calendar does to open clocks: which due moments move, and moving them. Stopped clocks keep their verdict.

How a submission and a change of the calendar meet (the tests race them):

- Whoever counts a due moment asks for the number of the calendar inside the transaction (`calendars_in_use.number`), so what a
  process keeps in memory is never counted with when it is old.
- That question holds a shared lock until the transaction ends. A change moves what it can see in one transaction; a submission
  that asked before and commits after it is found by `settle`, which the importer calls at once and the sweep's callers every
  second. `settle` goes on until the lock could be had exclusively for a moment: then nobody who read an older number is left,
  and a last look finds every clock.
- A change locks owners before clocks, as everybody does, and only one change happens at a time.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db import connection, transaction
from django.db.models import Q

from portal.foundation.core.actor import SYSTEM, Actor
from portal.foundation.core.db import busy_when_held
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

from . import calendars_in_use, clocks, facts, owners
from .calendar_models import CalendarChange
from .calendars_in_use import Calendars
from .clocks import Plan
from .lamps import due_text
from .models import OF_THE_OFFICE, Clock, Kind
from .workdays import OutsideCalendar, WorkCalendar

_COUNTING, _CHANGING = 582026, 582027  # advisory locks: see migration 0004 for the first; one change at a time
# A transaction is ended by the server long before this (settings.py); a clock counted in it is not older.
_IN_FLIGHT = timedelta(hours=1)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Move:
    """One open clock as it is stored, and what it becomes. `calendar`: the version it was counted with."""

    clock: Clock
    plan: Plan
    calendar: str

    @property
    def moved(self) -> bool:
        """The due moment is another one."""
        return self.plan.due_at != self.clock.due_at

    @property
    def confirmed(self) -> bool:
        """暂定 became final."""
        return self.clock.provisional and not self.plan.provisional

    def late(self, *, now: datetime) -> bool:
        """It was not late, and is from now on: the new due moment has passed already."""
        running = self.clock.paused_at is None
        return running and self.plan.due_at <= now < self.clock.due_at


def moves(before: Calendars, after: Calendars, *, office: int | None = None) -> list[Move]:
    """Every open clock whose due moment, mark 暂定 or reminders change, soonest first; `office`: only its registrations.

    A clock is among them when both calendars count it differently, and it is not stored as the new one counts it already.
    """
    open_clocks = Clock.objects.running().select_related("organisation")
    if office is not None:
        open_clocks = open_clocks.filter(organisation_id=office, kind__in=OF_THE_OFFICE)
    found = [move for clock in open_clocks.iterator(2000) if (move := _move(clock, before=before, after=after))]
    return sorted(found, key=lambda move: (move.plan.due_at, move.clock.case_number, move.clock.pk))


def _move(clock: Clock, *, before: Calendars | None, after: Calendars) -> Move | None:
    office = clocks.office_of(clock.kind, clock.organisation_id)
    calendar = after.of(office)
    try:
        planned = counted(clock, calendar)
        if before is not None and planned == counted(clock, before.of(office)):
            return None
    except OutsideCalendar:
        return None  # no calendar there is reaches that far: nothing to say about it
    stored = Plan(clock.due_at, clock.provisional, list(clock.levels), list(clock.moments))
    return None if planned == stored else Move(clock, planned, calendar.version)


def counted(clock: Clock, calendar: WorkCalendar) -> Plan:
    """The clock's term with this calendar, under the policy it started with.

    A paused clock gets its term anew when it goes on, so only the mark of its due moment is looked at. One that was late
    already keeps its due moment through the pause, so that moment is counted like a running clock's.
    """
    if clock.paused_at is not None and clock.paused_at < clock.due_at:
        provisional = calendar.is_provisional(local_date(clock.due_at - _MOMENT))
        return Plan(clock.due_at, provisional, list(clock.levels), list(clock.moments))
    policy = clocks.version(clock.policy_id)
    return clocks.plan(policy, list(policy.levels.all()), started_at=clock.term_from, calendar=calendar)


def token(found: Iterable[Move], *about: object) -> str:
    """What a person saw in a preview, as one word: the same only while the same clocks make the same moves."""
    rows = [(m.clock.pk, m.clock.due_at, m.plan.due_at, m.clock.provisional, m.plan.provisional) for m in found]
    return hashlib.sha256(repr((about, sorted(rows))).encode()).hexdigest()[:16]


def hold() -> None:
    """One change of the calendar at a time, until the transaction ends. Raises Busy."""
    with busy_when_held(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHANGING])


def recount(
    clock_ids: Sequence[int],
    *,
    before: Calendars | None,
    after: Calendars,
    ground: str,
    actor: Actor,
    now: datetime,
) -> list[Move]:
    """Lock these clocks, read them again, move those that `after` counts differently, and journal it case by case.

    Inside the caller's transaction. Raises Busy when somebody keeps one of them too long.
    """
    with busy_when_held():
        owners.lock(clock_ids)
        locked = list(
            Clock.objects.running()
            .select_for_update(of=("self",), no_key=True)
            .filter(pk__in=clock_ids)
            .select_related("organisation")
            .order_by("pk")
        )
    found = [move for clock in locked if (move := _move(clock, before=before, after=after))]
    changed = [_apply(move) for move in found]
    Clock.objects.bulk_update(
        changed, ["due_at", "provisional", "levels", "moments", "level", "next_at"], batch_size=200
    )
    by_case = sorted(zip(found, changed, strict=True), key=lambda pair: (pair[1].case_number, pair[1].pk))
    for number, group in groupby(by_case, key=lambda pair: pair[1].case_number):
        _tell(number, list(group), ground=ground, actor=actor, now=now)
    return found


def _apply(move: Move) -> Clock:
    """A copy of the clock with its new term. Levels that were announced (or overtaken) stay so, wherever they move."""
    old, planned = move.clock, move.plan
    new = Clock(**{field.attname: getattr(old, field.attname) for field in Clock._meta.concrete_fields})
    new._state.adding, new._state.db = False, old._state.db
    done = set(old.levels[: old.level])
    new.due_at, new.provisional = planned.due_at, planned.provisional
    new.levels, new.moments = planned.levels, planned.moments
    # Everything up to the highest level that was announced counts as done, so nothing is told twice and nothing left out.
    new.level = max((place for place, level in enumerate(new.levels, start=1) if level in done), default=0)
    silent = new.paused_at is not None or new.level >= len(new.moments)
    new.next_at = None if silent else new.moments[new.level]
    new.calendar = move.calendar
    return new


def _tell(case_number: str, pairs: Sequence[tuple[Move, Clock]], *, ground: str, actor: Actor, now: datetime) -> None:
    said = dict.fromkeys(_sentence(move) for move, _ in pairs)  # nobody is named: every party reads it
    record(
        "clock.recomputed",
        actor=actor,
        now=now,
        subject=f"case:{case_number}",
        case_number=case_number,
        text=f"工作日历变更，{'；'.join(said)}。依据：{ground}",
        data={
            "ground": ground,
            "clocks": [facts.recomputed(new, move.clock.due_at, now=now, ground=ground) for move, new in pairs],
        },
        parties=sorted({party for _, new in pairs for party in new.watchers}),
    )


def _sentence(move: Move) -> str:
    what = f"{Kind(move.clock.kind).label}时限"
    if move.moved:
        mark = "（暂定）" if move.plan.provisional else ""
        return f"{what}由 {due_text(move.clock.due_at)} 改为 {due_text(move.plan.due_at)}{mark}"
    if move.confirmed:
        return f"{what} {due_text(move.plan.due_at)} 由暂定转为正式"
    return f"{what}不变，提醒时刻按新日历重新安排"


# --- after a change -----------------------------------------------------------------------------------------------------


def settle(*, now: datetime) -> int:
    """Find clocks that were counted with an older calendar while it changed, and count them anew; returns how many moved.

    Cheap when nothing changed lately (one look at an index). Safe to call from anywhere, at any time, by any number of callers.
    """
    waiting = list(CalendarChange.objects.filter(settled_at=None).order_by("pk"))
    if not waiting:
        return 0
    # First this, then the look: who counted with an older number has committed by now, and its clock is seen below.
    quiet = _nobody_counts()
    moved = _settle(since=waiting[0].made_at - _IN_FLIGHT, ground=waiting[-1].ground, now=now)
    if moved is None:
        return 0
    if quiet and not moved:
        CalendarChange.objects.filter(pk__in=[change.pk for change in waiting], settled_at=None).update(settled_at=now)
    return moved


def _nobody_counts() -> bool:
    """Whether the lock of those who count can be had exclusively, for the moment of this statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_COUNTING])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _settle(*, since: datetime, ground: str, now: datetime) -> int | None:
    """None while a change is being made: it looks itself."""
    with connection.cursor() as cursor:
        # The loops that announce deadlines call this: they come again in a second rather than wait for an officer.
        cursor.execute("SET LOCAL lock_timeout = '300ms'")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_CHANGING])
        if not cursor.fetchone()[0]:
            return None
    after = calendars_in_use.read_now()
    late = _wrong(Clock.objects.running().filter(Q(started_at__gte=since) | Q(counted_from__gte=since)), after)
    if not (wrong := list(late)):
        return 0
    return len(recount(wrong, before=None, after=after, ground=ground, actor=SYSTEM, now=now))


def _wrong(open_clocks: Iterable[Clock], after: Calendars) -> Iterator[int]:
    return (clock.pk for clock in open_clocks if _move(clock, before=None, after=after) is not None)
