"""Bo's bank calls the machine interface; it answers as the pages do."""

import pytest
from django.test import Client

from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-00000000", "next_step": "明天上午上门尽调"}


def test_bo_claims_through_the_api_and_a_second_claim_is_409(ling: Person, bo: Person, product: Product) -> None:
    referral = factories.application(ling, product).referrals.get()
    url = f"/api/v1/referrals/{referral.ref}/claim/"
    first = bo.client.post(url, CONTACT, content_type="application/json")
    assert first.status_code == 200, first.content
    assert first.json()["state"] == "claimed"
    assert first.json()["amount"] == "8000000.00"
    second = bo.client.post(url, CONTACT, content_type="application/json")
    assert second.status_code == 409
    assert "同事接单" in second.json()["reason"]


def test_a_claim_without_contact_is_400_at_its_field(ling: Person, bo: Person, product: Product) -> None:
    referral = factories.application(ling, product).referrals.get()
    answer = bo.client.post(
        f"/api/v1/referrals/{referral.ref}/claim/", {"contact_name": "薄"}, content_type="application/json"
    )
    assert answer.status_code == 400
    assert {"contact_phone", "next_step"} <= set(answer.json())


def test_another_bank_gets_404_and_the_enterprise_403(ling: Person, bo: Person, cui: Person, product: Product) -> None:
    referral = factories.application(ling, product).referrals.get()
    url = f"/api/v1/referrals/{referral.ref}/"
    assert bo.client.get(url).status_code == 200
    assert cui.client.get(url).status_code == 404
    assert ling.client.get(url).status_code == 403
    assert Client().get(url).status_code == 401


def test_anyone_reads_published_products_only(bo: Person, product: Product) -> None:
    factories.product(bo.organisation, "草稿产品", state=Product.State.DRAFT)
    rows = Client().get("/api/v1/products/").json()["results"]
    assert [r["name"] for r in rows] == [product.name]
