"""Who forgot the password: ask for a link, use it."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts.forms_identity import ForgottenForm, OwnPasswordForm
from portal.foundation.accounts.guards import public
from portal.foundation.accounts.identity import reset
from portal.foundation.core import addresses, moments
from portal.foundation.core.errors import DomainError, TooMany
from portal.foundation.core.forms import place


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """The same answer whether there is such an account or not."""
    form = ForgottenForm(request.POST if request.method == "POST" else None)
    status = 400
    if request.method == "POST" and form.is_valid():
        try:
            reset.ask(form.cleaned_data["login"], address=addresses.network(request), now=moments.now())
        except TooMany as error:
            form.add_error(None, error.reason)
            status = error.status
        else:
            return redirect(reverse("password-forgotten") + "?sent=1")
    context = {
        "form": form,
        "sent": "sent" in request.GET and not form.is_bound,
        "files": settings.DEMO,
        "texts": settings.SMS_PROVIDER != "none",
    }
    return render(request, "accounts/forgotten.html", context, status=status if form.errors else 200)


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def use(request: HttpRequest, token: str) -> HttpResponse:
    """Set a new password by the link of a message; afterwards the person logs in with it."""
    link = reset.find(token)
    if link is None:
        raise Http404
    now = moments.now()
    if not reset.works(link, now=now):
        return _gone(request, reset.GONE)
    form = OwnPasswordForm(request.POST if request.method == "POST" else None, user=link.user)
    if request.method == "POST" and form.is_valid():
        try:
            reset.use(link.pk, form.cleaned_data["password"], now=now)
        except DomainError as error:
            if error.code == "gone":
                return _gone(request, error.reason)
            place(form, error)
        else:
            messages.success(request, "密码已重设，请用新密码登录。您原来的登录都已退出。")
            return redirect("login")
    return _quiet(render(request, "accounts/reset.html", {"form": form}, status=400 if form.errors else 200))


def _gone(request: HttpRequest, reason: str) -> HttpResponse:
    return _quiet(render(request, "accounts/reset_gone.html", {"reason": reason}, status=409))


def _quiet(answer: HttpResponse) -> HttpResponse:
    """Django logs the path of every refused request, and here the path is the secret."""
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer
