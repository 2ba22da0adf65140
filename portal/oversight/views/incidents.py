"""Incidents: recorded, reported within four hours of the wall clock, closed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.oversight import incidents
from portal.oversight.forms import CloseForm, IncidentForm, ReportForm
from portal.oversight.models import Incident

READERS = (Role.ADMIN, Role.SECURITY, Role.AUDIT)


@allow(*READERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """The newest two hundred; system and security administrators record one here."""
    actor, now = actor_of(request), moments.now()
    may = incidents.can_keep(actor)
    form = IncidentForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        may.require()
        status = 400
        if form.is_valid():
            try:
                made = incidents.open_incident(**form.cleaned_data, actor=actor, now=now)
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, f"已登记 {made.number}，请在 4 小时时限前报告。")
                return redirect("incident", made.pk)
    rows = [(row, row.late(now=now)) for row in Incident.objects.order_by("-pk")[:200]]
    return render(request, "oversight/incidents.html", {"form": form if may else None, "rows": rows}, status=status)


@allow(*READERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One incident; a POST reports it, or closes it once it is reported."""
    actor, now = actor_of(request), moments.now()
    found = get_object_or_404(Incident.objects.select_related("recorded_by", "reported_by"), pk=pk)
    may = incidents.can_keep(actor)
    unreported = found.reported_at is None
    form = (ReportForm if unreported else CloseForm)(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        may.require()
        status = 400
        if form.is_valid():
            try:
                if unreported:
                    incidents.report(pk, to=form.cleaned_data["to"], actor=actor, now=now)
                else:
                    incidents.close(pk, conclusion=form.cleaned_data["conclusion"], actor=actor, now=now)
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, "已记录报告。" if unreported else "已结案。")
                return redirect("incident", pk)
    context = {
        "incident": found,
        "late": found.late(now=now),
        "form": form if may and found.closed_at is None else None,
        "unreported": unreported,
        "trail": [(reverse("incidents"), "安全事件")],
    }
    return render(request, "oversight/incident.html", context, status=status)
