"""Each seeded bug really breaks what it says: here alone in one process, without the load and the faults of the hunt."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import current_app

from applications.actions import choices, claiming, responses
from applications.models import Application
from pledges.actions import examination
from pledges.models import Registration
from portal.foundation.core import failpoints, moments
from portal.foundation.journal import dispatcher
from portal.foundation.sla import clocks, sweep
from portal.foundation.sla.models import Clock, Escalation
from portal.proof.invariants import checker
from portal.proof.mutants import MUTANTS, deadlines, patching
from products.models import Product
from tests.factories import Person
from tests.pledges.conftest import accepted, submitted

from .bugs import asked, assert_caught, climb, infect, reported

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("healed")]
CONTACT = {"contact_name": "薄示例", "contact_phone": "13800000000", "next_step": "上门尽调"}


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
