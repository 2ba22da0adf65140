"""Changing what a working day is: importing a year, closing an office; and what is provisional until the next year comes."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Organisation, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm
from portal.foundation.sla import calendar_imports, closures, horizon
from portal.foundation.sla.models import Clock, Closure, Kind
from portal.foundation.sla.recounting import Move
from portal.reports.forms_calendar import ClosureForm, ReopeningForm, YearForm
from portal.reports.paging import PAGE, Cursor, Place, beyond, page

SHOWN = 200  # moved deadlines on one page; the counts tell of all


@dataclass(frozen=True, slots=True)
class Row:
    """One deadline that would move; `late`: it is broken as soon as the change is confirmed."""

    clock: Clock
    promise: str
    due_at: datetime
    provisional: bool
    late: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """What a change would do to open deadlines, in the words of the page."""

    rows: list[Row]
    more: int  # further rows that the page leaves out
    moved: list[tuple[str, int]]  # promise, count
    confirmed: int
    reminders: int
    late: int
    token: str


def _effects(moves: list[Move], token: str, *, now: datetime) -> Effects:
    told = [move for move in moves if move.moved or move.confirmed]
    told.sort(key=lambda move: (not move.late(now=now), not move.moved))  # what needs a second thought first
    counts = Counter(str(Kind(move.clock.kind).label) for move in told if move.moved)
    return Effects(
        rows=[
            Row(m.clock, str(Kind(m.clock.kind).label), m.plan.due_at, m.plan.provisional, m.late(now=now))
            for m in told[:SHOWN]
        ],
        more=max(len(told) - SHOWN, 0),
        moved=sorted(counts.items()),
        confirmed=sum(not move.moved for move in told),
        reminders=len(moves) - len(told),
        late=sum(move.late(now=now) for move in told),
        token=token,
    )


def _moved(count: int) -> str:
    return f"{count} 件在办时限随之移动" if count else "没有在办时限移动"


def _put(form: PortalForm, error: DomainError) -> int:
    """An action's refusal beside its field, or above the form; the status to answer with."""
    for field, said in error.fields.items():
        form.add_error(field if field in form.fields else None, said)
    if not error.fields:
        form.add_error(None, error.reason)
    return error.status


@allow(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def import_year(request: HttpRequest) -> HttpResponse:
    """Upload or paste a year, look at what it changes, then confirm exactly that."""
    actor, now = actor_of(request), moments.now()
    form = YearForm(request.POST, request.FILES) if request.method == "POST" else YearForm()
    step = request.POST.get("step", "check") if request.method == "POST" else "edit"
    status, found = 200, None
    if step == "edit":
        form = YearForm(initial={name: request.POST.get(name, "") for name in ("text", "ground")})
    elif not form.is_valid():
        step, status = "edit", 400
    elif step == "confirm":
        try:
            done = calendar_imports.import_years(
                [form.year],
                ground=form.cleaned_data["ground"],
                actor=actor,
                now=now,
                token=request.POST.get("token", ""),
            )
        except DomainError as error:
            step, status = "check", _put(form, error)
        else:
            messages.success(request, f"{form.year.year} 年工作日历已生效，{_moved(len(done.moved))}。")
            return redirect("supervision-calendar")
    if step != "edit":
        try:
            found = calendar_imports.preview([form.year])
        except DomainError as error:
            step = "edit"
            if status == 200:
                status = _put(form, error)
    return render(
        request,
        "supervision/calendar_import.html",
        {
            "form": form,
            "step": step,
            "text": form.cleaned_data.get("text", "") if step != "edit" else "",
            "year": found.years[0] if found else None,
            "effects": _effects(found.moves, found.token, now=now) if found else None,
        },
        status=status,
    )


@allow(Role.REGULATOR, Role.ADMIN)
@require_GET
def provisional(request: HttpRequest) -> HttpResponse:
    """The open deadlines that depend on a year that is not published, soonest first."""
    now = moments.now()
    place = Place.of(before=request.GET.get("before", ""), after=request.GET.get("after", ""))
    clocks = horizon.provisional().select_related("organisation")
    if place.cursor:
        clocks = clocks.filter(beyond("due_at", place.cursor, downwards=place.backwards))
    if place.backwards:
        clocks = clocks.order_by("-due_at", "-pk")
    found = list(clocks[: PAGE + 1])
    return render(
        request,
        "supervision/calendar_provisional.html",
        {
            "horizon": horizon.horizon(now=now),
            "rows": page(found, place, [Cursor(clock.due_at, clock.pk) for clock in found]),
            "total": horizon.provisional().count(),
            "admin": actor_of(request).role == Role.ADMIN,
        },
    )


# --- closures ---------------------------------------------------------------------------------------------------------


@allow(Role.CHIEF, Role.REGULATOR)
@require_http_methods(["GET", "POST"])
def closed_days(request: HttpRequest) -> HttpResponse:
    """An office's closures, and announcing one: written, looked over with the registrations it moves, then confirmed."""
    actor, now = actor_of(request), moments.now()
    offices = closures.offices(actor)
    form = ClosureForm(offices, request.POST) if request.method == "POST" else ClosureForm(offices)
    step = request.POST.get("step", "check") if request.method == "POST" else "edit"
    status, effects, days = 200, None, list[date]()
    if step == "edit" and request.method == "POST":
        form = ClosureForm(offices, initial={name: request.POST.get(name, "") for name in form.fields})
    elif step != "edit" and not form.is_valid():
        step, status = "edit", 400
    if step != "edit":
        first = form.cleaned_data["first"]
        last = form.cleaned_data["last"] or first
    if step == "confirm":
        try:
            done = closures.close(
                form.chosen, first, last, ground=form.cleaned_data["ground"], actor=actor, now=now,
                token=request.POST.get("token", ""),
            )  # fmt: skip
        except DomainError as error:
            step, status = "check", _put(form, error)
        else:
            messages.success(request, f"{form.chosen.title}的停办日已设定，{_moved(len(done.moved))}。")
            return redirect("closures")
    if step == "check":
        try:
            seen = closures.preview_closing(form.chosen, first, last, actor=actor, now=now)
        except DomainError as error:
            step = "edit"
            if status == 200:
                status = _put(form, error)
        else:
            effects, days = _effects(seen.moves, seen.token, now=now), seen.days
    return render(
        request,
        "supervision/closures.html",
        {
            "form": form,
            "step": step,
            "days": days,
            "effects": effects,
            "office": form.chosen if step == "check" else None,
            "regulator": actor.role == Role.REGULATOR,
            "hidden": [(name, request.POST.get(name, "")) for name in form.fields],
            "listed": [] if step == "check" else _listed(offices, now=now, chief=actor.role == Role.CHIEF),
        },
        status=status,
    )


def _listed(
    offices: list[Organisation], *, now: datetime, chief: bool
) -> list[tuple[Organisation, list[tuple[Closure, bool]]]]:
    """Each office with its closures and whether this person may take each one back."""
    today = moments.local_date(now)
    return [
        (office, [(closure, not chief or closure.day > today) for closure in closures.in_force(office)])
        for office in offices
    ]


@allow(Role.CHIEF, Role.REGULATOR)
@require_POST
def reopen_day(request: HttpRequest) -> HttpResponse:
    """Take one closed day back: looked over first, then confirmed with its ground."""
    actor, now = actor_of(request), moments.now()
    offices = closures.offices(actor)
    form = ReopeningForm(offices, request.POST)
    if not form.is_valid():
        messages.error(request, "请从停办日列表里选择要撤销的一天。")
        return redirect("closures")
    office, day, status = form.chosen, form.cleaned_data["day"], 200
    if request.POST.get("step") == "confirm":
        try:
            done = closures.reopen(
                office, [day], ground=form.cleaned_data["ground"], actor=actor, now=now,
                token=request.POST.get("token", ""),
            )  # fmt: skip
        except DomainError as error:
            status = _put(form, error)
        else:
            messages.success(request, f"{office.title}这一天恢复办公，{_moved(len(done.moved))}。")
            return redirect("closures")
    try:
        seen = closures.preview_reopening(office, [day], actor=actor, now=now)
    except DomainError as error:
        messages.error(request, error.reason)
        return redirect("closures")
    if status == 200:  # the ground is asked for here, so nothing is wrong with it yet
        form = ReopeningForm(offices, initial={"office": office.pk, "day": day})
    context = {"form": form, "office": office, "day": day, "effects": _effects(seen.moves, seen.token, now=now)}
    return render(request, "supervision/closure_remove.html", context, status=status)
