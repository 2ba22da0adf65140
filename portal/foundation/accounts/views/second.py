"""The second step of logging in: show a second factor, set one up, take a new password. Nobody here is logged in yet."""

import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts import actions
from portal.foundation.accounts.forms_identity import (
    CODE_REFUSED,
    PASSKEY_REFUSED,
    CodeForm,
    OwnPasswordForm,
    PasskeyForm,
)
from portal.foundation.accounts.guards import public
from portal.foundation.accounts.identity import login as entry
from portal.foundation.accounts.identity import second
from portal.foundation.core import moments, qr
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place

SECRET = "second_secret"  # noqa: S105 - the session's key under which a secret waits until a code has proved it
CODE_HELP = "打开手机上的身份验证器，输入现在显示的 6 位数字；手机不在身边，可以输入一个恢复码。"
SETUP_HELP = "扫码后身份验证器里显示的 6 位数字。"


def _on_the_way(request: HttpRequest, step: str) -> tuple[entry.Entering | None, HttpResponse | None]:
    """Who is at this step; or where to go instead."""
    if getattr(request, "actor", None) is not None:
        return None, redirect("landing")
    now = moments.now()
    entering = entry.who(request, now=now)
    if entering is None:
        kept = request.session.pop(entry.KEY, None)
        if kept is None:
            return None, redirect("login")
        messages.info(request, "登录用了太长时间，请重新输入密码。")
        return None, redirect_to_login(kept["target"]) if kept["target"] else redirect("login")
    if entry.next_step(entering, now=now) != step:
        return None, entry.go_on(request, entering, now=now)
    return entering, None


@public
@never_cache
@sensitive_post_parameters("code", "credential")
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest) -> HttpResponse:
    """Step two: a code, a recovery code or a passkey."""
    entering, elsewhere = _on_the_way(request, "login-second")
    if entering is None:
        return elsewhere or redirect("login")
    now, user = moments.now(), entering.user
    form, refused, shown = CodeForm(help_text=CODE_HELP), "", False
    if request.method == "POST" and "credential" in request.POST:
        passkey = PasskeyForm(request.POST)
        shown = passkey.is_valid() and second.check_passkey(user, passkey.cleaned_data["credential"], now=now)
        refused = PASSKEY_REFUSED
    elif request.method == "POST":
        form = CodeForm(request.POST, help_text=CODE_HELP)
        if form.is_valid():
            shown = second.check(user.pk, form.cleaned_data["code"], now=now) is not None
            form.add_error("code", CODE_REFUSED)
    if shown:
        entry.passed(request, entering)
        return entry.go_on(request, entering, now=now)
    if request.method == "POST":
        request.refused_as = "wrong-second"  # type: ignore[attr-defined]  # read by journal.refusals
        request.refused_about = f"user:{user.pk}"  # type: ignore[attr-defined]  # likewise
    ways = second.ways(user.pk)
    context = {
        "form": form,
        "ways": ways,
        "refused": refused,
        "options": json.dumps(second.begin_asking(user)) if ways.passkeys else "",
        "shown": second.shown_code(user, now=now) if settings.DEMO else "",
    }
    return render(request, "accounts/login_second.html", context, status=400 if request.method == "POST" else 200)


@public
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """The role demands a second factor and there is none yet: set it up, keep the recovery codes, go in."""
    entering, elsewhere = _on_the_way(request, "login-setup")
    if entering is None:
        return elsewhere or redirect("login")
    now = moments.now()
    form = CodeForm(request.POST if request.method == "POST" else None, help_text=SETUP_HELP)
    if request.method == "POST" and form.is_valid():
        chair = entry.chair_of(entering.user, entering.seat)
        assert chair is not None
        try:
            codes = second.add_code(
                entering.user, waiting_secret(request), form.cleaned_data["code"], actor=chair.actor, now=now
            )
        except DomainError as error:
            place(form, error)
        else:
            request.session.pop(SECRET, None)
            entry.passed(request, entering)
            return render(request, "accounts/second_codes.html", {"codes": codes, "on": request.path})
    context = setup_context(request, entering.user, form)
    return render(request, "accounts/login_setup.html", context, status=400 if form.errors else 200)


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """The password is older than ninety days: take a new one, go in."""
    entering, elsewhere = _on_the_way(request, "login-password")
    if entering is None:
        return elsewhere or redirect("login")
    form = OwnPasswordForm(request.POST if request.method == "POST" else None, user=entering.user)
    if request.method == "POST" and form.is_valid():
        now = moments.now()
        entering.user = actions.replace_old_password(entering.user.pk, form.cleaned_data["password"], now=now)
        entry.renewed(request, entering.user)
        messages.success(request, "密码已修改。")
        return entry.go_on(request, entering, now=now)
    return render(request, "accounts/login_password.html", {"form": form}, status=400 if form.errors else 200)


def waiting_secret(request: HttpRequest) -> str:
    """The secret that this session is about to set up; the same one until it is done, so that a square scanned stays right."""
    if SECRET not in request.session:
        request.session[SECRET] = second.new_secret()
    return str(request.session[SECRET])


def setup_context(request: HttpRequest, user: Any, form: CodeForm) -> dict[str, Any]:
    secret = waiting_secret(request)
    return {
        "form": form,
        "square": _svg(qr.svg(second.secret_address(user, secret))),
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        # In the demonstration nobody needs a phone: the page shows the secret anyway.
        "shown": second.code_at(secret, moments.now()) if settings.DEMO else "",
    }


def _svg(drawn: str) -> SafeString:
    return mark_safe(drawn)  # noqa: S308 - drawn by us from the address of our own secret
