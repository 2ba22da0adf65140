"""Every text field has a class, no log line carries a phone, and what was kept long enough goes."""

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings as configured
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction

from applications.actions import drafts
from applications.models import Draft
from portal.foundation.accounts import inviting
from portal.foundation.accounts.identity.models import PasswordRecord, SsoBinding
from portal.foundation.accounts.models import Invitation, Membership, Role
from portal.foundation.core import classes, crypto, moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.logs import PlainFormatter
from portal.foundation.core.masking import masked
from portal.foundation.journal import anchors, sealer
from portal.foundation.journal.models import Entry, Look, Refusal
from portal.foundation.journal.record import record
from portal.oversight import retention
from tests.factories import Person


def test_every_text_field_has_a_class_and_no_class_has_lost_its_field() -> None:
    declared = classes.declared()
    needed = set(classes.needed())
    said = {(label, name) for label, fields in declared.items() for name in fields}
    assert sorted(needed - said) == [], "declare them in the app's classified.py"
    assert sorted(said - needed) == [], "these fields are gone or are fixed choices"
    assert len(said) > 250


def test_what_reaches_a_person_is_never_public() -> None:
    words = ("phone", "contact_name", "email", "identity", "password")
    for label, fields in classes.declared().items():
        for name, found in fields.items():
            if any(word in name for word in words) and name != "service_phone":  # an institution's own hotline
                assert found in (classes.DataClass.PERSONAL, classes.DataClass.SENSITIVE), (label, name)


def test_a_field_cannot_be_declared_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        classes.classify("accounts.User", public="phone")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("call 13987651234 now", "call 139****1234 now"),
        ("+8613987651234", "139****1234"),
        ("tel:023-67961234;", "tel:****1234;"),
        ("身份证500101199001011234、", "身份证500101********4、"),
        ("身份证 50010119900101123X", "身份证 500101********X"),
        ("lin.shili+x@example.com", "l***@example.com"),
        ("YZD202611230001X 2017106018623 9150000020286917 1234567890123", "YZD202611230001X 2017106018623 9150000020286917 1234567890123"),
    ],
)  # fmt: skip
def test_a_line_is_masked_and_our_own_numbers_stay(said: str, left: str) -> None:
    assert masked(said) == left


def test_the_log_of_the_portal_masks_messages_arguments_and_traces() -> None:
    formatter = configured.LOGGING["formatters"]["plain"]
    assert formatter["()"].endswith("PlainFormatter")
    try:
        raise ValueError("unknown phone 13987651234")
    except ValueError as error:
        record = logging.LogRecord(
            "x", 20, "f", 1, "told %s", ("13612345678",), (ValueError, error, error.__traceback__)
        )
    line = PlainFormatter("{message}", style="{").format(record)
    assert "136****5678" in line
    assert "139****1234" in line
    assert "13987651234" not in line


# --- the national algorithms: test vectors of GB/T 32905 and GB/T 32907 -----------------------------------------------
def test_sm3_gives_the_digests_of_the_standard() -> None:
    of = crypto.SoftwareCrypto()
    assert of.digest(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert of.digest(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    assert len(of.mac(b"k" * 16, b"abc")) == 32


def test_sm4_hides_and_notices_every_change() -> None:
    of, key = crypto.SoftwareCrypto(), bytes.fromhex("0123456789abcdeffedcba9876543210")
    hidden = of.encrypt(key, "身份证号".encode(), about=b"agent:1")
    assert of.decrypt(key, hidden, about=b"agent:1").decode() == "身份证号"
    assert of.encrypt(key, b"x") != of.encrypt(key, b"x")
    for changed, about in (
        (hidden[:-1] + bytes([hidden[-1] ^ 1]), b"agent:1"),
        (hidden, b"agent:2"),
        (hidden[:10], b""),
    ):
        with pytest.raises(crypto.Forged):
            of.decrypt(key, changed, about=about)
    with pytest.raises(ValueError, match="16 bytes"):
        of.encrypt(b"short", b"x")


def test_sm2_says_plainly_that_a_module_is_missing() -> None:
    of: crypto.CryptoProvider = crypto.SoftwareCrypto()
    with pytest.raises(crypto.ModuleMissing, match="密码模块"):
        of.sign(b"x")
    with pytest.raises(crypto.ModuleMissing, match="密码模块"):
        of.verify(b"x", b"y", b"z")


# --- retention --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_what_was_kept_long_enough_goes_and_the_rest_stays(ling: Person) -> None:
    now = moments.now()
    old = drafts.start(actor=ling.actor, now=now)
    Draft.objects.filter(pk=old.pk).update(updated_at=now - timedelta(days=366))
    invited = inviting.invite("13700000001", Role.ENTERPRISE, actor=ling.actor, now=now - timedelta(days=60)).invitation
    Refusal.objects.bulk_create([Refusal(kind="old", at=now - timedelta(days=400)), Refusal(kind="new", at=now)])
    for days in (4 * 366, 1):
        at = now - timedelta(days=days)
        Look.objects.create(
            at=at,
            hour=at,
            owner_id=1,
            user_id=days,
            who="x",
            role="officer",
            organisation_id=2,
            what="request",
            subject="a:1",
        )
    gone = get_user_model().objects.create_user("left", password="Demo-2026-portal", name="离示例", phone="13700000002")
    get_user_model().objects.filter(pk=gone.pk).update(date_joined=now - timedelta(days=4 * 366))
    SsoBinding.objects.create(user=gone, issuer="示例", subject="1", bound_at=now)
    PasswordRecord.objects.create(user=gone, encoded="x", set_at=now)
    Authenticator.objects.create(user=gone, type=Authenticator.Type.TOTP, data={"secret": "x"})
    over = UserSession.objects.create(user=ling.user, ip="192.0.2.7", user_agent="Firefox", session_key="y" * 32)
    UserSession.objects.filter(pk=over.pk).update(created_at=now - timedelta(days=2))
    Session.objects.create(session_key="x" * 32, session_data="", expire_date=now - timedelta(days=2))
    assert retention.due(now=now)
    done = retention.apply(now=now)
    assert {code for code, count in done.items() if count} >= {
        "drafts",
        "invitations",
        "refusals",
        "looks",
        "people",
        "sessions",
        "devices",
    }
    assert not retention.due(now=now)
    assert retention.due(now=now + timedelta(days=1))
    assert not Draft.objects.filter(pk=old.pk).exists()
    assert Invitation.objects.get(pk=invited.pk).phone == ""
    assert list(Refusal.objects.filter(kind__in=["old", "new"]).values_list("kind", flat=True)) == ["new"]
    assert Look.objects.count() == 1
    gone.refresh_from_db()
    assert (gone.name, gone.phone, gone.username, gone.is_active) == (retention.GONE, "", f"gone-{gone.pk}", False)
    for model in (SsoBinding, PasswordRecord, Authenticator):
        assert not model._default_manager.filter(user=gone).exists()
    assert not UserSession.objects.filter(pk=over.pk).exists()
    assert Membership.objects.get(user=ling.user).active
    ling.user.refresh_from_db()
    assert ling.user.name == "林示例"
    told = Entry.objects.get(verb="retention.applied")
    assert told.data["people"] == 1
    assert "13700000001" not in str(told.data) + told.text


@pytest.mark.django_db
def test_a_run_goes_on_until_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a flood there is more than one batch: a batch a day would never catch up."""
    now = moments.now()
    monkeypatch.setattr(retention, "BATCH", 2)
    old = {"at": now - timedelta(days=400), "role": "", "method": "GET", "route": "x", "address": "", "request_id": ""}
    Refusal.objects.bulk_create(Refusal(kind="old", **old) for _ in range(7))
    assert retention.apply(now=now)["refusals"] == 7


@pytest.mark.django_db
def test_every_rule_says_how_long_and_why() -> None:
    assert len({rule.code for rule in retention.RULES}) == len(retention.RULES) >= 7
    assert all(rule.ground and rule.what and rule.keep >= timedelta(days=1) for rule in retention.RULES)
    assert next(rule for rule in retention.RULES if rule.code == "refusals").keep >= timedelta(days=183)


def test_the_table_of_the_docs_is_the_table_of_the_code() -> None:
    page = (Path(configured.BASE_DIR) / "docs/security/personal-data.md").read_text("utf-8")
    for rule in retention.RULES:
        assert f"| {rule.what} | {rule.keep.days} 天 |" in page, rule.what


class Module:
    """A certified module stands in the software's place."""

    def digest(self, data: bytes) -> bytes:
        return b"module" + data[:2]


@pytest.mark.django_db
def test_a_module_takes_the_softwares_place_for_the_anchors(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.CRYPTO_PROVIDER = tmp_path, f"{__name__}.Module"
    with transaction.atomic():
        record("case.noted", actor=SYSTEM, now=moments.now(), subject="test:1", text="示例")
    sealer.seal(now=moments.now())
    made = anchors.write(now=moments.now())
    assert made is not None
    assert bytes.fromhex(json.loads(made.read_text())["sm3"]).startswith(b"module")
