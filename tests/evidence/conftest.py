"""Requests of any day, and the database administrator with bad intentions."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection

from applications.actions import drafts, submit
from applications.models import Application, Purpose
from portal.foundation.core import moments
from portal.foundation.journal.sealer import seal
from products.models import Product
from tests import factories
from tests.factories import Person


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text.replace(' ', 'T')}+08:00")


def asked(by: Person, *products: Product, on: datetime) -> Application:
    """A request of this person, submitted at a moment of the past."""
    patents = list(by.organisation.patents.all()) or [factories.patent(by.organisation)]
    draft = drafts.start(actor=by.actor, now=on)
    wish = submit.Wish(
        amount=Decimal(8_000_000),
        term_months=12,
        purpose=Purpose.WORKING_CAPITAL,
        contact_name="林示例",
        contact_phone="13800000000",
        patent_ids=[p.pk for p in patents],
        product_ids=[p.pk for p in products],
    )
    return submit.submit(draft.pk, wish, actor=by.actor, now=on)


def seal_all() -> None:
    while seal(now=moments.now()):
        pass


@pytest.fixture
def behind_our_back() -> Callable[..., None]:
    """What a superuser with bad intentions can do: switch the triggers off and write."""

    def write(statement: str, *values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(statement, values)
            cursor.execute("SET session_replication_role = DEFAULT")

    return write
