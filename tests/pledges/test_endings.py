"""注销 and partial release: grounds, the day the effect ends, what stays of the loan and the history, one application at a time."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from applications.models import Application
from pledges.actions import examination as files
from pledges.actions import filing as file_form
from pledges.actions import joining, loans
from pledges.after import filing
from pledges.after.filing import Wish
from pledges.after.kinds import EndGround, MatterKind
from pledges.after.models import Matter
from pledges.models import Loan, Notice, Registration
from portal.foundation.core import moments
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.journal.models import Entry
from products.models import Product
from tests import factories
from tests.factories import Person

from .after_steps import (
    PAID,
    asked,
    cancelled,
    clock_of,
    decided,
    fresh,
    in_hand,
    longer,
    now,
)
from .conftest import accepted, examined, submitted

pytestmark = pytest.mark.django_db
CHANGE, CANCEL, RELEASE = MatterKind.CHANGE, MatterKind.CANCELLATION, MatterKind.RELEASE


@pytest.fixture
def two(ling: Person, bo: Person, product: Product, chen: Person) -> Registration:
    """Ling's pledge of two patents."""
    patents = [factories.patent(ling.organisation), factories.patent(ling.organisation, factories.INVENTION_2)]
    file = examined(submitted(accepted(ling, bo, product, patents=patents), bo, ling), chen)
    files.register(file.pk, actor=chen.actor, now=now())
    return fresh(file)


def pay(file: Registration, bo: Person) -> Loan:
    today = moments.local_date(now())
    return loans.record_loan(
        file.pk, loans.Payment(file.debt_amount, Decimal("3.45"), today, "借-1"), actor=bo.actor, now=now()
    )


@pytest.mark.parametrize("ground", EndGround)
def test_each_ground_of_cancellation_wants_its_proof(
    registered: Registration, ling: Person, bo: Person, chen: Person, ground: EndGround
) -> None:
    wish = Wish(end_ground=ground, reason="依法院裁定")
    with pytest.raises(Invalid) as refusal:
        filing.start(registered.pk, CANCEL, wish, actor=ling.actor, now=now())
    assert set(refusal.value.fields) == {"papers"}
    notice = decided(registered, CANCEL, wish, ling, bo, chen)
    assert notice.facts["end_ground"] == ground.label
    assert fresh(registered).state == Registration.State.CANCELLED


def test_the_effect_ends_on_the_day_of_cancellation_and_the_period_stays_readable(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    began = registered.patents.get().effective.lower
    cancelled(registered, ling, bo, chen)
    file = fresh(registered)
    period = file.patents.get().effective
    assert (period.lower, period.upper) == (began, file.ended_at)
    assert file.decided_at == began


def test_edge_case_2_the_number_is_free_for_another_bank_right_after_the_cancellation(
    registered: Registration,
    another_case: Callable[[], Application],
    ling: Person,
    bo: Person,
    cui: Person,
    chen: Person,
) -> None:
    """Ling offers the same patent to Cui while Bo holds it: no second registration, until Bo's pledge is cancelled."""
    case = another_case()
    with pytest.raises(WrongState, match="R09"):
        submitted(case, cui, ling)
    cancelled(registered, ling, bo, chen)
    second = Registration.objects.get(application=case)
    joining.propose(second.pk, actor=cui.actor, now=now())
    second = joining.confirm(second.pk, version=second.version, actor=ling.actor, now=now())
    files.register(examined(second, chen).pk, actor=chen.actor, now=now())
    assert fresh(second).patents.get().effective.upper is None
    assert fresh(registered).patents.get().effective.upper is not None


def test_before_the_money_the_request_can_file_anew_after_it_the_loan_stays(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    cancelled(registered, ling, bo, chen)
    case = fresh(registered).application
    assert case.state == Application.State.ACCEPTED
    with pytest.raises(WrongState, match="已注销"):
        pay(registered, bo)
    again = file_form.start(case.pk, actor=bo.actor, now=now())
    assert again.pk != registered.pk


def test_a_paid_loan_is_history_and_the_requests_story_tells_of_the_cancellation(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    pay(registered, bo)
    cancelled(registered, bo, ling, chen)
    case = fresh(registered).application
    assert case.state == Application.State.DISBURSED
    page = ling.client.get(f"/cases/{case.number}/").content.decode()
    assert f"注销质押登记 {registered.number}" in page


def test_some_patents_are_released_and_the_rest_stays(
    two: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    number = factories.INVENTION_2
    with pytest.raises(Invalid, match="请办理注销"):
        asked(two, RELEASE, Wish(numbers=[factories.INVENTION, number]), ling)
    with pytest.raises(Invalid, match="仍在质押"):
        asked(two, RELEASE, Wish(numbers=[factories.UTILITY]), ling)
    notice = decided(two, RELEASE, Wish(numbers=[number]), ling, bo, chen)
    assert (notice.kind, notice.facts["remaining"]) == (Notice.Kind.RELEASED, 1)
    assert [p["number"] for p in notice.facts["patents"]] == [number]
    file = fresh(two)
    assert file.state == Registration.State.REGISTERED
    assert {p.number: p.effective.upper is None for p in file.patents.all()} == {
        factories.INVENTION: True,
        number: False,
    }
    with pytest.raises(Invalid, match="请办理注销"):
        asked(file, RELEASE, Wish(numbers=[factories.INVENTION]), ling)


def test_the_end_of_the_pledge_ends_a_change_that_is_under_way(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    change = in_hand(registered, CHANGE, longer(registered), bo, ling, chen)
    cancelled(registered, ling, bo, chen)
    change.refresh_from_db()
    assert change.state == Matter.State.WITHDRAWN
    assert clock_of(change).excused
    assert Entry.objects.filter(verb="matter.ended", data__matter=change.number).count() == 1


def test_one_application_of_a_kind_at_a_time(registered: Registration, ling: Person, bo: Person) -> None:
    first = asked(registered, CANCEL, PAID, ling)
    with pytest.raises(WrongState, match=first.number):
        asked(registered, CANCEL, PAID, bo)
    asked(registered, CHANGE, longer(registered), bo)


def test_nothing_is_asked_of_a_pledge_that_is_not_registered(with_office: Registration, ling: Person) -> None:
    with pytest.raises(WrongState, match="待受理"):
        asked(with_office, CHANGE, longer(with_office), ling)
