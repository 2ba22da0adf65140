"""Where a redirect may lead, which hosts are ours, how a session begins and ends, who is slowed down."""

import re
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from portal.foundation.accounts.identity import sessions
from portal.foundation.core import moments
from portal.urls import handler400, handler404, handler500, urlpatterns  # noqa: F401 - Django reads the handlers here
from tests.factories import Person

from .crawling import walk
from .test_canaries import starts
from .world import World

pytestmark = pytest.mark.django_db


# --- redirects and hosts ---------------------------------------------------------------------------------------------
ELSEWHERE = (
    "//evil.example/", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "/%09/evil.example", "/\t/evil.example",
    "/%5cevil.example", "javascript:alert(1)", "https:evil.example", "///evil.example", " //evil.example", "/\n/evil.example",
    "http://testserver@evil.example/", "/login/?next=//evil.example", "data:text/html,x", "/;@evil.example", "．//evil.example",
)  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_attack_12_no_answer_leads_out_of_the_portal(ling: Person, target: str) -> None:
    """As a browser reads it: tabs and newlines dropped, a backslash is a slash."""
    patent = {"number": "2013304968751", "title": "示例", "patentee": "示例", "filing_date": "2013-08-09", "status": "granted",
              "grant_date": "2014-02-05", "co-TOTAL_FORMS": 0, "co-INITIAL_FORMS": 0}  # fmt: skip
    answers = [
        Client().post("/login/", {"login": "ling", "password": "Demo-2026-portal", "next": target}),
        Client().post("/login/?" + f"next={target}", {"login": "ling", "password": "Demo-2026-portal"}),
        ling.client.get("/login/", {"next": target}),
        Client().post("/display/", {"next": target, "large": "1"}),
        ling.client.post(f"/patents/add/?next={target}", patent),
    ]
    for answer in answers:
        assert answer.status_code in (302, 400)
        there = re.sub(r"[\t\r\n]", "", answer.headers.get("Location", "/")).replace("\\", "/")
        assert there.startswith("/"), there
        assert not there.startswith("//"), there
        assert "evil" not in there.partition("?")[0] or there.startswith(("/%", "/;")), there


def test_a_forged_host_gets_no_page(ling: Person) -> None:
    for host in (
        "evil.example",
        "testserver.evil.example",
        "evil.example:80",
        "testserver@evil.example",
        "127.0.0.1.evil.example",
    ):
        assert ling.client.get("/members/", HTTP_HOST=host).status_code == 400
    page = ling.client.post(
        "/members/", {"phone": "13700000009", "role": "enterprise"}, HTTP_X_FORWARDED_HOST="evil.example"
    )
    assert "evil.example" not in page.content.decode()


# --- sessions --------------------------------------------------------------------------------------------------------
RIGHT = {"login": "ling", "password": "Demo-2026-portal"}


def test_the_session_key_changes_at_log_in_and_dies_at_log_out(ling: Person) -> None:
    browser = Client()
    browser.get("/login/")
    session = browser.session
    session["planted"] = 1
    session.save()
    browser.cookies["session"] = session.session_key
    planted = session.session_key
    browser.post("/login/", RIGHT)
    inside = browser.cookies["session"].value
    assert inside != planted
    thief = Client()
    thief.cookies["session"] = planted
    assert thief.get("/cases/").status_code == 302
    thief.cookies["session"] = inside
    assert thief.get("/cases/").status_code == 200
    browser.post("/logout/")
    assert thief.get("/cases/").status_code == 302


@pytest.mark.parametrize("cookie", ['"abcdefgh\\000ijkl"', "x" * 5000, "../../etc/passwd", "'--", "²" * 40, ""])
def test_an_invented_session_is_a_visitor(ling: Person, cookie: str) -> None:
    answer = Client(raise_request_exception=False).get("/cases/", headers={"Cookie": f"session={cookie}"})
    assert answer.status_code in (302, 400)


def test_a_cookie_is_for_this_site_and_for_no_script(ling: Person) -> None:
    cookie = Client().post("/login/", RIGHT).cookies["session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_page_with_a_person_on_it_is_nobody_elses(world: World) -> None:
    for name in ("ling", "bo", "chen", "rui", "ada"):
        for url, answer, _ in walk(world.people[name].client, starts(world), follow=False):
            if answer.status_code == 200:
                said = answer.headers.get("Cache-Control", "")
                assert "private" in said or "no-store" in said, (name, url)
                assert "public" not in said, (name, url)


def test_one_password_on_many_accounts_is_slowed_down_by_address(ling: Person) -> None:
    for number in range(50):
        Client().post("/login/", {"login": f"nobody{number}", "password": "Spring-2026!"}, REMOTE_ADDR="192.0.2.7")
    assert Client().post("/login/", RIGHT, REMOTE_ADDR="192.0.2.7").status_code == 429
    assert Client().post("/login/", RIGHT, REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="192.0.2.9").status_code == 429
    assert Client().post("/login/", RIGHT, REMOTE_ADDR="192.0.2.8").status_code == 302


def test_what_was_done_stays_answered_when_the_session_could_not_be_kept(ling: Person, reference: None) -> None:
    """The database goes away between the commit and the session's own row, or Ling logs out in another window."""
    session = ling.client.session
    sessions.mark(session, now=moments.now() - timedelta(minutes=5), second=False)
    session.save()
    with patch.object(SessionStore, "save", side_effect=UpdateError):
        answer = ling.client.post("/patents/add/", {"number": ""})
        assert answer.status_code == 400  # the form's own, with its sentence
        assert "请求无法读取" not in answer.content.decode()
        assert ling.client.get("/cases/").status_code == 200
