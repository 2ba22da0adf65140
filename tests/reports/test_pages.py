"""What Rui sees is what Rui takes away; nobody else sees it at all."""

import csv
import io
import re
from datetime import datetime, timedelta
from decimal import Decimal

import openpyxl
import pypdf
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applications.models import Application
from portal.foundation.core import moments
from portal.foundation.core.pdf import engine
from portal.foundation.core.spreadsheets import neutral
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock, Kind
from portal.reports import actions, exports, sla
from portal.reports.books import Book, Sheet
from portal.reports.scope import Scope, recent
from tests.budget import asked
from tests.factories import Person
from tests.grounds import stated
from tests.reports.seed import Seed, banks, desk, scatter

pytestmark = pytest.mark.django_db
PAGES = [
    "/supervision/",
    "/supervision/report/",
    "/supervision/report/?by=institution-district-month",
    "/supervision/report/?kind=registration&by=district-month&sort=rate",
    "/supervision/cases/?measure=counted",
    "/supervision/cases/?kind=registration&measure=refused",
    "/supervision/cases/?measure=pledged",
    "/supervision/cases/?measure=stage-submitted",
    "/supervision/lamps/",
    "/supervision/lamps/?show=second&order=newest",
    "/supervision/policy/",
    "/supervision/policy/registration/new/",
    "/supervision/calendar/",
    "/orders/",
]
REGULATOR_ONLY = [page for page in PAGES if page not in ("/supervision/calendar/", "/orders/")]


@pytest.fixture
def crowd(ling: Person, chen: Person) -> None:
    institutions = [*banks(6), desk()]
    scatter(Seed(ling), institutions, chen.organisation, number=90, now=moments.now(), key=11)


def test_every_page_opens_in_twelve_queries_and_120_kilobytes(crowd: None, rui: Person, ling: Person) -> None:
    overdue = Clock.objects.overdue(now=moments.now())
    for clock in overdue[:5]:
        actions.issue(clock.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=moments.now())
    case = ling.organisation.applications.first()
    assert case is not None
    rui.client.get("/supervision/")  # the first request of a session remembers the chair
    for page in [*PAGES, f"/supervision/lamps/{overdue[5].pk}/order/", stated(rui, case.number)]:
        with CaptureQueriesContext(connection) as queries:
            answer = rui.client.get(page)
        assert answer.status_code == 200, page
        assert len(asked(queries)) <= 12, (page, [sql[:80] for sql in asked(queries)])
        assert len(answer.content) <= 120 * 1024, page
        text = answer.content.decode()
        assert not re.search(r"\sstyle=|<script>|\son[a-z]+=", text), page
        assert text.count("<h1") == 1, page


@pytest.mark.parametrize("page", REGULATOR_ONLY)
def test_only_the_regulator_reads_the_figures(
    page: str, ling: Person, wai: Person, bo: Person, chen: Person, ada: Person
) -> None:
    for other in (ling, wai, bo, chen, ada):
        assert other.client.get(page).status_code == 403
    other.client.logout()
    assert other.client.get(page).status_code == 302


def test_the_lists_do_not_name_the_enterprise(crowd: None, rui: Person, ling: Person) -> None:
    for page in PAGES:
        assert ling.organisation.name not in rui.client.get(page).content.decode(), page
    case = ling.organisation.applications.first()
    assert case is not None
    assert ling.organisation.name in rui.client.get(stated(rui, case.number)).content.decode()
    assert rui.client.get("/supervision/cases/YZD209901010001A/").status_code == 404


def test_every_figure_on_the_report_leads_to_a_list_of_that_length(crowd: None, rui: Person) -> None:
    for page in ("/supervision/report/?by=district", "/supervision/report/?kind=registration&by=month"):
        text = rui.client.get(page).content.decode()
        links = re.findall(r'<a href="(/supervision/cases/[^"]+)">(\d+)</a>', text)
        assert len(links) > 20
        for href, figure in links:
            assert f"：{figure} 件</h1>" in rui.client.get(href.replace("&amp;", "&")).content.decode(), href


def test_every_figure_of_the_overview_leads_to_its_cases(crowd: None, rui: Person) -> None:
    text = rui.client.get("/supervision/").content.decode()
    heat = text[text.index('class="heat"') :]
    cells = re.findall(
        r'<td class="heat-\w+"><a href="([^"]+)">[\d.]+%<br>\d+/(\d+)</a>', heat[: heat.index("</table>")]
    )
    assert cells
    tiles = re.findall(r'<a href="([^"]+)" aria-label="[^"]* (\d+) 件">', text)
    assert tiles
    stages = re.findall(r'<td class="num"><a href="(/supervision/cases/[^"]+)">(\d+)</a>', text)
    assert len(stages) >= 3
    for href, figure in [*cells, *tiles, *stages]:
        assert f"：{figure} 件</h1>" in rui.client.get(href.replace("&amp;", "&")).content.decode(), href


def test_a_filter_that_cannot_be_says_what_is_wrong(rui: Person) -> None:
    for query, said in (
        ("from=2026-13-01", "日期的写法不对"),
        ("from=2026-11-02&to=2026-11-01", "结束日期不能早于开始日期"),
        ("from=1999-01-01", "期间最长三年"),
        ("institution=999999", "请从列出的选项里选择机构"),
        ("kind=nothing", "请从列出的选项里选择承诺"),
        ("by=colour", "请从列出的选项里选择分组"),
    ):
        answer = rui.client.get(f"/supervision/report/?{query}")
        assert answer.status_code == 400, query
        assert said in answer.content.decode(), query
    assert rui.client.get("/supervision/cases/?measure=anything").status_code == 400
    assert rui.client.get("/supervision/cases/?measure=counted&after=x~y").status_code == 200


# --- files ----------------------------------------------------------------------------------------------------------
def expected_rows(scope: Scope, now: datetime) -> list[list[str]]:
    """The rows of the report as text, straight from the figures."""
    found = sla.report(scope, known=sla.names(), now=now)
    rows = [(row.keys[0].label, row.figures) for row in found.rows] + [("合计", found.total)]
    return [
        [
            label,
            *(str(f[c]) for c in ("addressed", "on_time", "late", "overdue", "open", "excused")),
            f"{f.on_time_rate.tenth}",
        ]
        for label, f in rows
    ]


def export(person: Person, query: str, what: str, kind: str) -> bytes:
    answer = person.client.post(f"/supervision/export/?{query}", {"format": kind, "what": what})
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith(f'.{kind}"')
    return answer.content


def test_the_files_say_the_same_numbers_as_the_page(crowd: None, rui: Person) -> None:
    now = moments.now()
    with time_machine.travel(now, tick=False):
        expected = expected_rows(recent(now=now), now)
        page = rui.client.get("/supervision/report/").content.decode()
        as_csv, as_xlsx = export(rui, "", "report", "csv"), export(rui, "", "report", "xlsx")
        moment = f"{moments.local(now):%Y-%m-%d %H:%M:%S}"
    assert as_csv.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(as_csv.decode("utf-8-sig"))))
    head = next(i for i, row in enumerate(rows) if row[:3] == ["机构", "收到", "按时"])
    assert [row[:8] for row in rows[head + 1 : head + 1 + len(expected)]] == expected
    assert any(moment in cell for row in rows for cell in row)
    assert any("江北区、渝北区并入两江新区" in cell for row in rows for cell in row)
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx))
    sheet = book.worksheets[0]
    body = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert [[str(value) if not isinstance(value, float) else f"{value:.1f}" for value in row[:7]] for row in body] == [
        row[:7] for row in expected
    ]
    assert [Decimal(str(row[7])) for row in body] == [Decimal(row[7]) for row in expected]
    assert any(moment in str(cell.value) for row in book["说明"].iter_rows() for cell in row)
    for label, *figures in expected:
        assert label in page
        assert figures[-1] in page
    told = Entry.objects.filter(verb="report.exported")
    assert told.count() == 2
    assert {entry.actor_label for entry in told} == {rui.actor.label}


@pytest.mark.skipif(not engine.available().ok, reason="Pango is not on this machine")
def test_the_paper_says_the_same_numbers_too(crowd: None, rui: Person) -> None:
    now = moments.now()
    with time_machine.travel(now, tick=False):
        expected = expected_rows(recent(now=now), now)
        paper = export(rui, "", "report", "pdf")
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(paper)).pages)
    flat = re.sub(r"\s+", "", text)
    for label, *figures in expected:
        assert re.sub(r"\s+", "", label + "".join(figures)) in flat
    assert f"{moments.local(now):%H:%M:%S}" in flat
    assert "北京时间" in flat


def test_lists_can_be_taken_away_as_well(crowd: None, rui: Person) -> None:
    overdue = Clock.objects.overdue(now=moments.now()).count()
    rows = list(csv.reader(io.StringIO(export(rui, "", "lamps", "csv").decode("utf-8-sig"))))
    assert sum(row[0].startswith(("YZD", "ZYDJ")) for row in rows if row) == overdue
    query = "kind=registration&measure=corrected"
    sheet = openpyxl.load_workbook(io.BytesIO(export(rui, query, "cases", "xlsx"))).worksheets[0]
    figure = sla.report(recent(now=moments.now(), kind=Kind.REGISTRATION), known=sla.names(), now=moments.now()).total
    assert sheet.max_row - 1 == figure["corrected"]
    assert isinstance(sheet.cell(2, 7).value, datetime)
    scope = recent(now=moments.now())
    submitted = Application.objects.filter(submitted_at__gte=scope.starts, submitted_at__lt=scope.ends).count()
    assert export(rui, "measure=stage-submitted", "cases", "csv").decode("utf-8-sig").count("YZD") == submitted


def test_an_export_is_a_post_and_only_the_regulators(rui: Person, bo: Person, wai: Person) -> None:
    assert rui.client.get("/supervision/export/").status_code == 405
    for other in (bo, wai):
        assert other.client.post("/supervision/export/", {"format": "csv", "what": "report"}).status_code == 403
    assert rui.client.post("/supervision/export/", {"format": "exe", "what": "report"}).status_code == 400
    assert rui.client.post("/supervision/export/?from=x", {"format": "csv", "what": "report"}).status_code == 400
    assert not Entry.objects.filter(verb="report.exported").exists()


@pytest.mark.parametrize(
    "text", ["=1+1", "＝1+1", " =1+1", "\u3000＝HYPERLINK(1)", "+86", "-2", "@SUM(A1)", "\t=1", "\r=1", "﹣1", "＠x"]
)
def test_words_that_would_be_a_formula_are_made_harmless(text: str) -> None:
    assert neutral(text) == f"'{text}"
    book = Book("x", text, moments.now(), [(text, text)], [Sheet("表", [text], [[text]])], [(text, text)])
    sheet = openpyxl.load_workbook(io.BytesIO(exports.to_xlsx(book))).worksheets[0]
    assert sheet.cell(2, 1).data_type == "s"
    rows = csv.reader(io.StringIO(exports.to_csv(book).decode("utf-8-sig"), newline=""))
    assert all(not cell.strip().startswith(("=", "+", "-", "@", "＝", "＠", "﹣")) for row in rows for cell in row)


def test_ordinary_words_stay_as_they_are() -> None:
    for text in ("示例银行", "—", "-", "3-5 年", "2026-11-23", "a=b", ""):
        assert neutral(text) == text


def test_a_bank_named_like_a_formula_stays_a_word_in_the_file(ling: Person, bo: Person, rui: Person) -> None:
    bo.organisation.short_name = "=cmd|' /C calc'!A0"
    bo.organisation.save()
    Seed(ling).referral(bo.organisation, started=moments.now() - timedelta(days=1))
    sheet = openpyxl.load_workbook(io.BytesIO(export(rui, "", "report", "xlsx"))).worksheets[0]
    assert (sheet.cell(2, 1).data_type, sheet.cell(2, 1).value) == ("s", "'=cmd|' /C calc'!A0")
