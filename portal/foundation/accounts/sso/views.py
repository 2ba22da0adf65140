"""To the government's log-in and back: to come in, or to bind one's account."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from portal.foundation.accounts import queries
from portal.foundation.accounts.guards import allow, public
from portal.foundation.accounts.identity import login as entry
from portal.foundation.accounts.middleware import actor_of, membership_of
from portal.foundation.accounts.proving import proven
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from portal.foundation.core.rates import Rate, limited

from . import provider
from .contract import Identity, Question, Refused, Unreachable

KEY = "sso"
STARTING = Rate("sso", 30, timedelta(minutes=10))
LIFE = 600  # seconds between going there and coming back
AWAY = "现在连不上{name}，请稍后再试，或者用密码登录。"
NOT_TRUE = "{name}的登录结果没有通过核对，请重新登录。"
UNBOUND = "这个{name}身份还没有绑定本平台的账号。请先用密码登录，再到“登录安全”页绑定。"


@public
@limited(STARTING)
@never_cache
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Off to the provider, to come in."""
    if getattr(request, "actor", None) is not None:
        return redirect("landing")
    return _go(request, user_id=None, target=entry.local_target(request.POST.get("next", "")))


@allow()
@never_cache
@require_POST
@proven
def bind(request: HttpRequest) -> HttpResponse:
    """Off to the provider, to bind the subject to the person who is logged in."""
    return _go(request, user_id=actor_of(request).user_id, target="")


@allow()
@require_POST
@proven
def unbind(request: HttpRequest) -> HttpResponse:
    provider.unbind(membership_of(request).user, actor=actor_of(request), now=moments.now())
    messages.success(request, "绑定已解除。")
    return redirect("safety")


def _go(request: HttpRequest, *, user_id: int | None, target: str) -> HttpResponse:
    if not provider.configured():
        raise Http404
    try:
        question = provider.from_settings().ask(_return_address())
    except (Unreachable, ValueError):
        messages.error(request, AWAY.format(name=settings.SSO_NAME))
        return redirect("safety" if user_id else "login")
    request.session[KEY] = {
        "state": question.state,
        "nonce": question.nonce,
        "verifier": question.verifier,
        "at": int(moments.now().timestamp()),
        "user": user_id,
        "target": target,
    }
    # A page that goes on by itself: a form of ours may not be redirected elsewhere (form-action 'self').
    context = {"address": question.address, "name": settings.SSO_NAME}
    return render(request, "accounts/sso_away.html", context)


@public
@never_cache
@require_safe
@sensitive_variables("question")
def come_back(request: HttpRequest) -> HttpResponse:
    """The provider sends the browser back here. What it brings serves once, and only in the session that asked."""
    if not provider.configured():
        raise Http404
    kept: dict[str, Any] = request.session.pop(KEY, None) or {}
    actor = getattr(request, "actor", None)
    now = moments.now()
    right = (
        kept
        and now.timestamp() < kept["at"] + LIFE
        and constant_time_compare(request.GET.get("state", ""), kept["state"])
        and kept["user"] == (actor.user_id if actor else None)
        and request.GET.get("code")
    )
    if not right:
        return _refuse(request, NOT_TRUE)
    question = Question(address="", state=kept["state"], nonce=kept["nonce"], verifier=kept["verifier"])
    try:
        identity = provider.from_settings().answer(request.GET["code"], question, _return_address(), now=now)
    except Unreachable:
        return _refuse(request, AWAY)
    except Refused:
        return _refuse(request, NOT_TRUE)
    return _bound(request, identity) if actor else _in(request, identity, kept["target"])


def _in(request: HttpRequest, identity: Identity, target: str) -> HttpResponse:
    """In as the person who has bound the subject; a second factor is asked for as after a password."""
    user = provider.person_of(identity)
    if user is None or not queries.seats_of(user.pk).exists():
        return _refuse(request, UNBOUND)
    return entry.begin(request, user, now=moments.now(), target=target)


def _bound(request: HttpRequest, identity: Identity) -> HttpResponse:
    try:
        provider.bind(membership_of(request).user, identity, actor=actor_of(request), now=moments.now())
    except WrongState as error:
        messages.error(request, error.reason)
    else:
        messages.success(request, f"已绑定{settings.SSO_NAME}，以后可以用它登录。")
    return redirect("safety")


def _refuse(request: HttpRequest, said: str) -> HttpResponse:
    request.refused_as = "sso"  # type: ignore[attr-defined]  # read by journal.refusals
    messages.error(request, said.format(name=settings.SSO_NAME))
    return redirect("safety" if getattr(request, "actor", None) else "login")


def _return_address() -> str:
    """From PUBLIC_URL, not from the request: the provider compares it with what was registered there."""
    return settings.PUBLIC_URL + reverse("sso-return")
