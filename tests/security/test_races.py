"""Two hands on one thing, through the actions, on real PostgreSQL. Claims, clerks, numbers and patents have their races
beside their apps (tests/applications/test_race_claim.py, test_wizard_race.py, tests/pledges/test_races.py)."""

import uuid
from datetime import date
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from applications.actions import choices, drafts, responses
from applications.models import Application, Consent, Draft, Offer
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock
from products.models import Product
from tests import factories
from tests.applications.test_race_claim import at_once
from tests.factories import Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def offered(case: Application, by: Person) -> Offer:
    terms = responses.Terms(Decimal(8_000_000), 24, date(2099, 1, 1), annual_rate=Decimal("3.45"))
    referral = case.referrals.get(institution_id=by.organisation.pk)
    return responses.offer(referral.pk, terms, actor=by.actor, now=moments.now())


@pytest.fixture
def two(ling: Person, bo: Person, cui: Person, product: Product) -> tuple[Application, Offer, Offer]:
    """A request with an offer of each of two banks."""
    case = factories.application(ling, product, factories.product(cui.organisation))
    return case, offered(case, bo), offered(case, cui)


def test_two_offers_accepted_in_the_same_second_are_one(ling: Person, two: tuple[Application, Offer, Offer]) -> None:
    case, first, second = two
    said = at_once(
        *(lambda o=o: choices.accept(o.pk, actor=ling.actor, now=moments.now()) for o in (first, second, first, second))
    )
    lost = [s for s in said if isinstance(s, DomainError)]
    assert len(lost) == 3
    assert {e.status for e in lost} == {409}
    assert Offer.objects.filter(state="accepted").count() == 1
    case.refresh_from_db()
    assert case.accepted_offer is not None
    assert case.accepted_offer.state == "accepted"
    assert Entry.objects.filter(verb="offer.accepted").count() == 1
    assert case.referrals.filter(state="accepted").count() == 1


def test_withdrawing_and_accepting_at_once_leave_one_story(ling: Person, two: tuple[Application, Offer, Offer]) -> None:
    """Both may succeed one after the other (an accepted request can be withdrawn), never half of each."""
    case, first, _ = two
    at_once(
        lambda: choices.accept(first.pk, actor=ling.actor, now=moments.now()),
        lambda: choices.withdraw(case.pk, reason="", actor=ling.actor, now=moments.now()),
    )
    case.refresh_from_db()
    assert case.state == "withdrawn"
    assert not case.referrals.filter(state__in=["waiting", "claimed", "info", "offered", "accepted"]).exists()
    assert not Consent.objects.filter(application=case, revoked_at=None).exists()
    assert not Clock.objects.running().exists()
    assert not Offer.objects.filter(state="open").exists()


def test_a_new_version_and_an_acceptance_at_once_never_accept_the_unseen(
    ling: Person, bo: Person, two: tuple[Application, Offer, Offer]
) -> None:
    case, seen, _ = two
    terms = responses.Terms(Decimal(1_000_000), 12, date(2099, 1, 1), annual_rate=Decimal("9.9"))
    said = at_once(
        lambda: choices.accept(seen.pk, actor=ling.actor, now=moments.now()),
        lambda: responses.offer(seen.referral_id, terms, actor=bo.actor, now=moments.now()),
    )
    assert sum(isinstance(s, DomainError) for s in said) == 1
    case.refresh_from_db()
    assert case.accepted_offer_id in (None, seen.pk)


def test_one_start_pressed_four_times_is_one_draft(ling: Person) -> None:
    token = uuid.uuid4()
    said = at_once(*(lambda: drafts.start(actor=ling.actor, now=moments.now(), token=token) for _ in range(4)))
    assert [s for s in said if isinstance(s, Exception)] == []
    assert len({d.pk for d in said}) == 1
    assert Draft.objects.count() == 1


def test_a_double_click_in_the_browser_answers_both_times(ling: Person, two: tuple[Application, Offer, Offer]) -> None:
    """Through the pages: the second click reads a sentence (409), not a trace."""
    case, first, second = two
    gate, statuses = Barrier(2), []

    def click(offer: Offer) -> None:
        browser: Any = Client(raise_request_exception=False)
        browser.cookies = ling.client.cookies.copy()
        gate.wait(10)
        statuses.append(browser.post(f"/cases/{case.number}/offers/{offer.pk}/accept/").status_code)
        connection.close()

    threads = [Thread(target=click, args=(offer,)) for offer in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [302, 409]
