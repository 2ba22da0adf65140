"""Two people in the same second on a registered pledge: one wins, the other reads a sentence."""

from typing import Any

import pytest

from pledges.actions import examination as files
from pledges.after import examination, filing, revoking
from pledges.after.kinds import MatterKind
from pledges.after.models import Matter
from pledges.models import Notice, PledgedPatent, Registration
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.proof.invariants import checker
from portal.proof.invariants.options import Options
from products.models import Product
from tests import factories
from tests.by_hand import by_hand
from tests.factories import Person

from .after_steps import PAID, fresh, heard, in_hand, longer, now, proposed
from .conftest import accepted, examined, paper, submitted
from .test_races import refusals, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
CHANGE, CANCEL = MatterKind.CHANGE, MatterKind.CANCELLATION


@pytest.fixture
def colleague(chen: Person) -> Person:
    return factories.person("colleague", "常示例", Role.CLERK, chen.organisation)


@pytest.fixture
def pledge(ling: Person, bo: Person, product: Product, chen: Person) -> Registration:
    file = examined(submitted(accepted(ling, bo, product), bo, ling), chen)
    files.register(file.pk, actor=chen.actor, now=now())
    return fresh(file)


def sound(*names: str) -> None:
    found = checker.check(Options(durable=False), only=names or ("pledge.state", "pledge.after", "pledge.matters"))
    assert {r.name: r.samples for r in found if r.count} == {}


def test_cancellation_against_change(
    pledge: Registration, ling: Person, bo: Person, chen: Person, colleague: Person
) -> None:
    """Whoever comes first; the change may stand before the end, never after it."""
    change = in_hand(pledge, CHANGE, longer(pledge), bo, ling, chen)
    end = in_hand(pledge, CANCEL, PAID, ling, bo, colleague)
    results = together(
        lambda: examination.approve(change.pk, version=0, actor=chen.actor, now=moments.now()),
        lambda: examination.approve(end.pk, version=0, actor=colleague.actor, now=moments.now()),
    )
    lost = refusals(results)
    assert fresh(pledge).state == Registration.State.CANCELLED
    change.refresh_from_db()
    if lost:
        assert lost[0].status == 409
        assert change.state == Matter.State.WITHDRAWN
    else:
        assert change.state == Matter.State.APPROVED
    sound()


def test_two_cancellations_at_once_are_one(pledge: Registration, ling: Person, bo: Person) -> None:
    def ask(who: Person) -> Matter:
        return filing.start(pledge.pk, CANCEL, PAID, [paper("结清.pdf")], actor=who.actor, now=moments.now())

    results = together(lambda: ask(ling), lambda: ask(bo))
    (lost,) = refusals(results)
    assert lost.status == 409
    assert Matter.objects.count() == 1


def test_one_cancellation_is_decided_once(
    pledge: Registration, ling: Person, bo: Person, chen: Person, chief: Person
) -> None:
    end = in_hand(pledge, CANCEL, PAID, ling, bo, chen)
    made = heard(proposed(pledge, chen), chief)
    results = together(
        lambda: examination.approve(end.pk, version=0, actor=chen.actor, now=moments.now()),
        lambda: examination.approve(end.pk, version=0, actor=chen.actor, now=moments.now()),
        lambda: filing.withdraw(end.pk, reason="", actor=ling.actor, now=moments.now()),
        lambda: revoking.decide(made.pk, actor=chief.actor, now=moments.now()),
    )
    papers = Notice.objects.filter(kind__in=("cancelled", "revoked")).count()
    ended = fresh(pledge).state in (Registration.State.CANCELLED, Registration.State.REVOKED)
    assert (papers, ended) in ((1, True), (0, False))
    assert len(refusals(results)) >= 2
    sound()


def test_another_file_is_registered_the_moment_the_cancellation_frees_the_number(
    pledge: Registration, ling: Person, wai: Person, bo: Person, cui: Person, chen: Person, colleague: Person
) -> None:
    """Wai owns the patent too: her file waits with another bank. At no moment are there two pledges; at the end there is one."""
    end = in_hand(pledge, CANCEL, PAID, ling, bo, chen)
    factories.patent(wai.organisation)
    with by_hand():
        Registration.objects.filter(pk=pledge.pk).update(state="draft")
    PledgedPatent.objects.filter(registration=pledge).update(effective=None)
    second = examined(submitted(accepted(wai, cui, factories.product(cui.organisation)), cui, wai), colleague)
    with by_hand():
        Registration.objects.filter(pk=pledge.pk).update(state="registered")
    PledgedPatent.objects.filter(registration=pledge).update(effective=(pledge.decided_at, None))

    def until_it_is_free() -> Any:
        for _ in range(200):
            try:
                return files.register(second.pk, actor=colleague.actor, now=moments.now())
            except DomainError as error:
                assert "R09" in error.reason or error.code == "busy", error.reason  # noqa: PT017 - the refusals on the way
        raise AssertionError("the number was never free")

    won, _ = together(
        until_it_is_free, lambda: examination.approve(end.pk, version=0, actor=chen.actor, now=moments.now())
    )
    assert isinstance(won, Notice)
    assert fresh(pledge).state == Registration.State.CANCELLED
    assert PledgedPatent.objects.filter(effective__upper_inf=True).count() == 1
    sound("pledge.one_effective", "pledge.state", "pledge.after")
