"""Who looked at an enterprise's data, and when: one row for a person, an object and an hour.

A view that shows one enterprise's request, papers or contact data to somebody else says so with `note`; the row is written when
the answer is ready and was no refusal: one statement on the page of one object, none on a list. The journal keeps what was
done; this keeps what was only read, and the enterprise sees it.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, IntegerField, OuterRef, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse

from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import TooMany

from .models import Entry, Look
from .record import record

log = logging.getLogger(__name__)
What = Look.What
_COLUMNS = "at, hour, owner_id, user_id, who, role, organisation_id, what, subject, case_number, reason"
_VALUES = "(%s, date_trunc('hour', %s::timestamptz), %s, %s, %s, %s, %s, %s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class _Seen:
    owner_id: int
    actor: Actor
    what: str
    subject: str
    case_number: str
    reason: str
    always: bool


def note(
    request: HttpRequest,
    *,
    owner_id: int,
    actor: Actor,
    what: str,
    subject: str,
    case_number: str = "",
    reason: str = "",
    always: bool = False,
) -> None:
    """Remember that this answer shows the actor something of the enterprise `owner_id`; `subject` like `application:17`.

    One's own data is nobody's business, and nothing is written. `always`: the page is shown whole with a refusal too, as a
    form that comes back with its page.
    """
    if owner_id and owner_id != actor.organisation_id:
        waiting: list[_Seen] = request.__dict__.setdefault("looks", [])
        waiting.append(_Seen(owner_id, actor, what, subject[:80], case_number[:32], reason[:200], always))


def today(actor: Actor, *, owner: str, now: datetime) -> dict[str, Combinable]:
    """For the query of a page that shows one request: how many enterprises its reader opened today, and whether this one.

    To be annotated, so that `check` asks nothing of its own; `owner` is the path to the enterprise's id.
    """
    since = moments.midnight_after(moments.local_date(now) - timedelta(days=1))
    mine = Look.objects.filter(user_id=actor.user_id, what=What.REQUEST, hour__gte=since).order_by()
    number = mine.values("user_id").annotate(number=Count("owner_id", distinct=True)).values("number")
    return {
        "opened_today": Coalesce(Subquery(number, output_field=IntegerField()), 0),
        "seen_today": Exists(mine.filter(owner_id=OuterRef(owner))),
    }


def check(actor: Actor, found: Any, *, officer_id: int | None, now: datetime) -> None:
    """Raise TooMany when this person has today opened the requests of more enterprises than work explains; told once a day.

    `found` was read with `today`. What was read already today stays open, and so does what is on the reader's own desk
    (`officer_id`): the limit is for going through others', not for one's work.
    """
    count = int(found.opened_today)
    if count < settings.ENTERPRISES_A_DAY or found.seen_today or officer_id == actor.user_id:
        return
    subject = f"looks:{actor.user_id}:{moments.local_date(now)}"
    with transaction.atomic():
        if not Entry.objects.filter(subject=subject).exists():
            text = f"{actor.label} 一天内打开了 {count} 家企业的需求，已停止继续查看"
            record("looks.limit", actor=actor, now=now, subject=subject, text=text, data={"count": count})
    raise TooMany(
        "looks",
        f"今天已打开 {count} 家企业的需求，超过一天的上限，明天再看。确有需要，请联系平台安全管理员。",
        retry_after=int((moments.midnight_after(moments.local_date(now)) - now).total_seconds()),
    )


class LookMiddleware:
    """Writes what the views noted, once the answer really shows it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        seen: list[_Seen] = request.__dict__.pop("looks", [])
        if response.status_code >= 300:
            seen = [one for one in seen if one.always and response.status_code < 500]
        if seen:
            try:
                _write(seen)
            except Exception:  # whoever may read it shall not be kept from it by a full disk; the log says so
                log.exception("%d looks could not be written", len(seen))
        return response


def _write(seen: Iterable[_Seen]) -> None:
    """One statement for all of them."""
    now, given = moments.now(), list(seen)
    values: list[Any] = []
    for s in given:
        values += [now, now, s.owner_id, s.actor.user_id, s.actor.label[:200], s.actor.role, s.actor.organisation_id]
        values += [s.what, s.subject, s.case_number, s.reason]
    rows = ", ".join([_VALUES] * len(given))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO journal_look ({_COLUMNS}) VALUES {rows} ON CONFLICT DO NOTHING", values)  # noqa: S608 — constants
