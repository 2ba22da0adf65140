"""Ling pledges a thousand patents by one workbook: every row right or none taken, and no page grows with them."""

import io
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from applications.models import Application
from pledges.actions import filing, joining
from pledges.models import PatentList, PledgedPatent, Registration
from pledges.patent_lists import actions, workbook
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, TooLarge, WrongType
from portal.foundation.core.identifiers import patent_check
from portal.foundation.journal.models import Entry
from tests import factories
from tests.budget import budget
from tests.factories import Person

from .conftest import content, paper
from .test_pages import typed, url

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 23)


def number(serial: int, year: int = 2019, kind: str = "1") -> str:
    """A number with the right check digit."""
    first = f"{year}{kind}{serial:07d}"
    return first + patent_check(first)


def row(serial: int, owner: str, **changes: object) -> list[Any]:
    values: dict[str, object] = {
        "专利号": f"ZL{number(serial)[:-1]}.{number(serial)[-1]}",
        "专利名称": f"示例专利{serial}",
        "专利权人": owner,
        "申请日": "2019-03-04",
        "授权公告日": "2021-05-06",
        "年费缴至": "2028-12-31",
        "届满日": "",
        **changes,
    }
    return list(values.values())


def sheet(
    rows: Iterable[list[Any]], heads: Iterable[str] = workbook.COLUMNS, name: str = "清单.xlsx"
) -> SimpleUploadedFile:
    """As a person's spreadsheet program saves it, not as our own writer does."""
    book = openpyxl.Workbook()
    page = book.active
    page.append(list(heads))
    for values in rows:
        page.append(values)
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile(name, out.getvalue())


@pytest.fixture
def begun(case: Application, ling: Person) -> Registration:
    """Ling fills in the form."""
    return filing.start(case.pk, actor=ling.actor, now=moments.now())


def faults(upload: SimpleUploadedFile, file: Registration, by: Person) -> dict[tuple[int, str], str]:
    with pytest.raises(actions.Faulty) as refused:
        actions.take_over(file.pk, upload, actor=by.actor, now=moments.now())
    return {(f.row, f.label): f.said for f in refused.value.faults}


def test_a_thousand_patents_are_pledged_by_one_workbook(
    begun: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    rows = [row(i, ling.organisation.name) for i in range(1, 1001)]
    file, made = actions.take_over(begun.pk, sheet(rows), actor=ling.actor, now=moments.now())
    assert (made.pieces, made.added, file.patents.count()) == (1000, 1000, 1000)
    one = Patent.objects.get(number=number(7))
    assert (one.title, one.expires_on, one.checked_on) == ("示例专利7", date(2039, 3, 4), None)
    whole = content(file, patent_ids=None)
    upload = filing.Upload("contract", paper(), "contract_file")
    file = filing.save(
        file.pk, typed={}, content=whole, uploads=[upload], version=file.version, actor=ling.actor, now=moments.now()
    )
    joining.propose(file.pk, actor=ling.actor, now=moments.now())
    file = joining.confirm(file.pk, version=file.version, actor=bo.actor, now=moments.now())
    assert (file.state, file.patents.count()) == (Registration.State.SUBMITTED, 1000)
    chen.client.post(url("office-accept", file))
    for who, name in ((ling, "detail"), (bo, "detail"), (ling, "patents"), (chen, "office-file"), (chen, "patents")):
        with budget():
            answer = who.client.get(url(name, file) + ("?tab=patents" if name == "office-file" else ""))
        assert answer.status_code == 200
        assert len(answer.content) < 120 * 1024, name
    assert "看全部 1000 件" in bo.client.get(url("detail", file)).content.decode()
    page = chen.client.get(url("patents", file) + f"?after={number(100)}").content.decode()
    assert f"示例专利{101}" in page
    assert f"示例专利{100}<" not in page
    told = Entry.objects.get(verb="pledge.patents_listed")
    assert told.data["pieces"] == 1000


def test_the_form_of_a_long_file_stays_small_and_fast(begun: Registration, ling: Person) -> None:
    rows = [row(i, ling.organisation.name) for i in range(1, 1001)]
    actions.take_over(begun.pk, sheet(rows), actor=ling.actor, now=moments.now())
    with budget():
        page = ling.client.get(url("edit", begun))
    assert len(page.content) < 120 * 1024
    assert "看全部 1000 件" in page.content.decode()
    begun.refresh_from_db()
    sent = {k: v for k, v in typed(begun).items() if k != "patents"}
    saved = ling.client.post(url("edit", begun), {**sent, "contract_file": paper()})
    assert saved.headers["Location"] == url("precheck", begun)
    assert begun.patents.count() == 1000
    with budget():
        assert ling.client.get(url("precheck", begun)).status_code == 200


def test_one_bad_row_and_nothing_is_taken_over(begun: Registration, ling: Person) -> None:
    name, before = ling.organisation.name, set(begun.patents.values_list("number", flat=True))
    good = row(1, name)
    wrong = [
        good,
        row(2, name, 专利号=number(2)[:-1] + ("0" if number(2)[-1] != "0" else "1")),
        row(1, name),
        row(4, name, 专利名称=""),
        row(5, name, 申请日="三月四日"),
        row(6, "重庆示例外人有限公司"),
        row(7, name, 授权公告日="2018-01-01"),
        row(8, name, 申请日="2020-03-04"),
        row(9, name, 专利号="CN109876543A"),
        row(10, name, 授权公告日="2031-01-01"),
        row(11, name, 届满日="2019-01-01"),
    ]
    said = faults(sheet(wrong), begun, ling)
    assert "校验位不符：末位应为" in said[3, "专利号"]
    assert said[4, "专利号"] == "与第 2 行是同一件专利，请删去一行。"
    assert said[5, "专利名称"] == "这一格必填。"
    assert "不是日期" in said[6, "申请日"]
    assert "没有出质人“重庆示例智造有限公司”" in said[7, "专利权人"]
    assert "早于申请日" in said[8, "授权公告日"]
    assert "专利号是 2019 年的" in said[9, "申请日"]
    assert "不是专利号" in said[10, "专利号"]
    assert "尚未授权" in said[11, "授权公告日"]
    assert "不晚于申请日" in said[12, "届满日"]
    assert not any(place[0] == 2 for place in said)
    assert set(begun.patents.values_list("number", flat=True)) == before
    assert not PatentList.objects.exists()
    assert not Patent.objects.filter(number=number(1)).exists()


def test_the_page_shows_every_rows_fault_in_chinese(begun: Registration, ling: Person) -> None:
    bad = sheet([row(1, ling.organisation.name, 申请日=""), row(2, "别家")])
    answer = ling.client.post(url("patent-list", begun), {"file": bad})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "2 处错误，一行也没有采用" in page
    assert "第 2 行" in page
    assert "第 3 行" in page
    with budget():
        assert "下载模板" in ling.client.get(url("patent-list", begun)).content.decode()


def test_edge_case_28_numbers_in_every_spelling_are_one_patent(begun: Registration, ling: Person) -> None:
    """Edge case 28: Ling's list has a nine-character number with X, full-width digits and a number without dot."""
    name = ling.organisation.name
    old = "98100007X"
    assert patent_check(old[:-1]) == "X"
    rows = [
        row(1, name, 专利号=old, 申请日="1998-10-01", 授权公告日="2003-01-01", 届满日="2030-10-01"),
        row(2, name, 专利号="".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in number(2))),
        row(3, name, 专利号=number(3).lower()),
        row(4, name, 申请日=datetime(2019, 3, 4), 授权公告日=20210506, 年费缴至="2028/12/31"),  # noqa: DTZ001
    ]
    file, made = actions.take_over(begun.pk, sheet(rows), actor=ling.actor, now=moments.now())
    assert made.pieces == 4
    assert {p.number for p in file.patents.all()} == {old, number(2), number(3), number(4)}
    twice = faults(sheet([row(2, name), rows[1]]), begun, ling)
    assert twice == {(3, "专利号"): "与第 2 行是同一件专利，请删去一行。"}


def test_bo_lists_only_what_the_request_has_shown_him(case: Application, bo: Person, ling: Person) -> None:
    """Bo's bank reads of Ling's patents what her request says; a list of his own opens no other."""
    hidden = factories.patent(ling.organisation, number(5), filed=date(2019, 3, 4))
    shown = case.patents.get().patent
    file = filing.start(case.pk, actor=bo.actor, now=moments.now())
    said = faults(sheet([row(5, ling.organisation.name)]), file, bo)
    assert "由企业上传清单" in said[2, "专利号"]
    assert hidden.title not in str(said)
    as_recorded = row(1, ling.organisation.name, 专利号=shown.number, 申请日="2017-07-21", 授权公告日="2019-06-01")
    _, made = actions.take_over(file.pk, sheet([as_recorded]), actor=bo.actor, now=moments.now())
    assert (made.pieces, made.added) == (1, 0)


def test_what_contradicts_the_own_records_is_told(begun: Registration, ling: Person) -> None:
    known = begun.patents.get()
    said = faults(
        sheet([row(1, ling.organisation.name, 专利号=known.number, 申请日="2017-07-22", 授权公告日="2019-06-02")]),
        begun,
        ling,
    )
    assert "已录入的申请日 2017-07-21 不一致" in said[2, "申请日"]
    assert "已录入的授权公告日 2019-06-01 不一致" in said[2, "授权公告日"]


def test_a_list_can_be_replaced_and_given_up(begun: Registration, ling: Person) -> None:
    name = ling.organisation.name
    own = set(begun.patents.values_list("number", flat=True))
    actions.take_over(begun.pk, sheet([row(1, name), row(2, name)]), actor=ling.actor, now=moments.now())
    actions.take_over(begun.pk, sheet([row(2, name)]), actor=ling.actor, now=moments.now())
    assert [p.number for p in begun.patents.all()] == [number(2)]
    assert PatentList.objects.filter(replaced_at=None).count() == 1
    ling.client.post(url("patent-list", begun), {"give_up": "1"})
    assert set(begun.patents.values_list("number", flat=True)) == own


def test_a_file_that_is_no_workbook_and_one_too_long_are_refused(begun: Registration, ling: Person) -> None:
    def send(upload: SimpleUploadedFile) -> None:
        actions.take_over(begun.pk, upload, actor=ling.actor, now=moments.now())

    with pytest.raises(WrongType, match="XLSX"):
        send(SimpleUploadedFile("清单.xls", b"\xd0\xcf\x11\xe0"))
    with pytest.raises(WrongType, match="不是 XLSX"):
        send(SimpleUploadedFile("清单.xlsx", b"<html>"))
    with pytest.raises(WrongType, match="缺少列：专利名称"):
        send(sheet([], heads=["专利号", "专利权人", "申请日", "授权公告日"]))
    with pytest.raises(WrongType, match="没有专利"):
        send(sheet([]))
    with pytest.raises(TooLarge, match="1000 行"):
        send(sheet([row(i, "甲") for i in range(1, 1003)]))


def test_a_stranger_and_the_other_side_cannot_list(begun: Registration, bo: Person, wai: Person) -> None:
    with pytest.raises(Forbidden):
        actions.take_over(begun.pk, sheet([row(1, "甲")]), actor=bo.actor, now=moments.now())
    assert wai.client.get(url("patents", begun)).status_code == 404
    assert wai.client.post(url("patent-list", begun), {"file": sheet([])}).status_code == 404


def test_the_template_can_be_filled_in_and_read_back(begun: Registration, ling: Person) -> None:
    body = ling.client.post(url("patent-template", begun)).content
    listed, wrong = workbook.read(body, today=TODAY)
    assert wrong == []
    assert [r.number.canonical for r in listed] == [p.number for p in PledgedPatent.objects.filter(registration=begun)]
    empty = ling.client.get(url("patent-template", begun)).content
    with pytest.raises(WrongType, match="没有专利"):
        workbook.read(empty, today=TODAY)


def test_a_formula_in_a_name_stays_a_name(begun: Registration, ling: Person) -> None:
    """What Ling types comes back as words, whatever a spreadsheet would make of it."""
    name = ling.organisation.name
    actions.take_over(begun.pk, sheet([row(1, name, 专利名称="@示例 =1+1")]), actor=ling.actor, now=moments.now())
    body = ling.client.post(url("patent-template", begun)).content
    assert [r.title for r in workbook.read(body, today=TODAY)[0]] == ["@示例 =1+1"]
