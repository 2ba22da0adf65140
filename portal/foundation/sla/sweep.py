"""Announcing what is due: one set-based statement, by the database's own clock, safe to call from anywhere at any time.

Three callers share it (Celery beat, the broker-free loop, the deep health check). Rows are taken with SKIP LOCKED and an
escalation is unique on clock, level and round, so callers need no leader: two of each change nothing but the delay.
After an outage the highest level reached is announced once; the ones it overtook are named in the entry's data.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from portal.foundation.core.failpoints import failpoint

BATCH = 1000

_SWEEP = """
WITH due AS (
    SELECT id, kind, case_number, subject, watchers, organisation_id, policy_id, levels, moments, level, due_at
      FROM sla_clock
     WHERE next_at IS NOT NULL AND next_at <= statement_timestamp()
     ORDER BY next_at
     LIMIT %s
       FOR UPDATE SKIP LOCKED
), reached AS (
    SELECT due.*,
           (SELECT count(*) FROM unnest(due.moments) AS m WHERE m <= statement_timestamp())::int AS now_at,
           (SELECT count(*) FROM sla_pause p WHERE p.clock_id = due.id)::int AS round
      FROM due
), fresh AS (
    -- A level is told once, even if the clock forgot that it was. Both inserts read these rows, because joining what the one
    -- returned would compare every clock of a batch with every other: the planner expects a single row.
    SELECT * FROM reached r
     WHERE now_at > level
       AND NOT EXISTS (SELECT FROM sla_escalation e
                        WHERE e.clock_id = r.id AND e.level = r.levels[r.now_at] AND e.round = r.round)
), moved AS (
    UPDATE sla_clock c
       SET level = r.now_at, next_at = c.moments[r.now_at + 1]
      FROM reached r
     WHERE c.id = r.id
), announced AS (
    INSERT INTO sla_escalation (clock_id, level, position, round, moment, announced_at)
    SELECT id, levels[now_at], now_at, round, moments[now_at], statement_timestamp() FROM fresh
), told AS (
    INSERT INTO journal_entry (at, verb, actor_id, actor_label, organisation_id, subject, case_number, text, data, parties)
    SELECT statement_timestamp(), 'clock.escalated', NULL, '系统', NULL, subject, case_number, '',
           jsonb_build_object('clock', id, 'kind', kind, 'level', levels[now_at], 'moment', moments[now_at],
                              'label', (SELECT label FROM sla_policylevel l WHERE l.policy_id = fresh.policy_id AND l.code = levels[now_at]),
                              'due_at', due_at, 'organisation', organisation_id,
                              'overtaken', to_jsonb(levels[level + 1:now_at - 1])),
           watchers
      FROM fresh
)
SELECT count(*) FROM due
"""

# The planner sees four writing parts in the statement above, even when nothing is due; this it answers from the index.
_LOOK = "SELECT 1 FROM sla_clock WHERE next_at <= statement_timestamp() LIMIT 1"


@dataclass(slots=True)
class _Work:
    """What this process has done since its last sign of life."""

    took_ms: int = 0
    handled: int = 0


_work = _Work()


def sweep(*, batch: int = BATCH) -> int:
    """Announce everything that is due now; returns how many clocks were looked at. Runs in autocommit."""
    total, began = 0, time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        if cursor.fetchone() is None:
            return 0
    while True:
        failpoint("sweep.before")
        with connection.cursor() as cursor:
            cursor.execute(_SWEEP, [batch])
            done = int(cursor.fetchone()[0])
        failpoint("sweep.swept")
        total += done
        if done < batch:
            break
    _work.took_ms = max(_work.took_ms, round((time.monotonic() - began) * 1000))
    _work.handled += total
    return total


def next_moment() -> datetime | None:
    """When the next announcement is due, for a loop that wants to sleep until then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_at FROM sla_clock WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1")
        row = cursor.fetchone()
    return row[0] if row else None


def beat(name: str) -> None:
    """Leave a sign of life, by the database's clock: also the longest sweep since the last one, and how many clocks it met."""
    took, handled, _work.took_ms, _work.handled = _work.took_ms, _work.handled, 0, 0
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sla_heartbeat (name, at, took_ms, handled) VALUES (%s, statement_timestamp(), %s, %s) "
            "ON CONFLICT (name) DO UPDATE SET at = EXCLUDED.at, took_ms = EXCLUDED.took_ms, handled = EXCLUDED.handled",
            [name, took, handled],
        )
