"""Each of the portal's own checks speaks up when what it watches is wrong, and is silent when it is right."""

import os
import subprocess
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from django.conf import settings as configured
from django.contrib import admin
from django.core.checks import CheckMessage
from django.db import connection
from django.test import override_settings
from django.urls import path

from portal import deployment
from portal.demo.people import PASSWORD
from portal.foundation.accounts.models import User
from portal.foundation.core import moments
from portal.foundation.journal import database_roles
from portal.foundation.sla import calendars_in_use
from portal.run import prepare

from .test_answers import SANE, manage

urlpatterns = [path("hidden/", admin.site.urls)]
GOOD: dict[str, Any] = {
    "ALLOWED_HOSTS": ["portal.example"],
    "SECRET_KEY": SANE["SECRET_KEY"],
    "SESSION_COOKIE_NAME": "__Host-session",
    "CSRF_COOKIE_NAME": "__Host-csrf",
    "OUTGOING_NETWORKS": ["10.8.0.0/16"],
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
}
HOLES = {"DIRECTIVES": {"default-src": ["'none'"], "frame-ancestors": ["'none'"], "script-src": ["'unsafe-inline'"]}}
WRONG: list[tuple[str, Any, str]] = [
    ("ALLOWED_HOSTS", ["*"], "E001"),
    ("ALLOWED_HOSTS", ["portal.example", ".portal.example"], "E001"),
    ("SECRET_KEY", "short-but-Varied-1234567890", "E002"),
    ("SECRET_KEY", "demonstration-only-not-a-secret-at-all-however-long-it-is", "E002"),
    ("SECRET_KEY", "ab" * 40, "E002"),
    ("METRICS_TOKEN", "scrape", "E002"),
    ("VALUATION_AGENCY_TOKEN", "changeme-changeme-changeme-now", "E002"),
    ("PATENT_REGISTER_TOKEN", "1111111111111111111111111111111", "E002"),
    ("SESSION_COOKIE_NAME", "sessionid", "E003"),
    ("CSRF_COOKIE_NAME", "csrftoken", "E003"),
    ("SESSION_COOKIE_DOMAIN", "portal.example", "E003"),
    ("SESSION_COOKIE_HTTPONLY", False, "E003"),
    ("SESSION_COOKIE_SAMESITE", "None", "E003"),
    ("CONTENT_SECURITY_POLICY", HOLES, "E004"),
    ("CONTENT_SECURITY_POLICY", None, "E004"),
    ("RATE_FACTOR", 0, "E005"),
    ("RATE_FACTOR", 1000, "E005"),
    ("DATA_UPLOAD_MAX_MEMORY_SIZE", None, "E005"),
    ("ROOT_URLCONF", "tests.security.test_deployment", "E006"),
    ("VALUATION_AGENCY_URL", "https://169.254.169.254/latest", "E007"),
    ("PATENT_REGISTER_URL", "http://register.example", "E007"),
    ("OUTGOING_NETWORKS", ["0.0.0.0/0"], "E007"),
    ("OUTGOING_NETWORKS", ["127.0.0.0/8"], "E007"),
    ("OUTGOING_NETWORKS", ["0.0.0.0/1"], "E007"),
    ("OUTGOING_NETWORKS", ["127.0.0.1/32"], "E007"),
    ("OUTGOING_NETWORKS", ["169.254.169.254/32"], "E007"),
    ("OUTGOING_NETWORKS", ["::ffff:0:0/8"], "E007"),
    ("OUTGOING_NETWORKS", ["fe80::1/128"], "E007"),
    ("OUTGOING_NETWORKS", ["ten.eight"], "E007"),
    ("SSO_CLIENT_SECRET", "short", "E002"),
    ("SMS_TOKEN", "short", "E002"),
    ("SSO_ISSUER", "https://169.254.169.254", "E007"),
    ("SMS_URL", "http://sms.example", "E007"),
    ("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend", "E012"),
    ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend", "E012"),
]


def said(checks: Any) -> list[CheckMessage]:
    return [message for check in checks for message in check()]


def test_a_sane_production_is_told_nothing() -> None:
    with override_settings(**GOOD):
        assert said(deployment.ON_DEPLOY) == []


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
def test_each_wrong_setting_is_told(name: str, value: Any, expected: str) -> None:
    with override_settings(**GOOD | {name: value}):
        assert {message.id for message in said(deployment.ON_DEPLOY)} == {f"portal.{expected}"}


def test_a_release_with_a_wrong_setting_does_not_pass_the_command() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **{**SANE, "ALLOWED_HOSTS": ".portal.example"})
    assert done.returncode != 0
    assert "portal.E001" in done.stderr


# --- what only the database knows -----------------------------------------------------------------------------------
def check_database(**variables: str) -> subprocess.CompletedProcess[str]:
    """The command as an operator runs it, against the database of the tests."""
    found = configured.DATABASES["default"] | connection.settings_dict
    url = "postgres://{USER}:{PASSWORD}@/{NAME}?host={HOST}&port={PORT}".format(**found)
    if not str(found["HOST"]).startswith("/"):
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**found)
    given = {"PORTAL_ENV": "test", "DATABASE_URL": url, "PGTZ": "UTC", **variables}
    return manage("check", "--database", "default", "--fail-level", "WARNING", **given)


@pytest.mark.django_db
def test_the_database_of_the_tests_is_right() -> None:
    found = [m for m in deployment.check_database(databases=["default"]) if m.id != "portal.W002"]
    assert found == []


@pytest.mark.django_db(transaction=True)
def test_a_database_whose_sessions_begin_in_another_zone_is_told() -> None:
    done = check_database(PGTZ="Asia/Shanghai")
    assert done.returncode != 0
    assert "portal.W002" in done.stderr
    assert "portal.W002" not in check_database().stderr


@pytest.mark.django_db(transaction=True)
def test_a_database_that_knows_no_chinese_letter_is_told() -> None:
    name = f"dumb_{os.getpid()}"
    line = psycopg2.connect(**connection.get_connection_params() | {"dbname": "postgres"})
    line.autocommit = True
    try:
        with line.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C' ENCODING 'UTF8'")
        found = configured.DATABASES["default"] | connection.settings_dict | {"NAME": name}
        url = "postgres://{USER}:{PASSWORD}@/{NAME}?host={HOST}&port={PORT}".format(**found)
        if not str(found["HOST"]).startswith("/"):
            url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**found)
        done = check_database(DATABASE_URL=url)
        assert done.returncode != 0
        assert "portal.E008" in done.stderr
    finally:
        with line.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        line.close()


@pytest.mark.django_db
def test_a_calendar_that_ends_soon_is_told(reference: None, monkeypatch: pytest.MonkeyPatch) -> None:
    calendars_in_use.forget()
    last = calendars_in_use.current().last_published
    for day, expected in (((last.year, 3, 2), []), ((last.year, 12, 20), ["portal.W001"])):
        monkeypatch.setattr(moments, "now", lambda d=day: datetime(*d, tzinfo=UTC))
        assert [message.id for message in deployment.check_calendar(databases=["default"])] == expected
    assert deployment.check_calendar() == []


@pytest.mark.django_db
def test_no_calendar_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(**_: Any) -> None:
        raise LookupError

    monkeypatch.setattr(deployment, "horizon", nothing)
    assert [message.id for message in deployment.check_calendar(databases=["default"])] == ["portal.E009"]


@pytest.mark.django_db
def test_an_account_of_the_demonstration_in_production_is_told(reference: None) -> None:
    User.objects.create_user("officer", password=PASSWORD, name="示例", phone="13800000000")
    User.objects.create_user("clerk", password="another-long-Password-1", name="示例", phone="13800000000")
    assert deployment.check_people(databases=["default"]) == []  # a demonstration may have them
    with override_settings(PRODUCTION=True):
        (told,) = deployment.check_people(databases=["default"])
    assert (told.id, "officer" in told.msg, "clerk" in told.msg) == ("portal.E010", True, False)


@pytest.mark.django_db
def test_a_process_that_owns_the_journal_is_told_and_one_with_its_own_log_in_is_not(reference: None) -> None:
    """The tests log in as the owner; the web's role is none."""
    assert deployment.check_owner(databases=["default"]) == []  # no production
    with override_settings(PRODUCTION=True):
        (told,) = deployment.check_owner(databases=["default"])
        assert told.id == "portal.E011"
        database_roles.apply()
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(database_roles.APP.name)}")
            assert deployment.check_owner(databases=["default"]) == []
            cursor.execute("RESET ROLE")


@pytest.mark.django_db(transaction=True)
def test_a_deployment_that_is_wrong_ends_with_sentences(reference: None) -> None:
    """`prepare` is the owner by design, so that alone does not stop it; a mail backend of files does."""
    with override_settings(**GOOD):
        assert "portal.E012" not in {m.id for m in prepare.wrong_here()}
        assert "portal.E011" not in {m.id for m in prepare.wrong_here()}
    with (
        override_settings(**GOOD | {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}),
        pytest.raises(SystemExit, match=r"部署检查没有通过[\s\S]*portal.E012"),
    ):
        prepare.refuse_what_is_wrong()
