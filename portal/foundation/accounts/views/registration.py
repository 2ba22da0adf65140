"""A company comes to the portal."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts import actions
from portal.foundation.accounts.forms import RegistrationForm
from portal.foundation.accounts.guards import public
from portal.foundation.accounts.identity import login
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place


@public
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
                made = actions.register_enterprise(form.company(), form.newcomer(), now=moments.now())
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                answer = login.begin(request, made.user, now=moments.now(), seat=made.pk)
                messages.success(
                    request, f"“{made.organisation.name}”已注册，您已登录。下一步：录入专利，再提交融资需求。"
                )
                return answer
    return render(request, "accounts/register.html", {"form": form}, status=status)
