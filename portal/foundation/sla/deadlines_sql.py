"""Due moments in SQL: the calendar as one array, to check (or find what to recompute in) a million clocks at once.

The rule is written twice, here and in `workdays.py`; a test holds the two together. It is small: the due moment is the end
of the working day whose number is the day's rank plus the policy's days. Some thousand days make one array of due moments,
so each clock costs one subscript, whatever the planner believes about the tables; a sub-query for each clock would search
for its days again.
"""

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from .models import Policy

# Asia/Shanghai is +08:00 for every day a calendar may hold (workdays.py); an interval is far cheaper than a zone's name.
# `ends` has no gaps (the calendar has none, and its last days, whose due moment lies beyond it, are left out at the end).
DUE = """
calendar AS MATERIALIZED (
    SELECT array_agg(day ORDER BY day) FILTER (WHERE works) AS workdays,
           min(day) AS first_day,
           (max(day) FILTER (WHERE NOT provisional) + 1)::timestamp AT TIME ZONE interval '8 hours' AS published_until
      FROM sla_calendarday
), due AS MATERIALIZED (
    SELECT array_agg(due_at ORDER BY day) AS ends
      FROM (SELECT start.day,
                   (calendar.workdays[start.rank + policy.days + (policy.day_zero = 'next_open' AND NOT start.works)::int]
                    + coalesce(policy.closes, time '24:00')) AT TIME ZONE interval '8 hours' AS due_at
              FROM sla_calendarday AS start CROSS JOIN calendar CROSS JOIN sla_policy AS policy
             WHERE policy.id = %(policy)s) AS each
     WHERE due_at IS NOT NULL
)"""

# A paused clock got its term anew or kept an old one (clocks.resume), which its start alone does not tell.
CHOSEN = """
 WHERE clock.policy_id = %(policy)s
   AND clock.paused_at IS NULL
   AND clock.id NOT IN (SELECT pause.clock_id FROM sla_pause AS pause)"""

_COMPARED = f"""
  FROM (SELECT clock.id, clock.due_at AS stored, clock.provisional AS marked,
               (SELECT ends FROM due)[(clock.started_at AT TIME ZONE interval '8 hours')::date
                                      - (SELECT first_day FROM calendar) + 1] AS due_at
          FROM sla_clock AS clock {CHOSEN}
        OFFSET 0) AS clock"""  # noqa: S608 — only constants. OFFSET 0: the subscript is worked out once a row, not once a mention
_PROVISIONAL = "due_at > (SELECT published_until FROM calendar)"
_WRONG = f"(stored <> due_at OR marked <> ({_PROVISIONAL}))"
_DIFFERING = f"WITH {DUE} SELECT id, stored, due_at, {_PROVISIONAL} {_COMPARED} WHERE {_WRONG} LIMIT %(limit)s"
_SUMMARY = f"WITH {DUE} SELECT count(due_at), count(*) FILTER (WHERE {_WRONG}), max(due_at) {_COMPARED}"


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
    """Clocks of one policy version to recompute, e.g. after a make-up day was announced; at most `limit`, in no order.

    Clocks that were ever paused, and those that start outside the calendar, are left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERING, {"policy": policy.pk, "limit": limit})
        return [Difference(*row) for row in cursor.fetchall()]


def summary(policy: Policy) -> Summary:
    """Recompute the due moment of every clock of one policy version and compare it with the stored one."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMMARY, {"policy": policy.pk})
        return Summary(*cursor.fetchone())
