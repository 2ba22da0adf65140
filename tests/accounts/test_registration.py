"""A company comes to the portal: Ling registers it, once, with a code that is right."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from portal.foundation.accounts import registering
from portal.foundation.accounts.models import District, Organisation, User
from portal.foundation.core import moments
from portal.foundation.core.errors import Invalid
from portal.foundation.journal.models import Entry
from tests.factories import USCC, Person

RIGHT_CODE = "91330100799655058B"
FORM = {
    "uscc": " 9133 0100 7996 5505 8b ",
    "name": "重庆示例新来有限公司",
    "district": "500157",
    "industry": "C",
    "address": "示例路 1 号",
    "contact_name": "",
    "contact_phone": "",
    "person_name": "新示例",
    "phone": "139 1111 2222",
    "username": "",
    "password": "Four odd words 7",
    "password_again": "Four odd words 7",
    "privacy": "on",
}


def register(**changes: str) -> Any:
    return Client().post("/register/", {**FORM, **changes})


@pytest.mark.django_db
def test_a_new_company_is_registered_and_its_first_person_logged_in(reference: None) -> None:
    browser = Client()
    assert browser.post("/register/", FORM).status_code == 302
    made = Organisation.objects.get(uscc=RIGHT_CODE)
    assert (made.contact_name, made.contact_phone, made.district_id) == ("新示例", "13911112222", "500157")
    assert browser.get("/profile/").status_code == 200
    assert User.objects.get(phone="13911112222").username == "13911112222"
    told = Entry.objects.get(verb="enterprise.registered")
    assert told.parties == [made.pk]
    assert told.data["privacy_accepted"] is True


@pytest.mark.django_db
def test_a_known_company_is_sent_to_its_own_people(ling: Person) -> None:
    answer = register(uscc=USCC["enterprise"])
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "请联系企业里已有账号的同事" in page
    assert 'value="重庆示例新来有限公司"' in page
    assert Organisation.objects.filter(uscc=USCC["enterprise"]).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("uscc", "91330100799655058C", "第 18 位按前面各位应为“B”"),
        ("uscc", "9133010079965505", "应为 18 位"),
        ("uscc", "91330100799655O58B", "不使用字母"),
        ("phone", "1391111", "手机号应为 11 位"),
        ("phone", "023-67961234", "不能是座机"),
        ("username", "a", "4–30 个"),
        ("username", "13900000000", "别人的手机号"),
        ("password_again", "another one entirely", "不一样"),
        ("district", "500105", "请从列出的选项里选择"),
        ("industry", "", "请选择行业门类"),
        ("privacy", "", "请勾选"),
        ("name", "", "请填写企业名称"),
    ],
)
def test_each_slip_is_told_at_its_place_and_what_was_typed_stays(
    reference: None, field: str, typed: str, said: str
) -> None:
    answer = register(**{field: typed})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert any(said in message for message in answer.context["form"].errors[field])
    assert 'value="示例路 1 号"' in page
    assert "错误：" in page
    assert not Organisation.objects.exists()


@pytest.mark.django_db
def test_abolished_districts_are_not_offered_and_the_zones_are(reference: None) -> None:
    page = Client().get("/register/").content.decode()
    for code in ("500157", "X50001", "X50002"):
        assert f'value="{code}"' in page
    for code in ("500105", "500112"):
        assert District.objects.filter(pk=code, current=False).exists()
        assert f'value="{code}"' not in page
    assert page.count("<option") - 20 - 2 == 39  # 37 current and two zones; 20 industries; two «请选择»


@pytest.mark.django_db
def test_a_phone_that_has_an_account_is_sent_to_log_in(ling: Person) -> None:
    answer = register(phone="13800000000", username="other.name")
    assert "请直接登录" in answer.context["form"].errors["phone"][0]


@pytest.mark.django_db
def test_ling_is_not_asked_to_register_again_while_logged_in(ling: Person) -> None:
    assert ling.client.get("/register/").headers["Location"] == "/start/"
    assert ling.client.post("/register/", FORM).status_code == 302
    assert not Organisation.objects.filter(uscc=RIGHT_CODE).exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_colleagues_register_the_same_company_at_once_and_there_is_one(reference: None) -> None:
    company = registering.Company(RIGHT_CODE, "重庆示例新来有限公司", "500157", "C", "示例路", "甲", "13911112222")
    outcomes: list[str] = []
    gate = threading.Barrier(4)

    def go(number: int) -> None:
        phone = f"1391111000{number}"
        person = registering.Newcomer("示例", phone, phone, "Four odd words 7")
        gate.wait()
        try:
            registering.register_enterprise(company, person, now=moments.now())
            outcomes.append("made")
        except Invalid as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["known", "known", "known", "made"]
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_landline_is_no_mobile_and_the_sentence_does_not_offer_one(reference: None) -> None:
    page = register(phone="023-12345678").content.decode()
    assert "请填写 11 位手机号，这里不能填座机。" in page
    assert "或带区号的座机" not in page
    assert "请再输一次密码。" in register(password_again="").content.decode()
