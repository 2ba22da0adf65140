"""A claim of compensation: for the bank that claims, the institution that answers, the enterprise and the regulator."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pledges.disposal import rules
from pledges.disposal.actions import compensation
from pledges.disposal.forms import CompensationForm, NoteForm
from pledges.disposal.presenting import fund_in, loss_split, yuan
from pledges.disposal.settlement_models import Compensation
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place

from .common import GET_OR_POST, PARTIES, is_pledgee, trail


def _claim(actor: Actor, ref: UUID) -> Compensation:
    found = Compensation.objects.visible_to(actor).select_related(
        "cover__institution__organisation",
        "cover__scheme",
        "disposal__registration__application",
        "disposal__registration__pledgee",
        "disposal__registration__pledgor",
    )
    return get_object_or_404(found, ref=ref)


@allow(*PARTIES, Role.REGULATOR)
@never_cache
@require_http_methods(GET_OR_POST)
def claim(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One claim: the loss, who carries how much of it, the payment, what passes to who paid."""
    actor, now = actor_of(request), moments.now()
    found = _claim(actor, ref)
    step = request.POST.get("step", "") if request.method == "POST" else ""
    pay = CompensationForm(
        request.POST if step == "pay" else None,
        initial={"paid_on": moments.local_date(now), "fund_pays": True},
        auto_id="pay_%s",
    )
    if not fund_in(found):
        del pay.fields["fund_pays"]
    refuse = NoteForm(request.POST if step == "refuse" else None, label="未获代偿的理由", auto_id="refuse_%s")
    sent: forms.Form | None = {"pay": pay, "refuse": refuse}.get(step)
    status, note = 200, ""
    if request.method == "POST" and sent is None:
        status, note = 400, "请用下面的按钮办理。"
    elif sent is not None and not sent.is_valid():
        status = 400
    elif sent is not None:
        try:
            if step == "pay":
                compensation.pay(found.pk, compensation.Payment(**sent.cleaned_data), actor=actor, now=now)
            else:
                compensation.refuse(found.pk, note=sent.cleaned_data["note"], actor=actor, now=now)
        except DomainError as error:
            place(sent, error)
            status, found = error.status, _claim(actor, ref)
        else:
            messages.success(request, "已记录代偿。" if step == "pay" else "已告知未获代偿的理由。")
            return redirect("disposals:claim", found.ref)
    paid = found.state == Compensation.State.PAID
    fund = fund_in(found)
    context = {
        "claim": found,
        "file": found.disposal.registration,
        "loss": yuan(found.loss),
        "parts": loss_split(found, fund_pays=bool(found.fund_pays) if paid and fund else True),
        "without_fund": loss_split(found, fund_pays=False) if fund and not paid else [],
        "may": bool(rules.can_answer_claim(actor, found)),
        "reads_case": is_pledgee(actor, found.disposal) or actor.role in (Role.ENTERPRISE, Role.REGULATOR),
        "pay": pay,
        "refuse": refuse,
        "sent": sent,
        "note": note,
        "subrogated": compensation.recourse(found.cover),
        "trail": trail(),
    }
    return render(request, "disposal/claim.html", context, status=status)
