"""值班: who is away, whose files wait for whom; 回避 on the clerk's screen."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from pledges import presenting
from pledges.after import presenting as after
from pledges.models import Absence
from pledges.views.office_screen import file_of, screen
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place

from . import actions, queries
from .forms import AbsenceForm, ReassignForm, RecuseForm

OFFICE = (Role.CLERK, Role.CHIEF)


@allow(*OFFICE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def duty(request: HttpRequest) -> HttpResponse:
    """The office's people with what they hold; POST enters an absence."""
    actor, now = actor_of(request), moments.now()
    today = moments.local_date(now)
    desks = queries.desks(actor.organisation_id, today=today)
    people = [(d.user_id, d.name) for d in desks] if actor.role == Role.CHIEF else []
    if request.method != "POST":
        return _page(request, desks, AbsenceForm(people=people, today=today))
    form = AbsenceForm(request.POST, people=people)
    if not form.is_valid():
        return _page(request, desks, form, status=400)
    data = form.cleaned_data
    try:
        absence = actions.set_absence(
            data.get("user") or actor.user_id,
            first=data["first"],
            last=data["last"],
            note=data["note"],
            actor=actor,
            now=now,
        )
    except DomainError as error:
        place(form, error)
        return _page(request, desks, form, status=error.status)
    messages.success(request, f"已登记 {absence.user} 请假。")
    return redirect("office-duty")


def _page(
    request: HttpRequest, desks: list[queries.Desk], form: AbsenceForm, *, refused: str = "", status: int = 200
) -> HttpResponse:
    actor, now = actor_of(request), moments.now()
    today, chief = moments.local_date(now), actor.role == Role.CHIEF
    here = [(d.user_id, d.name) for d in desks if d.away_until is None]
    context = {
        "desks": [
            {
                "desk": d,
                "files": [{"file": f, "lamp": presenting.lamp(f, now=now)} for f in d.files],
                "matters": [{"matter": m, "lamp": after.lamp(m, now=now)} for m in d.matters],
                "pieces": len(d.files) + len(d.matters),
                "own": d.user_id == actor.user_id,
                "reassign": ReassignForm(clerks=[p for p in here if p[0] != d.user_id], auto_id=f"id_{d.user_id}_%s")
                if chief and (d.files or d.matters)
                else None,
            }
            for d in desks
        ],
        "absences": [
            {"absence": a, "may_end": bool(actions.can_set_absence(actor, a.user_id))}
            for a in queries.coming(actor.organisation_id, today=today)
        ],
        "today": today,
        "form": form,
        "chief": chief,
        "refused": refused,
    }
    return render(request, "office/duty.html", context, status=status)


@allow(*OFFICE)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of(request)
    absence = get_object_or_404(Absence.objects.filter(office_id=actor.organisation_id), pk=pk)
    actions.end_absence(absence.pk, actor=actor, now=moments.now())
    messages.success(request, f"{absence.user} 的请假已结束。")
    return redirect("office-duty")


@allow(Role.CHIEF)
@require_POST
def reassign(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything the clerk with this id holds."""
    actor, now = actor_of(request), moments.now()
    today = moments.local_date(now)
    desks = queries.desks(actor.organisation_id, today=today)
    if pk not in {d.user_id for d in desks}:
        raise Http404
    form = ReassignForm(
        request.POST, clerks=[(d.user_id, d.name) for d in desks if d.user_id != pk and d.away_until is None]
    )
    if not form.is_valid():
        return _page(request, desks, AbsenceForm(people=[(d.user_id, d.name) for d in desks], today=today),
                     refused=str(form.errors["clerk"][0]), status=400)  # fmt: skip
    outcome = actions.reassign_all(pk, to_id=form.cleaned_data["clerk"], actor=actor, now=now)
    if outcome.moved:
        messages.success(request, f"已转派 {len(outcome.moved)} 件。")
    for number, reason in outcome.kept:
        messages.warning(request, f"{number} 没有转派：{reason}")
    return redirect("office-duty")


@allow(*OFFICE)
@require_POST
def recuse(request: HttpRequest, number: str) -> HttpResponse:
    shown = file_of(request, number)
    form = RecuseForm(request.POST)
    if not form.is_valid():
        return screen(request, shown, refused=str(form.errors["reason"][0]), status=400)
    try:
        actions.recuse(shown.pk, reason=form.cleaned_data["reason"], actor=actor_of(request), now=moments.now())
    except DomainError as error:
        return screen(request, file_of(request, number), refused=error.reason, status=error.status)
    messages.success(request, f"{shown.number} 已由您回避，转由其他审查员办理。")
    return redirect("office")
