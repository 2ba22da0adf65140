"""Schemes as the regulator sets them: a new one, new figures for one, and every change that was made."""

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import District, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.journal.models import Entry

from . import schemes
from .forms_schemes import ChangeForm, NewSchemeForm
from .models import SubsidyScheme

SHOWN = 50


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """新设: a scheme of another kind or another year."""
    actor, now = actor_of(request), moments.now()
    districts = list(District.objects.filter(current=True).values_list("code", "name"))
    form = NewSchemeForm(request.POST if request.method == "POST" else None, districts=districts)
    status = 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        try:
            made = schemes.begin(form.identity(), form.figures(), actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"已新设“{made.name}”。")
            return redirect("subsidy-scheme", code=made.code)
    return render(request, "subsidies/scheme_new.html", {"form": form}, status=status)


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def scheme(request: HttpRequest, code: str) -> HttpResponse:
    """One scheme: its figures to change, and the record of changes, newest first."""
    actor, now = actor_of(request), moments.now()
    found = get_object_or_404(SubsidyScheme.objects.select_related("district"), code=code)
    start = asdict(schemes.figures_of(found))
    start["rate"] = f"{found.rate.normalize():f}"
    form = ChangeForm(request.POST if request.method == "POST" else None, initial=start)
    status = 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        try:
            schemes.change(found.pk, form.figures(), why=form.cleaned_data["why"], actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "已调整，已有的申请按原来算出的金额办理。")
            return redirect("subsidy-scheme", code=found.code)
    history = Entry.objects.filter(verb="subsidy.scheme_set", subject=found.subject).order_by("-pk")[:SHOWN]
    context = {"scheme": found, "form": form, "history": list(history)}
    return render(request, "subsidies/scheme.html", context, status=status)
