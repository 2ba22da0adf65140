"""Between the password and the first page: whoever still owes a second factor or a new password is nobody yet.

The session of somebody who has shown the password only knows whom it may become (`KEY`). `request.user` stays anonymous, so
every guard of every page and of the machine interface holds by itself; nothing has to remember to ask for the second step.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import auth, messages
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from portal.foundation.accounts import queries
from portal.foundation.accounts.models import Membership, User
from portal.foundation.core import moments
from portal.foundation.journal.record import record

from . import passwords, second, sessions

KEY = "entering"
SEAT = "membership"  # read by accounts.middleware
LIFE = timedelta(minutes=10)
_NOT_AFTER_LOGIN = {
    "login", "logout", "seat", "login-second", "login-setup", "login-password", "sso-start", "sso-return", "sso-bind"
}  # fmt: skip


@dataclass(slots=True)
class Entering:
    """Who has shown the password (or the government's log-in), and what else so far."""

    user: User
    seat: int | None
    target: str
    second: bool


def local_target(target: str) -> str:
    """`target` when it is an address of this portal, else an empty string; never another site, never a log-out."""
    if not target.startswith("/") or not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return ""
    try:
        found = resolve(target.partition("?")[0].partition("#")[0])
    except Resolver404:
        return ""
    return "" if found.url_name in _NOT_AFTER_LOGIN else target


def begin(
    request: HttpRequest, user: User, *, now: datetime, seat: int | None = None, target: str = ""
) -> HttpResponseRedirect:
    """The first step is done: to the next one, or in. The session is a new one either way."""
    request.session.flush()
    request.session[KEY] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),  # another password meanwhile, and this is worth nothing
        "at": int(now.timestamp()),
        "seat": seat,
        "target": target,
        "second": False,
    }
    entering = who(request, now=now)
    assert entering is not None
    return go_on(request, entering, now=now)


def who(request: HttpRequest, *, now: datetime) -> Entering | None:
    """Who is on the way in by this session; None when nobody is, or when it took longer than ten minutes."""
    kept = request.session.get(KEY)
    if kept is None or not _alive(kept, now=now):
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), kept["password"]):
        return None
    return Entering(user=user, seat=kept["seat"], target=kept["target"], second=kept["second"])


def _alive(kept: dict[str, Any] | None, *, now: datetime) -> bool:
    return kept is not None and now < datetime.fromtimestamp(kept["at"], UTC) + LIFE


def passed(request: HttpRequest, entering: Entering) -> None:
    """The second factor has been shown or set up."""
    entering.second = True
    request.session[KEY] = {**request.session[KEY], "second": True}


def next_step(entering: Entering, *, now: datetime) -> str:
    """The name of the page that is still owed; empty when nothing is."""
    roles = {seat.role for seat in queries.seats_of(entering.user.pk)}
    if not entering.second:
        if second.ways(entering.user.pk):
            return "login-second"
        if any(sessions.needs_second(role) for role in roles):
            return "login-setup"
    return "login-password" if passwords.too_old(entering.user, roles, now=now) else ""


def go_on(request: HttpRequest, entering: Entering, *, now: datetime) -> HttpResponseRedirect:
    """To what is still owed, or in."""
    step = next_step(entering, now=now)
    if step:
        return redirect(step)
    open_session(request, entering.user, now=now, seat=entering.seat, second=entering.second)
    return redirect(entering.target or "landing")


def open_session(
    request: HttpRequest, user: User, *, now: datetime, seat: int | None = None, second: bool = False
) -> None:
    """Log a person in; the session key changes, and the chair is chosen when it is known. The only place that does."""
    request.session.pop(KEY, None)
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.pop(SEAT, None)
    if seat is not None:
        request.session[SEAT] = seat
    sessions.mark(request.session, now=now, second=second)
    sessions.list_this(request, user, now=now)
    _told(user, seat, now=now, second=second)


@transaction.atomic(durable=True)
def _told(user: User, seat: int | None, *, now: datetime, second: bool) -> None:
    if chair := chair_of(user, seat):
        text = "登录，通过第二重验证" if second else "登录"
        record("person.logged_in", actor=chair.actor, now=now, subject=f"user:{user.pk}", text=text)


def leave(request: HttpRequest, *, now: datetime) -> None:
    """The person logs out: a line in the journal; the session itself is ended by the caller."""
    seat = getattr(request, "membership", None)
    sessions.unlist(request)
    if seat is not None:
        with transaction.atomic(durable=True):
            record("person.logged_out", actor=seat.actor, now=now, subject=f"user:{seat.user_id}", text="退出登录")


def chair_of(user: User, seat: int | None) -> Membership | None:
    """The chair a person will sit in: the one chosen, else the first, as the middleware takes it."""
    seats = queries.seats_of(user.pk).order_by("pk")
    return next((s for s in seats if seat in (None, s.pk)), None)


def renewed(request: HttpRequest, user: User) -> None:
    """The person on the way in has taken a new password just now."""
    request.session[KEY] = {**request.session[KEY], "password": user.get_session_auth_hash()}


def to_log_in(request: HttpRequest) -> HttpResponse:
    """Where a guard sends who is not in: to the second step who is on the way, everybody else to the log-in page."""
    if _alive(request.session.get(KEY), now=moments.now()):
        request.refused_as = "second-step-first"  # type: ignore[attr-defined]  # read by journal.refusals
        return redirect("login-second")
    if getattr(request, "timed_out", False):
        messages.info(request, "您有一段时间没有操作，为了安全已自动退出。登录后会回到刚才的页面。")
    return redirect_to_login(_back(request))


def _back(request: HttpRequest) -> str:
    """The page to come back to: this one, or of a form that was sent the page it stood on."""
    if request.method not in ("GET", "HEAD"):
        base = f"{request.scheme}://{request.get_host()}"
        page = request.headers.get("Referer", "")
        if page.startswith(f"{base}/") and (target := local_target(page.removeprefix(base))):
            return target
    return request.get_full_path()
