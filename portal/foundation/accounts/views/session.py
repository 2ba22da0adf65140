"""Log in, log out, the way to one's desk, changing chairs, changing the password."""

from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.foundation.accounts import actions, queries
from portal.foundation.accounts.forms import LOGIN_REFUSED, LoginForm, PasswordForm
from portal.foundation.accounts.guards import allow, public
from portal.foundation.accounts.identity import login as entry
from portal.foundation.accounts.identity import sessions
from portal.foundation.accounts.identity.login import local_target as local_target
from portal.foundation.accounts.middleware import SESSION_KEY, actor_of
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.accounts.sso import provider as sso
from portal.foundation.core import addresses, moments
from portal.foundation.core.errors import TooMany
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


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    target = entry.local_target(request.POST.get("next") or request.GET.get("next") or "")
    if request.method != "POST" and getattr(request, "actor", None) is not None:
        return redirect(target or "landing")
    form = LoginForm(request.POST if request.method == "POST" else None)
    status = 400
    if request.method == "POST" and form.is_valid():
        now = moments.now()
        try:
            user = actions.sign_in(
                form.cleaned_data["login"],
                form.cleaned_data["password"],
                now=now,
                address=addresses.network(request),
            )
        except TooMany as error:
            form.add_error(None, error.reason)
            status = error.status
        else:
            if user is None:
                form.add_error(None, LOGIN_REFUSED)
                request.refused_as = "wrong-password"  # type: ignore[attr-defined]  # read by journal.refusals
                known = queries.by_login(form.cleaned_data["login"])
                request.refused_about = f"user:{known.pk}" if known else ""  # type: ignore[attr-defined]  # likewise
            elif not queries.seats_of(user.pk).exists():
                form.add_error(None, "您的账号现在不属于任何单位。请联系原单位的成员重新邀请您，或联系平台运维人员。")
                request.refused_as = "no-seat"  # type: ignore[attr-defined]  # read by journal.refusals
            else:
                return entry.begin(request, user, now=now, target=target)
    context = {
        "form": form,
        "next": target,
        "demo_accounts": queries.demo_accounts() if settings.DEMO else [],
        "demo_password": queries.DEMO_PASSWORD,
        "sso": settings.SSO_NAME if sso.configured() else "",
    }
    return render(request, "accounts/login.html", context, status=status if form.errors else 200)


@public
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    user = request.user
    if user.is_authenticated:
        entry.leave(request, now=moments.now())
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
    sessions.new_key(request)
    messages.success(request, f"现在以“{member.organisation.title}”{Role(member.role).label}的身份办理。")
    return redirect("landing")


@allow()
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    membership: Membership = request.membership  # type: ignore[attr-defined]
    form = PasswordForm(request.POST if request.method == "POST" else None, user=membership.user)
    if request.method == "POST" and form.is_valid():
        actor, now = actor_of(request), moments.now()
        changed = actions.change_password(
            actor.user_id, form.cleaned_data["old"], form.cleaned_data["password"], actor=actor, now=now
        )
        if changed is None:
            form.add_error("old", "现在的密码不对，或者连续输错次数过多。连续输错 5 次后，要等 15 分钟再试。")
            request.refused_as = "wrong-password"  # type: ignore[attr-defined]  # read by journal.refusals
        else:
            auth.update_session_auth_hash(request, changed)
            sessions.list_this(request, changed, now=now)
            messages.success(request, "密码已修改，您在其他设备上的登录已退出。")
            return redirect("profile")
    context = {"form": form, "trail": [(reverse("profile"), "单位和账号")]}
    return render(request, "accounts/password.html", context, status=400 if form.errors else 200)
