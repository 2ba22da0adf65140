"""The keys of an institution, for its manager."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.accounts.proving import proven
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place

from . import actions
from .forms import KeyForm
from .models import ApiKey


@allow(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def keys(request: HttpRequest) -> HttpResponse:
    """The list; a POST makes one, and its answer is the only page that ever shows the secret."""
    actor, now = actor_of(request), moments.now()
    form = KeyForm(request.POST if request.method == "POST" else None)
    status, issued = 200, None
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                issued = actions.create(**form.cleaned_data, actor=actor, now=now)
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                form, status = KeyForm(), 200
    mine = ApiKey.objects.filter(membership__organisation_id=actor.organisation_id).order_by("-pk")[:50]
    shown = [(key, key.usable(now)) for key in mine]
    return render(request, "integrations/keys.html", {"form": form, "issued": issued, "keys": shown}, status=status)


@allow(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Asked once more, because the system that uses it stops at once."""
    actor = actor_of(request)
    key = get_object_or_404(ApiKey, pk=pk, membership__organisation_id=actor.organisation_id)
    if request.method == "POST":
        actions.revoke(key.pk, actor=actor, now=moments.now())
        messages.success(request, f"密钥 {key.ident} 已停用。")
        return redirect("api-keys")
    return render(request, "integrations/revoke.html", {"key": key})
