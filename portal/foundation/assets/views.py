"""The enterprise's patents: list, add, several at once, edit, remove."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Organisation, Role
from portal.foundation.accounts.views.session import local_target
from portal.foundation.core import moments
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm, place
from portal.foundation.core.identifiers import PatentKind, PatentNumber, parse_patent_number
from portal.foundation.core.rows import page_of

from . import actions, paste, queries, rules
from .forms import FactsForm, PatentForm, co_owner_rows, compute
from .models import Patent

_TRAIL = "专利"
_JUDGED = ("number", "filing_date")  # what «核对号码» looks at


def _trail() -> list[tuple[str, str]]:
    return [(reverse("assets:list"), _TRAIL)]


@allow(Role.ENTERPRISE)
@never_cache
@require_safe
def patents(request: HttpRequest) -> HttpResponse:
    actor, now = actor_of(request), moments.now()
    today = moments.local_date(now)
    search = request.GET.get("q", "").strip()[:60]
    found = queries.listed(actor, search=search, now=now)
    page = page_of(found, request, size=queries.PAGE)
    total = queries.listed(actor, search=search, now=now).count()
    context = {
        "rows": [(p, queries.expiry_mark(p, today=today), queries.fee_mark(p, today=today)) for p in page.rows],
        "page": page,
        "total": f"共 {total} 件",
        "q": search,
    }
    return render(request, "assets/list.html", context)


def _company(request: HttpRequest) -> str:
    return str(Organisation.objects.values_list("name", flat=True).get(pk=actor_of(request).organisation_id))


@allow(Role.ENTERPRISE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """One patent by its number. The buttons «核对号码» and «添加共有人» only show the page again, with everything typed."""
    now = moments.now()
    today = moments.local_date(now)
    if request.method != "POST":
        form = PatentForm(today=today, initial={"patentee": _company(request), "status": Patent.Status.GRANTED})
        return _form_page(request, form, co_owner_rows(), 200)
    form = PatentForm(request.POST, today=today)
    rows = co_owner_rows(request.POST, more="more" in request.POST)
    if "more" in request.POST or "check" in request.POST:
        return _form_page(request, _quiet(form, judged=() if "more" in request.POST else _JUDGED), rows, 200)
    if not (form.is_valid() & rows.is_valid()):
        return _form_page(request, form, rows, 400)
    number: PatentNumber = form.cleaned_data["number"]
    try:
        made = actions.add(number.canonical, number.kind, form.facts(rows), actor=actor_of(request), now=now)
    except DomainError as error:
        place(form, error)
        return _form_page(request, form, rows, error.status)
    messages.success(request, f"已录入 {made.dotted}，{made.get_kind_display()}，{full_date_cn(made.expires_on)}届满。")
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """Where the person came from (the wizard sends `?next=`), if that is a page of ours; else the list."""
    return local_target(request.GET.get("next", "")) or reverse("assets:list")


def _quiet(form: PatentForm, *, judged: tuple[str, ...]) -> PatentForm:
    """The same form with only these fields judged: the rest is not finished yet."""
    form.is_valid()
    for name in list(form.errors):
        if name not in judged or not form[name].value():
            del form.errors[name]
    return form


def _form_page(
    request: HttpRequest, form: FactsForm, rows: object, status: int, patent: Patent | None = None
) -> HttpResponse:
    computed = form.computed() if isinstance(form, PatentForm) else None
    context = {"form": form, "rows": rows, "computed": computed, "patent": patent, "trail": _trail()}
    return render(request, "assets/form.html", {**context, "back": _back(request)}, status=status)


@allow(Role.ENTERPRISE)
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """The panel under number and filing date, asked for by the page while somebody types. Changes nothing."""
    form = _quiet(PatentForm(request.POST, today=moments.local_date(moments.now())), judged=_JUDGED)
    return render(request, "assets/_computed.html", {"computed": form.computed(), "form": form, "live": True})


def _known_number(patent: Patent) -> PatentNumber:
    return parse_patent_number(patent.number, today=moments.local_date(moments.now()))


@allow(Role.ENTERPRISE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    actor, now = actor_of(request), moments.now()
    patent = get_object_or_404(queries.owned(actor), pk=pk)
    number, today = _known_number(patent), moments.local_date(now)
    if request.method != "POST":
        form = FactsForm(today=today, number=number, initial=_initial(patent, number))
        owners = [{"name": c.name, "uscc": c.uscc} for c in patent.co_owners.order_by("name")]
        return _form_page(request, form, co_owner_rows(initial=owners), 200, patent)
    form = FactsForm(request.POST, today=today, number=number)
    rows = co_owner_rows(request.POST, more="more" in request.POST)
    if "more" in request.POST:
        form.is_valid()
        form.errors.clear()
        return _form_page(request, form, rows, 200, patent)
    if not (form.is_valid() & rows.is_valid()):
        return _form_page(request, form, rows, 400, patent)
    try:
        saved = actions.edit(pk, form.facts(rows), seen=form.cleaned_data["seen"], actor=actor, now=now)
    except DomainError as error:
        place(form, error)
        form.seen_now(actions.state_of(patent))
        return _form_page(request, form, rows, error.status, patent)
    messages.success(request, f"{saved.dotted} 已保存，{full_date_cn(saved.expires_on)}届满。")
    return redirect("assets:list")


def _initial(patent: Patent, number: PatentNumber) -> dict[str, object]:
    lawful = compute(number, patent.filing_date).expires_on
    return {
        **{name: getattr(patent, name) for name in (*FactsForm.MAIN, "preserved", "invalidation_pending")},
        "same_day_twin": patent.same_day_twin,
        "expires_on": patent.expires_on if patent.expires_on != lawful else None,
        "expiry_note": patent.expiry_note,
        "seen": actions.state_of(patent),
    }


@allow(Role.ENTERPRISE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then take the patent off the list."""
    actor, now = actor_of(request), moments.now()
    patent = get_object_or_404(queries.owned(actor), pk=pk)
    status = 200
    verdict = rules.can_remove(
        actor, patent, requested=queries.in_live_request(patent), pledged=queries.in_pledge(patent, now=now)
    )
    if request.method == "POST":
        if verdict:
            actions.remove(pk, actor=actor, now=now)
            messages.success(request, f"已移除 {patent.dotted}。")
            return redirect("assets:list")
        status = 409
    context = {"patent": patent, "verdict": verdict, "trail": _trail()}
    return render(request, "assets/remove.html", context, status=status)


class PasteForm(PortalForm):
    lines = forms.CharField(
        label="专利清单",
        max_length=20_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text="一行一件，依次是：专利号、名称、申请日、授权公告日、年费缴至。可以从电子表格里整块复制；后两列可以空着。",
    )


@allow(Role.ENTERPRISE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add_several(request: HttpRequest) -> HttpResponse:
    """Paste, look at what was read, then add all of it or none."""
    actor, now = actor_of(request), moments.now()
    form = PasteForm(request.POST if request.method == "POST" else None)
    rows: list[paste.Row] = []
    status = 200
    if request.method == "POST":
        if form.is_valid():
            known = set(queries.owned(actor).values_list("number", flat=True))
            text = form.cleaned_data["lines"]
            today = moments.local_date(now)
            rows = paste.read(text, patentee=_company(request), known=known, today=today)
            ready = [(r.number.canonical, r.number.kind, r.facts) for r in rows if r.number and r.facts]
            if not rows:
                form.add_error(
                    "lines", "没有读到专利。请一行写一件，例如：ZL201710601862.3，一种示例装置，2017-07-21。"
                )
            elif len(ready) == len(rows) and "confirm" in request.POST:
                try:
                    made = actions.add_many(ready, actor=actor, now=now)
                except DomainError as error:
                    form.add_error("lines", error.reason)
                    status = error.status
                else:
                    messages.success(request, f"已录入 {len(made)} 件专利。")
                    return redirect("assets:list")
        if (form.errors and status == 200) or any(r.faults for r in rows):
            status = 400
    wrong = sum(1 for r in rows if r.faults)
    context = {
        "form": form,
        "rows": [(r, PatentKind(r.number.kind).label if r.number else "", _expiry(r)) for r in rows],
        "wrong": wrong,
        "right": len(rows) - wrong,
        "page_has_errors": bool(wrong),
        "trail": _trail(),
    }
    return render(request, "assets/several.html", context, status=status)


def _expiry(row: paste.Row) -> str:
    if row.number is None or row.facts is None:
        return ""
    expires_on = compute(row.number, row.facts.filing_date).expires_on
    return full_date_cn(expires_on) if expires_on else ""
