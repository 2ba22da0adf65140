"""What is shown, as a book of plain tables that every file format prints alike: CSV, XLSX and PDF say the same numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portal.foundation.core.moments import local
from portal.foundation.sla.models import Kind

from .cases import Case
from .measures import AFTER_RATE, COLUMNS, MEASURES, PROMISES, RATES, REASONS, REASONS_OF, definitions
from .red import Red
from .results import Request
from .scope import DIMENSIONS, Scope
from .sla import Figures, Names, Report, Row

Cell = str | int | Decimal | datetime | None
MOST_ROWS = 5_000  # of a list in a file


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: the first `texts` columns are words, the others figures. Rows hold values, not formatted text."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    texts: int = 1


@dataclass(frozen=True, slots=True)
class Book:
    """A file's content. `facts` (the period, the moment of the data) stand before the tables, `notes` after them."""

    name: str  # of the file, without its ending
    title: str
    at: datetime
    facts: Sequence[tuple[str, str]]
    sheets: Sequence[Sheet]
    notes: Sequence[tuple[str, str]]

    @property
    def size(self) -> int:
        return sum(len(sheet.rows) for sheet in self.sheets)


def moment_text(at: datetime) -> str:
    """2026-11-23 10:42:05, on a Chongqing clock."""
    return f"{local(at):%Y-%m-%d %H:%M:%S}"


def _facts(scope: Scope, at: datetime, known: Names) -> list[tuple[str, str]]:
    facts = [("承诺", PROMISES[scope.kind]), ("期间", scope.period), ("数据时刻", f"{moment_text(at)}（北京时间）")]
    if scope.institution is not None:
        facts.append(("机构", known.key("institution", scope.institution).label))
    if scope.district is not None:
        facts.append(("区县", known.key("district", scope.district).label))
    return facts


def of_report(report: Report, *, known: Names, narrow: bool = False) -> Book:
    """The report with every row of its scope. `narrow` splits the wide table in two, for paper."""
    scope, kind = report.scope, report.scope.kind
    labels = [DIMENSIONS[dimension] for dimension in scope.dimensions]
    kept, rate, used = _headings(kind, narrow=narrow)
    # Three names and the rate do not fit side by side on A4; then the rate stands in the second table.
    crowded = len(labels) > 2
    sheets: list[Sheet] = []
    for title, rows, total in (
        ("按时情况", report.rows, report.total),
        ("调度台（另计）", report.desk_rows, report.desk_total),
    ):
        if not rows and title != "按时情况":
            continue
        every = [*((_labels(row), row.figures) for row in rows), (["合计"] + [""] * (len(labels) - 1), total)]
        parts = [(n, _kept(f, kind), _rate(f), _used(f, kind)) for n, f in every]
        if not narrow:
            sheets.append(_sheet(title, labels, [*kept, *rate, *used], [(n, [*k, *r, *u]) for n, k, r, u in parts]))
            continue
        first, second = ([*kept], [*rate, *used]) if crowded else ([*kept, *rate], [*used])
        sheets.append(_sheet(title, labels, first, [(n, k if crowded else [*k, *r]) for n, k, r, _ in parts]))
        sheets.append(
            _sheet(
                f"{title}：用时（小时）与结果",
                labels,
                second,
                [(n, [*r, *u] if crowded else u) for n, _, r, u in parts],
            )
        )
    if reasons := _reasons(report.rows, kind):
        what = REASONS_OF[kind][0]
        sheets.append(Sheet(what, [*labels, what, "件数"], reasons, texts=len(labels) + 1))
    return Book(
        name=f"sla-{kind}-{scope.first:%Y%m%d}-{scope.last:%Y%m%d}",
        title=f"时限报表：{kind.label}",
        at=report.at,
        facts=_facts(scope, report.at, known),
        sheets=sheets,
        notes=definitions(kind),
    )


def _headings(kind: Kind, *, narrow: bool) -> tuple[list[str], list[str], list[str]]:
    """Headings of the counts, of the rate, and of what follows it; on paper their units stand in the caption."""
    measures = MEASURES[kind]
    kept = [measures[code].label for code in COLUMNS[kind]]
    used = [*(measures[code].label for code in AFTER_RATE[kind])]
    if kind == Kind.REGISTRATION:
        used += ["补正过", "补正率%" if narrow else "补正率（%）"]
    if narrow:
        return kept, ["按时率%", "分母"], ["中位时", "P90时", *used]
    return kept, [f"{RATES[kind]}（%）", "分母"], ["用时中位数（小时）", "用时 P90（小时）", *used]


def _rate(figures: Figures) -> list[Cell]:
    return [figures.on_time_rate.tenth, figures.on_time_rate.whole]


def _sheet(title: str, labels: list[str], columns: list[str], rows: list[tuple[list[str], list[Cell]]]) -> Sheet:
    return Sheet(title, [*labels, *columns], [[*names, *cells] for names, cells in rows], texts=len(labels))


def _labels(row: Row) -> list[str]:
    return [key.label for key in row.keys]


def _kept(figures: Figures, kind: Kind) -> list[Cell]:
    return [figures[code] for code in COLUMNS[kind]]


def _used(figures: Figures, kind: Kind) -> list[Cell]:
    cells: list[Cell] = [figures.median_hours, figures.p90_hours, *(figures[code] for code in AFTER_RATE[kind])]
    if kind == Kind.REGISTRATION:
        cells += [figures["corrected"], figures.correction_rate.tenth]
    return cells


def _reasons(rows: Iterable[Row], kind: Kind) -> list[list[Cell]]:
    return [
        [*_labels(row), MEASURES[kind][code].label, row.figures[code]]
        for row in rows
        for code in REASONS[kind]
        if row.figures[code]
    ]


def of_cases(rows: Sequence[Case], total: int, *, scope: Scope, label: str, known: Names, at: datetime) -> Book:
    """The list behind a figure, without enterprises' names."""
    columns = ["办件编号", "登记件编号", "机构", "区县", "灯", "截止", "起算时间", "截止时刻", "停止时间", "是否不计"]
    body: list[list[Cell]] = [
        [
            *(case.number, case.file, case.institution, case.district, case.lamp.text, case.lamp.title),
            *(case.started_at, case.due_at, case.stopped_at, "不计" if case.excused else "计入"),
        ]
        for case in rows
    ]
    return Book(
        name=f"cases-{scope.kind}-{scope.first:%Y%m%d}-{scope.last:%Y%m%d}",
        title=f"办件清单：{label}",
        at=at,
        facts=[*_facts(scope, at, known), ("件数", _of(len(rows), total))],
        sheets=[Sheet(label, columns, body, texts=6)],
        notes=definitions(scope.kind),
    )


def of_requests(
    rows: Sequence[Request], total: int, *, scope: Scope, label: str, definition: str, known: Names, at: datetime
) -> Book:
    """The requests, registrations or loans behind a figure of the overview."""
    columns = ["办件编号", "登记件编号", "区县", "状态", "日期", "金额（元）", "全程工作日"]
    body: list[list[Cell]] = [[r.number, r.file, r.district, r.state, r.at, r.amount, r.working_days] for r in rows]
    facts = [("期间", scope.period), ("数据时刻", f"{moment_text(at)}（北京时间）"), ("件数", _of(len(rows), total))]
    if scope.district is not None:
        facts.append(("区县", known.key("district", scope.district).label))
    return Book(
        name=f"requests-{scope.first:%Y%m%d}-{scope.last:%Y%m%d}",
        title=f"办件清单：{label}",
        at=at,
        facts=facts,
        sheets=[Sheet(label, columns, body, texts=4)],
        notes=[(label, definition)],
    )


def of_lamps(rows: Sequence[Red], total: int, *, label: str, known: Names, at: datetime) -> Book:
    """The lamp list as shown."""
    columns = ["编号", "环节", "机构", "区县", "灯", "截止", "已提醒", "督办单", "督办状态", "起算时间", "截止时刻"]
    body: list[list[Cell]] = []
    for red in rows:
        latest = red.latest
        state = "" if latest is None else order_state(latest.replied_at is not None, late=red.order_late)
        body.append(
            [
                *(
                    red.clock.case_number,
                    Kind(red.clock.kind).label,
                    known.key("institution", red.clock.organisation_id).label,
                ),
                *(known.key("district", red.district_code or "-").label, red.lamp.text, red.lamp.title, red.announced),
                *("" if latest is None else latest.number, state, red.clock.started_at, red.clock.due_at),
            ]
        )
    return Book(
        name=f"lamps-{local(at):%Y%m%d-%H%M}",
        title=f"亮灯清单：{label}",
        at=at,
        facts=[("数据时刻", f"{moment_text(at)}（北京时间）"), ("件数", _of(len(rows), total))],
        sheets=[Sheet(label, columns, body, texts=9)],
        notes=[
            ("红灯", "已过截止时刻仍未办结；补正暂停中的不算。"),
            ("超期满 1 个工作日", "截止日之后又过完一个工作日。"),
        ],
    )


def order_state(replied: bool, *, late: bool) -> str:
    """The word for where an order stands."""
    if replied:
        return "逾期答复" if late else "已答复"
    return "逾期未答复" if late else "待答复"


def _of(shown: int, total: int) -> str:
    return f"{total} 件" if shown == total else f"共 {total} 件，本文件列出前 {shown} 件，其余请缩小范围后导出"
