"""A state moves along a declared transition and with a journal entry, or not at all: also past the code, in bulk and in SQL."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django_fsm import FSMField

from applications.models import Application, Offer, Referral
from portal.foundation.core import moments, state_guard
from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal.record import record
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.pledges.conftest import accepted

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(ling: Person, product: Product) -> Application:
    return factories.application(ling, product)


def refused(change: Callable[[], Any]) -> str:
    """What the database says; 42501 is «insufficient privilege», the same as for a right that was never granted."""
    with pytest.raises((ProgrammingError, IntegrityError)) as caught, transaction.atomic():
        change()
    assert getattr(caught.value.__cause__, "pgcode", "") == "42501", caught.value
    return str(caught.value)


def test_every_table_with_states_is_guarded_as_its_transitions_say() -> None:
    """Were a transition declared and the trigger not written anew, or a state machine forgotten, this would fail."""
    assert state_guard.install() == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'state_guard'"
        )
        guarded = {name for (name,) in cursor.fetchall()}
    machines = {
        m._meta.db_table for m in apps.get_models() if any(isinstance(f, FSMField) for f in m._meta.local_fields)
    }
    assert guarded == machines
    assert len(guarded) >= 17


def test_a_declaration_that_changed_is_written_anew_and_one_that_is_gone_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [m for m in state_guard.machines() if m.table != "pledges_revocation"]
    changed = [state_guard.Machine(m.table, (*m.moves, "waiting>won"), m.quiet) if m.table == "applications_referral" else m for m in kept]  # fmt: skip
    monkeypatch.setattr(state_guard, "machines", lambda: changed)
    with transaction.atomic():
        assert state_guard.install() == ["applications_referral.state_guard"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'pledges_revocation'::regclass AND tgname LIKE 'state_%'")  # fmt: skip
            assert cursor.fetchone() == (0,)
        transaction.set_rollback(True)


def test_a_bulk_update_that_no_transition_declares_is_refused(case: Application) -> None:
    said = refused(lambda: Application.objects.filter(pk=case.pk).update(state="disbursed"))
    assert "applications_application" in said
    assert "from open to disbursed" in said
    case.refresh_from_db()
    assert case.state == "open"


def test_so_is_one_in_sql_and_one_by_bulk_update(case: Application) -> None:
    def sql() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE applications_referral SET state = 'accepted'")

    def bulk() -> None:
        row = case.referrals.get()
        row.__dict__["state"] = "accepted"
        Referral.objects.bulk_update([row], ["state"])

    assert "from waiting to accepted" in refused(sql)
    assert "from waiting to accepted" in refused(bulk)


@pytest.mark.django_db(transaction=True)
def test_a_declared_move_without_a_journal_entry_is_refused_at_commit(ling: Person, product: Product) -> None:
    case = factories.application(ling, product)
    said = refused(lambda: Referral.objects.filter(application=case).update(state="withdrawn"))
    assert "without a journal entry" in said
    assert case.referrals.get().state == "waiting"
    with transaction.atomic():
        Referral.objects.filter(application=case).update(state="withdrawn")
        record("referral.closed", actor=SYSTEM, now=moments.now(), subject="referral:1")
    assert case.referrals.get().state == "withdrawn"


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_was_taken_back_does_not_count(ling: Person, product: Product) -> None:
    """The savepoint with the entry is rolled back, the change of the state is not."""
    case = factories.application(ling, product)

    def change() -> None:
        Referral.objects.filter(application=case).update(state="withdrawn")
        inner = transaction.savepoint()
        record("referral.closed", actor=SYSTEM, now=moments.now(), subject="referral:1")
        transaction.savepoint_rollback(inner)

    assert "without a journal entry" in refused(change)


@pytest.mark.django_db(transaction=True)
def test_the_portals_own_verbs_pass(ling: Person, bo: Person, product: Product) -> None:
    """A request is filed, claimed, offered on and accepted, each in a transaction of its own."""
    case = accepted(ling, bo, product)
    assert Offer.objects.get(referral__application=case).state == "accepted"
    assert Application.objects.get(pk=case.pk).state == "accepted"


def test_the_mark_has_one_name() -> None:
    """The journal's trigger leaves what the guard looks for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname LIKE 'pgtrigger_work_lists%%'")
        (source,) = cursor.fetchone()
    assert f"set_config('{state_guard.MARK}', 'on', true)" in source
