"""How one's own account is kept: second factors, recovery codes, open sessions, the government's log-in."""

import json

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.foundation.accounts import actions
from portal.foundation.accounts.forms_identity import CodeForm, PasskeyForm
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.identity import second, sessions
from portal.foundation.accounts.middleware import actor_of, membership_of
from portal.foundation.accounts.proving import proven
from portal.foundation.accounts.sso import provider as sso
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place

from .second import SECRET, SETUP_HELP, setup_context, waiting_secret


def _trail() -> list[tuple[str, str]]:
    return [(reverse("safety"), "登录安全")]


@allow()
@never_cache
@require_safe
def safety(request: HttpRequest) -> HttpResponse:
    user = membership_of(request).user
    ways = second.ways(user.pk)
    context = {
        "ways": ways,
        "code_pk": Authenticator.objects.filter(user=user, type=second.TOTP).values_list("pk", flat=True).first(),
        "passkeys": [(row.pk, row.data["name"], row.last_used_at) for row in ways.passkeys],
        "needed": sessions.needs_second(actor_of(request).role),
        "sessions": sessions.of(user, key=request.session.session_key),
        "sso": settings.SSO_NAME if sso.configured() else "",
        "bound": sso.binding_of(user.pk) if sso.configured() else None,
    }
    return render(request, "accounts/safety.html", context)


@allow()
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def code(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator."""
    user = membership_of(request).user
    form = CodeForm(request.POST if request.method == "POST" else None, help_text=SETUP_HELP)
    status = 200
    if request.method == "POST":
        status, now = 400, moments.now()
        if form.is_valid():
            try:
                codes = second.add_code(
                    user, waiting_secret(request), form.cleaned_data["code"], actor=actor_of(request), now=now
                )
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                request.session.pop(SECRET, None)
                sessions.proved(request.session, now=now, second=True)
                return _set_up(request, codes, "身份验证器已绑定。")
    context = {**setup_context(request, user, form), "trail": _trail()}
    return render(request, "accounts/safety_code.html", context, status=status)


@allow()
@never_cache
@sensitive_post_parameters("credential")
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def passkey(request: HttpRequest) -> HttpResponse:
    """Add a passkey: the browser makes it, with JavaScript."""
    user = membership_of(request).user
    form = PasskeyForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status, now = 400, moments.now()
        if form.is_valid():
            name = form.cleaned_data["name"].strip() or "通行密钥"
            try:
                codes = second.add_passkey(
                    user, name, form.cleaned_data["credential"], actor=actor_of(request), now=now
                )
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                sessions.proved(request.session, now=now, second=True)
                return _set_up(request, codes, "通行密钥已添加。")
    context = {"form": form, "options": json.dumps(second.begin_adding(user)), "trail": _trail()}
    return render(request, "accounts/safety_passkey.html", context, status=status)


def _set_up(request: HttpRequest, codes: list[str], said: str) -> HttpResponse:
    """Done; new recovery codes are shown on the answer itself, once."""
    if codes:
        return render(request, "accounts/second_codes.html", {"codes": codes, "on": "", "said": said})
    messages.success(request, said)
    return redirect("safety")


@allow()
@require_POST
@proven
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        second.remove(membership_of(request).user, pk, actor=actor_of(request), now=moments.now())
    except Authenticator.DoesNotExist as error:
        raise Http404 from error
    messages.success(request, "已移除。")
    return redirect("safety")


@allow()
@never_cache
@require_POST
@proven
def recovery(request: HttpRequest) -> HttpResponse:
    """New recovery codes, shown on this answer only."""
    codes = second.new_recovery_codes(membership_of(request).user, actor=actor_of(request), now=moments.now())
    return render(request, "accounts/second_codes.html", {"codes": codes, "on": ""})


@allow()
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Every session of mine but this one ends now."""
    actor = actor_of(request)
    count = actions.end_other_sessions(
        membership_of(request).user, key=request.session.session_key, actor=actor, now=moments.now()
    )
    messages.success(request, f"其他 {count} 处登录已退出。" if count else "没有其他登录。")
    return redirect("safety")
