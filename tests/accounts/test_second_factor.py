"""Phones, passkeys and recovery codes: set up, used, lost, and never in the way of the demonstration."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client

from portal.foundation.accounts.identity import checks, second
from portal.foundation.accounts.models import User
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from tests.attacks.identity_world import SECRET, Key, code, first_step, inside, phone
from tests.factories import Person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_in_production(settings: Any) -> None:
    settings.TRUST_OTHER_LOGINS = False


def shown_secret(page: str) -> str:
    found = re.search(r'<span class="mono">((?:[A-Z2-7]{4} ?){8})</span>', page)
    assert found
    return found[1].replace(" ", "")


def test_bo_sets_up_his_phone_keeps_his_codes_and_goes_in(bo: Person) -> None:
    browser, answer = first_step(bo, next="/orders/")
    page = browser.get(answer.headers["Location"])
    secret = shown_secret(page.content.decode())
    assert shown_secret(browser.get("/login/second/setup/").content.decode()) == secret, "what he scanned stays right"
    done = browser.post("/login/second/setup/", {"code": second.code_at(secret, moments.now())})
    assert done.status_code == 200
    codes = re.findall(r'<li class="mono">([0-9]{10})</li>', done.content.decode())
    assert len(set(codes)) == 10
    assert browser.post("/login/second/setup/").headers["Location"] == "/orders/"
    assert browser.get("/desk/").status_code == 200
    kept = Authenticator.objects.get(user=bo.user, type="totp")
    assert secret not in json.dumps(kept.data), "a copy of the database opens nothing"
    assert Entry.objects.filter(verb="person.second_added").count() == 1
    # the phone is lost: a recovery code, once
    for attempt, status in ((codes[0], 302), (codes[0], 400), (codes[1], 302)):
        other, _ = first_step(bo)
        assert other.post("/login/second/", {"code": attempt}).status_code == status


def test_a_clock_that_is_half_a_minute_off_is_no_obstacle(bo: Person) -> None:
    phone(bo)
    with time_machine.travel(moments.now(), tick=False):
        for steps, status in ((-2, 400), (-1, 302), (1, 302), (2, 400)):
            browser, _ = first_step(bo)
            assert browser.post("/login/second/", {"code": code(bo, steps=steps)}).status_code == status, steps


def test_full_width_digits_and_spaces_are_forgiven(bo: Person) -> None:
    phone(bo)
    typed = code(bo).translate({ord(str(d)): 0xFF10 + d for d in range(10)})
    browser, _ = first_step(bo)
    assert browser.post("/login/second/", {"code": f"{typed[:3]} {typed[3:]}"}).status_code == 302


def test_the_way_in_closes_after_ten_minutes_and_with_a_new_password(bo: Person) -> None:
    phone(bo)
    browser, _ = first_step(bo)
    with time_machine.travel(moments.now() + timedelta(minutes=11), tick=False):
        assert browser.post("/login/second/", {"code": code(bo)}).headers["Location"] == "/login/"
    browser, _ = first_step(bo)
    user = User.objects.get(pk=bo.user.pk)
    user.set_password("Copper-window-51")
    user.save()
    assert browser.post("/login/second/", {"code": code(bo)}).headers["Location"] == "/login/"


def test_ling_may_switch_it_on_and_off_bo_may_not_be_without(ling: Person, bo: Person) -> None:
    browser = inside(ling)
    secret = shown_secret(browser.get("/safety/code/").content.decode())
    assert browser.post("/safety/code/", {"code": second.code_at(secret, moments.now())}).status_code == 200
    assert first_step(ling)[1].headers["Location"] == "/login/second/"
    pk = Authenticator.objects.get(user=ling.user, type="totp").pk
    assert browser.post(f"/safety/{pk}/remove/").status_code == 302
    assert not Authenticator.objects.filter(user=ling.user).exists()
    assert first_step(ling)[1].headers["Location"] == "/start/"
    phone(bo)
    own = Authenticator.objects.get(user=bo.user).pk
    refused = inside(bo).post(f"/safety/{own}/remove/")
    assert refused.status_code == 409
    assert "必须有第二重验证" in refused.content.decode()
    assert inside(ling).post(f"/safety/{own}/remove/").status_code == 404


def options_of(page: str) -> dict[str, Any]:
    found = re.search(r'data-options="([^"]+)"', page)
    assert found
    return dict(json.loads(found[1].replace("&quot;", '"')))


def test_bo_adds_a_passkey_and_logs_in_with_it(bo: Person, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    phone(bo)
    at_home = Client(headers={"host": "localhost"})
    browser, key = inside(bo, at_home), Key()
    options = options_of(browser.get("/safety/passkey/").content.decode())
    assert options["publicKey"]["rp"]["id"] == "localhost"
    foreign = Key(origin="https://evil.example")
    assert browser.post("/safety/passkey/", {"credential": foreign.create(options)}).status_code == 400
    options = options_of(browser.get("/safety/passkey/").content.decode())
    sent = {"name": "办公电脑", "credential": key.create(options)}
    assert browser.post("/safety/passkey/", sent).status_code == 200
    assert browser.post("/safety/passkey/", sent).status_code == 400, "a challenge serves once"
    assert "办公电脑" in browser.get("/safety/").content.decode()

    other, _ = first_step(bo, Client(headers={"host": "localhost"}))
    asked = options_of(other.get("/login/second/").content.decode())
    phished = Key(origin="https://evil.example")
    phished.private, phished.id = key.private, key.id
    assert other.post("/login/second/", {"credential": phished.get(asked)}).status_code == 400
    asked = options_of(other.get("/login/second/").content.decode())
    answer = key.get(asked)
    assert other.post("/login/second/", {"credential": answer}).status_code == 302
    assert other.get("/desk/").status_code == 200
    third, _ = first_step(bo, Client(headers={"host": "localhost"}))
    third.get("/login/second/")
    assert third.post("/login/second/", {"credential": answer}).status_code == 400, "nor does an answer"


@pytest.mark.parametrize(
    "sent", ["", "x", "[]", "{}", '{"response": 1}', '{"id": "AAAA", "response": {"a": []}}', "9" * 5000]
)
def test_nonsense_instead_of_a_passkey_is_refused(bo: Person, sent: str) -> None:
    phone(bo)
    browser, _ = first_step(bo)
    browser.get("/login/second/")
    assert browser.post("/login/second/", {"credential": sent}).status_code == 400
    inner = inside(bo)
    inner.get("/safety/passkey/")
    assert inner.post("/safety/passkey/", {"credential": sent}).status_code == 400


def test_new_recovery_codes_end_the_old_ones(bo: Person) -> None:
    phone(bo)
    browser = inside(bo)
    pages = [browser.post("/safety/recovery/").content.decode() for _ in range(2)]
    old, new = (re.findall(r'<li class="mono">([0-9]{10})</li>', page) for page in pages)
    assert not set(old) & set(new)
    other, _ = first_step(bo)
    assert other.post("/login/second/", {"code": old[0]}).status_code == 400
    assert other.post("/login/second/", {"code": new[0]}).status_code == 302


def test_who_lost_everything_is_let_in_by_the_operators_and_sets_up_anew(bo: Person) -> None:
    phone(bo)
    browser = inside(bo)
    call_command("reset_second_factor", "bo", verbosity=0)
    assert browser.get("/desk/").status_code == 302
    assert first_step(bo)[1].headers["Location"] == "/login/second/setup/"
    assert Entry.objects.filter(verb="person.second_reset").count() == 1


def test_the_demonstration_shows_its_own_codes_and_only_there(bo: Person, settings: Any) -> None:
    """One press goes on; nobody else's code is ever shown, and in production asking for one is an error."""
    phone(bo)
    settings.DEMO = True
    assert second.shown_code(bo.user, now=moments.now()) == "", "Bo is no demonstration account"
    row = Authenticator.objects.get(user=bo.user, type="totp")
    row.data = {**row.data, "demonstration": True}
    row.save()
    browser, _ = first_step(bo)
    page = browser.get("/login/second/").content.decode()
    shown = re.search(r'name="code" value="([0-9]{6})"', page)
    assert shown
    assert "演示环境" in page
    assert browser.post("/login/second/", {"code": shown[1]}).status_code == 302
    settings.DEMO = False
    browser, _ = first_step(bo)
    page = browser.get("/login/second/").content.decode()
    assert "演示" not in page
    assert second.code_at(SECRET, moments.now()) not in page
    settings.PRODUCTION = True
    with pytest.raises(ImproperlyConfigured):
        second.shown_code(bo.user, now=moments.now())


def test_the_check_before_going_live_finds_what_must_not_go_live(settings: Any) -> None:
    assert checks.identity() == []
    settings.PRODUCTION, settings.DEMO, settings.TRUST_OTHER_LOGINS = True, True, True
    settings.MFA_TOTP_INSECURE_BYPASS_CODE, settings.SESSION_COOKIE_AGE = "123456", 14 * 86400
    settings.PASSWORD_BREACHED_FILE, settings.SSO_ISSUER = "/nowhere/list.txt", "http://127.0.0.1"
    found = {error.id for error in checks.identity()}
    assert found == {f"accounts.E00{n}" for n in range(1, 8)}
