"""A company's own data: Ling changes it, the journal remembers, a colleague's change is not overwritten."""

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
