"""Ling keeps her company's patents: every spelling of a number, the right expiry, nothing lost, nothing of Wai's."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from pytest_django import DjangoAssertNumQueries

from applications.actions import choices
from pledges.models import PledgedPatent, Registration
from portal.foundation.assets import actions, queries
from portal.foundation.assets.models import CoOwner, Patent
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.journal.models import Entry
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
FORM = {
    "number": "ZL201710601862.3",
    "title": "一种示例装置",
    "patentee": "重庆示例智造有限公司",
    "filing_date": "2017-07-21",
    "grant_date": "2019-06-14",
    "status": "granted",
    "fee_paid_until": "2027-07-21",
    "co-TOTAL_FORMS": "0",
    "co-INITIAL_FORMS": "0",
}


def add(person: Person, **changes: str) -> Any:
    return person.client.post("/patents/add/", {**FORM, **changes})


@pytest.mark.parametrize(
    "typed",
    [
        "ZL201710601862.3",
        "201710601862.3",
        "2017106018623",
        "zl 2017 1 0601862 . 3",
        "ＺＬ２０１７１０６０１８６２．３",
    ],
)
def test_attack_34_every_spelling_of_a_number_is_one_patent(ling: Person, typed: str) -> None:
    assert add(ling, number=typed).status_code == 302
    made = Patent.objects.get()
    assert (made.number, made.kind, made.expires_on) == ("2017106018623", "invention", date(2037, 7, 21))
    assert made.organisation == ling.organisation
    again = add(ling)
    assert again.status_code == 400
    assert "已经在您的列表里" in again.content.decode()


@pytest.mark.parametrize(
    ("number", "filed", "kind", "ends"),
    [
        ("ZL202322865413.3", "2023-10-25", "utility", date(2033, 10, 25)),
        ("ZL201330496875.1", "2013-10-18", "design", date(2023, 10, 18)),
        ("95115608.X", "1995-09-05", "invention", date(2015, 9, 5)),
        ("201080063196.9", "2010-12-22", "invention", date(2030, 12, 22)),
    ],
)
def test_kind_and_expiry_follow_from_number_and_filing_date(
    ling: Person, number: str, filed: str, kind: str, ends: date
) -> None:
    granted = str(date.fromisoformat(filed) + timedelta(days=400))
    assert add(ling, number=number, filing_date=filed, grant_date=granted).status_code == 302
    made = Patent.objects.get()
    assert (made.kind, made.expires_on) == (kind, ends)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("number", "202310123456.7", "末位应为“6”，现在是“7”"),
        ("number", "CN107123456A", "公开"),
        ("number", "", "请填写专利号"),
        ("filing_date", "2018-01-01", "申请日不会晚于那一年"),
        ("filing_date", "2099-01-01", "不能晚于今天"),
        ("filing_date", "去年", "日期的写法不对"),
        ("grant_date", "2017-07-20", "晚于申请日"),
        ("grant_date", "", "请填写授权公告日"),
        ("title", "", "请填写专利名称"),
        ("same_day_twin", "ZL201510958772.0", "只有实用新型"),
        ("expiry_note", "", "请写明原因"),
    ],
)
def test_each_slip_is_told_at_its_place_and_nothing_typed_is_lost(
    ling: Person, field: str, typed: str, said: str
) -> None:
    extra = {"expires_on": "2038-01-01"} if field == "expiry_note" else {}
    answer = add(ling, **{field: typed}, **extra, **{"co-TOTAL_FORMS": "1", "co-0-name": "重庆示例大学"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert any(said in message for message in answer.context["form"].errors[field])
    assert 'value="重庆示例大学"' in page
    assert not Patent.objects.exists()


def test_a_compensated_term_stands_with_its_reason(ling: Person) -> None:
    assert add(ling, expires_on="2038-01-17", expiry_note="专利权期限补偿 180 天").status_code == 302
    made = Patent.objects.get()
    assert (made.expires_on, made.expiry_note) == (date(2038, 1, 17), "专利权期限补偿 180 天")
    typed_anyway = add(ling, number="ZL201510958772.0", filing_date="2015-12-18", expires_on="2035-12-18")
    assert typed_anyway.status_code == 302  # the lawful day needs no reason


def test_co_owners_are_added_row_by_row_without_a_script(ling: Person) -> None:
    more = add(ling, more="1", number="只写了一半")
    page = more.content.decode()
    assert more.status_code == 200
    assert 'name="co-0-name"' in page
    assert 'value="只写了一半"' in page
    assert "错误：" not in page
    done = add(ling, **{"co-TOTAL_FORMS": "3", "co-0-name": "重庆示例大学", "co-2-name": "示例研究院"})
    assert done.status_code == 302
    assert set(CoOwner.objects.values_list("name", flat=True)) == {"重庆示例大学", "示例研究院"}
    twice = {"co-TOTAL_FORMS": "2", "co-0-name": "甲", "co-1-name": "甲"}
    assert "写了两次" in add(ling, number="ZL201510958772.0", filing_date="2015-12-18", **twice).content.decode()


def test_checking_a_number_answers_before_anything_is_saved(ling: Person) -> None:
    told = ling.client.post("/patents/check/", {"number": "zl201510958772.0", "filing_date": "2014-12-18"})
    page = told.content.decode()
    assert "ZL201510958772.0" in page
    assert "2034年12月18日" in page
    assert "分案申请" in page
    assert "末位应为" in ling.client.post("/patents/check/", {"number": "202310123456.7"}).content.decode()
    with_button = add(ling, check="1", title="").content.decode()
    assert "2037年7月21日" in with_button
    assert "请填写专利名称" not in with_button
    assert not Patent.objects.exists()


def test_the_list_warns_of_expiry_and_unpaid_fees_and_shows_pledges(ling: Person, wai: Person) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    soon = factories.patent(ling.organisation, factories.UTILITY, kind=PatentKind.UTILITY, filed=date(2017, 3, 1))
    assert queries.expiry_mark(soon, today=date(2026, 8, 31)) == ""
    assert queries.expiry_mark(soon, today=date(2026, 9, 1)) == "soon"
    assert queries.expiry_mark(soon, today=date(2027, 3, 1)) == "ended"
    assert queries.fee_mark(soon, today=date(2028, 12, 31)) == ""
    assert queries.fee_mark(soon, today=date(2029, 1, 1)) == "unpaid"
    assert [p.pledged for p in queries.listed(ling.actor, search="", now=now)] == [False]


def test_the_list_is_paged_by_key_and_searched_by_number(ling: Person) -> None:
    numbers = [f"2019{1:d}{n:07d}" for n in range(queries.PAGE + 5)]
    Patent.objects.bulk_create(
        Patent(
            organisation=ling.organisation,
            number=number + "0",
            kind="invention",
            title=f"第{index}件",
            patentee="x",
            filing_date=date(2019, 1, 1),
            expires_on=date(2039, 1, 1),
        )
        for index, number in enumerate(numbers)
    )
    first = ling.client.get("/patents/")
    assert len(first.context["rows"]) == queries.PAGE
    after = first.context["page"].after
    second = ling.client.get(f"/patents/?after={after}")
    assert len(second.context["rows"]) == 5
    back = ling.client.get(f"/patents/?before={second.context['page'].before}")
    assert [r[0].pk for r in back.context["rows"]] == [r[0].pk for r in first.context["rows"]]
    found = ling.client.get("/patents/?q=ZL201910000003.0")
    assert [r[0].title for r in found.context["rows"]] == ["第3件"]
    assert ling.client.get("/patents/?after=²&before=x").status_code == 200


def edit(person: Person, patent: Patent, **changes: str) -> Any:
    page = person.client.get(f"/patents/{patent.pk}/")
    fields = {k: v for k, v in FORM.items() if k != "number"}
    return person.client.post(
        f"/patents/{patent.pk}/", {**fields, "seen": page.context["form"]["seen"].value(), **changes}
    )


def test_ling_corrects_a_patent_and_the_journal_keeps_both(ling: Person) -> None:
    patent = factories.patent(ling.organisation)
    CoOwner.objects.create(patent=patent, name="重庆示例大学")
    owners = {"co-TOTAL_FORMS": "1", "co-INITIAL_FORMS": "1", "co-0-name": "重庆示例大学"}
    assert edit(ling, patent, preserved="on", **owners).status_code == 302
    patent.refresh_from_db()
    assert patent.preserved
    assert patent.title == "一种示例装置"
    told = Entry.objects.get(verb="patent.updated").data
    assert told["title"] == ["示例专利", "一种示例装置"]
    assert "co_owners" not in told
    assert edit(ling, patent).status_code == 302  # the row of the co-owner was cleared
    assert not patent.co_owners.exists()


def test_a_stale_patent_form_is_shown_again_with_everything(ling: Person) -> None:
    patent = factories.patent(ling.organisation)
    page = ling.client.get(f"/patents/{patent.pk}/")
    Patent.objects.update(title="同事改的名称")
    fields = {**FORM, "seen": page.context["form"]["seen"].value()}
    answer = ling.client.post(f"/patents/{patent.pk}/", fields)
    assert answer.status_code == 409
    assert 'value="一种示例装置"' in answer.content.decode()
    again = answer.context["form"]["seen"].value()
    assert ling.client.post(f"/patents/{patent.pk}/", {**FORM, "seen": again}).status_code == 302


def test_removing_is_asked_first_and_keeps_the_row(ling: Person) -> None:
    patent = factories.patent(ling.organisation)
    assert ling.client.get(f"/patents/{patent.pk}/remove/").status_code == 200
    assert Patent.objects.get().removed_at is None
    assert ling.client.post(f"/patents/{patent.pk}/remove/").status_code == 302
    assert Patent.objects.get().removed_at is not None
    assert ling.client.get(f"/patents/{patent.pk}/").status_code == 404
    assert add(ling).status_code == 302  # and may be entered again


def test_a_patent_in_a_live_request_stays_until_the_request_is_over(ling: Person, product: Product) -> None:
    patent = factories.patent(ling.organisation)
    other = factories.patent(ling.organisation, factories.INVENTION_2, filed=date(2015, 12, 18))
    case = factories.application(ling, product, patents=[patent])
    answer = ling.client.post(f"/patents/{patent.pk}/remove/")
    assert answer.status_code == 409
    assert "办理中的融资需求" in answer.content.decode()
    assert ling.client.post(f"/patents/{other.pk}/remove/").status_code == 302
    choices.withdraw(case.pk, reason="", actor=ling.actor, now=moments.now())
    assert ling.client.post(f"/patents/{patent.pk}/remove/").status_code == 302


def pledge(patent: Patent, person: Person, product: Product, *, state: str, effective: object) -> PledgedPatent:
    """A registration row as the pledges app stores it; how it gets there is that app's business."""
    case = factories.application(person, product, patents=[patent])
    referral = case.referrals.get()
    offer = referral.offers.create(
        amount=1_000_000, term_months=12, valid_until=date(2099, 1, 1), made_by="x", made_at=moments.now()
    )
    office = referral.institution.organisation
    registration = Registration.objects.create(
        number=f"ZYDJ{case.pk}",
        application=case,
        offer=offer,
        pledgor=person.organisation,
        pledgee=office,
        office=office,
        started_by_org=office,
        state=state,
        debtor_name="x",
        debt_amount=1_000_000,
        created_at=moments.now(),
    )
    return PledgedPatent.objects.create(
        registration=registration,
        patent=patent,
        number=patent.number,
        kind=patent.kind,
        title=patent.title,
        filing_date=patent.filing_date,
        expires_on=patent.expires_on,
        effective=effective,
    )


def test_a_patent_filed_or_in_pledge_is_marked_and_cannot_be_removed(
    ling: Person, wai: Person, product: Product
) -> None:
    now = moments.now()
    patent = factories.patent(ling.organisation)
    row = pledge(patent, ling, product, state="examining", effective=None)
    assert queries.in_pledge(patent, now=now)
    assert "质押登记" in ling.client.post(f"/patents/{patent.pk}/remove/").content.decode()
    row.effective = DateTimeTZRange(now - timedelta(days=1), None)
    row.save()
    assert "质押中" in ling.client.get("/patents/").content.decode()
    theirs = factories.patent(wai.organisation)  # a co-owner's own row of the same number
    assert "质押中" in wai.client.get("/patents/").content.decode()
    assert wai.client.post(f"/patents/{theirs.pk}/remove/").status_code == 409
    row.effective = DateTimeTZRange(now - timedelta(days=2), now - timedelta(days=1))
    row.save()
    assert "质押中" not in wai.client.get("/patents/").content.decode()


def test_wai_gets_the_same_404_for_lings_patent_as_for_none(ling: Person, wai: Person) -> None:
    patent = factories.patent(ling.organisation)
    for path in (f"/patents/{patent.pk}/", f"/patents/{patent.pk}/remove/", "/patents/999999/"):
        assert wai.client.get(path).status_code == 404
        assert wai.client.post(path, FORM).status_code == 404
    assert "示例专利" not in wai.client.get("/patents/").content.decode()
    with pytest.raises(Patent.DoesNotExist):
        actions.remove(patent.pk, actor=wai.actor, now=moments.now())


def test_bo_has_no_patents_page(bo: Person) -> None:
    for path in ("/patents/", "/patents/add/", "/patents/several/"):
        assert bo.client.get(path).status_code == 403
    facts = actions.Facts("x", "x", date(2017, 7, 21))
    with pytest.raises(Forbidden):
        actions.add("2017106018623", PatentKind.INVENTION, facts, actor=bo.actor, now=moments.now())


LINES = (
    "专利号\t名称\t申请日\t授权公告日\n"
    "ZL 2017 1 0601862.3\t一种装置、设备及方法\t2017-07-21\t2019-06-14\t2027-07-21\n"
    "ZL201510958772.0，一种叶片，2015.12.18\n"
    "ZL202322865413.3  一种机构  20231025  20240601\n"
)


def test_several_lines_are_read_then_added_all_at_once(ling: Person) -> None:
    look = ling.client.post("/patents/several/", {"lines": LINES})
    assert look.status_code == 200
    assert "确认录入 3 件" in look.content.decode()
    assert not Patent.objects.exists()
    assert ling.client.post("/patents/several/", {"lines": LINES, "confirm": "1"}).status_code == 302
    made = {p.number: p for p in Patent.objects.all()}
    assert set(made) == {"2017106018623", "2015109587720", "2023228654133"}
    assert made["2017106018623"].title == "一种装置、设备及方法"
    assert made["2015109587720"].status == Patent.Status.PENDING
    assert Entry.objects.filter(verb="patent.added").count() == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("202310123456.7，错号，2023-02-01", "末位应为"),
        ("只有一列", "至少要有专利号、名称、申请日三列"),
        ("ZL201710601862.3，又一次，2017-07-21", "与第 2 行是同一件"),
        ("ZL202010566088.9，，2020-06-19", "请填写专利名称"),
        ("ZL201910603565.1，已有，2019-07-05", "已经在列表里"),
    ],
)
def test_one_wrong_line_stops_all_and_is_named(ling: Person, line: str, said: str) -> None:
    factories.patent(ling.organisation, "2019106035651", filed=date(2019, 7, 5))
    answer = ling.client.post("/patents/several/", {"lines": LINES + line, "confirm": "1"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert said in page
    assert re.search(r"<textarea[^>]*>[^<]*一种叶片", page)
    assert Patent.objects.count() == 1


@pytest.mark.parametrize("path", ["", "add/", "several/", "{pk}/", "{pk}/remove/"])
def test_patent_pages_ask_little_of_the_database(
    ling: Person, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (factories.INVENTION, factories.INVENTION_2, "2019106035651"):
        patent = factories.patent(ling.organisation, number, filed=date(2014, 1, 1))
        CoOwner.objects.create(patent=patent, name="重庆示例大学")
    url = "/patents/" + path.format(pk=patent.pk)
    with django_assert_max_num_queries(12):
        assert ling.client.get(url).status_code == 200
