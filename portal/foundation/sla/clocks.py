"""Start, pause, resume, reassign, stop. Called inside an action's transaction, after its own rows are locked (clock comes last).

Each returns the clock with what it did in `clock.facts`: the action puts them into its journal entry's `data["clocks"]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import connection

from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.core.prepared import Prepared, Slot

from . import calendars_in_use, facts
from .models import OF_THE_OFFICE, Clock, Pause, Policy, PolicyLevel
from .workdays import WorkCalendar

# The version of the promise, and with the same question the number of the calendar that counts here and now.
_IN_FORCE = """
SELECT policy.id, sla_calendar_number(%s)
  FROM (SELECT id FROM sla_policy WHERE kind = %s AND valid_from <= %s ORDER BY valid_from DESC, id DESC LIMIT 1) AS policy
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a start or a resume decides: the due moment and the ladder of moments before and after it."""

    due_at: datetime
    provisional: bool
    levels: list[str]
    moments: list[datetime]


def policy_in_force(kind: str, *, at: datetime) -> Policy:
    """The version of this promise in force at a moment, with its levels. Raises Policy.DoesNotExist when none was ever set.

    Which one it is, is asked every time, so a new version counts at once; what it says never changes (a new version is a
    new row), so that is read once per process. Treat it as read-only.
    """
    return _terms(kind, at=at, office=None)[0]


def _terms(kind: str, *, at: datetime, office: int | None) -> tuple[Policy, WorkCalendar]:
    """What a promise given at a moment is counted with, in one query: its policy, and the calendar in force here and now."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_FORCE, [office, str(kind), at])
        found = cursor.fetchone()
    if found is None:
        raise Policy.DoesNotExist(f"no policy is in force for {kind}: run load_reference")
    return version(found[0]), calendars_in_use.counted_with(office, number=found[1])


def office_of(kind: str, organisation_id: int) -> int | None:
    """Whose closures a promise is counted with: the IP office's for its own; a bank cannot close to evade an answer."""
    return organisation_id if kind in OF_THE_OFFICE else None


@lru_cache(maxsize=64)
def version(policy_id: int) -> Policy:
    """One version of a promise with its levels, read once per process: it never changes."""
    return Policy.objects.prefetch_related("levels").get(pk=policy_id)


def plan(policy: Policy, levels: Sequence[PolicyLevel], *, started_at: datetime, calendar: WorkCalendar) -> Plan:
    """Compute the due moment (aware UTC, exclusive) and the announcement moments after `started_at`."""
    deadline = calendar.deadline(
        started_at,
        days=policy.days,
        day_zero="next_open" if policy.day_zero == "next_open" else "strict",
        closes=policy.closes,
    )
    return ladder(deadline.due_at, deadline.provisional, levels, after=started_at, calendar=calendar)


def ladder(
    due_at: datetime, provisional: bool, levels: Sequence[PolicyLevel], *, after: datetime, calendar: WorkCalendar
) -> Plan:
    """Place the levels around a due moment. A reminder that would fall before `after` is left out."""
    steps = sorted((_moment(level, due_at, calendar), level.position, level.code) for level in levels)
    steps = [s for s in steps if s[0] > after]
    return Plan(due_at, provisional, [s[2] for s in steps], [s[0] for s in steps])


def _moment(level: PolicyLevel, due_at: datetime, calendar: WorkCalendar) -> datetime:
    if level.anchor == PolicyLevel.Anchor.BEFORE:
        return calendar.subtract_working_minutes(due_at, level.offset)
    if level.offset == 0:
        return due_at
    # The due moment is the exclusive end of the last day, so the day it names is the day before it.
    last_day = local_date(due_at - timedelta(microseconds=1))
    day, _ = calendar.add_workdays(last_day, level.offset)
    return midnight_after(day)


def prepare(
    kind: str,
    *,
    organisation_id: int,
    case_number: str,
    subject: str,
    watchers: Sequence[int],
    now: datetime,
    policy: Policy | None = None,
) -> Clock:
    """An unsaved running clock (for one INSERT of many). Raises Policy.DoesNotExist without a policy in force."""
    office = office_of(kind, organisation_id)
    if policy is None:
        policy, calendar = _terms(kind, at=now, office=office)
    else:
        calendar = calendars_in_use.counted_with(office, number=calendars_in_use.number(office))
    planned = plan(policy, list(policy.levels.all()), started_at=now, calendar=calendar)
    clock = Clock(
        kind=kind,
        policy=policy,
        organisation_id=organisation_id,
        case_number=case_number,
        subject=subject,
        watchers=sorted({organisation_id, *watchers}),
        days=policy.days,
        started_at=now,
        due_at=planned.due_at,
        provisional=planned.provisional,
        levels=planned.levels,
        moments=planned.moments,
        next_at=planned.moments[0] if planned.moments else None,
    )
    clock.calendar = calendar.version
    return clock


def start(
    kind: str, *, organisation_id: int, case_number: str, subject: str, watchers: Sequence[int], now: datetime
) -> Clock:
    """Start a promise's clock now; returns the saved clock."""
    clock = prepare(
        kind, organisation_id=organisation_id, case_number=case_number, subject=subject, watchers=watchers, now=now
    )
    clock.save(force_insert=True)
    clock.facts = [facts.started(clock)]
    return clock


_CLOCK = Prepared(lambda: Clock.objects.filter(pk=Slot("pk")).select_for_update(of=("self",)))


def _locked(clock_id: int) -> Clock:
    return _CLOCK.one(pk=clock_id)


def stop(clock_id: int, *, now: datetime, reason: str, excused: bool = False) -> Clock:
    """Stop for good; `excused` (withdrawn before due) leaves the denominator. Stopping twice changes nothing."""
    clock = _locked(clock_id)
    if clock.stopped_at is not None:
        return clock
    pauses = list(clock.pauses.values_list("started_at", "ended_at"))
    end = clock.paused_at or now
    clock.working_minutes = _working_minutes(clock, end, [(began, ended) for began, ended in pauses if ended])
    clock.stopped_at, clock.next_at, clock.stop_reason = now, None, reason
    clock.excused = excused and end < clock.due_at
    clock.save(update_fields=["stopped_at", "next_at", "stop_reason", "excused", "working_minutes"])
    if any(ended is None for _, ended in pauses):
        Pause.objects.filter(clock=clock, ended_at=None).update(ended_at=now)
    clock.facts = [facts.stopped(clock)]
    return clock


def _working_minutes(clock: Clock, end: datetime, pauses: Sequence[tuple[datetime, datetime]]) -> int:
    """Office minutes from the start to `end` (an open pause ends the count where it began), without the ended pauses."""
    calendar = calendars_in_use.current(office_of(clock.kind, clock.organisation_id))
    total = calendar.working_minutes(clock.started_at, end)
    return total - sum(calendar.working_minutes(*pause) for pause in pauses)


def pause(clock_id: int, *, now: datetime, reason: str) -> Clock:
    """Stop the clock for a while; nothing is announced until it resumes."""
    clock = _locked(clock_id)
    if clock.stopped_at is not None or clock.paused_at is not None:
        return clock
    clock.paused_at, clock.next_at = now, None
    clock.save(update_fields=["paused_at", "next_at"])
    Pause.objects.create(clock=clock, started_at=now, reason=reason)
    clock.facts = [facts.paused(clock, reason=reason)]
    return clock


def resume(clock_id: int, *, now: datetime) -> Clock:
    """Run again. The office gets the full term anew, counted from the day the file became complete.

    Basis: the published practice that the receipt date is the day all defects are cured (domain.md §1, [7], [8]).
    A clock that was already late when it was paused stays late: its due moment does not move, and it goes on where it was on
    its ladder, so that a level whose moment came during the pause is announced now.
    """
    clock = _locked(clock_id)
    if clock.paused_at is None or clock.stopped_at is not None:
        return clock
    Pause.objects.filter(clock=clock, ended_at=None).update(ended_at=now)
    was_late, clock.paused_at = clock.paused_at >= clock.due_at, None
    office = office_of(clock.kind, clock.organisation_id)
    calendar = calendars_in_use.counted_with(office, number=calendars_in_use.number(office))
    clock.calendar = calendar.version
    if not was_late:
        clock.counted_from = now
        planned = plan(clock.policy, list(clock.policy.levels.all()), started_at=now, calendar=calendar)
        clock.due_at, clock.provisional = planned.due_at, planned.provisional
        clock.levels, clock.moments, clock.level = planned.levels, planned.moments, 0
    clock.next_at = clock.moments[clock.level] if clock.level < len(clock.moments) else None
    clock.save(
        update_fields=["paused_at", "counted_from", "due_at", "provisional", "levels", "moments", "level", "next_at"]
    )
    clock.facts = [facts.resumed(clock, now=now, anew=not was_late)]
    return clock


def reassign(clock_id: int, organisation_id: int, *, now: datetime, reason: str) -> Clock:
    """The promise goes over to another organisation: from now on it answers for it and is told, and the old one is not.

    The term does not start anew: the enterprise was promised an answer by the portal, not by this office, and a promise that
    is lengthened by handing it on is none. Only where the policy version says otherwise (`anew_when_reassigned`) does the
    full term begin again, and never for a clock that is late. A paused clock stays paused. What differs between two offices'
    calendars is counted with that of the new one. A stopped clock, or one that is theirs already, is left alone.
    """
    clock = _locked(clock_id)
    if clock.stopped_at is not None or clock.organisation_id == organisation_id:
        return clock
    was = clock.organisation_id
    clock.organisation_id = organisation_id
    clock.watchers = sorted({organisation_id, *(party for party in clock.watchers if party != was)})
    clock.save(update_fields=["organisation", "watchers"])
    happened: list[facts.Fact] = [facts.reassigned(clock, was, now=now, reason=reason)]
    if clock.paused_at is None and now < clock.due_at:
        if version(clock.policy_id).anew_when_reassigned:
            # A pause of no length: what is announced from here on belongs to another round of the ladder.
            happened += pause(clock_id, now=now, reason=f"{REASSIGNED}{reason}"[:200]).facts
            clock = resume(clock_id, now=now)
            happened += clock.facts
        else:
            happened += _recounted(clock, now=now, reason=reason)
    clock.facts = happened
    return clock


REASSIGNED = "改派："  # how the pause of a term that began anew is marked: it is no correction


def _recounted(clock: Clock, *, now: datetime, reason: str) -> Sequence[facts.Fact]:
    """The same term by the calendar of the organisation that has it now; usually the same moment."""
    office = office_of(clock.kind, clock.organisation_id)
    calendar = calendars_in_use.counted_with(office, number=calendars_in_use.number(office))
    policy = version(clock.policy_id)
    planned = plan(policy, list(policy.levels.all()), started_at=clock.term_from, calendar=calendar)
    if (planned.due_at, planned.moments) == (clock.due_at, clock.moments):
        return ()
    done, old_due_at = set(clock.levels[: clock.level]), clock.due_at
    clock.due_at, clock.provisional = planned.due_at, planned.provisional
    clock.levels, clock.moments = planned.levels, planned.moments
    clock.level = max((place for place, level in enumerate(clock.levels, start=1) if level in done), default=0)
    clock.next_at = clock.moments[clock.level] if clock.level < len(clock.moments) else None
    clock.save(update_fields=["due_at", "provisional", "levels", "moments", "level", "next_at"])
    clock.calendar = calendar.version
    return [facts.recomputed(clock, old_due_at, now=now, ground=reason)]
