"""Attacks 39 and 83: a session that should have ended, a membership that has, a change of roles by who sits down at an open screen."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from portal.foundation.accounts import inviting
from portal.foundation.accounts.identity import sessions
from portal.foundation.accounts.models import Invitation, Membership, Role, User
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry, Refusal
from tests import factories
from tests.factories import Person

from .identity_world import NEW, PASSWORD, code, inside, phone, traced

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_in_production(settings: Any) -> None:
    """Only sessions that our own log-in opened count."""
    settings.TRUST_OTHER_LOGINS = False


def test_attack_39_a_removed_colleague_is_out_at_the_next_click(ling: Person) -> None:
    """Lan leaves Ling's company while her browser is open: the very next request finds nobody, page or form or API."""
    lan = factories.person("lan", "蓝示例", Role.ENTERPRISE, ling.organisation)
    browsers = [inside(lan) for _ in range(3)]
    assert all(b.get("/cases/").status_code == 200 for b in browsers)
    inviting.end(lan.membership.pk, actor=ling.actor, now=moments.now())
    assert browsers[0].get("/cases/").headers["Location"].startswith("/login/")
    assert browsers[1].post("/apply/").headers["Location"].startswith("/login/")
    assert browsers[2].get("/api/v1/referrals/").status_code in (401, 403, 404)
    assert "_auth_user_id" not in browsers[0].session
    assert Entry.objects.filter(verb="member.ended", subject=f"membership:{lan.membership.pk}").exists()


def test_attack_39_a_chair_given_to_a_browser_is_checked_afresh(bo: Person, cui: Person) -> None:
    """Bo keeps a session that sits in a chair he has lost: it does not fall back to his other chair unseen."""
    second = Membership.objects.create(user=bo.user, organisation=cui.organisation, role=Role.OFFICER)
    phone(bo)
    browser = inside(bo)
    assert browser.post("/seat/", {"membership": second.pk}).status_code == 302
    Membership.objects.filter(pk=second.pk).update(active=False)
    assert browser.get("/desk/").headers["Location"].startswith("/login/")


@pytest.mark.parametrize(
    ("who", "minutes", "open_still"),
    [("bo", 29, True), ("bo", 31, False), ("chen", 31, False), ("rui", 31, False), ("ling", 119, True), ("ling", 121, False)],
)  # fmt: skip
def test_attack_83_nobody_sits_there_any_more(
    who: str, minutes: int, open_still: bool, request: pytest.FixtureRequest
) -> None:
    """Somebody sits down at a screen left alone: after 30 minutes (2 hours for an enterprise) it shows the log-in page."""
    person: Person = request.getfixturevalue(who)
    if who != "ling":
        phone(person)
    browser = inside(person)
    with time_machine.travel(moments.now() + timedelta(minutes=minutes), tick=False):
        answer = browser.get("/members/?a=1")
        assert (answer.status_code == 200) is open_still
        if not open_still:
            assert answer.headers["Location"] == "/login/?next=/members/%3Fa%3D1"
            assert "自动退出" in browser.get(answer.headers["Location"]).content.decode()
            assert "_auth_user_id" not in browser.session


def test_attack_83_twelve_hours_are_enough_for_a_day(bo: Person) -> None:
    """A session kept busy for twelve hours ends all the same."""
    phone(bo)
    browser, start = inside(bo), moments.now()
    for quarter in range(1, 48):
        with time_machine.travel(start + timedelta(minutes=15 * quarter), tick=False):
            assert browser.get("/members/").status_code == 200, quarter
    with time_machine.travel(start + timedelta(hours=12, minutes=1), tick=False):
        assert browser.get("/members/").status_code == 302


def test_attack_83_a_page_that_refreshes_itself_is_nobody(bo: Person) -> None:
    """Bo's desk asks for news every 20 seconds while he is away: that keeps no session alive."""
    phone(bo)
    browser, start = inside(bo), moments.now()
    for minute in range(1, 30):
        with time_machine.travel(start + timedelta(minutes=minute), tick=False):
            browser.get("/desk/", HTTP_HX_REQUEST="true")
    with time_machine.travel(start + timedelta(minutes=31), tick=False):
        assert browser.get("/desk/").status_code == 302


def test_attack_83_a_form_sent_too_late_leads_back_to_its_page(bo: Person) -> None:
    """Bo sends a form after the time-out: after logging in he is on the page where the form stands, not on an address without a page."""
    phone(bo)
    browser = inside(bo)
    with time_machine.travel(moments.now() + timedelta(minutes=31), tick=False):
        answer = browser.post("/password/", {"old": "x"}, HTTP_REFERER="http://testserver/members/?a=1")
        assert answer.headers["Location"] == "/login/?next=/members/%3Fa%3D1"


def test_attack_83_roles_are_changed_by_who_has_just_shown_who_they_are(bo_manager: Person) -> None:
    """Somebody at Bai's open screen invites a friend: after ten minutes a password or code is asked for, and the form waits."""
    phone(bo_manager)
    browser, form = inside(bo_manager), {"phone": "13911112222", "role": "officer"}
    with time_machine.travel(moments.now() + timedelta(minutes=11), tick=False):
        asked = browser.post("/members/", form)
        assert asked.status_code == 200, "a question"
        assert 'name="proof"' in asked.content.decode()
        assert not Refusal.objects.filter(route="members").exists(), "normal work leaves no refusal"
        assert 'name="phone" value="13911112222"' in asked.content.decode()
        refused = browser.post("/members/", {**form, "proof": "not-the-password"})
        assert refused.status_code == 403
        traced(refused, "wrong-proof")
        assert not Invitation.objects.exists()
        assert browser.post("/members/", {**form, "proof": PASSWORD}).status_code == 200
        assert Invitation.objects.count() == 1
        pk = Invitation.objects.get().pk
        assert browser.post(f"/members/invitations/{pk}/revoke/").status_code == 302, "shown just now"
    with time_machine.travel(moments.now() + timedelta(minutes=25), tick=False):
        again = {**form, "proof": code(bo_manager)}
        assert browser.post("/members/", again).status_code == 200


def test_attack_83_ways_in_are_changed_by_who_has_just_shown_who_they_are(bo: Person) -> None:
    """Somebody at Bo's open screen makes recovery codes or takes his phone off the account: asked to show who they are."""
    phone(bo)
    browser = inside(bo)
    with time_machine.travel(moments.now() + timedelta(minutes=11), tick=False):
        for url in ("/safety/recovery/", "/safety/1/remove/", "/safety/code/", "/safety/passkey/"):
            assert 'name="proof"' in browser.post(url).content.decode(), url


def test_attack_83_a_session_that_no_log_in_opened_is_none(bo: Person) -> None:
    """Somebody who can write sessions, but not through the log-in, makes one for Bo: it is over before it begins."""
    thief = Client()
    thief.force_login(bo.user)
    assert thief.get("/desk/").headers["Location"].startswith("/login/")
    assert "_auth_user_id" not in thief.session


def test_ling_becomes_an_officer_and_must_show_more(ling: Person, bo_manager: Person) -> None:
    """Ling, logged in with a password only, takes a seat in a bank: before its first page she sets up a second factor."""
    browser = inside(ling)
    User.objects.filter(pk=ling.user.pk).update(phone="13911112222")
    issued = inviting.invite("13911112222", Role.OFFICER, actor=bo_manager.actor, now=moments.now())
    assert browser.post(f"/invitation/{issued.token}/").headers["Location"] == "/start/"
    assert browser.get("/start/").headers["Location"] == "/login/second/"
    assert browser.get("/login/second/").headers["Location"] == "/login/second/setup/"
    assert browser.get("/desk/").status_code == 302


def test_bo_ends_his_other_sessions(bo: Person) -> None:
    """Bo left himself logged in at a colleague's: from here he ends it, and sees which sessions there are."""
    phone(bo)
    there, here = inside(bo), inside(bo)
    page = here.get("/safety/").content.decode()
    assert page.count("最近活动") == 2
    assert here.post("/safety/sessions/end/").status_code == 302
    assert there.get("/profile/").status_code == 302
    assert here.get("/safety/").content.decode().count("最近活动") == 1
    here.post("/seat/", {"membership": bo.membership.pk})
    assert here.get("/safety/").content.decode().count("这一台") == 1, "a new key is still the same session"
    here.post("/logout/")
    assert not sessions.of(bo.user, key=None)
    verbs = list(Entry.objects.filter(subject=f"user:{bo.user.pk}").order_by("id").values_list("verb", flat=True))
    assert verbs == ["person.logged_in", "person.logged_in", "person.sessions_ended", "person.logged_out"]


def test_a_new_password_ends_every_other_session(ling: Person) -> None:
    there, here = inside(ling), inside(ling)
    form = {"old": PASSWORD, "password": NEW, "password_again": NEW}
    assert here.post("/password/", form).status_code == 302
    assert there.get("/profile/").status_code == 302
    assert here.get("/safety/").content.decode().count("最近活动") == 1
