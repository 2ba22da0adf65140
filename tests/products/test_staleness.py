"""A product nobody has confirmed for long: both sides are told once, one click puts it right, Rui sets after how long."""

from datetime import timedelta

import pytest

from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from products import staleness
from products.models import Product
from tests.factories import Person
from tests.notifications.conftest import Told, everybody, told  # noqa: F401 - fixtures
from tests.products.conftest import Publish

pytestmark = pytest.mark.django_db
now = moments.now


def test_both_sides_are_told_once_and_one_click_confirms(
    published: Publish,
    bo: Person,
    rui: Person,
    told: Told,  # noqa: F811
) -> None:
    product = published().product
    assert staleness.raise_alarms(now=now() + timedelta(days=179)) == 0
    late = now() + timedelta(days=180, minutes=1)
    assert [staleness.raise_alarms(now=late), staleness.raise_alarms(now=late)] == [1, 0]
    assert told("product.stale") == {
        "bo": "产品久未确认，请确认仍然有效或修改",
        "bo_manager": "产品久未确认，请确认仍然有效或修改",
        "rui": "产品久未确认",
    }
    Product.objects.filter(pk=product.pk).update(confirmed_at=now() - timedelta(days=200))
    assert "仍然有效" in bo.client.get(f"/products/own/{product.pk}/").content.decode()
    assert "久未确认" in rui.client.get("/products/review/?tab=stale").content.decode()
    assert bo.client.post(f"/products/own/{product.pk}/confirm/").status_code == 302
    assert "没有产品" in rui.client.get("/products/review/?tab=stale").content.decode()
    assert staleness.raise_alarms(now=now()) == 0
    assert staleness.raise_alarms(now=now() + timedelta(days=181)) == 1  # a new silence is a new alarm


def test_rui_sets_after_how_many_days(published: Publish, rui: Person, bo: Person) -> None:
    published()
    assert bo.client.get("/products/review/policy/").status_code == 403
    assert rui.client.post("/products/review/policy/", {"days": "3", "ground": "试行"}).status_code == 400
    assert rui.client.post("/products/review/policy/", {"days": "90", "ground": "试行"}).status_code == 302
    assert staleness.stale_days() == 90
    assert Entry.objects.filter(verb="product.policy_set").exists()
    assert staleness.raise_alarms(now=now() + timedelta(days=91)) == 1


def test_rui_confirms_only_what_nobody_here_can(published: Publish, rui: Person) -> None:
    product = published().product
    assert rui.client.post(f"/products/own/{product.pk}/confirm/").status_code == 403
    product.institution.connected = False
    product.institution.save()
    assert rui.client.post(f"/products/own/{product.pk}/confirm/").status_code == 302
