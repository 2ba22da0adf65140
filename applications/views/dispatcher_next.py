"""The desk that owes an enterprise its next lenders: name some, or say that there are none and why."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from applications import rules
from applications.actions import next_lenders
from applications.forms_bank import DispatchForm, NoneLeftForm
from applications.models import NextRound
from applications.next_rounds import told
from applications.views.institution_case import free_institutions
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.sla import calendars_in_use, lamps


@allow(Role.OFFICER, Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def owed(request: HttpRequest, pk: int) -> HttpResponse:
    """One round. `step` says which of the two answers was given."""
    actor, now = actor_of(request), moments.now()
    mine = NextRound.objects.filter(clock__organisation_id=actor.organisation_id)
    found = get_object_or_404(mine.select_related("clock", "application"), pk=pk)
    step = request.POST.get("step", "")
    names = _form(found, request.POST if step == "propose" else None)
    nobody = NoneLeftForm(request.POST if step == "none" else None, auto_id="none_%s")
    sent: forms.Form | None = {"propose": names, "none": nobody}.get(step)
    status = 200
    if sent is not None and not sent.is_valid():
        status = 400
    elif sent is not None:
        try:
            if step == "propose":
                chosen = [int(pk) for pk in sent.cleaned_data["institutions"]]
                next_lenders.propose(found.pk, institution_ids=chosen, actor=actor, now=now)
            else:
                next_lenders.none_left(found.pk, note=sent.cleaned_data["note"], actor=actor, now=now)
        except DomainError as error:
            place(sent, error)
            status = error.status
            found.refresh_from_db()
        else:
            done = "已推荐给企业，由企业逐家授权。" if step == "propose" else "已答复企业。"
            messages.success(request, done)
            return redirect("desk")
    context: dict[str, Any] = {
        "round": found,
        "case": found.application,
        "reasons": told(next_lenders.summary(found.application, silent=found.silent)),
        "lamp": lamps.of(found.clock, now=now, calendar=calendars_in_use.current()) if found.clock else None,
        "verdict": rules.can_propose_lenders(actor, found),
        "names": names,
        "nobody": nobody,
        "sent": sent,
    }
    return render(request, "bank/next_owed.html", context, status=status)


def _form(found: NextRound, data: Any = None) -> DispatchForm:
    form = DispatchForm(data, choices=free_institutions(found.application), auto_id="propose_%s")
    form.fields["institutions"].label = "推荐给企业"
    form.fields["institutions"].help_text = "可选多家。企业授权后才发送，每家各有 2 个工作日。"
    return form
