"""Is the portal alive (/healthz), and is its work getting done (/healthz/deep)? Progress in the database counts, not pings."""

import os
from datetime import datetime, timedelta
from shutil import disk_usage
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal import metrics
from portal.foundation.accounts.guards import public
from portal.foundation.core import addresses, moments, rates
from portal.foundation.core.pdf import seal_keys
from portal.foundation.core.rates import Rate
from portal.foundation.sla.horizon import horizon, provisional, watch
from portal.foundation.sla.sweep import beat, sweep
from portal.reports.reminders import remind
from portal.run.backup import folder

STRANGERS = Rate("healthz", 60, timedelta(minutes=1))
OLDEST_CLOCK = timedelta(seconds=30)
OLDEST_OUTBOX = timedelta(seconds=60)
OLDEST_UNSEALED = timedelta(seconds=60)
OLDEST_CHANGE = timedelta(minutes=5)  # of the calendar, while clocks counted with the one before may still appear
OLDEST_BEAT = timedelta(seconds=15)  # of a loop: what this check does itself must not make it look well
LEAST_ROOM = 200_000_000  # bytes; below that uploads and papers fail soon
OLDEST_BACKUP = timedelta(hours=26)  # of the last whole copy: one a day, and some patience

_LOOK = """
SELECT (SELECT statement_timestamp() - min(next_at) FROM sla_clock WHERE next_at <= statement_timestamp()),
       (SELECT statement_timestamp() - min(e.at) FROM journal_outbox o JOIN journal_entry e ON e.id = o.entry_id),
       (SELECT statement_timestamp() - min(e.at) FROM journal_unsealed u JOIN journal_entry e ON e.id = u.entry_id),
       (SELECT statement_timestamp() - max(at) FROM sla_heartbeat WHERE name <> 'health' AND name NOT LIKE 'dispatch%'),
       (SELECT statement_timestamp() - min(made_at) FROM sla_calendarchange WHERE settled_at IS NULL),
       (SELECT count(*) FROM journal_delivery WHERE state = 'dead')
"""


@public
@never_cache
@require_GET
def alive(request: HttpRequest) -> JsonResponse:
    """200 when a web process reaches the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True})


@public
@never_cache
@require_GET
def deep(request: HttpRequest) -> JsonResponse:
    """503 when something that should have happened has not. Also the sweep's third caller, should all loops be dead.

    In full for this machine's own and for who has the token of /metrics; everybody else reads whether it is well, and their
    asking does nothing.
    """
    ours = _ours(request)
    if not ours:
        rates.require(STRANGERS, addresses.network(request), "查询过于频繁", now=moments.now())
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        clock, outbox, unsealed, heartbeat, change, dead = cursor.fetchone()
    lags = {
        "oldest_due_clock": (clock, OLDEST_CLOCK),
        "oldest_outbox": (outbox, OLDEST_OUTBOX),
        "oldest_unsealed": (unsealed, OLDEST_UNSEALED),
        "heartbeat": (heartbeat, OLDEST_BEAT),
        "calendar_change": (change, OLDEST_CHANGE),
    }
    late = [name for name, (lag, limit) in lags.items() if lag is not None and lag > limit]
    if heartbeat is None:
        late.append("heartbeat")
    if not ours:
        well = not late and _room() >= LEAST_ROOM
        return JsonResponse({"ok": well}, status=200 if well else 503)
    if clock is not None:
        sweep()
        beat("health")
    now = moments.now()
    free = _room()
    if free < LEAST_ROOM:
        late.append("disk")
    backup = folder.age(settings.DATA_DIR, now=now)
    watch(now=now)
    remind()
    calendar, seal = _calendar(now), seal_keys.condition(now=now)
    body = {
        "ok": not late,
        "late": late,
        "lag_seconds": {
            name: round(lag.total_seconds(), 3) if lag is not None else None for name, (lag, _) in lags.items()
        },
        "loops": _loops(),
        "dead_deliveries": dead,
        "calendar": calendar,
        "seal": {"ok": seal.ok, "expires_on": seal.expires_on, "days_left": seal.days_left},
        "disk_free_bytes": free,
        "backup_age_seconds": round(backup.total_seconds()) if backup is not None else None,
        # Nothing is broken yet, but somebody has to act: the next year's calendar is missing, the last copy is old, or papers
        # cannot be sealed (soon). Decisions stand and their papers wait, so it is no reason to take the portal out of service.
        "warnings": [
            *(["calendar"] if calendar.get("near") else []),
            *(["backup"] if backup is not None and backup > OLDEST_BACKUP else []),
            *([] if seal.ok else ["seal"]),
        ],
    }
    return JsonResponse(body, status=503 if late else 200)


def _ours(request: HttpRequest) -> bool:
    """Whoever shows the token, or asks on this machine itself; behind a proxy everybody would seem to."""
    if metrics.shown(request):
        return True
    if settings.SECURE_PROXY_SSL_HEADER or "X-Forwarded-For" in request.headers:
        return False
    return addresses.network(request) in ("127.0.0.1", "::/64")


def _room() -> int:
    """Bytes left where uploads and papers go; 0 when nothing can be written there at all."""
    place = settings.DATA_DIR
    if place.exists() and not os.access(place, os.W_OK):
        return 0
    return disk_usage(place if place.exists() else settings.BASE_DIR).free


def _loops() -> dict[str, Any]:
    """Each loop that ever left a sign of life: how long ago, its longest sweep since the one before, and what it announced."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, round(extract(epoch FROM statement_timestamp() - at), 3)::float8, took_ms, handled"
            " FROM sla_heartbeat ORDER BY name"
        )
        return {
            name: {"age_seconds": age, "sweep_ms": took, "announced": handled}
            for name, age, took, handled in cursor.fetchall()
        }


def _calendar(now: datetime) -> dict[str, Any]:
    """How far the calendar is published, and how many open deadlines depend on what is not."""
    try:
        found = horizon(now=now)
    except LookupError:
        return {}
    return {
        "published_until": found.last.isoformat(),
        "days_left": found.days_left,
        "near": found.near,
        "provisional_deadlines": provisional().count(),
    }
