"""Bo answers Ling's request; the clock knows, Wai sees nothing."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from applications.actions import choices, responses
from applications.models import Application, Referral
from portal.foundation.core import moments
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.journal.models import Entry, Outbox
from portal.foundation.sla.sweep import sweep
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-00000000", "next_step": "明天上午上门尽调"}


def test_bo_claims_once_and_the_clock_stops(ling: Person, bo: Person, product: Product) -> None:
    case = factories.application(ling, product)
    referral = case.referrals.get()
    assert referral.clock is not None
    assert referral.clock.due_at > moments.now()
    claimed = responses.claim(referral.pk, **CONTACT, actor=bo.actor, now=moments.now())
    assert claimed.state == Referral.State.CLAIMED
    referral.clock.refresh_from_db()
    assert referral.clock.stopped_at is not None
    assert referral.clock.next_at is None
    with pytest.raises(WrongState, match="同事接单"):
        responses.claim(referral.pk, **CONTACT, actor=bo.actor, now=moments.now())
    assert Entry.objects.filter(verb="referral.claimed").count() == 1
    assert Outbox.objects.count() == Entry.objects.count()


def test_an_empty_contact_is_not_a_response(ling: Person, bo: Person, product: Product) -> None:
    referral = factories.application(ling, product).referrals.get()
    with pytest.raises(Invalid) as refusal:
        responses.claim(
            referral.pk, contact_name="", contact_phone=" ", next_step="", actor=bo.actor, now=moments.now()
        )
    assert set(refusal.value.fields) == {"contact_name", "contact_phone", "next_step"}


def test_the_sweep_announces_an_overdue_referral_once(ling: Person, product: Product) -> None:
    referral = factories.application(ling, product).referrals.get()
    clock = referral.clock
    assert clock is not None
    late = moments.now() - timedelta(minutes=1)
    clock.moments = [late - timedelta(hours=5), late, late + timedelta(days=3)]
    clock.started_at, clock.due_at, clock.next_at = late - timedelta(days=4), late, clock.moments[0]
    clock.save()
    assert sweep() == 1
    assert sweep() == 0
    told = Entry.objects.get(verb="clock.escalated")
    assert told.data["level"] == "overdue"
    assert told.data["overtaken"] == ["due_soon"]
    clock.refresh_from_db()
    assert clock.next_at == clock.moments[2]


def test_ling_accepts_and_the_other_bank_is_told(ling: Person, bo: Person, cui: Person, product: Product) -> None:
    other = factories.product(cui.organisation)
    case = factories.application(ling, product, other)
    mine = case.referrals.get(institution_id=bo.organisation.pk)
    made = responses.offer(
        mine.pk,
        responses.Terms(
            amount=Decimal(8_000_000), term_months=24, annual_rate=Decimal("3.45"), valid_until=date(2099, 1, 1)
        ),
        actor=bo.actor,
        now=moments.now(),
    )
    case = choices.accept(made.pk, actor=ling.actor, now=moments.now())
    assert case.state == Application.State.ACCEPTED
    passed = case.referrals.get(institution_id=cui.organisation.pk)
    assert passed.state == Referral.State.NOT_SELECTED
    assert passed.clock is not None
    assert passed.clock.excused
    assert Entry.objects.filter(verb="referral.not_selected", parties__contains=[cui.organisation.pk]).exists()
