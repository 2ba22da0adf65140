"""A prepared queryset gives the rows that the queryset gives, again and again, with other values."""

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from portal.foundation.core.prepared import Among, Prepared, Slot
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db


def test_prepared_products_are_the_querysets_products(bo: Person, cui: Person) -> None:
    mine, other = factories.product(bo.organisation), factories.product(cui.organisation)
    hidden = factories.product(bo.organisation, "草稿产品", state=Product.State.DRAFT)
    published = Product.objects.published().select_related("institution__organisation").order_by("-pk")
    prepared = Prepared(lambda: published.filter(Among("pk", Slot("ids"))))
    for wanted in ([mine.pk, other.pk, hidden.pk], [other.pk], []):
        with CaptureQueriesContext(connection) as asked:
            found = prepared(ids=wanted)
            titles = [product.institution.organisation.name for product in found]
        plain = list(published.filter(pk__in=wanted))
        assert [vars(product) | {"_state": None} for product in found] == [vars(p) | {"_state": None} for p in plain]
        assert titles == [product.institution.organisation.name for product in plain]
        assert len(asked) == 1
        assert not any(product._state.adding for product in found)


def test_columns_left_out_are_fetched_when_they_are_needed(bo: Person) -> None:
    made = factories.product(bo.organisation, summary="利率以机构答复为准")
    (found,) = Prepared(lambda: Product.objects.only("name").filter(pk=Slot("pk")))(pk=made.pk)
    assert found.get_deferred_fields()
    assert found.summary == "利率以机构答复为准"


def test_a_forgotten_value_is_an_error(bo: Person) -> None:
    with pytest.raises(KeyError, match="pk"):
        Prepared(lambda: Product.objects.filter(pk=Slot("pk")))()


@pytest.mark.django_db(transaction=True)
def test_locking_outside_a_transaction_is_an_error_not_a_lock_that_is_gone_at_once() -> None:
    locked = Prepared(lambda: Product.objects.filter(pk=Slot("pk")).select_for_update(of=("self",)))
    with transaction.atomic():
        assert locked(pk=0) == []
    with pytest.raises(TransactionManagementError, match="open one first"):
        locked(pk=0)
    with transaction.atomic(), pytest.raises(Product.DoesNotExist):
        locked.one(pk=0)
