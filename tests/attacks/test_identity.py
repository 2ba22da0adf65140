"""Attacks 1–13: somebody who is nobody here tries to become somebody."""

import re
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from portal.foundation.accounts import actions
from portal.foundation.accounts.forms import LOGIN_REFUSED
from portal.foundation.accounts.identity import reset, sms_simulator
from portal.foundation.accounts.identity.sms_simulator import Service
from portal.foundation.accounts.models import ResetLink, User
from portal.foundation.core import moments
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Entry
from tests.accounts.test_registration import FORM
from tests.factories import Person
from tests.test_access import GUARDED

from .identity_world import NEW, PASSWORD, code, first_step, inside, link_in_mail, phone, traced, unslowed, wrong

pytestmark = pytest.mark.django_db
ARGON2 = ["portal.foundation.accounts.hashers.PortalArgon2Hasher"]
INNER = ("/desk/", "/desk/pool/", "/members/", "/profile/", "/safety/", "/notices/", "/password/", "/start/")
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
STAFF = ("bo", "bo_manager", "chen", "chief", "rui", "ada")


@pytest.fixture(autouse=True)
def _as_in_production(settings: Any) -> None:
    """Only sessions that our own log-in opened count."""
    settings.TRUST_OTHER_LOGINS = False


def test_attack_01_every_route_without_a_session(reference: None) -> None:
    """A stranger without a session calls every address that is somebody's: sent to log in, the machine interface says no."""
    visitor = Client()
    for url, _ in GUARDED:
        answer = visitor.get(url)
        assert answer.status_code in (302, 405), url
        assert answer.headers.get("Location", "/login/").startswith("/login/"), url
    for url in ("/api/v1/referrals/",):
        assert visitor.get(url).status_code in (401, 403, 404), url


def test_attack_02_doors_for_builders_are_not_there(reference: None, ada: Person) -> None:
    """A stranger and even the administrator look for admin, debug, schema and metrics pages: there are none."""
    for url in ("/admin/", "/admin/login/", "/__debug__/", "/metrics", "/accounts/login/", "/accounts/2fa/", "/mfa/"):
        assert Client().get(url).status_code == 404, url
        assert ada.client.get(url).status_code == 404, url
    assert Client().get("/api/v1/schema/").status_code == 404


def test_attack_03_the_sixth_wrong_password_meets_a_lock(ling: Person) -> None:
    """Somebody guesses at Ling's password: after five wrong ones even the right one waits 15 minutes, in the same words."""
    said, first = set(), moments.now()
    for _ in range(5):
        answer = Client().post("/login/", {"login": "ling", "password": "wrong"})
        said.add((answer.status_code, str(answer.context["form"].non_field_errors())))
    answer = Client().post("/login/", {"login": "ling", "password": PASSWORD})
    said.add((answer.status_code, str(answer.context["form"].non_field_errors())))
    assert len(said) == 1
    assert LOGIN_REFUSED in next(iter(said))[1]
    traced(answer, "wrong-password")
    with time_machine.travel(first + timedelta(minutes=14), tick=False):
        assert Client().post("/login/", {"login": "ling", "password": PASSWORD}).status_code == 400
    with time_machine.travel(first + timedelta(minutes=16), tick=False):
        assert Client().post("/login/", {"login": "ling", "password": PASSWORD}).status_code == 302


def test_attack_04_one_password_on_a_hundred_accounts(ling: Person) -> None:
    """One address tries one common password on a hundred accounts: 429 with Retry-After long before the hundredth."""
    answers = [
        Client().post("/login/", {"login": f"person{n}", "password": "Spring-2026!"}, REMOTE_ADDR="192.0.2.4")
        for n in range(100)
    ]
    assert [a.status_code for a in answers] == [400] * 50 + [429] * 50
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 900
    refused = Client().post("/login/", {"login": "ling", "password": PASSWORD}, REMOTE_ADDR="192.0.2.4")
    assert refused.status_code == 429
    assert Client().post("/login/", {"login": "ling", "password": PASSWORD}, REMOTE_ADDR="192.0.2.5").status_code == 302


def _apart(one: Any, other: Any, rounds: int = 11) -> float:
    """Seconds between the medians of two, which take turns: what the machine does beside hits both."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, times in zip((one, other), taken, strict=True):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return abs(statistics.median(taken[0]) - statistics.median(taken[1]))


def test_attack_05_an_unknown_person_sounds_and_lasts_like_a_known_one(ling: Person, settings: Any) -> None:
    """Somebody tells accounts from inventions by words or by the clock: same words, less than 20 ms between the medians."""
    settings.PASSWORD_HASHERS = ARGON2
    ling.user.set_password(PASSWORD)
    ling.user.save()
    pages: dict[str, str] = {}

    def guess(login: str) -> None:
        unslowed()
        answer = Client().post("/login/", {"login": login, "password": "Wrong-password-1"})
        assert answer.status_code == 400
        pages[login] = str(answer.context["form"].errors)

    guess("ling")  # both once before the clock runs
    guess("nobody")
    apart = _apart(lambda: guess("ling"), lambda: guess("nobody"))
    assert pages["ling"] == pages["nobody"]
    assert apart < 0.020, apart


def test_attack_06_forgetting_tells_nothing_about_who_exists(ling: Person) -> None:
    """Somebody asks for a way back into invented and real accounts: same page, same time, and only the owner gets mail."""
    ling.user.email = "ling@example.invalid"
    ling.user.save()

    def ask(login: str) -> str:
        unslowed()
        browser = Client()
        answer = browser.post("/password/forgotten/", {"login": login})
        page = browser.get(answer.headers["Location"])
        return f"{answer.status_code} {answer.headers['Location']} {page.content.decode().partition('<main')[2]}"

    assert ask("ling") == ask("nobody")
    apart = _apart(lambda: ask("ling"), lambda: ask("nobody"))
    assert apart < 0.020, apart
    dispatcher.dispatch(now=moments.now())
    assert {to for message in mail.outbox for to in message.to} == {"ling@example.invalid"}


def test_attack_06_asking_again_and_again_floods_nobody(ling: Person) -> None:
    """Somebody fills Ling's mail box: three messages an hour for one person, ten askings for one address."""
    for n in range(5):
        Client().post("/password/forgotten/", {"login": "ling"}, REMOTE_ADDR=f"192.0.2.{n}")
    assert Entry.objects.filter(verb="person.reset_asked").count() == 3
    answers = [
        Client().post("/password/forgotten/", {"login": f"x{n}"}, REMOTE_ADDR="192.0.2.99").status_code
        for n in range(11)
    ]
    assert answers == [302] * 10 + [429]


@pytest.fixture
def by_http(settings: Any) -> Iterator[Service]:
    """Text messages as production sends them (docs/contracts/sms.md)."""
    with sms_simulator.running("a-token-for-the-simulator") as service:
        settings.SMS_PROVIDER, settings.SMS_URL, settings.SMS_TOKEN = "http", service.url, service.token
        yield service


def test_attack_06_registering_tells_nothing_about_whose_phone_is_known(
    ling: Person, settings: Any, by_http: Service
) -> None:
    """Somebody registers with Ling's phone and with a new one: the same page each time; only the phone's owner reads which."""
    settings.REGISTRATION_BY_CODE = True

    def register(phone: str) -> tuple[Client, str]:
        unslowed()
        browser = Client()
        answer = browser.post("/register/", {**FORM, "phone": phone})
        page = browser.get("/register/code/").content.decode().partition("<h1")[2].replace(phone[-4:], "")
        return browser, f"{answer.status_code} {answer.headers['Location']} {TOKEN.sub('', page)}"

    stranger, new = register("13911112222")
    thief, known = register("13800000000")
    assert new == known
    sent = dict(by_http.sent)
    assert "已有账号" in sent["13800000000"]
    code = re.search(r"[0-9]{6}", sent["13911112222"])
    assert code
    assert code[0] not in new
    for _ in range(5):
        refused = thief.post("/register/code/", {"code": code[0]})
        assert refused.status_code == 400
    traced(refused, "wrong-code")
    assert thief.post("/register/code/", {"code": code[0]}).headers["Location"] == "/register/"
    assert stranger.post("/register/code/", {"code": code[0]}).status_code == 302
    assert stranger.get("/cases/").status_code == 200
    assert actions.sign_in("13911112222", FORM["password"], now=moments.now()) is not None


def test_attack_06_codes_flood_no_phone(ling: Person, settings: Any, tmp_path: Path) -> None:
    """Somebody lets the portal send codes to a stranger's phone: three an hour, then 429."""
    settings.REGISTRATION_BY_CODE, settings.SMS_PROVIDER, settings.DATA_DIR = True, "file", tmp_path
    answers = [Client().post("/register/", FORM, REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(5)]
    assert answers == [302, 302, 302, 429, 429]
    assert len(list((tmp_path / "sms").iterdir())) == 3


def _mailed(person: Person) -> str:
    User.objects.filter(pk=person.user.pk).update(email=f"{person.user.username}@example.invalid")
    unslowed()
    assert Client().post("/password/forgotten/", {"login": person.user.username}).status_code == 302
    return link_in_mail()


def test_attack_07_a_reset_link_works_once_for_half_an_hour_for_one_password(ling: Person) -> None:
    """Somebody finds Ling's old mails: a link used, overtaken, half an hour old or made for another password opens nothing."""
    form = {"password": NEW, "password_again": NEW}
    link = _mailed(ling)
    assert Client().get(link).status_code == 200
    with time_machine.travel(moments.now() + timedelta(minutes=31), tick=False):
        assert Client().post(link, form).status_code == 409
    newer = _mailed(ling)
    assert Client().post(link, form).status_code == 404  # overtaken by the newer one
    browser = inside(ling)
    assert Client().post(newer, form).status_code == 302
    assert browser.get("/profile/").status_code == 302, "the old sessions end with the old password"
    assert Client().post(newer, {"password": NEW + "x", "password_again": NEW + "x"}).status_code == 409
    assert actions.sign_in("ling", NEW, now=moments.now()) == ling.user
    for_old = _mailed(ling)
    user = User.objects.get(pk=ling.user.pk)
    actions.change_password(user.pk, NEW, "Copper-window-51", actor=ling.actor, now=moments.now())
    assert Client().post(for_old, form).status_code == 409
    assert Entry.objects.filter(verb="person.password_reset").count() == 1
    token = for_old.strip("/").rpartition("/")[2]
    assert token not in str(list(Entry.objects.values_list("text", "data"))) + ResetLink.objects.get().token_digest


def test_attack_07_a_living_link_stands_in_no_log(ling: Person, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody reads the portal's log: a link that was used clumsily, and still works, is not in it."""
    link = _mailed(ling)
    assert Client().post(link, {"password": "short", "password_again": "short"}).status_code == 400
    assert Client().get(link).status_code == 200
    assert link not in caplog.text


def test_attack_07_a_reset_link_does_not_pass_by_the_second_factor(bo: Person) -> None:
    """Somebody who reads Bo's mail resets his password: the second step is still in the way, and links made late are not sent."""
    phone(bo)
    assert Client().post(_mailed(bo), {"password": NEW, "password_again": NEW}).status_code == 302
    browser = Client()
    answer = browser.post("/login/", {"login": "bo", "password": NEW})
    assert answer.headers["Location"] == "/login/second/"
    assert browser.get("/desk/").status_code == 302
    asked = Entry.objects.filter(verb="person.reset_asked").latest("id")
    before = len(mail.outbox)
    reset.send(asked, asked.at + timedelta(minutes=31))
    assert len(mail.outbox) == before


def test_attack_08_the_host_of_a_request_cannot_change_the_link(ling: Person, settings: Any) -> None:
    """Somebody asks for Ling's link with a forged Host: 400 or no effect; the mail names the portal's own address."""
    settings.PUBLIC_URL = "https://portal.example.invalid"
    ling.user.email = "ling@example.invalid"
    ling.user.save()
    forged = Client().post("/password/forgotten/", {"login": "ling"}, HTTP_HOST="evil.example")
    assert forged.status_code == 400
    Client().post("/password/forgotten/", {"login": "ling"}, HTTP_X_FORWARDED_HOST="evil.example")
    dispatcher.dispatch(now=moments.now())
    assert len(mail.outbox) == 1
    assert "https://portal.example.invalid/password/reset/" in mail.outbox[0].body
    assert "evil" not in mail.outbox[0].body


def test_attack_09_a_code_works_once(bo: Person) -> None:
    """Somebody looks over Bo's shoulder and types the same code a moment later: it is worth nothing any more."""
    phone(bo)
    browser, _ = first_step(bo)
    shown = code(bo)
    assert browser.post("/login/second/", {"code": shown}).status_code == 302
    thief, _ = first_step(bo)
    answer = thief.post("/login/second/", {"code": shown})
    assert answer.status_code == 400
    traced(answer, "wrong-second")
    assert thief.get("/desk/").headers["Location"] == "/login/second/"


def test_attack_09_six_wrong_codes_lock_the_second_step(bo: Person) -> None:
    """Somebody with Bo's password guesses codes: after five wrong ones the right one waits 15 minutes, in the same words."""
    phone(bo)
    browser, _ = first_step(bo)
    said = {
        browser.post("/login/second/", {"code": wrong(bo)}).content.decode().count("连续输错次数过多") for _ in range(5)
    }
    assert said == {2} or said == {1}
    assert browser.post("/login/second/", {"code": code(bo)}).status_code == 400
    other, _ = first_step(bo)
    assert other.post("/login/second/", {"code": code(bo)}).status_code == 400, "another browser is the same person"
    with time_machine.travel(moments.now() + timedelta(minutes=16), tick=False):
        inside(bo)


@pytest.mark.parametrize("who", STAFF)
def test_attack_10_no_inner_page_opens_before_the_second_step(who: str, request: pytest.FixtureRequest) -> None:
    """Somebody with a colleague's password calls inner pages directly: every one sends to step two, the API says no."""
    person: Person = request.getfixturevalue(who)
    phone(person)
    browser, answer = first_step(person)
    assert answer.headers["Location"] == "/login/second/"
    for url in INNER:
        refused = browser.get(url)
        assert (refused.status_code, refused.headers["Location"]) == (302, "/login/second/"), url
        traced(refused, "second-step-first")
        assert browser.post(url).status_code in (302, 405), url
    assert browser.get("/api/v1/referrals/").status_code in (401, 403, 404)
    assert "_auth_user_id" not in browser.session
    assert browser.post("/login/second/", {"code": code(person)}).status_code == 302
    assert browser.get("/profile/").status_code == 200


@pytest.mark.parametrize("who", STAFF)
def test_attack_10_without_a_second_factor_there_is_only_its_set_up(who: str, request: pytest.FixtureRequest) -> None:
    """Whoever decides about others and has no second factor yet sets one up first and reaches nothing else."""
    person: Person = request.getfixturevalue(who)
    browser, answer = first_step(person)
    assert answer.headers["Location"] == "/login/second/setup/"
    for url in INNER:
        assert browser.get(url).headers["Location"] == "/login/second/", url
    assert browser.get("/login/second/").headers["Location"] == "/login/second/setup/"
    browser.get("/login/second/setup/")
    assert browser.post("/login/second/setup/", {"code": "000000"}).status_code == 400
    assert browser.get("/profile/").headers["Location"] == "/login/second/"


def test_attack_11_the_session_key_changes_at_every_step(bo: Person) -> None:
    """Somebody plants a session in Bo's browser: its key is worth nothing after the first step, nor that one after the second."""
    phone(bo)
    browser = Client()
    session = browser.session
    session["planted"] = 1
    session.save()
    browser.cookies["session"] = planted = session.session_key
    first_step(bo, browser)
    between = browser.cookies["session"].value
    browser.post("/login/second/", {"code": code(bo)})
    after = browser.cookies["session"].value
    assert len({planted, between, after}) == 3
    for old in (planted, between):
        thief = Client()
        thief.cookies["session"] = old
        assert thief.get("/profile/").headers["Location"].startswith("/login/")
    assert browser.get("/profile/").status_code == 200


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)", "/login/second/", "/logout/"],
)
def test_attack_12_next_leads_only_to_pages_of_the_portal(bo: Person, target: str) -> None:
    """Somebody sends Bo a log-in link that should end elsewhere: through both steps it ends at his own desk."""
    phone(bo)
    browser, _ = first_step(bo, next=target)
    answer = browser.post("/login/second/", {"code": code(bo)})
    assert answer.headers["Location"] == "/start/"


def test_attack_12_next_survives_the_second_step(bo: Person) -> None:
    """Bo was sent to log in from his orders; after both steps he is there again."""
    phone(bo)
    browser, _ = first_step(bo, next="/orders/?a=1")
    assert browser.post("/login/second/", {"code": code(bo)}).headers["Location"] == "/orders/?a=1"


def test_attack_13_another_forwarded_address_does_not_reset_a_limit(ling: Person, settings: Any) -> None:
    """Somebody writes a new X-Forwarded-For with each guess: only what our own proxy wrote counts, an IPv6 /64 is one line."""
    for n in range(50):
        Client().post("/login/", {"login": f"p{n}", "password": "x"}, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")
    right = {"login": "ling", "password": PASSWORD}
    assert Client().post("/login/", right, HTTP_X_FORWARDED_FOR="203.0.113.200").status_code == 429
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for n in range(50):
        Client().post(
            "/login/", {"login": f"q{n}", "password": "x"}, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}, 198.51.100.7"
        )
    assert Client().post("/login/", right, HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.7").status_code == 429
    settings.SECURE_PROXY_SSL_HEADER = None
    for n in range(50):
        Client().post("/login/", {"login": f"r{n}", "password": "x"}, REMOTE_ADDR=f"2001:db8::{n:x}")
    assert Client().post("/login/", right, REMOTE_ADDR="2001:db8::ffff").status_code == 429
    assert Client().post("/login/", right, REMOTE_ADDR="2001:db8:0:1::1").status_code == 302
