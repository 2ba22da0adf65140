"""A silent bank answers while Ling moves on, two dispatchers hear the same fact: one order of things, whoever is first."""

from datetime import timedelta

import pytest

from applications.actions import claiming, next_heard, next_lenders, responses
from applications.models import Application, Consent, Referral
from banks.models import Institution
from portal.foundation.accounts.models import OrganisationKind
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock, Kind
from portal.foundation.sla.sweep import sweep
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.threads import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
now = moments.now
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}


@pytest.fixture
def desk(reference: None) -> None:
    org = factories.organisation(OrganisationKind.PLATFORM, "示例调度台")
    Institution.objects.create(organisation=org, example=True, dispatcher=True, takes_open_calls=False)


def silent(case: Application, who: Person) -> Referral:
    """Its last level is announced, nobody has heard of it yet."""
    referral = case.referrals.get(institution_id=who.organisation.pk)
    clock = referral.clock
    assert clock is not None
    shift = clock.moments[-1] - now() + timedelta(seconds=1)
    Clock.objects.filter(pk=clock.pk).update(
        started_at=clock.started_at - shift, due_at=clock.due_at - shift, moments=[m - shift for m in clock.moments],
        next_at=clock.moments[0] - shift,
    )  # fmt: skip
    sweep()
    return referral


def trying(call: object) -> object:
    try:
        return call()  # type: ignore[operator]
    except DomainError as error:
        return error


def test_six_dispatchers_hear_that_nobody_is_left_and_offer_once(
    desk: None, ling: Person, bo: Person, cui: Person, product: Product
) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    case = factories.application(ling, product)
    responses.decline(case.referrals.get().pk, code="amount", note="", actor=bo.actor, now=now())
    entry = Entry.objects.get(verb="application.all_declined")
    together(*[lambda: next_heard.hear(entry, now()) for _ in range(6)])
    assert case.next_rounds.get().lenders.count() == 1
    assert Entry.objects.filter(verb="next.offered").count() == 1
    assert Clock.objects.filter(kind=Kind.NEXT_LENDERS).count() == 1


def test_four_clicks_on_one_bank_send_one_request(
    desk: None, ling: Person, bo: Person, cui: Person, product: Product
) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    case = factories.application(ling, product)
    silent(case, bo)
    dispatch(now=now())
    together(
        *[
            lambda: trying(
                lambda: next_lenders.take(case.pk, institution_id=cui.organisation.pk, actor=ling.actor, now=now())
            )
            for _ in range(4)
        ]
    )
    assert case.referrals.filter(institution_id=cui.organisation.pk).count() == 1
    assert Consent.objects.filter(application=case, institution_id=cui.organisation.pk, revoked_at=None).count() == 1
    assert Entry.objects.filter(verb="referral.lapsed").count() == 1


@pytest.mark.parametrize("_", range(5))
def test_bo_answers_at_the_moment_ling_moves_on_and_both_read_the_same(
    desk: None, ling: Person, bo: Person, cui: Person, product: Product, _: int
) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    case = factories.application(ling, product)
    referral = silent(case, bo)
    dispatch(now=now())
    claimed, moved = together(
        lambda: trying(lambda: claiming.claim_this(referral.pk, **CONTACT, actor=bo.actor, now=now())),
        lambda: trying(
            lambda: next_lenders.take(case.pk, institution_id=cui.organisation.pk, actor=ling.actor, now=now())
        ),
    )
    assert isinstance(moved, Referral)
    referral.refresh_from_db()
    clock = Clock.objects.get(pk=referral.clock_id)
    if isinstance(claimed, DomainError):
        assert (referral.state, clock.stop_reason) == ("lapsed", "lapsed")
    else:
        assert (referral.state, clock.stop_reason) == ("claimed", "claimed")
        assert not Entry.objects.filter(verb="referral.lapsed").exists()
    assert clock in Clock.objects.late()
