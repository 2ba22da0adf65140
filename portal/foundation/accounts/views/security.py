"""The security administrator's pages: who has an account, in which chairs, and what may be done about it."""

from django.contrib import messages
from django.contrib.auth import password_validation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.foundation.accounts import attempts, keeping
from portal.foundation.accounts.forms_identity import ReasonForm
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role, User
from portal.foundation.accounts.proving import proven
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place


@allow(Role.SECURITY)
@never_cache
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Every account, found by a name; beside it the rules that passwords and lock-outs follow here."""
    words, state = request.GET.get("q", "").strip()[:60], request.GET.get("state", "")
    before = request.GET.get("after", "")
    found = list(
        keeping.people(
            words,
            state=state if state in ("open", "closed") else "",
            before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
        )[: keeping.PAGE + 1]
    )
    context = {
        "people": [(user, [m for m in user.memberships.all() if m.active]) for user in found[: keeping.PAGE]],
        "after": found[keeping.PAGE - 1].pk if len(found) > keeping.PAGE else "",
        "q": words,
        "state": state,
        "rules": password_validation.password_validators_help_texts(),
        "limits": [
            ("同一账号", attempts.LOGIN),
            ("同一网络地址", attempts.LOGIN_ADDRESS),
            ("第二重验证", attempts.SECOND),
        ],
    }
    return render(request, "accounts/security.html", context)


@allow(Role.SECURITY)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One account; a POST does one thing to it, with a reason."""
    user = get_object_or_404(User.objects.prefetch_related("memberships__organisation"), pk=pk)
    actor, now = actor_of(request), moments.now()
    form, status = ReasonForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                done = keeping.deed(request.POST.get("deed", ""))
                done.do(user.pk, reason=form.cleaned_data["reason"], actor=actor, now=now)
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, f"已办理：{user.name}，{done.label}。")
                return redirect("security-person", pk)
    context = {
        "subject": user,
        "chairs": sorted(user.memberships.all(), key=lambda m: (not m.active, m.pk)),
        "deeds": keeping.deeds(user, now=now) if keeping.can_keep(actor, user.pk) else [],
        "own": actor.user_id == user.pk,
        "locked": keeping.locked_out(user, now=now),
        "form": form,
        "trail": [(reverse("security"), "账号管理")],
    }
    return render(request, "accounts/security_person.html", context, status=status)
