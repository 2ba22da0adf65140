"""Ten million clocks in a schema of their own: a million open, nine million closed, and the tables that a sweep writes to.

The schema stands before `public` on the search path, so the portal's own statements run on it unchanged. Made once and kept;
what one round announced is forgotten before the next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

SCHEMA = "bench_clocks"
OPEN, CLOSED = 1_000_000, 9_000_000
TABLES = ("sla_clock", "sla_pause", "sla_escalation", "journal_entry", "journal_outbox", "journal_unsealed")
WRITTEN = ("sla_escalation", "journal_entry", "journal_outbox", "journal_unsealed")
SEARCH_PATH = f"{SCHEMA},public"

# The open ones fall due over the next thirty days; the closed ones were answered over the last three years.
_FILL = f"""
INSERT INTO {SCHEMA}.sla_clock (kind, policy_id, organisation_id, case_number, subject, watchers, days, started_at, due_at,
                                provisional, stopped_at, stop_reason, excused, working_minutes, levels, moments, level, next_at)
SELECT 'response', (SELECT min(id) FROM sla_policy WHERE kind = 'response'), 1 + i %% 40, 'YZD' || i, 'referral:' || i,
       ARRAY[1 + i %% 40, 100 + i %% 20000], 2, t - interval '60 hours', t, false,
       CASE WHEN closed THEN t - interval '20 hours' END, CASE WHEN closed THEN 'claimed' ELSE '' END, false,
       CASE WHEN closed THEN 600 END, ARRAY['due_soon', 'overdue', 'supervise'],
       ARRAY[t - interval '7 hours', t, t + interval '1 day'], 0, CASE WHEN NOT closed THEN t - interval '7 hours' END
  FROM (SELECT i, i > %(open)s AS closed,
               CASE WHEN i > %(open)s THEN now() - interval '2 days' - (i %% 1095) * interval '1 day'
                    ELSE now() + interval '1 day' + (i %% 30) * interval '1 day' END AS t
          FROM generate_series(1, %(rows)s) AS i) AS each
"""


@contextmanager
def schema() -> Iterator[None]:
    """Everything inside on the ten million clocks, without the server's time limits."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        cursor.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.ready"])
        if cursor.fetchone()[0] is None:
            _make(cursor)
        cursor.execute(f"SET search_path = {SEARCH_PATH}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path; RESET statement_timeout; RESET lock_timeout")


def _make(cursor: Any) -> None:
    execute = cursor.execute
    execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    for table in TABLES:
        execute(f"CREATE TABLE {SCHEMA}.{table} (LIKE public.{table} INCLUDING ALL)")
    execute(_FILL, {"open": OPEN, "rows": OPEN + CLOSED})
    execute(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'public.journal_entry'::regclass "
        "AND NOT tgisinternal AND tgname LIKE '%work_lists%'"
    )
    (definition,) = cursor.fetchone()
    execute(definition.replace("public.journal_entry", f"{SCHEMA}.journal_entry"))
    for table in TABLES:
        execute(f"VACUUM (ANALYZE, FREEZE) {SCHEMA}.{table}")
    execute(f"CREATE TABLE {SCHEMA}.ready ()")


def make_due(count: int, *, ago: str = "1 second") -> None:
    """`count` open clocks, spread over the table, are due since `ago`; nothing has been announced about any of them."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(WRITTEN)}")
        cursor.execute(
            """
            UPDATE sla_clock
               SET level = 0, next_at = statement_timestamp() - %(ago)s::interval,
                   moments = ARRAY[statement_timestamp() - %(ago)s::interval, due_at, due_at + interval '1 day']
             WHERE id IN (SELECT 1 + i * (%(open)s / %(count)s) FROM generate_series(0, %(count)s - 1) AS i)
            """,
            {"ago": ago, "open": OPEN, "count": count},
        )


def due() -> int:
    """How many clocks are due now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sla_clock WHERE next_at <= statement_timestamp()")
        return int(cursor.fetchone()[0])


def now() -> datetime:
    """The database's present, aware UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
