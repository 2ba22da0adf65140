"""Getting in, staying in, being slowed down; and what a guesser learns: nothing."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client, override_settings
from pytest_django import DjangoAssertNumQueries

from portal.foundation.accounts import actions, attempts
from portal.foundation.accounts.forms import LOGIN_REFUSED
from portal.foundation.accounts.models import Attempt, Membership, Role
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
RIGHT, WRONG = "Demo-2026-portal", "not-the-password"


def attempt(client: Client, login: str, password: str, **more: str) -> object:
    return client.post("/login/", {"login": login, "password": password, **more})


def test_ling_logs_in_by_user_name_and_lands_at_her_cases(ling: Person) -> None:
    browser = Client()
    answer = browser.post("/login/", {"login": " ling ", "password": RIGHT})
    assert answer.headers["Location"] == "/start/"
    assert browser.get("/start/").headers["Location"] == "/cases/"


def test_ling_logs_in_by_phone_while_she_is_the_only_one_with_it(ling: Person) -> None:
    assert Client().post("/login/", {"login": "138 0000 0000", "password": RIGHT}).status_code == 302
    factories.person("twin", "同号示例", Role.ENTERPRISE, ling.organisation)
    assert Client().post("/login/", {"login": "13800000000", "password": RIGHT}).status_code == 400


def test_an_unknown_name_a_wrong_password_and_a_locked_account_sound_alike(ling: Person) -> None:
    said = []
    for login in ("nobody", "ling"):
        for _ in range(6):
            answer = Client().post("/login/", {"login": login, "password": WRONG})
            assert answer.status_code == 400
            said.append(answer.context["form"].non_field_errors())
            assert f'value="{login}"' in answer.content.decode()
    assert all(messages == [LOGIN_REFUSED] for messages in said)


def test_after_five_wrong_passwords_the_right_one_waits_fifteen_minutes(ling: Person) -> None:
    start = moments.now()
    for second in range(5):
        assert actions.sign_in("ling", WRONG, now=start + timedelta(seconds=second)) is None
    fifth = start + timedelta(seconds=4)
    assert actions.sign_in("ling", RIGHT, now=fifth + timedelta(minutes=14, seconds=59)) is None
    assert actions.sign_in("ling", RIGHT, now=fifth + timedelta(minutes=15)) == ling.user
    assert not Attempt.objects.exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_dozen_guesses_at_once_are_still_five(ling: Person) -> None:
    now = moments.now()
    gate = threading.Barrier(12)

    def guess() -> None:
        gate.wait()
        try:
            assert actions.sign_in("ling", WRONG, now=now) is None
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Attempt.objects.count() == 5


def test_slips_of_different_hours_do_not_add_up(ling: Person) -> None:
    start = moments.now()
    for hour in range(8):
        assert actions.sign_in("ling", WRONG, now=start + timedelta(hours=hour)) is None
    assert actions.sign_in("ling", RIGHT, now=start + timedelta(hours=7, seconds=1)) == ling.user


def test_a_locked_account_does_not_lock_its_neighbour(ling: Person, wai: Person) -> None:
    now = moments.now()
    for _ in range(5):
        actions.sign_in("ling", WRONG, now=now)
    assert actions.sign_in("wai", RIGHT, now=now) == wai.user


def test_neither_names_nor_addresses_are_kept_of_a_miss(ling: Person) -> None:
    attempts.miss(attempts.LOGIN, "name:ling", now=moments.now())
    assert "ling" not in Attempt.objects.get().key


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("/members/?a=1", "/members/?a=1"),
        ("//evil.example/", "/start/"),
        ("https://evil.example/", "/start/"),
        ("/\\evil.example", "/start/"),
        ("javascript:alert(1)", "/start/"),
        ("/nowhere/", "/start/"),
        ("/logout/", "/start/"),
        ("profile", "/start/"),
    ],
)
def test_log_in_only_goes_on_to_pages_of_this_portal(ling: Person, target: str, goes: str) -> None:
    answer = Client().post("/login/", {"login": "ling", "password": RIGHT, "next": target})
    assert answer.headers["Location"] == goes


@pytest.mark.parametrize(
    ("who", "desk"),
    [("ling", "/cases/"), ("bo", "/desk/"), ("bo_manager", "/desk/"), ("chen", "/office/"), ("rui", "/supervision/")],
)
def test_everybody_lands_at_their_own_desk(who: str, desk: str, request: pytest.FixtureRequest) -> None:
    person: Person = request.getfixturevalue(who)
    assert person.client.get("/start/").headers["Location"] == desk


def test_logging_out_takes_a_post(ling: Person) -> None:
    assert ling.client.get("/logout/").status_code == 405
    assert ling.client.get("/profile/").status_code == 200
    ling.client.post("/logout/")
    assert ling.client.get("/profile/").status_code == 302


def test_somebody_without_a_seat_is_told_so_after_the_right_password_only(ling: Person) -> None:
    Membership.objects.update(active=False)
    assert "不属于任何单位" in Client().post("/login/", {"login": "ling", "password": RIGHT}).content.decode()
    assert "不属于任何单位" not in Client().post("/login/", {"login": "ling", "password": WRONG}).content.decode()


def test_the_demonstration_log_ins_are_printed_only_in_the_demonstration(ling: Person) -> None:
    factories.person("enterprise", "示例", Role.ENTERPRISE, ling.organisation)
    with override_settings(DEMO=True):
        page = Client().get("/login/").content.decode()
        assert RIGHT in page
        assert ">enterprise<" in page
        assert ">officer<" not in page  # no such account here
    with override_settings(DEMO=False):
        assert RIGHT not in Client().get("/login/").content.decode()


def test_bo_changes_seats_and_nobody_sits_in_a_foreign_one(bo: Person, cui: Person, ling: Person) -> None:
    second = Membership.objects.create(user=bo.user, organisation=cui.organisation, role=Role.OFFICER)
    assert "示例乙银行" in bo.client.get("/profile/").content.decode()
    assert bo.client.get("/seat/").status_code == 405
    assert bo.client.post("/seat/", {"membership": second.pk}).status_code == 302
    assert "<h1>示例乙银行</h1>" in bo.client.get("/profile/").content.decode()
    for foreign in (ling.membership.pk, 999_999, "x", "²"):
        assert bo.client.post("/seat/", {"membership": foreign}).status_code == 404


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(ling: Person) -> None:
    elsewhere = Client()
    elsewhere.force_login(ling.user)
    new = {"password": "Four odd words 7", "password_again": "Four odd words 7"}
    refused = ling.client.post("/password/", {"old": WRONG, **new})
    assert refused.status_code == 400
    assert "现在的密码不对" in refused.content.decode()
    assert ling.client.post("/password/", {"old": RIGHT, **new}).status_code == 302
    assert ling.client.get("/profile/").status_code == 200
    assert elsewhere.get("/profile/").status_code == 302
    assert actions.sign_in("ling", "Four odd words 7", now=moments.now()) == ling.user
    told = Entry.objects.get(verb="person.password_changed")
    assert "odd words" not in str(told.data)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("Sh0rt!", "至少 12 个字符"),
        ("112233445566778899", "三类"),
        ("lower case and nothing", "三类"),
        ("Ling-ling-ling-1", "太像"),
        ("Shilizhizao-88", "太像"),
        ("Woaini5201314!", "键盘顺序"),
        ("Demo-2026-portal", "容易被猜中"),
        ("Lantern-kettle-39", None),
    ],
)
def test_weak_passwords_are_refused_in_plain_words(ling: Person, password: str, said: str | None) -> None:
    form = {"old": RIGHT, "password": password, "password_again": password}
    page = ling.client.post("/password/", form)
    assert page.status_code == (400 if said else 302)
    assert said is None or said in page.content.decode()


def test_guessing_the_old_password_is_slowed_down_like_a_log_in(ling: Person) -> None:
    new = {"password": "Four odd words 7", "password_again": "Four odd words 7"}
    for _ in range(5):
        ling.client.post("/password/", {"old": WRONG, **new})
    assert ling.client.post("/password/", {"old": RIGHT, **new}).status_code == 400


@pytest.mark.parametrize("url", ["/profile/", "/profile/edit/", "/members/", "/password/"])
def test_account_pages_ask_little_of_the_database(
    ling: Person, url: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ling.client.get(url)
    with django_assert_max_num_queries(12):
        assert ling.client.get(url).status_code == 200


def test_who_forgot_the_password_finds_the_way_and_whom_to_ask(reference: None) -> None:
    page = Client().get("/login/").content.decode()
    assert 'href="/password/forgotten/"' in page
    answer = Client().get("/password/forgotten/").content.decode()
    for said in ("发送链接", "请同事在“成员”页", "请本机构负责人", "平台运维人员"):
        assert said in answer
