"""Two people in the same second: there is one result, and an offer that waited past the closing moment is too late."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from pledges.disposal.actions import awards, bids, defaults, listing
from pledges.disposal.models import Bid, Disposal, Path
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, WrongState
from products.models import Product
from tests.factories import Person
from tests.pledges.conftest import accepted
from tests.pledges.test_races import refusals, together

from .conftest import bid, defaulted, later, money, paid_out, published

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture
def sale(ling: Person, bo: Person, bo_manager: Person, product: Product, chen: Person) -> Disposal:
    file = paid_out(accepted(ling, bo, product), bo, ling, chen)
    return published(defaulted(file, bo), bo, bo_manager)


def test_two_people_decide_and_there_is_one_winner(
    sale: Disposal, bo: Person, bo_manager: Person, wai: Person, cui: Person
) -> None:
    Disposal.objects.filter(pk=sale.pk).update(path=Path.TRANSFER)
    first, second = bid(sale, wai, "1200000.00"), bid(sale, cui, "1300000.00")
    at = later(days=4)
    results = together(
        lambda: awards.decide(sale.pk, chosen=first.pk, actor=bo.actor, now=at),
        lambda: awards.decide(sale.pk, chosen=second.pk, actor=bo_manager.actor, now=at),
        lambda: awards.choose_none(sale.pk, note="都不接受", actor=bo.actor, now=at),
    )
    assert len(refusals(results)) == 2
    sale.refresh_from_db()
    assert sale.state in ("awarded", "failed")
    assert (sale.winner_id is not None) == (sale.state == "awarded")


def test_the_debt_is_paid_in_the_second_in_which_somebody_wins(sale: Disposal, bo: Person, wai: Person) -> None:
    """One of the two happens, never both: a paid debt and a buyer."""
    bid(sale, wai, "1200000.00")
    at = later(days=4)
    results = together(
        lambda: awards.decide(sale.pk, actor=bo.actor, now=at),
        lambda: defaults.cure(sale.default_id, note="已结清", actor=bo.actor, now=at),
        lambda: listing.withdraw(sale.pk, note="另行协商", actor=bo.actor, now=at),
    )
    sale.refresh_from_db()
    sale.default.refresh_from_db()
    if sale.state == "awarded":
        assert sale.default.cured_at is None
        assert len(refusals(results)) == 2
    else:
        assert (sale.state, sale.winner_id) == ("withdrawn", None)


def test_an_organisation_that_offers_twice_at_once_has_one_offer(sale: Disposal, wai: Person) -> None:
    together(*(lambda n=n: bid(sale, wai, f"12000{n:02d}.00") for n in range(6)))  # type: ignore[misc]
    assert Bid.objects.standing().filter(disposal=sale).count() == 1
    assert Bid.objects.filter(disposal=sale).count() == 6


def test_an_offer_that_waits_for_the_row_past_the_closing_moment_is_too_late(sale: Disposal, wai: Person) -> None:
    """Sent in time and held up: what counts is the database's moment at which it gets hold of the row."""
    start = moments.now()
    Disposal.objects.filter(pk=sale.pk).update(closes_at=start + timedelta(seconds=0.4))
    held, said = threading.Event(), []

    def hold() -> None:
        with transaction.atomic():
            Disposal.objects.select_for_update().get(pk=sale.pk)
            held.set()
            time.sleep(1)
        connection.close()

    def offer() -> None:
        held.wait(10)
        try:
            bids.offer(sale.pk, bids.Terms(money("1200000.00")), actor=wai.actor, now=start)
        except DomainError as error:
            said.append(error)
        connection.close()

    threads = [threading.Thread(target=hold), threading.Thread(target=offer)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (late,) = said
    assert isinstance(late, WrongState)
    assert "已经截止" in late.reason
    assert not Bid.objects.exists()
