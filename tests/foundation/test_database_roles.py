"""What PostgreSQL lets each role do: the portal works, and nobody but the owner can touch what is kept."""

# ruff: noqa: S608 — the statements of the intruder are put together here
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal import database_roles, dispatcher, sealer
from portal.foundation.journal.database_roles import APP, AUDITOR, CLOCK, ROLES, WORKER, DatabaseRole
from portal.foundation.journal.record import record
from portal.foundation.sla import horizon
from portal.foundation.sla.sweep import beat, sweep
from portal.reports.reminders import remind
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db


@contextmanager
def logged_in_as(role: DatabaseRole) -> Iterator[None]:
    """Inside, every statement is judged as this role's."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(role.name)}")
        yield
        cursor.execute("RESET ROLE")


@pytest.fixture
def roles() -> None:
    assert database_roles.apply() == list(ROLES)


def refused(statement: str) -> None:
    with pytest.raises(ProgrammingError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert getattr(caught.value.__cause__, "pgcode", "") == "42501", (statement, caught.value)


def kept_tables() -> dict[str, set[str]]:
    """Every table whose triggers refuse something always, with what."""
    return {table: set(names) for table, names in database_roles._kept().items()}


def test_nobody_but_the_owner_changes_or_empties_what_is_kept(roles: None, reference: None) -> None:
    """As any of the portal's own log-ins, by SQL: UPDATE, DELETE and TRUNCATE of every sealed table are refused by right,
    before a trigger is even asked."""
    kept = kept_tables()
    assert {"journal_entry", "journal_seal", "journal_refusal", "sla_clock", "products_quotaentry"} <= set(kept)
    for role in (APP, WORKER, CLOCK, AUDITOR):
        with logged_in_as(role):
            for table, names in kept.items():
                if "UPDATE" in names:
                    refused(f"UPDATE {table} SET id = id")
                if "DELETE" in names:
                    refused(f"DELETE FROM {table}")
                refused(f"TRUNCATE {table} CASCADE")
            refused("ALTER TABLE journal_entry DISABLE TRIGGER ALL")
            refused("SET session_replication_role = replica")
            refused("DROP TABLE journal_refusal")


def test_the_web_cannot_choose_a_number_nor_seal_nor_take_an_entry_off_the_list(roles: None) -> None:
    with logged_in_as(APP):
        refused("INSERT INTO journal_entry (id, at, verb, actor_label, subject, case_number, text, data, parties) VALUES (999999, now(), 'x', '', '', '', '', '{}', '{}')")  # fmt: skip
        refused("INSERT INTO journal_seal (entry_id, sealed_at, digest) VALUES (1, now(), repeat('0', 64))")
        refused("DELETE FROM journal_unsealed")
        record("case.noted", actor=SYSTEM, now=moments.now(), subject="test:1")


def test_the_auditor_reads_the_journal_and_nothing_else(roles: None, ling: Person) -> None:
    with logged_in_as(AUDITOR), connection.cursor() as cursor:
        for table in ("journal_entry", "journal_seal", "journal_refusal"):
            cursor.execute(f"SELECT count(*) FROM {table}")
        refused("SELECT * FROM accounts_organisation")
        refused("SELECT * FROM applications_application")
        refused("INSERT INTO journal_refusal (kind) VALUES ('x')")


def test_the_clock_does_all_its_duties_and_reads_no_request(roles: None, ling: Person, product: Product) -> None:
    """Bo's bank is late; the clock says so, seals it and leaves its sign of life."""
    case = factories.application(ling, product)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sla_clock SET next_at = now() - interval '1 minute', moments = ARRAY[now() - interval '1 minute']"
        )
    with logged_in_as(CLOCK):
        assert sweep() == 1
        horizon.settle(now=moments.now())
        horizon.raise_alarms(now=moments.now() + timedelta(days=3650))
        remind()
        beat("clock")
        assert sealer.seal(now=moments.now()) > 0
        refused("SELECT contact_phone FROM applications_application")
        refused("SELECT * FROM accounts_user")
        refused(f"UPDATE applications_referral SET state = 'claimed' WHERE application_id = {case.pk}")


def test_the_whole_portal_works_as_the_worker(
    roles: None, request: pytest.FixtureRequest, settings: Any, tmp_path: Any
) -> None:
    """Every object of the attackers' world is made, and its messages delivered, without a right that is not granted."""
    from tests.security.conftest import PEOPLE
    from tests.security.world import build

    settings.MEDIA_ROOT = tmp_path
    people = {name: request.getfixturevalue(name) for name in PEOPLE}
    with logged_in_as(APP):
        world = build(people)
        for who, url in (("ling", "/cases/"), ("bo", "/desk/"), ("chen", "/office/"), ("rui", "/supervision/")):
            assert world.people[who].client.get(url).status_code == 200, url
    with logged_in_as(WORKER):
        dispatcher.dispatch(now=moments.now())
        sealer.seal(now=moments.now())


def test_a_table_made_later_is_nobodys_until_the_rights_are_written_again(roles: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE made_later (id int)")
    with logged_in_as(APP):
        refused("SELECT * FROM made_later")
    database_roles.apply()
    with logged_in_as(APP), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM made_later")


def test_each_role_has_its_own_limit_and_no_power(roles: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolconnlimit, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = ANY(%s)"
            " ORDER BY rolconnlimit",
            [[role.name for role in ROLES]],
        )
        found = cursor.fetchall()
    assert found == [
        (role.connections, False, False, False, False) for role in sorted(ROLES, key=lambda r: r.connections)
    ]
    assert sum(role.connections for role in ROLES) < 100


def test_each_log_in_has_a_password_of_its_own_and_no_log_of_the_server_has_it(reference: None) -> None:
    """An installation gives four; two that are equal are refused, because one process could then be another."""
    given = {f"{role.code.upper()}_DB_PASSWORD": f"the-{role.code}-of-this-test" for role in ROLES}
    passwords = database_roles.passwords_from(given)
    assert set(passwords) == set(ROLES)
    said = "".join(database_roles.statements(passwords))
    assert not [word for word in given.values() if word in said]
    database_roles.apply(passwords)
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolpassword FROM pg_authid WHERE rolname = ANY(%s)", [[role.name for role in ROLES]])
        assert [row[0].startswith("SCRAM-SHA-256$") for row in cursor.fetchall()] == [True] * 4
    with pytest.raises(ValueError, match="same password"):
        database_roles.passwords_from({**given, "CLOCK_DB_PASSWORD": given["APP_DB_PASSWORD"]})
    assert database_roles.passwords_from({}) == {}
