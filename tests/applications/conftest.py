"""Requests that several files begin with."""

import pytest

from applications.models import Application
from banks.models import Institution
from portal.foundation.accounts.models import OrganisationKind, Role
from products.models import Product
from tests import factories
from tests.factories import Person

from .stages import offer_of


@pytest.fixture
def case(ling: Person, product: Product) -> Application:
    return factories.application(ling, product)


@pytest.fixture
def duan(reference: None) -> Person:
    """The dispatcher's desk, which is no bank."""
    org = factories.organisation(OrganisationKind.PLATFORM, "示例调度台")
    Institution.objects.create(organisation=org, example=True, dispatcher=True, takes_open_calls=False)
    return factories.person("duan", "段示例", Role.OFFICER, org)


@pytest.fixture
def two(ling: Person, bo: Person, cui: Person, product: Product) -> Application:
    """A request with offers of two banks."""
    found = factories.application(ling, product, factories.product(cui.organisation))
    offer_of(found, bo, 8_000_000, "3.45")
    offer_of(found, cui, 6_000_000, "3.10")
    return found
