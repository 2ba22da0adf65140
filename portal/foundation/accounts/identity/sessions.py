"""How long a session lives, what it has shown of its person, and which others the person has open.

The mark is written where a session is opened (`login.open_session`) and read at every request by the middleware: no query,
and a row is written at most once a minute.
"""

from datetime import UTC, datetime, timedelta
from enum import Enum

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.http import HttpRequest

from portal.foundation.accounts.models import Role, User
from portal.foundation.core import addresses

MARK = "opened"
TOTAL = timedelta(hours=12)
IDLE = timedelta(minutes=30)  # who decides about others; 等保 asks for an end when nobody sits there
IDLE_ENTERPRISE = timedelta(hours=2)  # a company gathers its papers while the form is open
FRESH = timedelta(minutes=10)  # how long a password or code counts as «just now»
_TOUCH = timedelta(minutes=1)
_ALIVE = Exists(Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=Now()))


class State(Enum):
    OPEN = "open"
    OVER = "over"
    SECOND = "second"  # the role needs a second factor that this session has not shown


def mark(session: SessionBase, *, now: datetime, second: bool) -> None:
    """This session was opened by our own log-in, with or without a second factor, and its person was known just now."""
    at = int(now.timestamp())
    session[MARK] = {"at": at, "seen": at, "proved": at, "second": second}


def state(session: SessionBase, role: str, *, now: datetime) -> State:
    """Whether a person of this role may go on."""
    marks = session.get(MARK)
    if marks is None:
        return State.OPEN if settings.TRUST_OTHER_LOGINS else State.OVER
    idle = IDLE_ENTERPRISE if role == Role.ENTERPRISE else IDLE
    if now >= _at(marks["at"]) + TOTAL or now >= _at(marks["seen"]) + idle:
        return State.OVER
    return State.OPEN if marks["second"] or not needs_second(role) else State.SECOND


def needs_second(role: str) -> bool:
    """Everybody but an enterprise: institutions, office, regulator, administrators."""
    return role != Role.ENTERPRISE


def touch(request: HttpRequest, *, now: datetime) -> None:
    """Somebody sits there. A page that refreshes itself does not count, nor does more than once a minute."""
    marks = request.session.get(MARK)
    itself = request.method == "GET" and "HX-Request" in request.headers
    if marks is None or itself or now < _at(marks["seen"]) + _TOUCH:
        return
    request.session[MARK] = {**marks, "seen": int(now.timestamp())}
    UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=now)


def fresh(session: SessionBase, *, now: datetime) -> bool:
    """Whether the person has shown the password or a second factor just now."""
    marks = session.get(MARK)
    if marks is None:
        return bool(settings.TRUST_OTHER_LOGINS)
    return now < _at(marks["proved"]) + FRESH


def proved(session: SessionBase, *, now: datetime, second: bool = False) -> None:
    """The person has just shown the password again, or with `second` the second factor."""
    if marks := session.get(MARK):
        session[MARK] = {**marks, "proved": int(now.timestamp()), "second": marks["second"] or second}


def list_this(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Put the session into its person's list; those that have ended fall out of it."""
    UserSession.objects.filter(~_ALIVE, user=user).delete()
    if not request.session.session_key:
        request.session.save()
    UserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "ip": addresses.client_address(request) or "0.0.0.0",  # noqa: S104 - a Unix socket has none
            "user_agent": request.headers.get("User-Agent", "")[:200],
            "created_at": now,
            "last_seen_at": now,
        },
    )


def unlist(request: HttpRequest) -> None:
    """The session is about to end: out of the list."""
    UserSession.objects.filter(session_key=request.session.session_key or "").delete()


def new_key(request: HttpRequest) -> None:
    """Another key for the same session: what somebody may have seen of the old one is worth nothing."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def of(user: User, *, key: str | None) -> list[tuple[UserSession, bool]]:
    """The person's open sessions, the latest first, each with whether it is the one with this key."""
    rows = UserSession.objects.filter(_ALIVE, user=user).order_by("-last_seen_at", "-pk")
    return [(row, row.session_key == key) for row in rows[:20]]


def end_others(user: User, *, key: str | None) -> int:
    """End every session of the person but the one with this key; how many there were."""
    others = list(
        UserSession.objects.filter(user=user).exclude(session_key=key or "").values_list("session_key", flat=True)
    )
    ended, _ = Session.objects.filter(session_key__in=others).delete()
    UserSession.objects.filter(session_key__in=others).delete()
    return ended


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
