"""The figures of an institution's desk: bounded counts, the month's on-time rate, and the names the filters offer."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import connection

from applications.models import Referral
from portal.foundation.accounts.models import District
from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.sla.models import Kind

MANY = 1000  # counts stop here and read «999+»
RATE_SECONDS = 60  # how old the month's on-time rate may be; the page says of when it is

S = Referral.State
ENDED = (S.DECLINED, S.NOT_SELECTED, S.WITHDRAWN, S.REASSIGNED, S.LAPSED)
TABS: dict[str, tuple[str, tuple[Referral.State, ...]]] = {
    "waiting": ("待响应", (S.WAITING,)),
    "claimed": ("办理中", (S.CLAIMED,)),
    "info": ("待企业补充", (S.INFO,)),
    "offered": ("已出方案", (S.OFFERED,)),
    "accepted": ("已选定", (S.ACCEPTED,)),
    "ended": ("已结束", ENDED),
    "late": ("本月未按时", ()),
}
BY_CLOCK = {"waiting", "late"}


class Numbers(NamedTuple):
    """Bounded counts of an institution's desk, and the moments behind the first two figures."""

    overdue: int
    today: int
    tabs: dict[str, int]
    first_due: datetime | None
    next_due: datetime | None
    owed: int = 0  # rounds of next lenders, on the dispatcher's desk


class Rate(NamedTuple):
    """The on-time rate of the requests that reached the institution this month: on time ÷ (answered + overdue), not excused."""

    on_time: int
    counted: int
    as_of: datetime


def _count(inner: str) -> str:
    return f"(SELECT count(*) FROM (SELECT 1 {inner} LIMIT {MANY}) bounded)"  # noqa: S608


_RUNNING = "FROM sla_clock c WHERE c.organisation_id = %(institution)s AND c.stopped_at IS NULL AND c.kind = "
_OPEN, _OWED = f"{_RUNNING}'{Kind.RESPONSE}'", f"{_RUNNING}'{Kind.NEXT_LENDERS}'"
_LISTED = [tab for tab in TABS if tab not in BY_CLOCK]
_STATES = {tab: "', '".join(TABS[tab][1]) for tab in _LISTED}
NUMBERS = "SELECT " + ", ".join(
    [
        _count(f"{_OPEN} AND c.due_at <= %(now)s"),
        _count(f"{_OPEN} AND c.due_at > %(now)s AND c.due_at <= %(tonight)s"),
        f"(SELECT min(c.due_at) {_OPEN})",
        f"(SELECT min(c.due_at) {_OPEN} AND c.due_at > %(now)s)",
        _count(_OPEN),
        _count(_OWED),
        *(
            _count(
                f"FROM applications_referral r WHERE r.institution_id = %(institution)s AND r.state IN ('{_STATES[t]}')"
            )
            for t in _LISTED
        ),
    ]
)


def numbers(*, actor: Actor, now: datetime) -> Numbers:
    """Every figure of the desk in one statement."""
    given: dict[str, Any] = {
        "institution": actor.organisation_id,
        "now": now,
        "tonight": midnight_after(local_date(now)),
    }
    with connection.cursor() as cursor:
        cursor.execute(NUMBERS, given)
        row = cursor.fetchone()
    tabs = dict(zip(["waiting", *_LISTED], (row[4], *row[6:]), strict=True))
    return Numbers(row[0], row[1], tabs, row[2], row[3], row[5])


def month_start(now: datetime) -> datetime:
    """The first moment of the current month in Asia/Shanghai."""
    return midnight_after(local_date(now).replace(day=1) - timedelta(days=1))


RATE = """
SELECT count(*) FILTER (WHERE stopped_at < due_at), count(*) FILTER (WHERE stopped_at IS NOT NULL OR due_at <= %(now)s)
  FROM sla_clock WHERE organisation_id = %(institution)s AND started_at >= %(month)s AND NOT excused AND kind = 'response'
"""


def month_rate(*, actor: Actor, now: datetime) -> Rate:
    """The month's on-time rate, at most a minute old: it reads every clock of the month, so not at every look."""
    key = f"desk-rate:{actor.organisation_id}:{local_date(now):%Y%m}"
    found: Rate | None = cache.get(key)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(RATE, {"institution": actor.organisation_id, "now": now, "month": month_start(now)})
            on_time, counted = cursor.fetchone()
        found = Rate(on_time, counted, now)
        cache.set(key, found, RATE_SECONDS)
    return found


def _districts() -> list[tuple[str, str, bool, str | None]]:
    found: list[tuple[str, str, bool, str | None]] | None = cache.get("desk-districts")
    if not found:
        found = list(District.objects.values_list("code", "name", "current", "successor_id"))
        cache.set("desk-districts", found, 600)
    return found


def district_names() -> dict[str, str]:
    """Names by code, abolished ones too."""
    return {code: name for code, name, _, _ in _districts()}


def current_districts() -> list[tuple[str, str]]:
    """What the filter offers."""
    return [(code, name) for code, name, current, _ in _districts() if current]


def predecessors() -> dict[str, list[str]]:
    rolled: dict[str, list[str]] = {}
    for code, _, _, successor in _districts():
        if successor:
            rolled.setdefault(successor, []).append(code)
    return rolled
