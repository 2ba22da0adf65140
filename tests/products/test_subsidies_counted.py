"""The district's confirmed interest subsidy in what Ling reads of costs; a visitor is told that none is counted."""

from decimal import Decimal
from html import unescape

import pytest
from django.test import Client

from products.models import Product
from products.subsidies.models import SubsidyScheme
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
ASKED = {"invention": "3", "amount": "300", "term": "12", "wish": "neither"}
NAME = "两江新区知识产权质押贷款贴息（示例）"


@pytest.fixture
def shelf(bo: Person) -> list[Product]:
    return [
        factories.product(bo.organisation, f"示例{name}贷", rate_from=Decimal(rate), summary=name)
        for name, rate in (("甲", "3.6"), ("乙", "3.9"))
    ]


def match(client: Client) -> tuple[str, str]:
    """The page, and the bill of the cheaper product in one sentence."""
    answer = client.get("/match/", ASKED)
    assert answer.status_code == 200
    results = [r for group in answer.context["groups"] for r in group.results]
    return unescape(answer.content.decode()), next(r.cost.headline for r in results if r.product.name == "示例甲贷")


def compare(client: Client, shelf: list[Product]) -> str:
    return unescape(
        client.get("/products/", {"c": [p.pk for p in shelf], "amount": "300", "term": "12"}).content.decode()
    )


def test_only_a_confirmed_scheme_of_her_own_district_is_subtracted(
    ling: Person, wai: Person, shelf: list[Product]
) -> None:
    _, plain = match(Client())
    page, unsure = match(ling.client)
    assert unsure == plain, "figures that are to be confirmed are never subtracted"
    assert "政府补贴没有计入：所在区县现在没有已核实的贷款贴息" in page

    SubsidyScheme.objects.filter(code="interest-500157").update(confirmed=True)
    page, helped = match(ling.client)
    assert helped != plain
    assert f"已减去所在区县的{NAME}" in page
    assert f"减：{NAME}" in page, "the line of the bill"

    type(wai.organisation).objects.filter(pk=wai.organisation.pk).update(district="500106")
    page, elsewhere = match(wai.client)
    assert elsewhere == plain
    assert NAME not in page


def test_a_visitor_and_a_bank_read_that_nothing_is_counted(bo: Person, shelf: list[Product]) -> None:
    SubsidyScheme.objects.filter(code="interest-500157").update(confirmed=True)
    for client in (Client(), bo.client):
        for page in (match(client)[0], compare(client, shelf)):
            assert "政府补贴没有计入，企业登录后按所在区县计入" in page
            assert NAME not in page


def test_the_comparison_counts_the_same_for_ling(ling: Person, shelf: list[Product]) -> None:
    before = compare(ling.client, shelf)
    SubsidyScheme.objects.filter(code="interest-500157").update(confirmed=True)
    after = compare(ling.client, shelf)
    assert f"已减去所在区县的{NAME}" in after
    assert "政府补贴没有计入" in before
    assert "政府补贴没有计入" not in after
    cheaper = match(ling.client)[1].partition("总成本 ")[2].partition(" 元")[0]
    assert f"{cheaper} 元" in after
    assert f"{cheaper} 元" not in before


def test_a_budget_that_is_used_up_is_not_promised(ling: Person, shelf: list[Product]) -> None:
    scheme = SubsidyScheme.objects.get(code="interest-500157")
    SubsidyScheme.objects.filter(pk=scheme.pk).update(confirmed=True, reserved=scheme.budget)
    page, cost = match(ling.client)
    assert cost == match(Client())[1]
    assert "政府补贴没有计入" in page
