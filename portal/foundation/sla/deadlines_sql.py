"""Due moments in SQL: the calendar as one array, to check (or find what to recompute in) a million clocks at once.

The rule is written twice, here and in `workdays.py`; a test holds the two together. It is small: the due moment is the end
of the working day whose number is the day's rank plus the policy's days. Some thousand days make one array of due moments,
so each clock costs one subscript, whatever the planner believes about the tables; a sub-query for each clock would search
for its days again.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from .calendar_models import Closure
from .models import OF_THE_OFFICE, Policy

# Asia/Shanghai is +08:00 for every day a calendar may hold (workdays.py); an interval is far cheaper than a zone's name.
# `ends` has no gaps (the calendar has none, and its last days, whose due moment lies beyond it, are left out at the end).
_DUE = """
calendar AS MATERIALIZED (
    SELECT array_agg(day ORDER BY day) FILTER (WHERE works) AS workdays,
           min(day) AS first_day,
           (max(day) FILTER (WHERE NOT provisional) + 1)::timestamp AT TIME ZONE interval '8 hours' AS published_until
      FROM days
), due AS MATERIALIZED (
    SELECT array_agg(due_at ORDER BY day) AS ends
      FROM (SELECT start.day,
                   (calendar.workdays[start.rank + policy.days + (policy.day_zero = 'next_open' AND NOT start.works)::int]
                    + coalesce(policy.closes, time '24:00')) AT TIME ZONE interval '8 hours' AS due_at
              FROM days AS start CROSS JOIN calendar CROSS JOIN sla_policy AS policy
             WHERE policy.id = %(policy)s) AS each
     WHERE due_at IS NOT NULL
)"""
# The country's days, and an office's: its closures do not work, and every later working day has a lower number.
_OF_OFFICE = """
days AS MATERIALIZED (
    SELECT d.day, d.works AND c.day IS NULL AS works, d.provisional,
           (d.rank - count(c.day) FILTER (WHERE d.works) OVER (ORDER BY d.day))::int AS rank
      FROM sla_calendarday AS d
      LEFT JOIN sla_closure AS c ON c.day = d.day AND c.organisation_id = %(office)s AND c.removal_id IS NULL
),"""
DUE = _DUE.replace("FROM days", "FROM sla_calendarday")
DUE_OF_OFFICE = _OF_OFFICE + _DUE

# Open clocks: a stopped one keeps the verdict of the calendar of its time, a paused one gets its term anew when it goes on.
CHOSEN = """
 WHERE clock.policy_id = %(policy)s
   AND clock.paused_at IS NULL
   AND clock.stopped_at IS NULL"""
_ELSEWHERE = "AND clock.organisation_id <> ALL(%(offices)s)"
_HERE = "AND clock.organisation_id = %(office)s"

_COMPARED = """
  FROM (SELECT clock.id, clock.due_at AS stored, clock.provisional AS marked,
               (SELECT ends FROM due)[(coalesce(clock.counted_from, clock.started_at) AT TIME ZONE interval '8 hours')::date
                                      - (SELECT first_day FROM calendar) + 1] AS due_at
          FROM sla_clock AS clock {chosen}
        OFFSET 0) AS clock"""  # OFFSET 0: the subscript is worked out once a row, not once a mention
_PROVISIONAL = "due_at > (SELECT published_until FROM calendar)"
_WRONG = f"(stored <> due_at OR marked <> ({_PROVISIONAL}))"
_DIFFERING = f"WITH {{due}} SELECT id, stored, due_at, {_PROVISIONAL} {_COMPARED} WHERE {_WRONG} LIMIT %(limit)s"
_SUMMARY = f"WITH {{due}} SELECT count(due_at), count(*) FILTER (WHERE {_WRONG}), max(due_at) {_COMPARED}"


class Difference(NamedTuple):
    """A clock whose stored due moment is not what the calendar table says now. Moments are aware UTC."""

    clock_id: int
    stored: datetime
    due_at: datetime
    provisional: bool


class Summary(NamedTuple):
    """How many clocks were compared, how many of them differ, and the last due moment (aware UTC; None without clocks)."""

    checked: int
    differing: int
    last_due_at: datetime | None


def differing(policy: Policy, *, limit: int = 1000) -> list[Difference]:
    """Open clocks of one policy version that its calendar counts differently now; at most `limit`, in no order.

    A registration is counted with its office's closures. Clocks that start outside the calendar are left out.
    """
    found: list[Difference] = []
    for statement, values in _parts(policy, _DIFFERING):
        with connection.cursor() as cursor:
            cursor.execute(statement, {**values, "limit": limit - len(found)})
            found += [Difference(*row) for row in cursor.fetchall()]
    return found


def summary(policy: Policy) -> Summary:
    """Recompute the due moment of every open clock of one policy version and compare it with the stored one."""
    checked = wrong = 0
    last: datetime | None = None
    for statement, values in _parts(policy, _SUMMARY):
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            here = Summary(*cursor.fetchone())
        checked, wrong = checked + here.checked, wrong + here.differing
        last = max(filter(None, (last, here.last_due_at)), default=None)
    return Summary(checked, wrong, last)


def _parts(policy: Policy, statement: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The statement with the country's days for most clocks, and once more for each office that has closures."""
    values: dict[str, Any] = {"policy": policy.pk}
    closed = Closure.objects.filter(removal=None).order_by("organisation_id").values_list("organisation_id", flat=True)
    offices = list(closed.distinct()) if policy.kind in OF_THE_OFFICE else []
    chosen = f"{CHOSEN} {_ELSEWHERE}" if offices else CHOSEN
    yield statement.format(due=DUE, chosen=chosen), {**values, "offices": offices}
    for office in offices:
        yield statement.format(due=DUE_OF_OFFICE, chosen=f"{CHOSEN} {_HERE}"), {**values, "office": office}
