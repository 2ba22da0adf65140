"""The report and the cases behind every figure of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import Invalid
from portal.foundation.core.files import attach
from portal.foundation.core.rates import Rate, limited
from portal.foundation.core.spreadsheets import Mark
from portal.foundation.journal import taken
from portal.foundation.sla.models import Kind
from portal.reports import books, cases, exports, red, results, sla
from portal.reports.forms import LampForm, ScopeForm
from portal.reports.measures import AFTER_RATE, COLUMNS, MEASURES, PROMISES, REASONS, REASONS_OF, definitions
from portal.reports.paging import Place
from portal.reports.scope import DIMENSIONS, INSTITUTION, Scope, recent
from portal.reports.sla import Figures, Names, Report, Row

EXPORTING = Rate("export", 60, timedelta(hours=1))
ROWS = 40  # of the report on one page: every figure is a link, and a page stays under 120 KB


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure on the page, with the address of its cases ("" when there are none)."""

    label: str
    value: str
    href: str = ""
    sub: str = ""


def cases_url(scope: Scope, measure: str) -> str:
    """The page that lists exactly the cases a figure counts."""
    return f"{reverse('supervision-cases')}?{replace(scope, by=INSTITUTION).query(measure=measure)}"


def cells(figures: Figures, scope: Scope) -> list[Cell]:
    """A row of the report's table, in the order of `headings`."""
    kind = scope.kind

    def counted(code: str) -> Cell:
        value = figures[code]
        return Cell(MEASURES[kind][code].label, str(value), cases_url(scope, code) if value else "")

    rate = figures.on_time_rate
    row = [counted(code) for code in COLUMNS[kind]]
    row.append(
        Cell(
            "按时率",
            rate.text,
            cases_url(scope, "counted") if rate.whole else "",
            rate.fraction if rate.whole else "",
        )
    )
    row.append(Cell("中位小时", _hours(figures.median_hours)))
    row.append(Cell("P90 小时", _hours(figures.p90_hours)))
    row += [counted(code) for code in AFTER_RATE[kind]]
    if kind == Kind.REGISTRATION:
        share = figures.correction_rate
        row.append(
            Cell(
                "补正率",
                share.text,
                cases_url(scope, "corrected") if share.part else "",
                share.fraction if share.whole else "",
            )
        )
    return row


def headings(kind: Kind) -> list[str]:
    """The headings of `cells`."""
    return [cell.label for cell in cells(sla.NOTHING, recent(now=moments.now(), kind=kind))]


def _hours(value: Decimal | None) -> str:
    return "—" if value is None else str(value)


def scope_of(request: HttpRequest, *, known: Names, now: datetime) -> tuple[ScopeForm, Scope, int]:
    """The filters, the scope they mean and the status: 400 with the usual scope when they cannot be read."""
    form = ScopeForm(request.GET, known=known, now=now)
    if form.is_valid():
        return form, form.scope, 200
    return form, recent(now=now), 400


def _sorted(rows: Sequence[Row], order: str) -> list[Row]:
    if order == "rate":
        worst = Decimal(101)  # nothing counted comes last
        return sorted(
            rows, key=lambda r: worst if r.figures.on_time_rate.percent is None else r.figures.on_time_rate.percent
        )
    if order == "overdue":
        return sorted(rows, key=lambda r: -r.figures["overdue"])
    return list(rows)


def _slice(rows: list[Row], request: HttpRequest) -> tuple[list[Row], str, str]:
    """One page of the rows, with the names of the rows before and after it."""
    ids = [row.id for row in rows]
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    start = 0
    if after in ids:
        start = ids.index(after) + 1
    elif before in ids:
        start = max(ids.index(before) - ROWS, 0)
    end = start + ROWS
    return rows[start:end], ids[start] if 0 < start < len(ids) else "", ids[end - 1] if end < len(ids) else ""


@allow(Role.REGULATOR)
@require_GET
def report(request: HttpRequest) -> HttpResponse:
    """The table by institution, district and month."""
    now, known = moments.now(), sla.names()
    form, scope, status = scope_of(request, known=known, now=now)
    found = sla.report(scope, known=known, now=now)
    ordered = _sorted(found.rows, form.cleaned_data.get("sort", "key") if status == 200 else "key")
    shown, before, after = _slice(ordered, request)
    return render(
        request,
        "supervision/report.html",
        {
            "form": form,
            "scope": scope,
            "now": now,
            "promise": PROMISES[scope.kind],
            "kinds": [(kind.label, scope_url(scope, kind), kind == scope.kind) for kind in Kind],
            "keys": [DIMENSIONS[dimension] for dimension in scope.dimensions],
            "columns": headings(scope.kind),
            "rows": [(row.keys, cells(row.figures, row.scope)) for row in shown],
            "total": cells(found.total, scope.within(desk=False) if scope.kind == Kind.RESPONSE else scope),
            "desk_rows": [(row.keys, cells(row.figures, row.scope)) for row in found.desk_rows[:ROWS]],
            "desk_total": cells(found.desk_total, scope.within(desk=True)),
            "reasons": _reasons(found, scope),
            "reasons_title": REASONS_OF[scope.kind][0],
            "definitions": definitions(scope.kind),
            "pages": {"before": before, "after": after, "total": f"共 {len(found.rows)} 行"},
            "export": {
                "url": f"{reverse('supervision-export')}?{_query(request)}",
                "what": "report",
                "formats": exports.endings(),
            },
        },
        status=status,
    )


def scope_url(scope: Scope, kind: Kind) -> str:
    """The report of the other promise over the same days."""
    return f"{reverse('supervision-report')}?{Scope(kind, scope.first, scope.last, scope.by, district=scope.district).query()}"


def _reasons(found: Report, scope: Scope) -> list[Cell]:
    whole = found.total[REASONS_OF[scope.kind][1]]
    own = scope.within(desk=False) if scope.kind == Kind.RESPONSE else scope
    return [
        Cell(
            MEASURES[scope.kind][code].label,
            str(number),
            cases_url(own, code),
            f"{sla.Rate(number, whole).text}（{number}/{whole}）",
        )
        for code in sorted(REASONS[scope.kind], key=lambda code: -found.total[code])
        if (number := found.total[code])
    ]


def _query(request: HttpRequest) -> str:
    pairs = request.GET.copy()
    for name in ("before", "after"):
        pairs.pop(name, None)
    return pairs.urlencode()


@allow(Role.REGULATOR)
@require_GET
def behind(request: HttpRequest) -> HttpResponse:
    """The cases behind a figure: clocks of a promise, or requests behind an amount or a stage."""
    now, known = moments.now(), sla.names()
    form, scope, status = scope_of(request, known=known, now=now)
    code = request.GET.get("measure", "addressed")
    place = Place.of(before=request.GET.get("before", ""), after=request.GET.get("after", ""))
    shared: dict[str, Any] = {
        "form": form,
        "scope": scope,
        "now": now,
        "where": _where(scope, known),
        "export": {
            "url": f"{reverse('supervision-export')}?{_query(request)}",
            "what": "cases",
            "formats": exports.endings(paper=False),
        },
    }
    if code in results.LISTS:
        stage = results.LISTS[code]
        total, listed = results.requests(scope, code, place=place, known=known)
        own = {"rows": listed, "label": stage.label, "definition": stage.definition, "back": reverse("supervision")}
        template = "supervision/requests.html"
    else:
        measure = cases.measure(scope, code)
        total = cases.count(scope, code, now=now)
        own = {
            "rows": cases.cases(scope, code, place=place, known=known, now=now),
            "label": measure.label,
            "definition": measure.definition,
            "promise": PROMISES[scope.kind],
            "back": f"{reverse('supervision-report')}?{Scope(scope.kind, scope.first, scope.last).query()}",
        }
        template = "supervision/cases.html"
    return render(request, template, shared | own | {"total": total}, status=status)


def _where(scope: Scope, known: Names) -> list[str]:
    """The filters in words."""
    words = [scope.period]
    if scope.institution is not None:
        words.append(known.key("institution", scope.institution).label)
    if scope.district is not None:
        words.append(known.key("district", scope.district).label)
    if scope.desk and scope.institution is None:
        words.append("调度台")
    return words


@allow(Role.REGULATOR)
@limited(EXPORTING)
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """A file of what is shown. A POST, because it is written into the journal."""
    now, known, actor = moments.now(), sla.names(), actor_of(request)
    chosen, what = request.POST.get("format", ""), request.POST.get("what", "")
    if chosen not in exports.FORMATS:
        raise Invalid("format", "请选择导出为 CSV、Excel 或 PDF。")
    if what not in ("report", "cases", "lamps"):
        raise Invalid("what", "没有这种导出，请回到报表或清单里重新点“导出”。")
    book = _book(request, what, narrow=chosen == "pdf", known=known, now=now)
    written = exports.FORMATS[chosen]
    file, name = written.write(book, mark=Mark(actor.label, now)), f"{book.name}.{written.ending}"
    taken.note(
        what,
        name=name,
        body=file,
        rows=book.size,
        actor=actor,
        now=now,
        verb="report.exported",
        subject=f"report:{what}",
        scope=_query(request),
    )
    return attach(file, media_type=written.media_type, name=name)


def _book(request: HttpRequest, what: str, *, narrow: bool, known: Names, now: datetime) -> books.Book:
    if what == "lamps":
        filters = LampForm(request.GET, known=known)
        if not filters.is_valid():
            raise Invalid("filters", "筛选条件不对，请回到亮灯清单重新选择。")
        choice = filters.choice
        found = red.listed(choice, place=Place(), now=now, size=books.MOST_ROWS).rows
        total = red.counts(choice, now=now)[choice.show]
        return books.of_lamps(found, total, label=red.SHOWN[choice.show], known=known, at=now)
    form = ScopeForm(request.GET, known=known, now=now)
    if not form.is_valid():
        raise Invalid("scope", "筛选条件不对，请回到报表重新选择。")
    scope = form.scope
    if what == "report":
        return books.of_report(sla.report(scope, known=known, now=now), known=known, narrow=narrow)
    code = request.GET.get("measure", "addressed")
    if code in results.LISTS:
        stage = results.LISTS[code]
        count, page = results.requests(scope, code, place=Place(), known=known, size=books.MOST_ROWS)
        return books.of_requests(
            page.rows, count, scope=scope, label=stage.label, definition=stage.definition, known=known, at=now
        )
    label = cases.measure(scope, code).label
    rows = cases.cases(scope, code, place=Place(), known=known, now=now, size=books.MOST_ROWS).rows
    return books.of_cases(rows, cases.count(scope, code, now=now), scope=scope, label=label, known=known, at=now)
