"""Valuations of Ling and of Bo's bank, made by the portal's own verbs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from applications.actions import valuations
from applications.models import Application
from portal.foundation.assets.models import Valuation
from portal.foundation.assets.valuation import actions
from portal.foundation.assets.valuation.approaches import Income
from portal.foundation.core import moments
from products.models import Product
from tests import factories
from tests.factories import Person

INCOME = Income(Decimal("7654321.00"), Decimal(5), Decimal("6.5"), Decimal(15), Decimal(12), 5)


def closed(draft: Valuation, by: Person, given: Income = INCOME) -> Valuation:
    """The draft with an income approach, final for half a year."""
    now = moments.now()
    kept = actions.set_inputs(draft.pk, "income", given, version=draft.version, actor=by.actor, now=now)
    until = moments.local_date(now) + timedelta(days=180)
    return actions.finalise(draft.pk, valid_until=until, version=kept.version, actor=by.actor, now=now)


def begun(by: Person, *, patents: list[int] | None = None) -> Valuation:
    if patents is None:
        patents = [factories.patent(by.organisation).pk]
    return actions.start(patents, scene="finance", purpose="质押贷款", actor=by.actor, now=moments.now())


@pytest.fixture
def own(ling: Person) -> Valuation:
    """Ling's final valuation of her one patent."""
    return closed(begun(ling), ling)


@pytest.fixture
def case(ling: Person, product: Product, own: Valuation) -> Application:
    """Her request to Bo's bank with that patent."""
    return factories.application(ling, product)


@pytest.fixture
def private(case: Application, bo: Person) -> Valuation:
    """Bo's own valuation of it."""
    referral = case.referrals.get()
    draft = valuations.value_privately(referral, scene="finance", purpose="", actor=bo.actor, now=moments.now())
    return closed(draft, bo, replace(INCOME, revenue=Decimal("4321987.00")))


@pytest.fixture
def show(ling: Person) -> Callable[[Valuation, Application], None]:
    def act(valuation: Valuation, to: Application) -> None:
        ids = list(to.referrals.values_list("pk", flat=True))
        valuations.show(valuation.pk, ids, actor=ling.actor, now=moments.now())

    return act
