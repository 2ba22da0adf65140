"""An office is absent: the regulator moves a file to another one, and the promise with it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from pledges import rules
from pledges.actions import handover
from pledges.forms.office import HandOverForm
from pledges.models import Registration
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.sla import calendars_in_use, lamps


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest, number: str) -> HttpResponse:
    """One registration file: to which office, and why."""
    now, actor = moments.now(), actor_of(request)
    files = Registration.objects.visible_to(actor).select_related("office", "clock", "application")
    file = get_object_or_404(files, number=number)
    offices = [(office.pk, office.title) for office in handover.other_offices(file)]
    form = HandOverForm(request.POST if request.method == "POST" else None, offices=offices)
    verdict, status = rules.can_hand_over(actor, file), 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        try:
            moved = handover.hand_over(file.pk, **_wish(form), actor=actor, now=now)
        except DomainError as error:
            for field, said in (error.fields or {"": error.reason}).items():
                form.add_error(field if field in form.fields else None, said)
            status = error.status
            file.refresh_from_db()
            verdict = rules.can_hand_over(actor, file)
        else:
            messages.success(request, f"{file.number} 已改由 {moved.office.title} 办理。")
            return redirect("supervision-case", file.application.number)
    clock = file.clock
    return render(
        request,
        "supervision/hand_over.html",
        {
            "file": file,
            "form": form,
            "offices": offices,
            "verdict": verdict,
            "lamp": lamps.of(clock, now=now, calendar=calendars_in_use.current(file.office_id)) if clock else None,
        },
        status=status if verdict or status != 200 else 409,
    )


def _wish(form: HandOverForm) -> dict[str, Any]:
    return {"office_id": form.cleaned_data["office"], "reason": form.cleaned_data["reason"]}
