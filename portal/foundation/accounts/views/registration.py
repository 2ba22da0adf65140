"""A company comes to the portal."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts import inviting, phone_codes, registering
from portal.foundation.accounts.forms import RegistrationForm
from portal.foundation.accounts.forms_identity import CodeForm
from portal.foundation.accounts.guards import public
from portal.foundation.accounts.identity import login
from portal.foundation.accounts.models import Invitation, Membership, Role
from portal.foundation.core import addresses, moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.rates import Rate, limited

# Tries, not companies: mistakes in the form count too. Nobody can have credit codes tried by the thousand.
REGISTERING = Rate("register", 30, timedelta(hours=1))
CODES = Rate("register-code", 60, timedelta(hours=1))
CODE_HELP = "收到的 6 位数字，10 分钟内有效。"


@public
@limited(REGISTERING, methods=("POST",))
@never_cache
@sensitive_post_parameters("password", "password_again")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """An enterprise and its first member; afterwards the person is logged in."""
    if getattr(request, "actor", None) is not None:
        messages.info(request, "您已登录。要注册另一家企业，请先退出登录。")
        return redirect("landing")
    form = RegistrationForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                return _go_on(request, form.company(), form.newcomer())
            except DomainError as error:
                place(form, error)
                status = error.status
    return render(request, "accounts/register.html", {"form": form}, status=status)


def _go_on(request: HttpRequest, company: registering.Company, person: registering.Newcomer) -> HttpResponse:
    """To the code that was sent, or straight in where none is asked for (tests of the form)."""
    now = moments.now()
    if settings.REGISTRATION_BY_CODE:
        phone_codes.register(request.session, company, person, address=addresses.network(request), now=now)
        return redirect("register-code")
    return _in(request, registering.register_enterprise(company, person, now=now))


def _in(request: HttpRequest, made: Membership) -> HttpResponse:
    answer = login.begin(request, made.user, now=moments.now(), seat=made.pk)
    messages.success(request, f"“{made.organisation.name}”已注册，您已登录。下一步：录入专利，再提交融资需求。")
    return answer


@public
@limited(CODES, methods=("POST",))
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The code that came by text message or mail; then the account is made, for a new company or by an invitation."""
    now = moments.now()
    kept = phone_codes.waiting(request.session, now=now, what="person")
    if kept is None:
        if request.session.pop(phone_codes.KEY, None):
            messages.error(request, "验证码已失效或输错太多次，请重新填写资料。")
        return redirect("enterprise-register")
    form = CodeForm(request.POST if request.method == "POST" else None, help_text=CODE_HELP)
    if request.method == "POST" and form.is_valid():
        try:
            kept = phone_codes.confirm(request.session, form.cleaned_data["code"], now=now)
            person = phone_codes.newcomer(kept)
            if "invitation" in kept:
                return joined(request, inviting.join_as_newcomer(kept["invitation"], person, now=now))
            return _in(request, registering.register_enterprise(phone_codes.company(kept), person, now=now))
        except Invitation.DoesNotExist:
            return redirect("enterprise-register")
        except DomainError as error:
            place(form, error)
            request.refused_as = "wrong-code"  # type: ignore[attr-defined]  # read by journal.refusals
    context = {
        "form": form,
        "tail": kept["to"][-4:],
        "mail": kept["to"] if "@" in kept["to"] else "",
        "joining": "invitation" in kept,
        "shown": kept["shown"],
    }
    return render(request, "accounts/register_code.html", context, status=400 if form.errors else 200)


def joined(request: HttpRequest, made: Membership) -> HttpResponse:
    """A newcomer has accepted an invitation: in, or, whose chair another keeper must confirm, to the log-in page."""
    if not made.active:
        request.session.pop(phone_codes.KEY, None)
        return render(request, "accounts/invitation_waits.html", {"membership": made})
    answer = login.begin(request, made.user, now=moments.now(), seat=made.pk)
    welcome(request, made)
    return answer


def welcome(request: HttpRequest, made: Membership) -> None:
    messages.success(request, f"您已加入“{made.organisation.name}”，角色：{Role(made.role).label}。")
