"""A company's own data: Ling changes it, the journal remembers, a colleague's change is not overwritten."""

from datetime import date

import pytest

from portal.foundation.accounts.models import Organisation
from portal.foundation.journal.models import Entry
from tests.factories import Person

pytestmark = pytest.mark.django_db
FORM = {
    "name": "重庆示例智造有限公司",
    "district": "500106",
    "industry": "C",
    "address": "示例路 2 号",
    "contact_name": "联系人",
    "contact_phone": "023-67961234",
}


def seen(person: Person) -> str:
    return str(person.client.get("/profile/edit/").context["form"]["seen"].value())


def test_ling_moves_and_the_journal_knows_from_where(ling: Person) -> None:
    assert ling.client.post("/profile/edit/", {**FORM, "seen": seen(ling)}).status_code == 302
    moved = Organisation.objects.get(pk=ling.organisation.pk)
    assert (moved.district_id, moved.address) == ("500106", "示例路 2 号")
    told = Entry.objects.get(verb="organisation.updated")
    assert told.data["district_id"] == ["500157", "500106"]
    assert "name" not in told.data


def test_saving_without_a_change_writes_nothing(ling: Person) -> None:
    ling.client.post("/profile/edit/", {**FORM, "seen": seen(ling)})
    ling.client.post("/profile/edit/", {**FORM, "seen": seen(ling)})
    assert Entry.objects.filter(verb="organisation.updated").count() == 1


def test_a_colleagues_change_in_between_is_shown_not_overwritten(ling: Person) -> None:
    stale = seen(ling)
    Organisation.objects.filter(pk=ling.organisation.pk).update(address="同事写的地址")
    answer = ling.client.post("/profile/edit/", {**FORM, "seen": stale})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "同事刚刚改过" in page
    assert "同事写的地址" in page
    assert 'value="示例路 2 号"' in page
    again = answer.context["form"]["seen"].value()
    assert ling.client.post("/profile/edit/", {**FORM, "seen": again}).status_code == 302


def test_an_abolished_district_is_readable_and_asks_for_todays(ling: Person) -> None:
    Organisation.objects.filter(pk=ling.organisation.pk).update(district_id="500112")
    page = ling.client.get("/profile/").content.decode()
    assert "渝北区" in page
    assert "已撤销" in page
    form = ling.client.get("/profile/edit/").content.decode()
    assert "渝北区”已经撤销" in form
    assert 'value="500112"' not in form
    refused = ling.client.post("/profile/edit/", {**FORM, "district": "500112", "seen": seen(ling)})
    assert refused.status_code == 400


def test_the_credit_code_cannot_be_slipped_in(ling: Person) -> None:
    before = ling.organisation.uscc
    ling.client.post("/profile/edit/", {**FORM, "seen": seen(ling), "uscc": "91330100799655058B"})
    assert Organisation.objects.get(pk=ling.organisation.pk).uscc == before


def test_bo_reads_his_institution_and_cannot_edit(bo: Person) -> None:
    assert bo.client.get("/profile/").status_code == 200
    assert bo.client.get("/profile/edit/").status_code == 403


def test_ling_states_what_products_ask_for_and_it_is_marked_as_her_own_word(ling: Person) -> None:
    stated = {
        "founded_on": "2019-03-01",
        "tiers": ["high_tech", "tech_sme"],
        "until_high_tech": "2020-12-31",
        "pledged_before": "no",
    }
    assert ling.client.post("/profile/edit/", {**FORM, **stated, "seen": seen(ling)}).status_code == 302
    kept = Organisation.objects.get(pk=ling.organisation.pk)
    assert kept.founded_on == date(2019, 3, 1)
    assert kept.tiers == {"high_tech": "2020-12-31", "tech_sme": ""}
    assert kept.pledged_before is False
    assert kept.tiers_on(date(2020, 12, 31)) == {"high_tech", "tech_sme"}
    assert kept.tiers_on(date(2021, 1, 1)) == {"tech_sme"}
    told = Entry.objects.get(verb="organisation.updated")
    assert told.data["founded_on"] == ["", "2019-03-01"]
    assert told.data["tiers"] == [{}, {"high_tech": "2020-12-31", "tech_sme": ""}]
    assert told.data["pledged_before"] == ["", False]
    page = ling.client.get("/profile/").content.decode()
    assert page.count("企业自填") == 3
    assert "高新技术企业（有效期至 2020-12-31，已过期）；科技型中小企业" in page
    form = ling.client.get("/profile/edit/").context["form"]
    assert form["until_high_tech"].value() == "2020-12-31"
    again = {**FORM, **stated, "seen": seen(ling)}
    ling.client.post("/profile/edit/", again)
    assert Entry.objects.filter(verb="organisation.updated").count() == 1


def test_having_none_is_another_word_than_saying_nothing(ling: Person) -> None:
    assert ling.organisation.tiers_on(date(2026, 11, 23)) is None
    ling.client.post("/profile/edit/", {**FORM, "tiers": ["none"], "seen": seen(ling)})
    kept = Organisation.objects.get(pk=ling.organisation.pk)
    assert kept.tiers_on(date(2026, 11, 23)) == frozenset()
    assert "以上都没有" in ling.client.get("/profile/").content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"founded_on": "2999-01-01"}, "年份应在"),
        ({"founded_on": "2099-01-01"}, "成立日期不能晚于今天"),
        ({"tiers": ["none", "high_tech"]}, "不要再勾其他资质"),
        ({"until_high_tech": "2027-12-31"}, "没有勾选“高新技术企业”"),
        ({"tiers": ["high_tech"], "until_high_tech": "明年"}, "2027-12-31"),
    ],
)
def test_a_statement_that_cannot_be_is_refused_in_words(ling: Person, typed: dict[str, object], said: str) -> None:
    answer = ling.client.post("/profile/edit/", {**FORM, **typed, "seen": seen(ling)})
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Entry.objects.filter(verb="organisation.updated").exists()
