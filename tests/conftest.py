"""Fixtures every test may use: reference data and people. Servers come from tests/servers.py."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import TransactionTestCase

from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import rates
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use
from products.models import Product
from tests import emptying, factories
from tests.by_hand import by_hand
from tests.chromium import chromium  # noqa: F401 - fixture
from tests.factories import Person
from tests.servers import (  # noqa: F401 - hooks
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_terminal_summary,
    pytest_unconfigure,
)

_told: list[Entry] = []  # what the journal says about the reference data


def load_reference() -> None:
    """What every installation has; safe to repeat. The journal begins empty: a test counts what happens in it."""
    call_command("load_reference", verbosity=0, stdout=io.StringIO())
    calendars_in_use.forget()
    _told[:] = list(Entry.objects.order_by("id")) or _told
    with by_hand() as cursor:  # the journal refuses to be emptied
        cursor.execute("TRUNCATE journal_entry, journal_outbox, journal_unsealed")


@pytest.fixture(autouse=True)
def _nobody_is_slowed_down_for_the_test_before() -> None:
    """The counts are rolled back with the test; what the process remembers of them is not."""
    rates.forget()


@pytest.fixture(autouse=True, scope="session")
def _journal_may_be_emptied_between_race_tests() -> None:
    """Race tests leave the database as they found it, and the journal lets nobody delete (tests.emptying)."""

    def teardown(self: TransactionTestCase) -> None:
        emptying.empty(load_reference)

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined, method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Reference data once a session, committed: eight thousand calendar days are too many to write for every test."""
    with django_db_blocker.unblock():
        load_reference()
        emptying.remember()


@pytest.fixture
def reference(db: None) -> Iterator[None]:
    """Calendars, districts, industries and policies, as on a real installation."""
    yield
    calendars_in_use.forget()


@pytest.fixture
def journalled(reference: None) -> None:
    """The journal as on a real installation: it begins with the calendar and the policies (written again for this test)."""
    Entry.objects.bulk_create(_told)


@pytest.fixture
def ling(reference: None) -> Person:
    org = factories.organisation(OrganisationKind.ENTERPRISE, "重庆示例智造有限公司", uscc=factories.USCC["enterprise"])
    return factories.person("ling", "林示例", Role.ENTERPRISE, org)


@pytest.fixture
def wai(reference: None) -> Person:
    """A stranger: another enterprise that must see nothing of Ling's."""
    org = factories.organisation(OrganisationKind.ENTERPRISE, "重庆示例外人有限公司", uscc=factories.USCC["stranger"])
    return factories.person("wai", "魏示例", Role.ENTERPRISE, org)


@pytest.fixture
def bo(reference: None) -> Person:
    org = factories.organisation(OrganisationKind.BANK, "示例甲银行", uscc=factories.USCC["bank"])
    return factories.person("bo", "薄示例", Role.OFFICER, org)


@pytest.fixture
def bo_manager(bo: Person) -> Person:
    return factories.person("bo_manager", "柏示例", Role.MANAGER, bo.organisation)


@pytest.fixture
def cui(reference: None) -> Person:
    return factories.person("cui", "崔示例", Role.OFFICER, factories.organisation(OrganisationKind.BANK, "示例乙银行"))


@pytest.fixture
def gu(reference: None) -> Person:
    return factories.person(
        "gu", "顾示例", Role.OFFICER, factories.organisation(OrganisationKind.GUARANTOR, "示例担保")
    )


@pytest.fixture
def chen(reference: None) -> Person:
    org = factories.organisation(OrganisationKind.IP_OFFICE, "示例知识产权登记处")
    return factories.person("chen", "陈示例", Role.CLERK, org)


@pytest.fixture
def chief(chen: Person) -> Person:
    return factories.person("chief", "程示例", Role.CHIEF, chen.organisation)


@pytest.fixture
def rui(reference: None) -> Person:
    return factories.person(
        "rui", "芮示例", Role.REGULATOR, factories.organisation(OrganisationKind.REGULATOR, "示例监管部门")
    )


@pytest.fixture
def ada(reference: None) -> Person:
    return factories.person("ada", "艾示例", Role.ADMIN, factories.organisation(OrganisationKind.PLATFORM, "示例平台"))


@pytest.fixture
def sena(ada: Person) -> Person:
    """The security administrator, of the same house as Ada."""
    return factories.person("sena", "沈安全示例", Role.SECURITY, ada.organisation)


@pytest.fixture
def audi(ada: Person) -> Person:
    """The audit administrator, of the same house as Ada."""
    return factories.person("audi", "奚审计示例", Role.AUDIT, ada.organisation)


@pytest.fixture
def product(bo: Person) -> Product:
    return factories.product(bo.organisation)
