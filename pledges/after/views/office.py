"""The office after the registration: the list of matters, one matter, and the decisions on it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pledges.after import examination, names, presenting, queries, rules
from pledges.after.forms import ApproveForm, DefectsForm, NotDoneForm
from pledges.after.models import Matter, Revocation
from pledges.forms.office import AssignForm
from pledges.locking import in_conflict
from pledges.models import Check
from pledges.presenting import RESULT_TAGS
from pledges.queries import clerks
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm, place
from portal.foundation.core.numbers import version_of, whole

from .common import OFFICE, matter_of, matter_page


@allow(*OFFICE)
@never_cache
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """What the office has to decide on registered pledges, by urgency, with its kind."""
    actor, now = actor_of(request), moments.now()
    context = {
        "rows": [(m, presenting.TAGS[m.state], presenting.lamp(m, now=now)) for m in queries.waiting(actor)],
        "proposals": queries.proposals(actor),
        "recent": [(m, presenting.TAGS[m.state], presenting.lamp(m, now=now)) for m in queries.recent(actor)],
        "chief": actor.role == Role.CHIEF,
    }
    return render(request, "office/after/desk.html", context)


@allow(*OFFICE)
@never_cache
@require_safe
def matter(request: HttpRequest, number: str) -> HttpResponse:
    return _page(request, matter_of(request, number))


def _page(
    request: HttpRequest,
    found: Matter,
    *,
    panel: str = "",
    form: PortalForm | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    """One matter; `panel` is the decision whose form came back with errors."""
    actor, file = actor_of(request), found.registration
    conflict = in_conflict(actor.user_id, file)
    forms: dict[str, PortalForm] = {"approve": ApproveForm(), "correct": DefectsForm(), "refuse": NotDoneForm()}
    if form is not None:
        forms[panel] = form
    context: dict[str, Any] = {
        "conflict": conflict,
        "may_accept": bool(rules.can_accept(actor, found, file, conflict=conflict)),
        "may_take_over": bool(rules.can_take_over(actor, found, file, conflict=conflict)),
        "may_examine": bool(rules.can_examine(actor, found, file, conflict=conflict)),
        "touched": [(c, *RESULT_TAGS[c["result"]]) for c in found.checks],
        "stopping": next((c for c in found.checks if c["result"] == Check.Result.FOUND), None),
        "mismatches": names.mismatches(file),
        "revoking": file.revocations.filter(state=Revocation.State.PROPOSED).exists(),
        "forms_of": forms,
        "bound": form,
        "panel": panel,
        "refused": refused,
    }
    if rules.can_assign(actor, found, file):
        today = moments.local_date(moments.now())
        context["assign"] = AssignForm(clerks=clerks(file.office_id, today=today))
    return matter_page(request, "office/after/matter.html", found, status=status, **context)


def _simply(request: HttpRequest, number: str, verb: Callable[..., Matter], said: str, **shown: int) -> HttpResponse:
    found = matter_of(request, number)
    try:
        verb(found.pk, **shown, actor=actor_of(request), now=moments.now())
    except DomainError as error:
        return _page(request, matter_of(request, number), refused=error.reason, status=error.status)
    messages.success(request, said)
    return redirect("office-matter", number)


@allow(*OFFICE)
@require_POST
def accept(request: HttpRequest, number: str) -> HttpResponse:
    return _simply(request, number, examination.accept, "已受理，由您审查。")


@allow(*OFFICE)
@require_POST
def take_over(request: HttpRequest, number: str) -> HttpResponse:
    shown = whole(request.POST.get("from")) or 0
    return _simply(request, number, examination.take_over, "已由您接手。", from_clerk_id=shown)


@allow(Role.CHIEF)
@require_POST
def assign(request: HttpRequest, number: str) -> HttpResponse:
    found = matter_of(request, number)
    today = moments.local_date(moments.now())
    form = AssignForm(request.POST, clerks=clerks(found.registration.office_id, today=today))
    if not form.is_valid():
        return _page(request, found, refused=str(form.errors["clerk"][0]), status=400)
    clerk = form.cleaned_data["clerk"]
    return _simply(request, number, examination.assign, f"{number} 已转派。", clerk_id=clerk)


def _decide(
    request: HttpRequest, number: str, panel: str, form: PortalForm, act: Callable[[Matter], object], said: str
) -> HttpResponse:
    found = matter_of(request, number)
    if not form.is_valid():
        return _page(request, found, panel=panel, form=form, status=400)
    try:
        act(found)
    except DomainError as error:
        place(form, error)
        return _page(request, matter_of(request, number), panel=panel, form=form, status=error.status)
    messages.success(request, said)
    return redirect("office-after")


@allow(*OFFICE)
@require_POST
def approve(request: HttpRequest, number: str) -> HttpResponse:
    who, version = actor_of(request), version_of(request)
    return _decide(
        request,
        number,
        "approve",
        ApproveForm(request.POST),
        lambda m: examination.approve(m.pk, version=version, actor=who, now=moments.now()),
        f"{number} 已办结，通知书已签发。",
    )


@allow(*OFFICE)
@require_POST
def correct(request: HttpRequest, number: str) -> HttpResponse:
    form, who = DefectsForm(request.POST), actor_of(request)
    return _decide(
        request,
        number,
        "correct",
        form,
        lambda m: examination.ask_correction(m.pk, form.lines(), actor=who, now=moments.now()),
        f"{number} 已发出补正通知，办理时限暂停。",
    )


@allow(*OFFICE)
@require_POST
def refuse(request: HttpRequest, number: str) -> HttpResponse:
    form, who = NotDoneForm(request.POST), actor_of(request)
    return _decide(
        request,
        number,
        "refuse",
        form,
        lambda m: examination.refuse(
            m.pk, ground=form.cleaned_data["ground"], note=form.cleaned_data["note"], actor=who, now=moments.now()
        ),
        f"{number} 不予办理，通知书已签发。",
    )
