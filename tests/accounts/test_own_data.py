"""Ling corrects what stands here about herself; and messages go out by a service that the installation names."""

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from portal.foundation.accounts import phone_codes
from portal.foundation.accounts.identity import sms_simulator, texts
from portal.foundation.accounts.models import User
from portal.foundation.core import moments
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Entry
from tests.attacks.identity_world import inside, unslowed
from tests.factories import Person

from .test_registration import FORM

pytestmark = pytest.mark.django_db
NEW_MAIL = "ling.new@example.invalid"


def link() -> str:
    dispatcher.dispatch(now=moments.now())
    found = re.search(r"https?://\S+?(/mail/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_ling_corrects_her_name_and_shows_her_mail_address(ling: Person) -> None:
    """The address counts once the link sent there was opened; the old one hears of it before."""
    User.objects.filter(pk=ling.user.pk).update(email="old@example.invalid")
    answer = ling.client.post("/profile/me/", {"name": "林更正示例", "email": NEW_MAIL})
    assert answer.status_code == 302
    ling.user.refresh_from_db()
    assert (ling.user.name, ling.user.email, ling.user.mail_wanted) == ("林更正示例", "old@example.invalid", NEW_MAIL)
    assert NEW_MAIL not in str(list(Entry.objects.values()))
    dispatcher.dispatch(now=moments.now())
    assert {to for message in mail.outbox for to in message.to} == {NEW_MAIL, "old@example.invalid"}
    there = next(m for m in mail.outbox if m.to == [NEW_MAIL])
    path = re.search(r"https?://\S+?(/mail/\S+)", str(there.body))
    assert path
    browser = Client()
    assert browser.get(path[1]).status_code == 200
    ling.user.refresh_from_db()
    assert ling.user.email == "old@example.invalid"  # looking confirms nothing
    assert browser.post(path[1]).status_code == 302
    ling.user.refresh_from_db()
    assert (ling.user.email, ling.user.mail_wanted) == (NEW_MAIL, "")
    assert browser.post(path[1]).status_code == 404
    assert {"person.corrected", "person.mail_asked", "person.mail_confirmed"} <= set(
        Entry.objects.values_list("verb", flat=True)
    )


def test_a_link_for_another_address_or_of_the_day_before_is_nothing(ling: Person) -> None:
    ling.client.post("/profile/me/", {"name": "林示例", "email": NEW_MAIL})
    old = link()
    ling.client.post("/profile/me/", {"name": "林示例", "email": "third@example.invalid"})
    assert Client().post(old).status_code == 404
    assert Client().post("/mail/invented:token:here/").status_code == 404
    newest = link()
    assert "third" not in newest
    with time_machine.travel(moments.now() + timedelta(days=1, minutes=1), tick=False):
        assert Client().post(newest).status_code == 404
    ling.client.post("/profile/me/", {"name": "林示例", "email": "nonsense"})
    ling.user.refresh_from_db()
    assert ling.user.email == ""


def test_somebody_at_lings_screen_is_asked_first(ling: Person, settings: Any) -> None:
    settings.TRUST_OTHER_LOGINS = False
    browser = inside(ling)
    with time_machine.travel(moments.now() + timedelta(minutes=11), tick=False):
        for url, form in (
            ("/profile/me/", {"name": "贼", "email": "thief@example.invalid"}),
            ("/profile/me/phone/", {"phone": "13912345678"}),
        ):
            assert "请再确认是您本人" in browser.post(url, form).content.decode()
    ling.user.refresh_from_db()
    assert (ling.user.name, ling.user.phone, ling.user.mail_wanted) == ("林示例", "13800000000", "")


def test_lings_new_phone_shows_a_code_first(ling: Person, settings: Any, tmp_path: Any) -> None:
    """By a service over HTTP, as production names one; who has the number already gets a sentence and no code."""
    User.objects.filter(pk=ling.user.pk).update(phone="13912340000", username="13912340000")
    with sms_simulator.running("a-token-for-the-simulator") as service:
        settings.SMS_PROVIDER, settings.SMS_URL, settings.SMS_TOKEN = "http", service.url, service.token
        assert (
            ling.client.post("/profile/me/phone/", {"phone": "13912345678"}).headers["Location"]
            == "/profile/me/phone/code/"
        )
        ((to, text),) = service.sent
        assert to == "13912345678"
        code = re.search(r"[0-9]{6}", text)
        assert code
        wrong = "000000" if code[0] != "000000" else "111111"
        assert ling.client.post("/profile/me/phone/code/", {"code": wrong}).status_code == 400
        assert ling.client.post("/profile/me/phone/code/", {"code": code[0]}).status_code == 302
        ling.user.refresh_from_db()
        assert (ling.user.phone, ling.user.username) == ("13912345678", "13912345678")
        User.objects.create_user("other", phone="13912349999", name="别示例")
        ling.client.post("/profile/me/phone/", {"phone": "13912349999"})
        assert "已有账号" in service.sent[-1][1]
        service.status = 503
        assert ling.client.post("/profile/me/phone/", {"phone": "13912347777"}).status_code == 503
        with pytest.raises(OSError, match="503"):
            texts.send("13912347777", "x")


def test_without_text_messages_the_code_goes_to_the_mail_address_and_shows_it(reference: None, settings: Any) -> None:
    """Production without a service: who registers shows the mail address, and has a way back in from the first day."""
    settings.REGISTRATION_BY_CODE, settings.SMS_PROVIDER = True, "none"
    assert Client().post("/register/", FORM).status_code == 400
    browser = Client()
    assert browser.post("/register/", {**FORM, "email": NEW_MAIL}).headers["Location"] == "/register/code/"
    assert mail.outbox[-1].to == [NEW_MAIL]
    code = re.search(r"[0-9]{6}", str(mail.outbox[-1].body))
    assert code
    assert browser.post("/register/code/", {"code": code[0]}).status_code == 302
    made = User.objects.get(phone="13911112222")
    assert (made.email, made.mail_wanted) == (NEW_MAIL, "")


def test_a_known_phone_is_told_by_mail_only_to_who_has_shown_an_address(ling: Person, settings: Any) -> None:
    """Trying phones by the hundred costs a mail and its code each; three an hour to one mailbox."""
    settings.REGISTRATION_BY_CODE, settings.SMS_PROVIDER = True, "none"
    known = Client().post("/register/", {**FORM, "phone": ling.user.phone, "email": NEW_MAIL})
    fresh = Client().post("/register/", {**FORM, "email": NEW_MAIL})
    assert (known.status_code, known.headers["Location"]) == (fresh.status_code, fresh.headers["Location"])
    assert Client().post("/register/", {**FORM, "email": NEW_MAIL}).status_code == 302
    refused = Client().post("/register/", {**FORM, "email": NEW_MAIL})
    assert refused.status_code == 429
    assert "发往这个号码或邮箱的验证码过多" in refused.content.decode()
    assert int(refused.headers["Retry-After"]) > 60


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_hundred_guesses_at_once_are_five(reference: None, settings: Any) -> None:
    """The tries of a code are counted in the database, not in a session that each request reads for itself."""
    from django.db import connection

    settings.REGISTRATION_BY_CODE, settings.SMS_PROVIDER = True, "none"
    browser = Client()
    browser.post("/register/", {**FORM, "email": NEW_MAIL})
    code = re.search(r"[0-9]{6}", str(mail.outbox[-1].body))
    assert code
    kept = browser.session[phone_codes.KEY]
    right: list[bool] = []

    def guess(typed: str) -> None:
        try:
            right.append(phone_codes._right(kept, typed, now=moments.now()))
        finally:
            connection.close()

    wrong = [f"{n:06d}" for n in range(30) if f"{n:06d}" != code[0]][:20]
    lines = [threading.Thread(target=guess, args=(typed,)) for typed in wrong]
    for line in lines:
        line.start()
    for line in lines:
        line.join()
    assert right == [False] * 20
    assert not phone_codes._right(kept, code[0], now=moments.now()), "five were wrong, so the right one comes too late"
    unslowed()
    assert phone_codes._right(kept, code[0], now=moments.now())
