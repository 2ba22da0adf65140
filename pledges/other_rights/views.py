"""All registrations of one financing in one list, and one followed right with its progress and papers."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from applications.models import Application
from pledges.models import Registration
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbers import version_of
from portal.foundation.journal.sending import send

from . import actions, listing, rules
from .forms import AGAIN, PapersForm, RightForm, StepForm
from .models import OtherRight

EDITING = (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER)
GET_OR_POST = ["GET", "HEAD", "POST"]


def _financing(actor: Actor, number: str) -> Application:
    """The request, for its enterprise, the bank whose offer it took, and the regulator."""
    found = Application.objects.select_related("organisation", "accepted_offer__referral__institution__organisation")
    found = found.exclude(accepted_offer=None)
    if actor.role == Role.ENTERPRISE:
        found = found.filter(organisation_id=actor.organisation_id)
    elif actor.role in (Role.OFFICER, Role.MANAGER):
        found = found.filter(accepted_offer__referral__institution_id=actor.organisation_id)
    return get_object_or_404(found, number=number)


def _right(case: Application, ref: UUID) -> OtherRight:
    right = get_object_or_404(OtherRight, application=case, ref=ref)
    right.application = case
    return right


def _trail(case: Application) -> list[tuple[str, str]]:
    return [(reverse("other-rights:list", args=[case.number]), f"全部质押登记 {case.number}")]


def _debt_to(case: Application) -> date | None:
    """The last day of the debt, as the patents' file has it; one query."""
    found = Registration.objects.filter(application=case, state__in=Registration.LIVE_STATES)
    return found.values_list("debt_to", flat=True).first()


@allow(*EDITING, Role.REGULATOR)
@never_cache
@require_safe
def rights(request: HttpRequest, number: str) -> HttpResponse:
    """本次融资的全部质押登记."""
    actor, now = actor_of(request), moments.now()
    case = _financing(actor, number)
    rows = listing.rows(listing.files_of(case, actor), listing.rights_of(case, actor), number=case.number, now=now)
    context = {
        "case": case,
        "rows": rows,
        "may_add": bool(rules.can_add(actor, case)),
        "no_promise": listing.NO_PROMISE,
        "enterprise": actor.role == Role.ENTERPRISE,
    }
    return render(request, "other_rights/list.html", context)


@allow(*EDITING)
@never_cache
@require_http_methods(GET_OR_POST)
def add(request: HttpRequest, number: str) -> HttpResponse:
    """Record one more right."""
    actor, now = actor_of(request), moments.now()
    case = _financing(actor, number)
    verdict = rules.can_add(actor, case)
    posted = request.method == "POST"
    form = RightForm(request.POST if posted else None)
    status = 200 if verdict else 409
    if posted and not form.is_valid():
        status = 400
    elif posted:
        try:
            made = actions.add(case.pk, actions.Facts(**form.cleaned_data), actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "已登记。办理有进展时，任一方都可以更新。")
            return redirect("other-rights:right", case.number, made.ref)
    context = {"case": case, "form": form, "verdict": verdict, "trail": _trail(case), "no_promise": listing.NO_PROMISE}
    return render(request, "other_rights/add.html", context, status=status)


@allow(*EDITING, Role.REGULATOR)
@never_cache
@require_http_methods(GET_OR_POST)
def right(request: HttpRequest, number: str, ref: UUID) -> HttpResponse:
    """One right: its facts, how far it is, its papers. POST `step` is advance, save or attach."""
    actor, now = actor_of(request), moments.now()
    case = _financing(actor, number)
    found = _right(case, ref)
    step = request.POST.get("step", "") if request.method == "POST" else ""
    today = local_date(now)
    bound: dict[str, Any] = {
        "advance": StepForm(
            request.POST if step == "advance" else None, right=found, initial={"on": today}, auto_id="step_%s"
        ),
        "save": RightForm(
            request.POST if step == "save" else None,
            initial={name: getattr(found, name) for name in RightForm.base_fields},
            auto_id="right_%s",
        ),
        "attach": PapersForm(
            request.POST if step == "attach" else None, request.FILES if step == "attach" else None, auto_id="paper_%s"
        ),
    }
    sent: forms.Form | None = bound.get(step)
    status, note = 200, ""
    if request.method == "POST" and sent is None:
        status, note = 400, "请用下面的按钮办理。"
    elif sent is not None and not sent.is_valid():
        status = 400
    elif sent is not None:
        try:
            said = _act(found, step, sent, request, actor=actor)
        except DomainError as error:
            place(sent, error)
            status, found = error.status, _right(case, ref)
        else:
            messages.success(request, said)
            return redirect("other-rights:right", case.number, found.ref)
    context = {
        "case": case,
        "right": found,
        "forms_by": bound,
        "may_edit": bool(rules.can_edit(actor, found)),
        "may_attach": bool(rules.can_add(actor, case)),
        "papers": list(found.papers.order_by("pk")),
        "reads_papers": actor.role in EDITING,
        "warnings": listing.warnings(found, debt_to=_debt_to(case), today=today),
        "no_promise": listing.NO_PROMISE,
        "sent": sent,
        "note": note,
        "trail": _trail(case),
    }
    return render(request, "other_rights/right.html", context, status=status)


def _act(found: OtherRight, step: str, form: forms.Form, request: HttpRequest, *, actor: Actor) -> str:
    now, given = moments.now(), form.cleaned_data
    if step == "advance":
        again = given["state"] == AGAIN
        state = found.state if again else given["state"]
        step_told = actions.Step(state, given["on"], given["number"], correct=again)
        actions.advance(found.pk, step_told, actor=actor, now=now)
        return "进度已更新，对方会收到消息。"
    if step == "save":
        version = version_of(request)
        actions.save(found.pk, actions.Facts(**given), version=version, actor=actor, now=now)
        return "已更正。"
    actions.attach(found.pk, given["paper"], actor=actor, now=now)
    return "材料已上传。"


@allow(*EDITING)
@require_safe
def paper(request: HttpRequest, number: str, ref: UUID, file_ref: UUID) -> HttpResponseBase:
    """A paper, as a download; for the two sides."""
    actor = actor_of(request)
    case = _financing(actor, number)
    stored = get_object_or_404(_right(case, ref).papers, ref=file_ref)
    try:
        return send(request, stored, reader=actor, owner_id=case.organisation_id, case_number=case.number)
    except FileNotFoundError as error:
        raise Http404 from error
