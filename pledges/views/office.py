"""The clerk's screen: queue, document, check list; the decisions open as panels beside the document."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pledges import checks, notices, presenting, queries
from pledges.actions import examination, handover
from pledges.forms.office import AssignForm, DefectsForm, HandOverForm, RefuseForm, RegisterForm
from pledges.models import Correction, Registration
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.numbers import whole
from portal.foundation.core.rows import page_of

from .office_screen import TABS, file_of, lists, queue, screen, today

OFFICE = (Role.CLERK, Role.CHIEF)
GET_OR_POST = ["GET", "HEAD", "POST"]


@allow(*OFFICE)
@never_cache
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """The most urgent file opens by itself; with `?rows=1` only the queue, for the refresh."""
    if "rows" in request.GET:
        return render(request, "office/_queue.html", queue(request, request.GET.get("here", "")))
    waiting = _next(request, but=0)
    return screen(request, file_of(request, waiting.number) if waiting else None)


@allow(*OFFICE)
@never_cache
@require_safe
def file(request: HttpRequest, number: str) -> HttpResponse:
    return screen(request, file_of(request, number))


def _onwards(request: HttpRequest, decided: Registration) -> HttpResponse:
    """The next file opens by itself."""
    following = _next(request, but=decided.pk)
    return redirect("office-file", following.number) if following else redirect("office")


def _next(request: HttpRequest, *, but: int) -> Registration | None:
    """The most urgent file for this clerk, those of absent colleagues among them."""
    return queries.next_file(actor_of(request), but=but, today=today())


@allow(*OFFICE)
@require_POST
def accept(request: HttpRequest, number: str) -> HttpResponse:
    shown = file_of(request, number)
    try:
        examination.accept(shown.pk, actor=actor_of(request), now=moments.now())
    except DomainError as error:
        return screen(request, file_of(request, number), refused=error.reason, status=error.status)
    return redirect("office-file", number)


@allow(*OFFICE)
@require_POST
def take_over(request: HttpRequest, number: str) -> HttpResponse:
    shown = file_of(request, number)
    try:
        examination.take_over(
            shown.pk,
            from_clerk_id=whole(request.POST.get("from")) or 0,
            actor=actor_of(request),
            now=moments.now(),
        )
    except DomainError as error:
        return screen(request, file_of(request, number), refused=error.reason, status=error.status)
    messages.success(request, f"{shown.number} 已由您接手。")
    return redirect("office-file", number)


@allow(Role.CHIEF)
@require_POST
def assign(request: HttpRequest, number: str) -> HttpResponse:
    shown = file_of(request, number)
    form = AssignForm(request.POST, clerks=queries.clerks(shown.office_id, today=today()))
    if not form.is_valid():
        return screen(request, shown, refused=str(form.errors["clerk"][0]), status=400)
    try:
        examination.assign(shown.pk, clerk_id=form.cleaned_data["clerk"], actor=actor_of(request), now=moments.now())
    except DomainError as error:
        return screen(request, file_of(request, number), refused=error.reason, status=error.status)
    messages.success(request, f"{shown.number} 已转派。")
    return redirect("office-file", number)


@allow(Role.CHIEF)
@require_POST
def hand_over(request: HttpRequest, number: str) -> HttpResponse:
    """To another office, which goes on with the time that is left."""
    shown = file_of(request, number)
    form = HandOverForm(request.POST, offices=[(o.pk, o.title) for o in handover.other_offices(shown)])
    if not form.is_valid():
        said = next(iter(form.errors.values()))[0]
        return screen(request, shown, refused=str(said), status=400)
    try:
        handover.hand_over(
            shown.pk,
            office_id=form.cleaned_data["office"],
            reason=form.cleaned_data["reason"],
            actor=actor_of(request),
            now=moments.now(),
        )
    except DomainError as error:
        return screen(request, file_of(request, number), refused=error.reason, status=error.status)
    messages.success(request, f"{shown.number} 已改由另一受理机构办理。")
    return redirect("office")


@allow(*OFFICE)
@require_POST
def check(request: HttpRequest, number: str) -> HttpResponse:
    """Ticks of the check list: all at once without JavaScript, one by one with it."""
    shown = file_of(request, number)
    try:
        examination.tick(
            shown.pk,
            ticked=request.POST.getlist("tick"),
            shown=request.POST.getlist("shown"),
            actor=actor_of(request),
            now=moments.now(),
        )
    except DomainError as error:
        return screen(request, file_of(request, number), refused=error.reason, status=error.status)
    if getattr(request, "htmx", False):
        lines = list(shown.checks.all())
        tab = request.POST.get("tab", "")
        context = {"file": shown, "may_examine": True, "tab": tab if tab in TABS else "contract", **lists(lines)}
        return render(request, "office/_checks.html", context | {"open_lines": len(checks.unsettled(lines))})
    messages.success(request, "核对结果已保存。")
    return redirect("office-file", number)


@allow(*OFFICE)
@never_cache
@require_http_methods(GET_OR_POST)
def register(request: HttpRequest, number: str) -> HttpResponse:
    shown = file_of(request, number)
    form = RegisterForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return screen(request, shown, panel="register", form=form)
    if not form.is_valid():
        return screen(request, shown, panel="register", form=form, status=400)
    try:
        notice = examination.register(
            shown.pk,
            national_number=form.cleaned_data["national_number"],
            actor=actor_of(request),
            now=moments.now(),
        )
    except DomainError as error:
        place(form, error)
        return screen(request, file_of(request, number), panel="register", form=form, status=error.status)
    messages.success(request, f"已登记 {shown.number}，{notice.get_kind_display()} {notice.number}。")
    return _onwards(request, shown)


@allow(*OFFICE)
@never_cache
@require_http_methods(GET_OR_POST)
def correct(request: HttpRequest, number: str) -> HttpResponse:
    """The complete list. «预览» shows the letter in the middle column, «再加几行» more rows; both send nothing."""
    shown = file_of(request, number)
    if request.method != "POST":
        return screen(request, shown, panel="correct", form=DefectsForm())
    form = DefectsForm(request.POST)
    if "more" in request.POST:
        return screen(request, shown, panel="correct", form=DefectsForm(None, initial=_as_typed(form), rows=form.count))
    if not form.is_valid():
        return screen(request, shown, panel="correct", form=form, status=400)
    defects = form.defects()
    if "preview" in request.POST and defects:
        rows = [Correction(field=d.place, defect=d.defect, position=i) for i, d in enumerate(defects, start=1)]
        now = moments.now()
        letter = notices.correction_facts(shown, rows, received=shown.submitted_at or now)
        letter["issued_on"] = full_date_cn(moments.local_date(now))
        return screen(request, shown, panel="correct", form=form, letter=letter)
    try:
        examination.ask_correction(shown.pk, defects, actor=actor_of(request), now=moments.now())
    except DomainError as error:
        place(form, error)
        return screen(request, file_of(request, number), panel="correct", form=form, status=error.status)
    messages.success(request, f"补正通知已发出，共 {len(defects)} 项，{shown.number} 的登记时限暂停。")
    return _onwards(request, shown)


def _as_typed(form: DefectsForm) -> dict[str, Any]:
    return {name: form[name].value() for name in form.fields if name != "rows"}


@allow(*OFFICE)
@never_cache
@require_http_methods(GET_OR_POST)
def refuse(request: HttpRequest, number: str) -> HttpResponse:
    """«预览» shows the letter in the middle column and sends nothing."""
    shown = file_of(request, number)
    lines = list(shown.checks.all())
    if request.method != "POST":
        return screen(request, shown, panel="refuse", form=RefuseForm(checks=lines))
    form = RefuseForm(request.POST, checks=lines)
    if not form.is_valid():
        return screen(request, shown, panel="refuse", form=form, status=400)
    if "preview" in request.POST:
        now, said = moments.now(), form.cleaned_data
        received = examination.complete_since(shown, now=now)
        letter = notices.refusal_facts(shown, ground=said["ground"], note=said["note"], received=received)
        letter["issued_on"] = full_date_cn(moments.local_date(now))
        return screen(request, shown, panel="refuse", form=form, letter=letter)
    try:
        notice = examination.refuse(
            shown.pk,
            ground=form.cleaned_data["ground"],
            note=form.cleaned_data["note"],
            actor=actor_of(request),
            now=moments.now(),
        )
    except DomainError as error:
        place(form, error)
        return screen(request, file_of(request, number), panel="refuse", form=form, status=error.status)
    messages.success(request, f"{shown.number} 不予登记，{notice.get_kind_display()} {notice.number}。")
    return _onwards(request, shown)


@allow(*OFFICE)
@never_cache
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """Decided files, newest first, with search."""
    actor, now = actor_of(request), moments.now()
    search = request.GET.get("q", "").strip()[:60]
    shown = page_of(queries.done(actor, search), request, size=queries.PAGE)
    context = {
        "rows": [
            {
                "file": f,
                "lamp": presenting.lamp(f, now=now),
                "tag": presenting.TAGS[f.state],
                "notice": next((n for n in f.notices.all() if n.kind != n.Kind.CORRECTION), None),
            }
            for f in shown.rows
        ],
        "page": shown,
        "q": search,
    }
    return render(request, "office/done.html", context)
