"""Ada imports a year on the page after seeing what it moves; Rui and the chief close a day; nobody else may, and a look changes nothing."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from portal.foundation.core import moments
from portal.foundation.core.moments import local_date
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, clocks
from portal.foundation.sla.models import CalendarChange, CalendarYear, Clock, Closure, Kind
from portal.notifications.models import Notice
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
IMPORT, CLOSURES = "/supervision/calendar/import/", "/closures/"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    calendars_in_use.forget()
    yield
    calendars_in_use.forget()


@pytest.fixture
def promised(ling: Person, bo: Person, product: Product) -> Clock:
    """What Bo's bank promised Ling just now."""
    clock = factories.application(ling, product).referrals.get().clock
    assert clock is not None
    return clock


def a_year_with(day: object, year: int) -> str:
    """The year in force as TOML, with one more day off."""
    known = CalendarYear.objects.filter(year=year).first()
    lists = {
        "holidays": [*(known.holidays if known else ()), day],
        "makeup_workdays": known.makeup_workdays if known else [],
    }
    rows = [
        f"{key} = [{', '.join(f'{{ date = {d}, name = {chr(34)}示例{chr(34)} }}' for d in days)}]"
        for key, days in lists.items()
    ]
    return "\n".join([f"year = {year}", 'document = "示例发〔2026〕9号"', *rows])


@pytest.fixture
def late_notice(promised: Clock) -> str:
    """A notice that makes the last day of the promise a day off (or, over the new year, the first notice of that year)."""
    last = local_date(promised.due_at - timedelta(microseconds=1))
    return a_year_with(last, last.year)


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{16})"', page)
    assert found, page
    return found[1]


def text_of(page: str) -> str:
    found = re.search(r'<textarea name="text" hidden>\n(.*?)</textarea>', page, re.S)
    assert found, page
    return unescape(found[1])


def test_ada_uploads_a_year_sees_the_deadline_that_moves_and_confirms(
    ada: Person, promised: Clock, late_notice: str, ling: Person, bo: Person
) -> None:
    due, changes = promised.due_at, CalendarChange.objects.count()
    assert ada.client.get(IMPORT).status_code == 200
    file = SimpleUploadedFile("year.toml", late_notice.encode())
    looked = ada.client.post(IMPORT, {"file": file, "step": "check"})
    page = looked.content.decode()
    assert looked.status_code == 200
    assert promised.case_number in page
    assert "示例甲银行" in page
    assert "金融机构响应 1 件" in page
    assert (Clock.objects.get().due_at, CalendarChange.objects.count()) == (due, changes)
    confirm = {"step": "confirm", "text": text_of(page), "token": token_of(page), "ground": "示例发〔2026〕9号"}
    assert ada.client.post(IMPORT, confirm).status_code == 302
    assert Clock.objects.get().due_at > due
    assert "工作日历已生效，1 件在办时限随之移动" in ada.client.get("/supervision/calendar/").content.decode()
    dispatch(now=moments.now())
    for person in (ling, bo):
        notice = Notice.objects.get(membership=person.membership, title__startswith="工作日历变更")
        assert "金融机构响应时限改为" in notice.title
        assert "示例发〔2026〕9号" in notice.body
        assert person.client.get(notice.url).status_code == 200


def test_a_correction_without_a_ground_is_asked_for_it_and_changes_nothing(
    ada: Person, promised: Clock, late_notice: str
) -> None:
    if not CalendarYear.objects.filter(year=local_date(promised.due_at - timedelta(seconds=1)).year).exists():
        pytest.skip("in the last days of a year the notice is a first one and carries its own ground")
    page = ada.client.post(IMPORT, {"text": late_notice, "step": "check"}).content.decode()
    refused = ada.client.post(IMPORT, {"step": "confirm", "text": text_of(page), "token": token_of(page)})
    assert refused.status_code == 400
    assert "请填写依据的文件名称和文号" in refused.content.decode()
    assert Clock.objects.get().due_at == promised.due_at


def test_a_stale_look_is_refused_with_a_sentence_and_a_new_look(
    ada: Person, ling: Person, promised: Clock, product: Product, late_notice: str
) -> None:
    page = ada.client.post(IMPORT, {"text": late_notice, "step": "check"}).content.decode()
    factories.application(ling, product)  # meanwhile another request comes in
    confirm = {"step": "confirm", "text": text_of(page), "token": token_of(page), "ground": "x"}
    refused = ada.client.post(IMPORT, confirm)
    again = refused.content.decode()
    assert refused.status_code == 409
    assert "请重新核对后再确认" in again
    assert "金融机构响应 2 件" in again
    assert token_of(again) != token_of(page)
    assert not Entry.objects.filter(verb="clock.recomputed").exists()
    assert ada.client.post(IMPORT, {**confirm, "token": token_of(again)}).status_code == 302


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "请选择文件，或者粘贴文件内容"),
        ({"text": "year = "}, "不是有效的 TOML"),
        ({"text": "year = 2040\nholidays = []\nmakeup_workdays = []"}, "缺少"),
        ({"file": SimpleUploadedFile("y.toml", b"\xff\xfe\x00")}, "不是 UTF-8"),
        ({"file": SimpleUploadedFile("y.toml", b"x" * 70_000)}, "不会超过 64 KB"),
    ],
)
def test_a_bad_file_is_named_beside_its_field(ada: Person, sent: dict[str, object], said: str) -> None:
    answer = ada.client.post(IMPORT, {**sent, "step": "check"})
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert CalendarChange.objects.count() == 1


def test_only_ada_imports_and_a_look_of_anybody_changes_nothing(rui: Person, chief: Person, ling: Person) -> None:
    for person in (rui, chief, ling):
        assert person.client.get(IMPORT).status_code == 403
        assert person.client.post(IMPORT, {"step": "confirm", "text": "x"}).status_code == 403
    assert "导入年度日历" not in rui.client.get("/supervision/calendar/").content.decode()


def test_what_is_provisional_is_listed_for_ada_and_rui_soonest_first(ada: Person, rui: Person, bo: Person) -> None:
    last = CalendarYear.objects.latest("year").year
    with transaction.atomic():
        for day in (31, 30):
            clocks.start(
                Kind.RESPONSE,
                organisation_id=bo.organisation.pk,
                case_number=f"YZD{day}",
                subject=f"t:{day}",
                watchers=[],
                now=datetime.fromisoformat(f"{last}-12-{day}T10:00+08:00"),
            )
    for person in (ada, rui):
        page = person.client.get("/supervision/calendar/provisional/").content.decode()
        assert "暂定的时限：2 件" in page
        assert page.index("YZD30") < page.index("YZD31")
        assert page.count('<span class="tag warn">暂定</span>') == 2
    assert bo.client.get("/supervision/calendar/provisional/").status_code == 403


# --- closures ---------------------------------------------------------------------------------------------------------


def next_workday(after: int = 1) -> str:
    today = local_date(moments.now())
    return calendars_in_use.current().add_workdays(today, after).date.isoformat()


def test_the_chief_closes_a_day_and_takes_it_back(chief: Person, chen: Person, rui: Person) -> None:
    typed = {"office": chen.organisation.pk, "first": next_workday(), "last": "", "ground": "停电检修公告"}
    assert "没有停办日" in chief.client.get(CLOSURES).content.decode()
    page = chief.client.post(CLOSURES, {**typed, "step": "check"}).content.decode()
    assert "停电检修公告" in page
    assert not Closure.objects.exists()
    assert chief.client.post(CLOSURES, {**typed, "step": "confirm", "token": token_of(page)}).status_code == 302
    assert str(Closure.objects.get().day) == next_workday()
    dispatch(now=moments.now())
    for person in (chief, chen, rui):
        assert Notice.objects.get(membership=person.membership).title == "登记处新设停办日"
    one = {"office": chen.organisation.pk, "day": typed["first"]}
    page = chief.client.post("/closures/remove/", one).content.decode()
    assert "恢复办公" in page
    unsaid = chief.client.post("/closures/remove/", {**one, "step": "confirm", "token": token_of(page)})
    assert unsaid.status_code == 400
    done = chief.client.post(
        "/closures/remove/", {**one, "step": "confirm", "token": token_of(page), "ground": "提前恢复供电"}
    )
    assert done.status_code == 302
    assert not Closure.objects.filter(removal=None).exists()


def test_a_chief_sets_only_her_own_office_and_not_today(chief: Person, rui: Person) -> None:
    other = factories.organisation(chief.organisation.kind, "另一个登记处")
    typed = {"office": other.pk, "first": next_workday(), "ground": "x", "step": "check"}
    assert chief.client.post(CLOSURES, typed).status_code == 400
    assert rui.client.post(CLOSURES, typed).status_code == 200
    today = {"office": chief.organisation.pk, "first": local_date(moments.now()).isoformat(), "ground": "x"}
    refused = chief.client.post(CLOSURES, {**today, "step": "check"})
    assert refused.status_code == 400
    assert "须提前设定" in refused.content.decode()


def test_nobody_else_sees_or_sets_closures(chen: Person, bo: Person, ada: Person, ling: Person) -> None:
    for person in (chen, bo, ada, ling):
        assert person.client.get(CLOSURES).status_code == 403
        assert person.client.post("/closures/remove/", {}).status_code == 403
