"""Tools as the regulator sets them: a new one, a new total for one, and every change that was made."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.journal.models import Entry

from . import tools
from .forms import NewToolForm, ToolForm, shown_yi
from .models import QuotaTool

SHOWN = 50


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """新设."""
    actor, now = actor_of(request), moments.now()
    form = NewToolForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        given = form.cleaned_data
        try:
            made = tools.begin(
                given["code"].lower(),
                given["name"],
                restricted=given["restricted"],
                figures=form.figures(),
                actor=actor,
                now=now,
            )
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"已新设“{made.name}”。")
            return redirect("quota-tool", code=made.code)
    return render(request, "quotas/tool_new.html", {"form": form}, status=status)


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def tool(request: HttpRequest, code: str) -> HttpResponse:
    """One tool: its total to change, and the record of changes, newest first."""
    actor, now = actor_of(request), moments.now()
    found = get_object_or_404(QuotaTool, code=code)
    start: dict[str, Any] = {"total": shown_yi(found.total), "confirmed": found.confirmed, "ground": found.ground}
    form = ToolForm(request.POST if request.method == "POST" else None, initial=start)
    status = 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        try:
            tools.change(found.pk, form.figures(), why=form.cleaned_data["why"], actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "已调整。")
            return redirect("quota-tool", code=found.code)
    history = Entry.objects.filter(subject=found.subject).order_by("-pk")[:SHOWN]
    context = {"tool": found, "form": form, "history": list(history)}
    return render(request, "quotas/tool.html", context, status=status)
