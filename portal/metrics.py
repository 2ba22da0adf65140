"""`/metrics` for Prometheus: what an operator wants on a wall, read from the database by the database's own clock.

Only with `Authorization: Bearer <METRICS_TOKEN>`; without a token set, or with another one, the address does not exist.
Gauges are true at the moment of asking and the same from every web process, so nothing is counted in memory.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from shutil import disk_usage
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal.foundation.accounts.guards import public
from portal.foundation.core import counts, moments
from portal.run.backup import folder


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. The query's last column is the value, the columns before it carry the labels, named as the columns are."""

    name: str
    kind: str  # gauge, counter or histogram (then the first column is the sample's suffix)
    help: str
    sql: str


_BUCKETS = ", ".join(f"({n}, '_bucket', '{most:g}', le_{n}::float8)" for n, most in enumerate(counts.BUCKETS))
_HISTOGRAM = f"""
SELECT suffix, route, status, le, value
  FROM core_requestcount, LATERAL (VALUES {_BUCKETS},
       (97, '_bucket', '+Inf', answered::float8), (98, '_sum', NULL, seconds), (99, '_count', NULL, answered::float8)
       ) AS v (place, suffix, le, value)
 ORDER BY route, status, place
"""  # noqa: S608 — constants

METRICS = (
    Metric(
        "portal_clocks",
        "gauge",
        "Promises that are open, by promise and state.",
        "SELECT kind, CASE WHEN paused_at IS NOT NULL THEN 'paused' WHEN due_at <= statement_timestamp() THEN 'overdue' "
        "ELSE 'running' END AS state, count(*) FROM sla_clock WHERE stopped_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2",
    ),
    Metric(
        "portal_clocks_provisional",
        "gauge",
        "Open promises whose due moment waits for an unpublished calendar.",
        "SELECT count(*) FROM sla_clock WHERE stopped_at IS NULL AND provisional",
    ),
    Metric(
        "portal_announcement_lag_seconds",
        "gauge",
        "Age of the oldest announcement that is due and has not been made.",
        "SELECT coalesce(extract(epoch FROM statement_timestamp() - min(next_at)), 0) FROM sla_clock "
        "WHERE next_at <= statement_timestamp()",
    ),
    Metric(
        "portal_announcements_total",
        "counter",
        "Announcements ever made.",
        "SELECT coalesce(max(id), 0) FROM sla_escalation",
    ),
    Metric(
        "portal_announcement_lateness_seconds",
        "gauge",
        "Lateness of the latest 1,000 announcements.",
        "SELECT quantile, percentile_disc(quantile) WITHIN GROUP (ORDER BY late) FROM unnest(ARRAY[0.5, 0.99, 1]) AS quantile, "
        "(SELECT extract(epoch FROM announced_at - moment) AS late FROM sla_escalation ORDER BY id DESC "
        "LIMIT 1000) AS latest GROUP BY quantile ORDER BY quantile",
    ),
    Metric(
        "portal_journal_waiting",
        "gauge",
        "Journal entries that wait, by what they wait for.",
        "SELECT 'outbox' AS queue, count(*) FROM journal_outbox UNION ALL "
        "SELECT 'seal', count(*) FROM journal_unsealed UNION ALL "
        "SELECT 'delivery', count(*) FROM journal_delivery WHERE state = 'waiting'",
    ),
    Metric(
        "portal_journal_oldest_seconds",
        "gauge",
        "Age of the oldest journal entry that waits, by what it waits for.",
        "SELECT 'outbox' AS queue, coalesce(extract(epoch FROM statement_timestamp() - min(e.at)), 0) "
        "FROM journal_outbox o JOIN journal_entry e ON e.id = o.entry_id UNION ALL "
        "SELECT 'seal', coalesce(extract(epoch FROM statement_timestamp() - min(e.at)), 0) "
        "FROM journal_unsealed u JOIN journal_entry e ON e.id = u.entry_id",
    ),
    Metric(
        "portal_deliveries_dead",
        "gauge",
        "Deliveries given up after all attempts: an operator must look.",
        "SELECT count(*) FROM journal_delivery WHERE state = 'dead'",
    ),
    Metric(
        "portal_heartbeat_age_seconds",
        "gauge",
        "Seconds since each loop last did its work.",
        "SELECT name AS loop, extract(epoch FROM statement_timestamp() - at) FROM sla_heartbeat ORDER BY name",
    ),
    Metric(
        "portal_sweep_seconds",
        "gauge",
        "The longest sweep of each loop between its last two signs of life.",
        "SELECT name AS loop, took_ms / 1000.0 FROM sla_heartbeat ORDER BY name",
    ),
    Metric(
        "portal_sweep_handled",
        "gauge",
        "Clocks each loop met between its last two signs of life.",
        "SELECT name AS loop, handled FROM sla_heartbeat ORDER BY name",
    ),
    Metric(
        "portal_next_rounds",
        "gauge",
        "Requests whose enterprise is owed, or offered, its next lenders.",
        "SELECT state, count(*) FROM applications_nextround WHERE state <> 'closed' GROUP BY 1 ORDER BY 1",
    ),
    Metric(
        "portal_calendar_days_left",
        "gauge",
        "Days until the published working-day calendar ends.",
        "SELECT max(day) - (statement_timestamp() AT TIME ZONE 'Asia/Shanghai')::date FROM sla_calendarday WHERE NOT provisional",
    ),
    Metric(
        "portal_http_request_seconds",
        "histogram",
        "Answers by route and status, and how long they took; up to five seconds behind.",
        _HISTOGRAM,
    ),
    Metric(
        "portal_login_misses",
        "gauge",
        "Wrong passwords and look-up digits of the last 15 minutes, by what was guessed at.",
        "SELECT scope, count(*) FROM accounts_attempt WHERE at > statement_timestamp() - interval '15 minutes' GROUP BY 1 ORDER BY 1",
    ),
    Metric(
        "portal_refusals",
        "gauge",
        "Refusals noted in the last 15 minutes, by kind.",
        "SELECT kind, count(*) FROM (SELECT kind, at FROM journal_refusal ORDER BY id DESC LIMIT 20000) AS latest "
        "WHERE at > statement_timestamp() - interval '15 minutes' GROUP BY 1 ORDER BY 1",
    ),
    Metric(
        "portal_sessions_open",
        "gauge",
        "Sessions that have not expired.",
        "SELECT count(*) FROM django_session WHERE expire_date > statement_timestamp()",
    ),
    Metric(
        "portal_database_bytes",
        "gauge",
        "Size of the database.",
        "SELECT pg_database_size(current_database())",
    ),
    Metric(
        "portal_backup_lag_bytes",
        "gauge",
        "Changes that each follower of the database has not carried over yet.",
        "SELECT slot_name AS slot, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) FROM pg_replication_slots "
        "WHERE restart_lsn IS NOT NULL ORDER BY 1",
    ),
    Metric(
        "portal_archive_age_seconds",
        "gauge",
        "Seconds since PostgreSQL last archived a segment; absent where it archives none.",
        "SELECT extract(epoch FROM statement_timestamp() - last_archived_time) FROM pg_stat_archiver",
    ),
    Metric(
        "portal_archive_failures_total",
        "counter",
        "Segments PostgreSQL could not archive.",
        "SELECT failed_count FROM pg_stat_archiver",
    ),
)


@public
@never_cache
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as text; 404 for whoever does not know the token."""
    if not shown(request):
        raise Http404
    return HttpResponse("".join(_lines()), content_type="text/plain; version=0.0.4; charset=utf-8")


def shown(request: HttpRequest) -> bool:
    """Whether the caller has the token."""
    said = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(said, settings.METRICS_TOKEN.encode())


def _lines() -> Iterator[str]:
    with connection.cursor() as cursor:
        for metric in METRICS:
            cursor.execute(metric.sql)
            labels = [column.name for column in cursor.description[:-1]]
            yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
            for *values, value in cursor.fetchall():
                if value is not None:
                    suffix = values[0] if metric.kind == "histogram" else ""
                    yield f"{metric.name}{suffix}{_labelled(labels, values)} {float(value):g}\n"
    for name, about, figure in _of_this_machine():
        yield f"# HELP {name} {about}\n# TYPE {name} gauge\n{name} {figure:g}\n"


def _of_this_machine() -> Iterator[tuple[str, str, float]]:
    """What only the disk knows: the room left, and when the embedded server was last copied as a whole."""
    place = settings.DATA_DIR if settings.DATA_DIR.exists() else settings.BASE_DIR
    yield "portal_disk_free_bytes", "Room left for files and logs on this machine.", float(disk_usage(place).free)
    if (age := folder.age(settings.DATA_DIR, now=moments.now())) is not None:
        yield "portal_backup_age_seconds", "Seconds since the last whole copy (bin/portal backup).", age.total_seconds()


def _labelled(names: list[str], values: list[Any]) -> str:
    pairs = ",".join(
        f'{name}="{_escaped(str(value))}"'
        for name, value in zip(names, values, strict=True)
        if name != "suffix" and value is not None
    )
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
