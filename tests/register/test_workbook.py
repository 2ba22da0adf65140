"""An office without a connection brings the register's extract as a workbook: all of it or nothing, each fault by its row."""

from datetime import date, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from portal.foundation.assets.models import RegisterAnswer, RegisterLookup
from portal.foundation.assets.register import actions, queries
from portal.foundation.assets.register.workbook import COLUMNS, read, template
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, WrongType
from tests.factories import Person
from tests.registers import LING, workbook

pytestmark = pytest.mark.django_db
GOOD = [
    "ZL201710601862.3",
    LING,
    "有效",
    "2017-07-21",
    "2019-06-01",
    "2037-07-21",
    "2028-12-31",
    "",
    "",
    "否",
    "",
    "否",
]
TODAY = date(2026, 11, 23)


def file(rows: list[list[object]], name: str = "摘录.xlsx") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, workbook(rows))


def bring(chen: Person, rows: list[list[object]], *, as_of: datetime | None = None) -> actions.Outcome:
    now = moments.now()
    return actions.upload(file(rows), as_of=as_of or now, actor=chen.actor, now=now)


def test_chen_brings_an_extract_and_the_file_itself_is_kept(chen: Person) -> None:
    outcome = bring(
        chen, [list(GOOD), ["2015109587720", f"{LING}；重庆示例大学", "已终止", "", "", "", "", "", 20260101]]
    )
    assert outcome.found == 2
    answer = RegisterAnswer.objects.get()
    assert (answer.source, answer.name) == ("workbook", "摘录.xlsx")
    assert bytes(answer.body).startswith(b"PK")
    first, second = (queries.latest([n])[n].extract for n in ("2017106018623", "2015109587720"))
    assert first is not None
    assert (first.fee_paid_until, first.preserved) == (date(2028, 12, 31), False)
    assert second is not None
    assert (second.patentees, second.status, second.ended_on) == ((LING, "重庆示例大学"), "lapsed", date(2026, 1, 1))


def test_one_fault_and_nothing_is_taken_each_is_told_with_its_row(chen: Person) -> None:
    rows: list[list[object]] = [
        list(GOOD),
        ["201710601862.4", LING, "有效"],
        ["2015109587720", "", "活着", "昨天", "", "", "", "", "", "也许"],
        list(GOOD),
    ]
    with pytest.raises(actions.NotRead) as refused:
        bring(chen, rows)
    said = [f.sentence for f in refused.value.faults]
    assert any(s.startswith("第 3 行“专利号”：") for s in said)
    assert "第 4 行“专利权人”：填写登记簿上的专利权人。" in said
    assert any(s.startswith("第 4 行“法律状态”：写成“有效”") for s in said)
    assert "第 4 行“申请日”：日期写成 2026-11-23 这样的格式。" in said
    assert "第 4 行“中止”：写“是”或“否”。" in said
    assert "第 5 行“专利号”：与第 2 行是同一件专利，请删去一行。" in said
    assert "一件也没有采用" in refused.value.reason
    assert not RegisterLookup.objects.exists()


def test_the_template_can_be_filled_in_and_is_empty_until_then() -> None:
    extracts, faults = read(template(), today=TODAY)
    assert extracts == []
    assert [f.sentence for f in faults] == ["第 2 行“专利号”：表里没有专利，请从第二行开始填写。"]


def test_headings_that_are_not_the_templates_are_named(chen: Person) -> None:
    wrong = workbook([["1"]], headings=["号码", *list(COLUMNS.values())[1:]])
    with pytest.raises(WrongType, match="第一行缺少列“专利号”"):
        read(wrong, today=TODAY)


def test_an_older_extract_never_takes_the_place_of_a_newer_one(chen: Person) -> None:
    bring(chen, [list(GOOD)])
    with pytest.raises(actions.NotRead, match="比这份摘录新"):
        bring(chen, [list(GOOD)], as_of=moments.now() - timedelta(days=3))
    assert RegisterAnswer.objects.count() == 1


def test_only_the_office_brings_extracts(chen: Person, ling: Person, rui: Person) -> None:
    for stranger in (ling, rui):
        with pytest.raises(Forbidden):
            bring(stranger, [list(GOOD)])
        assert stranger.client.get(reverse("office-extracts")).status_code == 403


def test_chen_sees_every_fault_on_the_page_and_may_try_again(chen: Person) -> None:
    page = reverse("office-extracts")
    today = moments.local_date(moments.now()).isoformat()
    refused = chen.client.post(page, {"file": file([["x", LING, "有效"]]), "as_of": today})
    assert refused.status_code == 400
    assert "第 2 行“专利号”" in refused.content.decode()
    future = chen.client.post(page, {"file": file([list(GOOD)]), "as_of": "2099-01-01"})
    assert "摘录日期不能晚于今天" in future.content.decode()
    assert chen.client.post(page, {"file": file([list(GOOD)], "摘录.pdf"), "as_of": today}).status_code == 415
    assert chen.client.post(page, {"file": file([list(GOOD)]), "as_of": today}).status_code == 302
    assert "摘录.xlsx" in chen.client.get(page).content.decode()
    sheet = chen.client.get(reverse("office-extracts-template"))
    assert sheet.content.startswith(b"PK")
