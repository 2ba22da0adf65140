"""The clerk's screen: queue, document, check list; the decisions open as panels beside the document."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pledges import checks, grounds, notices, presenting, queries, rules
from pledges.actions import examination
from pledges.forms.office import AssignForm, DefectsForm, RefuseForm, RegisterForm
from pledges.models import Check, Correction, Document, Ground, Registration
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm

from .common import place

OFFICE = (Role.CLERK, Role.CHIEF)
GET_OR_POST = ["GET", "HEAD", "POST"]
TABS = {
    "contract": "合同",
    "form": "申请表",
    "patents": "专利",
    "papers": "材料",
    "history": "经过",
}
SHORTCUTS = [
    ("1–5", "切换材料"),
    ("Space", "勾选当前要点"),
    ("a", "受理，或打开予以登记"),
    ("b", "打开要求补正"),
    ("n", "打开不予登记"),
    ("Ctrl+Enter", "在打开的决定里确认"),
]


def _file(request: HttpRequest, number: str) -> Registration:
    return get_object_or_404(queries.examinable(actor_of(request)), number=number)


@allow(*OFFICE)
@never_cache
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """The most urgent file opens by itself; with `?rows=1` only the queue, for the refresh."""
    if "rows" in request.GET:
        return render(request, "office/_queue.html", _queue(request, request.GET.get("here", "")))
    waiting = queries.next_file(actor_of(request), but=0)
    return _screen(request, _file(request, waiting.number) if waiting else None)


@allow(*OFFICE)
@never_cache
@require_safe
def file(request: HttpRequest, number: str) -> HttpResponse:
    return _screen(request, _file(request, number))


def _queue(request: HttpRequest, here: str) -> dict[str, Any]:
    now = moments.now()
    rows = [{"file": f, "lamp": presenting.lamp(f, now=now)} for f in queries.queue(actor_of(request))]
    return {"queue": rows, "here": here}


def _screen(
    request: HttpRequest,
    shown: Registration | None,
    *,
    panel: str = "",
    form: PortalForm | None = None,
    refused: str = "",
    letter: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The three columns. `panel` is the decision that is open: register, correct or refuse."""
    now, actor = moments.now(), actor_of(request)
    context: dict[str, Any] = _queue(request, shown.number if shown else "")
    context |= {"today": queries.decided_today(actor, now=now), "shortcuts": SHORTCUTS}
    if shown is None:
        return render(request, "office/screen.html", context)
    tab = request.GET.get("tab", "contract")
    lines = list(shown.checks.all())
    conflict: bool = shown.conflict  # type: ignore[attr-defined]  # annotated by queries.examinable
    context |= {
        "file": shown,
        "tag": presenting.TAGS[shown.state],
        "lamp": presenting.lamp(shown, now=now),
        "tab": tab if tab in TABS else "contract",
        "tabs": [(str(i), name, label) for i, (name, label) in enumerate(TABS.items(), start=1)],
        **_lists(lines),
        "open_lines": len(checks.unsettled(lines)),
        "conflict": conflict,
        "may_accept": bool(rules.can_accept(actor, shown, conflict=conflict)),
        "may_examine": bool(rules.can_examine(actor, shown, conflict=conflict)),
        "may_take_over": bool(rules.can_take_over(actor, shown, conflict=conflict)),
        "may_assign": bool(rules.can_assign(actor, shown)),
        "held": rules.held_by(shown) if shown.clerk_id not in (None, actor.user_id) else "",
        "panel": panel,
        "form": form,
        "refused": refused,
        "letter": letter,
    }
    context |= _document(request, shown, context["tab"])
    if context["may_assign"]:
        context["assign"] = AssignForm(clerks=queries.clerks(shown.office_id))
    return render(request, "office/screen.html", context, status=status)


def _lists(lines: list[Check]) -> dict[str, list[dict[str, Any]]]:
    """What needs eyes first, what the system has settled below."""
    rows = [_line(c) for c in lines]
    return {
        "attention": [r for r in rows if r["manual"] or r["check"].warning or r["check"].result != Check.Result.CLEAR],
        "settled": [
            r for r in rows if not r["manual"] and not r["check"].warning and r["check"].result == Check.Result.CLEAR
        ],
    }


def _line(check: Check) -> dict[str, Any]:
    kind, word = presenting.RESULT_TAGS[check.result]
    if check.warning:
        kind, word = "warn", "注意"
    return {
        "check": check,
        "kind": kind,
        "word": word,
        "value": f"{check.ground}:{check.point}",
        "title": check.evidence if check.point else f"{check.ground} {_about(check)}",
        "manual": checks.is_manual(check),
        "ticked": not check.automatic and check.result == Check.Result.CLEAR,
    }


def _about(check: Check) -> str:
    return grounds.FINE[check.ground] if check.result == Check.Result.CLEAR else str(Ground(check.ground).label)


def _document(request: HttpRequest, shown: Registration, tab: str) -> dict[str, Any]:
    """What the middle column shows; one query a tab."""
    if tab == "form":
        return {"facts": presenting.facts(shown)}
    if tab == "history":
        events = presenting.events(queries.story(shown, actor_of(request)))
        return {"events": events, "corrections": _corrections(shown), "notices": list(shown.notices.all())}
    if tab == "patents":
        return {"patents": presenting.patents(shown)}
    papers = presenting.papers(shown.documents.order_by("pk"))
    if tab == "contract":
        return {"paper": next(iter(papers.get(Document.Kind.CONTRACT, [])), None)}
    rest = [d for kind, found in papers.items() if kind != Document.Kind.CONTRACT for d in found]
    chosen = next((d for d in rest if str(d.ref) == request.GET.get("paper", "")), rest[0] if rest else None)
    return {"rest": rest, "paper": chosen}


def _corrections(shown: Registration) -> list[Correction]:
    return list(shown.corrections.all()) if shown.correction_rounds else []


def _onwards(request: HttpRequest, decided: Registration) -> HttpResponse:
    """The next file opens by itself."""
    following = queries.next_file(actor_of(request), but=decided.pk)
    return redirect("office-file", following.number) if following else redirect("office")


@allow(*OFFICE)
@require_POST
def accept(request: HttpRequest, number: str) -> HttpResponse:
    shown = _file(request, number)
    try:
        examination.accept(shown.pk, actor=actor_of(request), now=moments.now())
    except DomainError as error:
        return _screen(request, _file(request, number), refused=error.reason, status=error.status)
    return redirect("office-file", number)


@allow(*OFFICE)
@require_POST
def take_over(request: HttpRequest, number: str) -> HttpResponse:
    shown = _file(request, number)
    said = request.POST.get("from", "")
    try:
        examination.take_over(
            shown.pk,
            from_clerk_id=int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0,
            actor=actor_of(request),
            now=moments.now(),
        )
    except DomainError as error:
        return _screen(request, _file(request, number), refused=error.reason, status=error.status)
    messages.success(request, f"{shown.number} 已由您接手。")
    return redirect("office-file", number)


@allow(Role.CHIEF)
@require_POST
def assign(request: HttpRequest, number: str) -> HttpResponse:
    shown = _file(request, number)
    form = AssignForm(request.POST, clerks=queries.clerks(shown.office_id))
    if not form.is_valid():
        return _screen(request, shown, refused=str(form.errors["clerk"][0]), status=400)
    try:
        examination.assign(shown.pk, clerk_id=form.cleaned_data["clerk"], actor=actor_of(request), now=moments.now())
    except DomainError as error:
        return _screen(request, _file(request, number), refused=error.reason, status=error.status)
    messages.success(request, f"{shown.number} 已转派。")
    return redirect("office-file", number)


@allow(*OFFICE)
@require_POST
def check(request: HttpRequest, number: str) -> HttpResponse:
    """Ticks of the check list: all at once without JavaScript, one by one with it."""
    shown = _file(request, number)
    try:
        examination.tick(
            shown.pk,
            ticked=request.POST.getlist("tick"),
            shown=request.POST.getlist("shown"),
            actor=actor_of(request),
            now=moments.now(),
        )
    except DomainError as error:
        return _screen(request, _file(request, number), refused=error.reason, status=error.status)
    if getattr(request, "htmx", False):
        lines = list(shown.checks.all())
        tab = request.POST.get("tab", "")
        context = {"file": shown, "may_examine": True, "tab": tab if tab in TABS else "contract", **_lists(lines)}
        return render(request, "office/_checks.html", context | {"open_lines": len(checks.unsettled(lines))})
    messages.success(request, "核对结果已保存。")
    return redirect("office-file", number)


@allow(*OFFICE)
@never_cache
@require_http_methods(GET_OR_POST)
def register(request: HttpRequest, number: str) -> HttpResponse:
    shown = _file(request, number)
    form = RegisterForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _screen(request, shown, panel="register", form=form)
    if not form.is_valid():
        return _screen(request, shown, panel="register", form=form, status=400)
    try:
        notice = examination.register(
            shown.pk,
            national_number=form.cleaned_data["national_number"],
            actor=actor_of(request),
            now=moments.now(),
        )
    except DomainError as error:
        place(form, error)
        return _screen(request, _file(request, number), panel="register", form=form, status=error.status)
    messages.success(request, f"已登记 {shown.number}，{notice.get_kind_display()} {notice.number}。")
    return _onwards(request, shown)


@allow(*OFFICE)
@never_cache
@require_http_methods(GET_OR_POST)
def correct(request: HttpRequest, number: str) -> HttpResponse:
    """The complete list. «预览» shows the letter in the middle column, «再加几行» more rows; both send nothing."""
    shown = _file(request, number)
    if request.method != "POST":
        return _screen(request, shown, panel="correct", form=DefectsForm())
    form = DefectsForm(request.POST)
    if "more" in request.POST:
        return _screen(
            request, shown, panel="correct", form=DefectsForm(None, initial=_as_typed(form), rows=form.count)
        )
    if not form.is_valid():
        return _screen(request, shown, panel="correct", form=form, status=400)
    defects = form.defects()
    if "preview" in request.POST and defects:
        rows = [Correction(field=d.place, defect=d.defect, position=i) for i, d in enumerate(defects, start=1)]
        now = moments.now()
        letter = notices.correction_facts(shown, rows, received=shown.submitted_at or now)
        letter["issued_on"] = full_date_cn(moments.local_date(now))
        return _screen(request, shown, panel="correct", form=form, letter=letter)
    try:
        examination.ask_correction(shown.pk, defects, actor=actor_of(request), now=moments.now())
    except DomainError as error:
        place(form, error)
        return _screen(request, _file(request, number), panel="correct", form=form, status=error.status)
    messages.success(request, f"补正通知已发出，共 {len(defects)} 项，{shown.number} 的登记时限暂停。")
    return _onwards(request, shown)


def _as_typed(form: DefectsForm) -> dict[str, Any]:
    return {name: form[name].value() for name in form.fields if name != "rows"}


@allow(*OFFICE)
@never_cache
@require_http_methods(GET_OR_POST)
def refuse(request: HttpRequest, number: str) -> HttpResponse:
    shown = _file(request, number)
    lines = list(shown.checks.all())
    if request.method != "POST":
        return _screen(request, shown, panel="refuse", form=RefuseForm(checks=lines))
    form = RefuseForm(request.POST, checks=lines)
    if not form.is_valid():
        return _screen(request, shown, panel="refuse", form=form, status=400)
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
        return _screen(request, _file(request, number), panel="refuse", form=form, status=error.status)
    messages.success(request, f"{shown.number} 不予登记，{notice.get_kind_display()} {notice.number}。")
    return _onwards(request, shown)


@allow(*OFFICE)
@never_cache
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """Decided files, newest first, with search."""
    actor, now = actor_of(request), moments.now()
    search = request.GET.get("q", "").strip()[:60]
    shown = queries.page_of(
        queries.done(actor, search),
        before=queries.cursor(request.GET.get("before")),
        after=queries.cursor(request.GET.get("after")),
    )
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
