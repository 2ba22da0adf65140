"""Each seeded bug really breaks what it says: here alone in one process, without the load and the faults of the hunt."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.backends.signals import connection_created

from applications.actions import choices, claiming, drafts, responses, submit
from applications.models import Application, Purpose, Referral
from pledges.actions import examination
from pledges.models import Registration
from portal.foundation.core import failpoints, moments
from portal.foundation.core import models as counters
from portal.foundation.journal import dispatcher, sealer
from portal.foundation.journal.models import Delivery, Entry
from portal.foundation.sla import clocks, sweep
from portal.foundation.sla.models import Clock, Escalation
from portal.proof import mutants
from portal.proof.invariants import checker
from portal.proof.invariants.options import Options
from portal.proof.mutants import MUTANTS, deadlines, patching
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.pledges.conftest import PDF, accepted, submitted

pytestmark = pytest.mark.django_db
CONTACT = {"contact_name": "薄示例", "contact_phone": "13800000000", "next_step": "上门尽调"}


@pytest.fixture(autouse=True)
def _healed(settings: Any, tmp_path: Path) -> Iterator[None]:
    """Whatever a bug patched is put back; its constraints come back with the transaction."""
    settings.MEDIA_ROOT = tmp_path
    yield
    failpoints.arm("")
    patching.restore()


def infect(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    mutants.prepare(name)
    mutants.install(name)


def reported(*only: str) -> set[str]:
    return {r.name for r in checker.check(Options(durable=False, untouched=True), only=only) if r.count}


def assert_caught(name: str) -> None:
    assert reported(*MUTANTS[name].caught_by), f"nobody sees {name}"


@pytest.fixture
def case(ling: Person, bo: Person, product: Product) -> Callable[[], Application]:
    """Ling's request to Bo's bank."""
    return lambda: factories.application(ling, product)


def asked(case: Application) -> Referral:
    return case.referrals.get()


def climb(seconds: float = -30, *, step: float = 10) -> None:
    """Let the running clocks' ladders begin `seconds` from now, one level every `step` seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sla_clock SET started_at = now() - interval '1 hour', next_at = clock_timestamp() + %(first)s,"
            " moments = ARRAY(SELECT clock_timestamp() + %(first)s + (i - 1) * %(step)s FROM generate_subscripts(levels, 1) AS i),"
            " due_at = clock_timestamp() + %(first)s + (array_position(levels, 'overdue') - 1) * %(step)s WHERE stopped_at IS NULL",
            {"first": timedelta(seconds=seconds), "step": timedelta(seconds=step)},
        )
        cursor.execute("UPDATE sla_clock SET due_at = moments[array_position(levels, 'overdue')], next_at = moments[1]"
                       " WHERE stopped_at IS NULL AND paused_at IS NULL")  # fmt: skip


def test_the_list_is_long_enough_and_each_names_who_should_see_it() -> None:
    names = {invariant.name for invariant in checker.ALL}
    assert len(MUTANTS) >= 18
    for mutant in MUTANTS.values():
        assert mutant.caught_by
        assert set(mutant.caught_by) <= names, mutant.name
        failpoints.parse(mutant.needs.failpoints)


@pytest.mark.parametrize("name", MUTANTS)
def test_it_installs_cleanly_and_heals(name: str) -> None:
    infect(name)
    assert patching._undo
    patching.restore()
    assert not patching._undo


def test_without_a_bug_nothing_is_reported(case: Callable[[], Application], bo: Person) -> None:
    claiming.claim_this(asked(case()).pk, **CONTACT, actor=bo.actor, now=moments.now())
    case()
    climb()
    sweep.sweep()
    while dispatcher.dispatch(now=moments.now()):
        pass
    by_hand = {"clock.calendar", "clock.due_stands", "journal.replay"}  # the ladder was moved by hand
    others = {i.name for i in checker.ALL} - by_hand
    assert reported(*others) == set()


@pytest.mark.parametrize("name", ["sweep_one_step", "escalation_unjournalled"])
def test_a_sweep_that_forgets(name: str, case: Callable[[], Application]) -> None:
    case()
    climb()
    infect(name)
    sweep.sweep()
    assert_caught(name)


def test_a_sweep_that_comes_too_early(case: Callable[[], Application]) -> None:
    case()
    climb(3)
    assert sweep.sweep() == 0
    infect("sweep_early")
    sweep.sweep()
    assert_caught("sweep_early")


def test_a_sweep_by_a_clock_that_is_fast(case: Callable[[], Application], monkeypatch: pytest.MonkeyPatch) -> None:
    class Fast(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return moments.now() + timedelta(hours=1)

    case()
    climb(600)
    infect("sweep_by_its_own_clock")
    monkeypatch.setattr(deadlines, "datetime", Fast)
    sweep.sweep()
    assert_caught("sweep_by_its_own_clock")


def test_a_sweep_of_two_steps_that_dies_between(case: Callable[[], Application]) -> None:
    case()
    climb()
    infect("sweep_in_two_steps")
    failpoints.arm("sweep.before=raise")
    with pytest.raises(failpoints.Broken):
        sweep.sweep()
    assert_caught("sweep_in_two_steps")


def test_a_sweep_of_two_steps_that_lives_announces_all_the_same(case: Callable[[], Application]) -> None:
    """Otherwise the mutant would be caught for another reason than its crash."""
    case()
    climb()
    infect("sweep_in_two_steps")
    assert sweep.sweep() == 1
    assert Escalation.objects.count() == 1
    assert reported(*(i.name for i in checker.ALL if i.name.startswith("escalation."))) == set()


def test_a_sweep_that_locks_nothing(case: Callable[[], Application]) -> None:
    infect("sweep_unlocked")
    assert "SKIP LOCKED" not in sweep._SWEEP
    case()
    climb()
    sweep.sweep()
    Clock.objects.update(level=0, next_at=moments.now() - timedelta(seconds=1))  # as a second sweeper saw it
    sweep.sweep()
    assert_caught("sweep_unlocked")


def test_a_sweep_that_passes_over_resumed_clocks(case: Callable[[], Application]) -> None:
    clock = Clock.objects.get(pk=asked(case()).clock_id)
    clocks.pause(clock.pk, now=moments.now(), reason="补正")
    clocks.resume(clock.pk, now=moments.now())
    climb()
    infect("sweep_forgets_resumed")
    sweep.sweep()
    assert_caught("sweep_forgets_resumed")


def test_deadlines_as_celery_countdowns(case: Callable[[], Application]) -> None:
    infect("countdown")
    case()
    assert "proof.announce" in current_app.tasks
    climb()
    Clock.objects.update(next_at=None)  # what the mutant left
    sweep.sweep()
    assert_caught("countdown")


@pytest.mark.parametrize("name", ["answer_keeps_next", "stop_forgives"])
@pytest.mark.parametrize("verb", ["claim", "decline"])
def test_an_answer_that_stops_the_clock_wrongly(
    name: str, verb: str, case: Callable[[], Application], bo: Person
) -> None:
    referral = asked(case())
    climb()
    infect(name)
    if verb == "claim":
        claiming.claim_this(referral.pk, **CONTACT, actor=bo.actor, now=moments.now())
    else:
        responses.decline(referral.pk, code="policy", note="", actor=bo.actor, now=moments.now())
    assert_caught(name)


def test_a_withdrawal_that_lets_clocks_run(case: Callable[[], Application], ling: Person) -> None:
    infect("withdrawal_keeps_clocks")
    choices.withdraw(case().pk, reason="", actor=ling.actor, now=moments.now())
    assert_caught("withdrawal_keeps_clocks")


@pytest.fixture
def file(ling: Person, bo: Person, chen: Person, product: Product) -> Registration:
    """A pledge file that Chen examines."""
    handed_in = submitted(accepted(ling, bo, product), ling, bo)
    return examination.accept(handed_in.pk, actor=chen.actor, now=moments.now())


def test_a_correction_that_does_not_pause(file: Registration, chen: Person) -> None:
    infect("pause_unrecorded")
    defects = [examination.Defect("contract_number", "合同编号有误")]
    examination.ask_correction(file.pk, defects, actor=chen.actor, now=moments.now())
    assert_caught("pause_unrecorded")


def test_a_resumption_with_the_old_term(file: Registration) -> None:
    """Paused long before and resumed now, so that the calendar gives another day."""
    clock_id = file.clock_id
    assert clock_id is not None
    clocks.pause(clock_id, now=moments.now(), reason="补正")
    infect("resume_keeps_term")
    clocks.resume(clock_id, now=moments.now() + timedelta(days=9))
    assert_caught("resume_keeps_term")


def wish(ling: Person, product: Product) -> submit.Wish:
    own = list(ling.organisation.patents.all()) or [factories.patent(ling.organisation)]
    return submit.Wish(
        amount=8_000_000,  # type: ignore[arg-type]
        term_months=24,
        purpose=Purpose.WORKING_CAPITAL,
        contact_name="林示例",
        contact_phone="13800000000",
        patent_ids=[p.pk for p in own],
        product_ids=[product.pk],
    )


def test_a_second_click_files_a_second_request(ling: Person, product: Product) -> None:
    infect("submit_again")
    asked_for, draft = wish(ling, product), drafts.start(actor=ling.actor, now=moments.now())
    for _ in range(2):
        submit.submit(draft.pk, asked_for, actor=ling.actor, now=moments.now())
    assert_caught("submit_again")


def test_two_claims_of_one_referral(case: Callable[[], Application], bo: Person) -> None:
    infect("claim_without_guard")
    referral = asked(case())
    for _ in range(2):  # both have read «waiting»
        Referral.objects.filter(pk=referral.pk).update(state="waiting")
        claiming.claim_this(referral.pk, **CONTACT, actor=bo.actor, now=moments.now())
    assert "r.state" not in claiming._CLAIM
    assert_caught("claim_without_guard")


def test_a_refusal_repeated(case: Callable[[], Application], bo: Person) -> None:
    infect("decline_again")
    referral = asked(case())
    for _ in range(2):
        responses.decline(referral.pk, code="policy", note="", actor=bo.actor, now=moments.now())
    assert_caught("decline_again")


def test_a_number_that_two_read(case: Callable[[], Application]) -> None:
    infect("number_by_reading")
    case()
    counters.Counter.objects.filter(name__startswith="case:").update(value=0)  # as the second one read it
    case()
    assert_caught("number_by_reading")


def test_a_number_that_is_not_given_back() -> None:
    infect("number_outside")
    try:
        with transaction.atomic():
            assert counters.take("mutant") == 1
            transaction.set_rollback(True)
        assert counters.take("mutant") == 2
    finally:
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("DELETE FROM core_counter WHERE name = 'mutant'")
        other.close()


def test_a_file_that_is_written_later(ling: Person) -> None:
    infect("file_after_commit")
    draft = drafts.start(actor=ling.actor, now=moments.now())
    upload = SimpleUploadedFile("营业执照.pdf", PDF, content_type="application/pdf")
    drafts.attach(draft.pk, upload, kind="licence", actor=ling.actor, now=moments.now())
    assert_caught("file_after_commit")  # nothing commits here


def test_a_fact_written_after_the_commit(case: Callable[[], Application]) -> None:
    infect("journal_after_commit")
    case()
    assert_caught("journal_after_commit")


def test_notices_written_after_the_commit(case: Callable[[], Application], bo: Person) -> None:
    infect("notice_on_commit")
    bo.membership.__class__.objects.update(created_at=moments.now() - timedelta(days=1))
    case()
    while dispatcher.dispatch(now=moments.now()):
        pass
    assert_caught("notice_on_commit")


def test_a_delivery_marked_before_it_is_handed_over(case: Callable[[], Application]) -> None:
    case()
    infect("sent_before_handed_over")
    dispatcher.fan_out()
    delivery = Delivery.objects.first()
    assert delivery is not None
    failpoints.arm("dispatcher.before_handler=raise")
    with pytest.raises(failpoints.Broken):
        dispatcher.hand_over(delivery, Entry.objects.get(pk=delivery.entry_id), now=moments.now())
    assert Delivery.objects.get(pk=delivery.pk).state == "sent"
    failpoints.arm("")
    assert dispatcher.dispatch(now=moments.now())


def test_two_dispatchers_take_the_same(case: Callable[[], Application]) -> None:
    case()
    infect("no_lease")
    dispatcher.fan_out()
    first = dispatcher.claim(now=moments.now())
    assert first
    assert [d.pk for d in dispatcher.claim(now=moments.now())] == [d.pk for d in first]
    assert dispatcher.dispatch(now=moments.now()) == len(first)  # alone it works: only two of them show the bug


def test_a_claim_that_counts(case: Callable[[], Application]) -> None:
    case()
    infect("claim_counts_as_failure")
    while dispatcher.dispatch(now=moments.now()):
        pass
    assert_caught("claim_counts_as_failure")


def test_a_refused_mail_that_ends_the_round(case: Callable[[], Application], bo: Person) -> None:
    claiming.claim_this(asked(case()).pk, **CONTACT, actor=bo.actor, now=moments.now())
    claimed = Entry.objects.get(verb="referral.claimed")
    infect("poison_blocks")
    dispatcher.fan_out()
    delivery = Delivery.objects.get(entry_id=claimed.pk, subscriber="mail")
    bad = SimpleNamespace(pk=7, verb="referral.claimed")
    with pytest.raises(ConnectionRefusedError):
        dispatcher.hand_over(delivery, bad, now=moments.now())  # type: ignore[arg-type]


def write_entry(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journal_entry (id, at, verb, actor_label, subject, case_number, text, data, parties)"
            " VALUES (%s, now(), 'loan.recorded', '', 'application:0', '', '', '{}', '{}')",
            [number],
        )


@pytest.mark.parametrize(("name", "run"), [("fan_out_by_number", lambda: dispatcher.fan_out()), ("seal_by_number", lambda: sealer.seal(now=moments.now()))])  # fmt: skip
def test_an_entry_that_commits_late(name: str, run: Callable[[], object], case: Callable[[], Application]) -> None:
    infect(name)
    case()
    run()
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM journal_entry")
        held_back = cursor.fetchone()[0] + 1
        cursor.execute("SELECT setval(pg_get_serial_sequence('journal_entry', 'id'), %s)", [held_back])
    case()
    run()
    write_entry(held_back)
    case()
    run()
    assert_caught(name)


def test_a_commit_that_is_not_waited_for() -> None:
    before = len(connection_created.receivers)
    infect("commit_not_waited_for")
    assert len(connection_created.receivers) == before + 1
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone()[0] == "off"
    other.close()
    patching.restore()
    assert len(connection_created.receivers) == before
