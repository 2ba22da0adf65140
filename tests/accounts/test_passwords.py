"""What a password must be, how old it may grow, and how many are hashed at once."""

import hashlib
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client

from portal.foundation.accounts import actions, attempts
from portal.foundation.accounts.identity import passwords
from portal.foundation.accounts.models import PasswordRecord, User
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from tests.attacks.identity_world import NEW, PASSWORD, code, first_step, phone
from tests.factories import Person


@pytest.mark.parametrize(
    "password",
    [
        "Password123456!",
        "P@ssw0rd2026!!",
        "Qwer1234!@#$",
        "Woaini5201314!",
        "Chongqing@2026",
        "1qaz@WSX3edc$RFV",
        "Aaaa1111!!!!",
    ],
)
def test_what_everybody_tries_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        passwords.NoHabit().validate(password)


@pytest.mark.parametrize("password", ["Four odd words 7", "Tisch-Lampe-47 grün", NEW, "山城的雾 Likes 3 boats"])
def test_ones_own_words_are_welcome(password: str) -> None:
    for rule in (passwords.NoHabit(), passwords.ThreeClasses(), passwords.NotTheOwner()):
        rule.validate(password, User(username="ling", name="林示例"))


def test_a_list_of_breached_passwords_is_searched_where_it_lies(tmp_path: Path, settings: Any) -> None:
    known = [f"Breached-{n}" for n in range(997)]
    digests = sorted(hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest().upper() for word in known)
    file = tmp_path / "breached.txt"
    file.write_text("\n".join(f"{digest}:{n}" for n, digest in enumerate(digests)))
    settings.PASSWORD_BREACHED_FILE = str(file)
    for word in known:
        with pytest.raises(ValidationError):
            passwords.NotBreached().validate(word)
    for n in range(997):
        passwords.NotBreached().validate(f"Unknown-{n}")


@pytest.mark.django_db
def test_none_of_the_last_five_comes_back(ling: Person) -> None:
    words = ["Lantern-kettle-31", "Lantern-kettle-42", "Lantern-kettle-53", "Lantern-kettle-64", "Lantern-kettle-75"]
    now, old = moments.now(), PASSWORD
    for n, word in enumerate(words):
        user = actions.change_password(ling.user.pk, old, word, actor=ling.actor, now=now + timedelta(seconds=n))
        assert user is not None
        old = word
    assert PasswordRecord.objects.filter(user=ling.user).count() == 5
    user = User.objects.get(pk=ling.user.pk)
    for word in words:
        with pytest.raises(ValidationError, match="最近 5 次"):
            passwords.NotAgain().validate(word, user)
    passwords.NotAgain().validate(PASSWORD, user)


@pytest.mark.django_db
def test_the_first_change_already_remembers_the_one_before(ling: Person) -> None:
    actions.change_password(ling.user.pk, PASSWORD, NEW, actor=ling.actor, now=moments.now())
    form = {"old": NEW, "password": PASSWORD, "password_again": PASSWORD}
    with pytest.raises(ValidationError):
        passwords.NotAgain().validate(PASSWORD, User.objects.get(pk=ling.user.pk))
    browser = Client()
    browser.post("/login/", {"login": "ling", "password": NEW})
    assert browser.post("/password/", form).status_code == 400


@pytest.mark.django_db
def test_bo_takes_a_new_password_after_ninety_days_ling_need_not(bo: Person, ling: Person) -> None:
    phone(bo)
    with time_machine.travel(moments.now() + timedelta(days=91), tick=False):
        assert first_step(ling)[1].headers["Location"] == "/start/"
        browser, _ = first_step(bo, next="/orders/")
        assert browser.post("/login/second/", {"code": code(bo)}).headers["Location"] == "/login/password/"
        assert browser.get("/desk/").headers["Location"] == "/login/second/"
        page = browser.post("/login/password/", {"password": PASSWORD, "password_again": PASSWORD})
        assert page.status_code == 400
        done = browser.post("/login/password/", {"password": NEW, "password_again": NEW})
        assert done.headers["Location"] == "/orders/"
        assert browser.get("/desk/").status_code == 200
        assert actions.sign_in("bo", NEW, now=moments.now()) == bo.user
    assert Entry.objects.filter(verb="person.password_changed").count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_only_four_passwords_are_hashed_at_once(reference: None) -> None:
    """Twelve log-ins at once: never more than four hold a slot, and all get their turn."""
    together, most, guard = 0, 0, threading.Lock()
    gate = threading.Barrier(12)

    def hash_one() -> None:
        nonlocal together, most
        gate.wait()
        try:
            with transaction.atomic():
                attempts.take_slot()
                with guard:
                    together += 1
                    most = max(most, together)
                threading.Event().wait(0.05)
                with guard:
                    together -= 1
        finally:
            connection.close()

    threads = [threading.Thread(target=hash_one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, together) == (attempts.SLOTS, 0)
