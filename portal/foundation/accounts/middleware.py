"""The chair the person sits in: `request.actor`, read afresh at every request, so a removed membership ends at once."""

import logging
from collections.abc import Callable

from django.contrib.auth import logout
from django.contrib.sessions import middleware
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse

from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.prepared import Prepared, Slot

from .identity import login, sessions
from .models import Membership

SESSION_KEY = login.SEAT

# Asked at every request, hence compiled once.
_SEATS = Prepared(
    lambda: (
        Membership.objects.select_related("user", "organisation", "organisation__district")
        .filter(user_id=Slot("user"), active=True, organisation__active=True)
        .order_by("pk")
    )
)


log = logging.getLogger(__name__)


class SessionMiddleware(middleware.SessionMiddleware):
    """Django's; but what a request did stays answered when its session could not be kept afterwards.

    The database went away after the commit, or the person logged out in another window meanwhile: «cannot be read» (400)
    would deny what was done. Who has no session any more is asked to log in at the next request.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except SessionInterrupted:
            log.warning("a session could not be kept")
            return response


class CurrentSeatMiddleware:
    """Sets `request.membership` (with user and organisation) and `request.actor`; both None for visitors.

    A session whose membership ended, or in which nobody has stirred for too long, is logged out here, before any view
    runs; one whose new role demands a second factor becomes a person on the way in (identity.login).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        membership = self.current(request)
        request.membership = membership  # type: ignore[attr-defined]
        request.actor = membership.actor if membership else None  # type: ignore[attr-defined]
        return self.get_response(request)

    @staticmethod
    def current(request: HttpRequest) -> Membership | None:
        if not request.user.is_authenticated:
            return None
        chosen = request.session.get(SESSION_KEY)
        chairs = _SEATS(user=request.user.pk)  # a person has one or two
        membership = next((chair for chair in chairs if chosen in (None, chair.pk)), None)
        if membership is None:
            logout(request)
            return None
        now = moments.now()
        state = sessions.state(request.session, membership.role, now=now)
        if state is sessions.State.OVER:
            logout(request)
            request.timed_out = True  # type: ignore[attr-defined]  # read by identity.login
            return None
        if state is sessions.State.SECOND:
            user = membership.user
            logout(request)
            login.begin(request, user, now=now, seat=membership.pk)
            return None
        if chosen is None:
            request.session[SESSION_KEY] = membership.pk
        sessions.touch(request, now=now)
        return membership


def actor_of(request: HttpRequest) -> Actor:
    """The actor of a request that a guard has let through."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        raise RuntimeError("a view without a guard asked for the actor")
    return actor


def membership_of(request: HttpRequest) -> Membership:
    """The chair (with user and organisation loaded) of a request that a guard has let through."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        raise RuntimeError("a view without a guard asked for the membership")
    return membership
