"""Due moments in SQL: the calendar's rule as one hash join, to check (or find what to recompute in) a million clocks at once.

The rule is written twice, here and in `workdays.py`; a test holds the two together. It is small: for every day, the due
moment is the end of the working day whose rank is the day's rank plus the policy's days. That table has some thousand
rows, so each clock costs one look-up, while a sub-query for each clock would search for the day again.
"""

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from .models import Policy

# Asia/Shanghai is +08:00 for every day a calendar may hold (workdays.py); an interval is far cheaper than a zone's name.
DUE = """
due AS MATERIALIZED (
    SELECT start.day,
           (finish.day + coalesce(policy.closes, time '24:00')) AT TIME ZONE interval '8 hours' AS due_at,
           finish.provisional
      FROM sla_policy AS policy
     CROSS JOIN sla_calendarday AS start
      JOIN sla_calendarday AS finish
        ON finish.works
       AND finish.rank = start.rank + policy.days + (policy.day_zero = 'next_open' AND NOT start.works)::int
     WHERE policy.id = %(policy)s
)"""

# A paused clock got its term anew or kept an old one (clocks.resume), which its start alone does not tell.
CHOSEN = """
 WHERE clock.policy_id = %(policy)s
   AND clock.paused_at IS NULL
   AND clock.id NOT IN (SELECT pause.clock_id FROM sla_pause AS pause)"""

_JOINED = "FROM sla_clock AS clock JOIN due ON due.day = (clock.started_at AT TIME ZONE interval '8 hours')::date"
_WRONG = "(clock.due_at <> due.due_at OR clock.provisional <> due.provisional)"
_DIFFERING = f"""
WITH {DUE}
SELECT clock.id, clock.due_at, due.due_at, due.provisional {_JOINED} {CHOSEN} AND {_WRONG} LIMIT %(limit)s"""
_SUMMARY = f"WITH {DUE} SELECT count(*), count(*) FILTER (WHERE {_WRONG}), max(due.due_at) {_JOINED} {CHOSEN}"


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
