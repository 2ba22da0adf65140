"""The regulator's first page: are the promises kept, what came of it, what is red today."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.models import Role
from portal.foundation.core import charts, moments, money
from portal.foundation.sla.models import Kind
from portal.reports import red, results, sla, tiles
from portal.reports.forms import PeriodForm
from portal.reports.measures import PROMISES
from portal.reports.results import DAYS_BEFORE, DAYS_NOW, STAGES, Results
from portal.reports.scope import MONTH, Scope
from portal.reports.sla import Figures, Names, Report, Responsible

from .figures import cases_url

TARGET = Decimal(100)  # the measures promise every case; no lower target is published
HUNDRED_MILLION = Decimal(100_000_000)  # yuan
WEEKS = 8
MOST_INSTITUTIONS = 30  # rows of the heat table
# Lower bound of each shade, per cent: 97 and more, 93, 90, 86, less.
SHADES = (Decimal(97), Decimal(93), Decimal(90), Decimal(86))


@dataclass(frozen=True, slots=True)
class Kpi:
    name: str
    value: str
    detail: str
    href: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Heat:
    """One cell: the figure is written in it, colour only repeats it."""

    text: str
    fraction: str
    tone: str
    href: str


@allow(Role.REGULATOR)
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    now = moments.now()
    form = PeriodForm(request.GET, now=now)
    valid = form.is_valid()
    scope = form.scope if valid else form.usual
    institutions = sla.institutions()
    monthly = sla.report(replace(scope, by=MONTH), known=Names({}, {}), now=now)
    registration = sla.report(replace(scope, by=MONTH, kind=Kind.REGISTRATION), known=Names({}, {}), now=now)
    found = results.results(scope)
    lamps = red.glance(now=now)
    weeks, heat, left_out = _heat(institutions, now=now)
    return render(
        request,
        "supervision/overview.html",
        {
            "form": form,
            "scope": scope,
            "now": now,
            "kpis": _kpis(scope, monthly.total, registration.total, found, lamps.total),
            "weeks": weeks,
            "heat": heat,
            "left_out": left_out,
            "charts": [_monthly(monthly, "响应：收到与按时"), _monthly(registration, "登记：收到与按时")],
            "tiles": _tiles(scope, found),
            "tile_rows": _tile_rows(scope, found),
            "tiles_caption": tiles.CAPTION,
            "other_districts": sum(n for code, n in found.by_district.items() if code not in tiles.PLACES),
            "stages": _stages(scope, found),
            "lamps": lamps,
            "restated": _restated(scope, found),
        },
        status=200 if valid else 400,
    )


def _restated(scope: Scope, found: Results) -> dict[str, str] | None:
    """The note that published figures are no longer what they were; None when nothing was revoked."""
    if not found.revoked:
        return None
    said = (
        f"本期登记中有 {found.revoked} 件（{money.format_wan(found.revoked_amount)} 万元）后来被撤销，登记自始无效，"
        "已从登记件数、金额和首次质押企业中剔除；此前公布的数字含这些件。"
    )
    return {"text": said, "href": cases_url(scope, "revoked")}


def _kpis(scope: Scope, response: Figures, registration: Figures, found: Results, overdue: int) -> list[Kpi]:
    days = found.median_days
    return [
        _promise(Kind.RESPONSE, scope, response),
        _promise(Kind.REGISTRATION, scope, registration),
        Kpi(
            "登记金额",
            _large(found.pledged),
            f"被担保债权数额合计 {money.format_wan(found.pledged)} 万元",
            cases_url(scope, "pledged"),
        ),
        Kpi(
            "登记件数",
            f"{found.pledges} 件",
            f"1000 万元以下 {found.small.text}（{found.small.fraction}）" if found.pledges else "期内没有登记",
            cases_url(scope, "pledged"),
        ),
        Kpi(
            "放款金额",
            _large(found.lent),
            f"{found.loans} 笔，合计 {money.format_wan(found.lent)} 万元；不与登记金额相加",
            cases_url(scope, "loans"),
        ),
        Kpi(
            "从提交到放款",
            "—" if days is None else f"{_trim(days)} 个工作日",
            f"中位数；{DAYS_BEFORE} → {DAYS_NOW}，{DAYS_NOW} 个工作日内 {found.within.text}（{found.within.fraction}）"
            if found.within.whole
            else f"{DAYS_BEFORE} → {DAYS_NOW}；期内没有放款",
            cases_url(scope, "loans-within") if found.within.part else "",
            "" if days is None else ("g" if days <= DAYS_NOW else "y"),
        ),
        Kpi(
            "首次质押企业",
            f"{found.first_time} 户",
            "在本通道第一次登记的出质企业",
            cases_url(scope, "pledged-first") if found.first_time else "",
        ),
        Kpi(
            "现在超期",
            f"{overdue} 件",
            "响应和登记合计，补正中的不算",
            reverse("supervision-lamps"),
            "r" if overdue else "g",
        ),
    ]


def _promise(kind: Kind, scope: Scope, figures: Figures) -> Kpi:
    rate = figures.on_time_rate
    href = f"{reverse('supervision-report')}?{replace(scope, kind=kind).query()}"
    if rate.tenth is None:
        return Kpi(PROMISES[kind], "—", "期内没有到期的办件", href)
    short = TARGET - rate.tenth
    aim = "目标 100%，已达到" if not short else f"目标 100%，差 {_trim(short)} 个百分点"
    return Kpi(PROMISES[kind], rate.text, f"{rate.fraction} 件；{aim}", href, "g" if not short else "y")


def _large(yuan: Decimal) -> str:
    """A headline amount: 亿元 with two decimals from a hundred million on; the exact figure stands below it."""
    if yuan < HUNDRED_MILLION:
        return f"{money.format_wan(yuan)} 万元"
    return f"{(yuan / HUNDRED_MILLION).quantize(money.FEN, rounding=money.ROUNDING)} 亿元"


def _trim(number: Decimal) -> str:
    return f"{number:f}".removesuffix(".0")


def _heat(
    institutions: dict[int, Responsible], *, now: datetime
) -> tuple[list[str], list[tuple[str, list[Heat]]], int]:
    """The last weeks of every institution that had a request in them, the worst first."""
    today = moments.local_date(now)
    monday = today - timedelta(days=today.weekday())
    weeks = [monday - timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]
    scope = Scope(Kind.RESPONSE, weeks[0], today, desk=False)
    found = sla.weekly(scope, now=now)

    def worst(entry: tuple[int, dict[date, Figures]]) -> tuple[Decimal, str]:
        rates = [figures.on_time_rate for figures in entry[1].values()]
        share = sla.Rate(sum(r.part for r in rates), sum(r.whole for r in rates)).percent
        name = institutions.get(entry[0])
        return (Decimal(101) if share is None else share, name.pinyin if name else "")

    ordered = sorted(found.items(), key=worst)
    names = Names(institutions, {})
    rows = [
        (
            names.key("institution", pk).label,
            [_cell(by_week.get(week), scope, institution=pk, week=week, today=today) for week in weeks],
        )
        for pk, by_week in ordered[:MOST_INSTITUTIONS]
    ]
    return [f"{week:%m-%d}" for week in weeks], rows, max(len(ordered) - MOST_INSTITUTIONS, 0)


def _cell(figures: Figures | None, scope: Scope, *, institution: int, week: date, today: date) -> Heat:
    if figures is None:
        return Heat("无件", "", "heat-none", "")
    own = Scope(scope.kind, week, min(week + timedelta(days=6), today), institution=institution)
    rate = figures.on_time_rate
    if rate.percent is None or rate.tenth is None:
        waiting = figures["open"]
        text = f"在办 {waiting}" if waiting else f"不计 {figures['excused']}"
        return Heat(text, "", "heat-none", cases_url(own, "addressed"))
    tone = next((f"heat-{place}" for place, bound in enumerate(SHADES) if rate.percent >= bound), "heat-4")
    return Heat(f"{_trim(rate.tenth)}%", rate.fraction, tone, cases_url(own, "counted"))


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and its data; no drawing when there is nothing to draw."""

    title: str
    svg: SafeString | None
    data: charts.Data


def _monthly(found: Report, title: str) -> Chart:
    months = [row.keys[0].value for row in found.rows]
    data = charts.Data(
        results.month_labels([month for month in months if isinstance(month, date)]),
        [
            charts.Series("收到", [row.figures["addressed"] for row in found.rows]),
            charts.Series("按时", [row.figures["on_time"] for row in found.rows]),
        ],
        "件",
    )
    return Chart(title, charts.bar(data, title=title) if data.labels else None, data)


def _districts(scope: Scope, found: Results) -> dict[str, str]:
    return {
        code: cases_url(replace(scope, district=code), "pledged")
        for code in tiles.PLACES
        if found.by_district.get(code)
    }


def _tiles(scope: Scope, found: Results) -> SafeString:
    names = {code: name for code, (_, _, name) in tiles.PLACES.items()}
    return tiles.draw(found.by_district, _districts(scope, found), names=names, unit="件")


def _tile_rows(scope: Scope, found: Results) -> list[tuple[str, int, str]]:
    links = _districts(scope, found)
    rows = [(tiles.PLACES[code][2], found.by_district[code], link) for code, link in links.items()]
    return sorted(rows, key=lambda row: -row[1])


def _stages(scope: Scope, found: Results) -> list[dict[str, object]]:
    first = found.stages["stage-submitted"]
    return [
        {
            "label": stage.label,
            "definition": stage.definition,
            "count": found.stages[code],
            "first": max(first, 1),
            "share": sla.Rate(found.stages[code], first),
            "href": cases_url(scope, code) if found.stages[code] else "",
        }
        for code, stage in STAGES.items()
    ]
