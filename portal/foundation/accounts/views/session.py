"""Log in, log out, the way to one's desk, changing chairs, changing the password."""

from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.foundation.accounts import actions, attempts, queries
from portal.foundation.accounts.forms import LOGIN_REFUSED, LoginForm, PasswordForm
from portal.foundation.accounts.guards import allow, public
from portal.foundation.accounts.middleware import SESSION_KEY, actor_of
from portal.foundation.accounts.models import Membership, Role, User
from portal.foundation.core import moments
from portal.foundation.core.numbers import whole

# Where each role works. Names only: the pages belong to the apps above.
DESKS: dict[str, str] = {
    Role.ENTERPRISE: "case-list",
    Role.OFFICER: "desk",
    Role.MANAGER: "desk",
    Role.CLERK: "office",
    Role.CHIEF: "office",
    Role.REGULATOR: "supervision",
    Role.ADMIN: "supervision-calendar",
    Role.SECURITY: "security",
    Role.AUDIT: "audit",
}
_NOT_AFTER_LOGIN = {"login", "logout", "seat"}


def local_target(target: str) -> str:
    """`target` when it is an address of this portal, else an empty string; never another site, never a log-out."""
    if not target.startswith("/") or not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return ""
    try:
        found = resolve(target.partition("?")[0].partition("#")[0])
    except Resolver404:
        return ""
    return "" if found.url_name in _NOT_AFTER_LOGIN else target


def open_session(request: HttpRequest, user: User, membership_id: int | None = None) -> None:
    """Log a person in; the session key changes, and the chair is chosen when it is known."""
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.pop(SESSION_KEY, None)
    if membership_id is not None:
        request.session[SESSION_KEY] = membership_id


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    target = local_target(request.POST.get("next") or request.GET.get("next") or "")
    if request.method != "POST" and getattr(request, "actor", None) is not None:
        return redirect(target or "landing")
    form = LoginForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        user = actions.sign_in(
            form.cleaned_data["login"],
            form.cleaned_data["password"],
            now=moments.now(),
            address=attempts.client_address(request),
        )
        if user is None:
            form.add_error(None, LOGIN_REFUSED)
        elif not queries.seats_of(user.pk).exists():
            form.add_error(None, "您的账号现在不属于任何单位。请联系原单位的成员重新邀请您，或联系平台运维人员。")
        else:
            open_session(request, user)
            return redirect(target or "landing")
    context = {"form": form, "next": target, "demo_accounts": [], "demo_password": queries.DEMO_PASSWORD}
    if settings.DEMO:
        context["demo_accounts"] = queries.demo_accounts()
    return render(request, "accounts/login.html", context, status=400 if form.errors else 200)


@public
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    messages.success(request, "已退出登录。")
    return redirect(settings.LOGOUT_REDIRECT_URL)


@allow()
@never_cache
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Each role to its desk."""
    try:
        return redirect(reverse(DESKS[actor_of(request).role]))
    except (KeyError, NoReverseMatch):
        return redirect("profile")


@allow()
@require_POST
def seat(request: HttpRequest) -> HttpResponse:
    """Sit in another of one's chairs; a chair that is not one's own does not exist."""
    seats = queries.seats_of(actor_of(request).user_id)
    member = get_object_or_404(seats, pk=whole(request.POST.get("membership")) or 0)
    request.session[SESSION_KEY] = member.pk
    request.session.cycle_key()
    messages.success(request, f"现在以“{member.organisation.title}”{Role(member.role).label}的身份办理。")
    return redirect("landing")


@public
@require_safe
def forgotten(request: HttpRequest) -> HttpResponse:
    """Whom to ask: nobody is sent a new password by mail or phone."""
    return render(request, "accounts/forgotten.html")


@allow()
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    membership: Membership = request.membership  # type: ignore[attr-defined]
    form = PasswordForm(request.POST if request.method == "POST" else None, user=membership.user)
    if request.method == "POST" and form.is_valid():
        actor = actor_of(request)
        changed = actions.change_password(
            actor.user_id, form.cleaned_data["old"], form.cleaned_data["password"], actor=actor, now=moments.now()
        )
        if changed is None:
            form.add_error("old", "现在的密码不对，或者连续输错次数过多。连续输错 5 次后，要等 15 分钟再试。")
        else:
            auth.update_session_auth_hash(request, changed)
            messages.success(request, "密码已修改，您在其他设备上的登录已退出。")
            return redirect("profile")
    context = {"form": form, "trail": [(reverse("profile"), "单位和账号")]}
    return render(request, "accounts/password.html", context, status=400 if form.errors else 200)
