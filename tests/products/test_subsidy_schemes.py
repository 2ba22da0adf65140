"""Rui sets a subsidy scheme up and changes it: never below what is approved, and what it was stays on record."""

from decimal import Decimal

import pytest
from django.urls import reverse

from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from products.subsidies.models import SubsidyClaim, SubsidyScheme
from tests.factories import Person

pytestmark = pytest.mark.django_db
INTEREST = "interest-500157"
TYPED = {
    "rate": "40", "rate_confirmed": "on", "most": "60", "budget": "200", "confirmed": "on", "valid_from": "2027-01-01",
    "valid_until": "2027-12-31", "rule": "按已付利息的一定比例贴息。", "ground": "示例办法〔2027〕1号",
}  # fmt: skip


def scheme(code: str = INTEREST) -> SubsidyScheme:
    return SubsidyScheme.objects.get(code=code)


def test_rui_sets_up_next_years_scheme_of_a_district(rui: Person, ling: Person) -> None:
    page = reverse("subsidy-scheme-new")
    wish = {**TYPED, "name": "渝中区贷款贴息（示例）", "code": "Interest-500103-2027", "kind": "interest",
            "district": "500103"}  # fmt: skip
    assert ling.client.get(page).status_code == 403
    assert rui.client.post(page, {**wish, "ground": " "}).status_code == 400
    assert rui.client.post(page, {**wish, "valid_until": "2026-12-31"}).status_code == 400
    for taken in ("new", INTEREST):
        assert "已经用了" in rui.client.post(page, {**wish, "code": taken}).content.decode()
    assert rui.client.post(page, wish).status_code == 302
    made = scheme("interest-500103-2027")
    assert (made.budget, made.most, made.district_id) == (Decimal(2_000_000), Decimal(600_000), "500103")
    told = Entry.objects.get(verb="subsidy.scheme_set")
    assert (told.subject, told.actor_id) == (made.subject, rui.user.pk)
    assert "预算 200 万元（已核实）" in told.text
    assert made.name in ling.client.get(reverse("subsidies")).content.decode()


def test_a_change_needs_a_reason_and_is_on_record_with_what_it_was(rui: Person, ling: Person) -> None:
    page = reverse("subsidy-scheme", args=[INTEREST])
    before = scheme()
    wish = {**TYPED, "why": "示例办法〔2027〕1号提高比例"}
    assert ling.client.get(page).status_code == 403
    assert rui.client.post(page, {**wish, "why": ""}).status_code == 400
    assert rui.client.post(page, wish).status_code == 302
    after = scheme()
    assert (after.rate, after.budget, after.confirmed) == (Decimal(40), Decimal(2_000_000), True)
    assert (after.name, after.kind, after.code) == (before.name, before.kind, before.code)
    shown = rui.client.get(page).content.decode()
    assert "比例 30%（待确认） → 比例 40%（已核实）" in shown
    assert "示例办法〔2027〕1号提高比例" in shown
    assert Entry.objects.get(verb="subsidy.scheme_set").data["before"]["rate"] == "30.000"
    unchanged = rui.client.post(page, wish)
    assert (unchanged.status_code, "没有改动" in unchanged.content.decode()) == (400, True)


def test_the_budget_never_falls_below_what_is_approved_and_claims_keep_their_amounts(rui: Person, ling: Person) -> None:
    claim = SubsidyClaim.objects.create(
        scheme=scheme(), organisation=ling.organisation, case_number="YZD202611230001X", base=Decimal(100_000),
        amount=Decimal(30_000), applied_by="林示例", applied_at=moments.now(),
    )  # fmt: skip
    SubsidyScheme.objects.filter(code=INTEREST).update(reserved=Decimal(500_000))
    page = reverse("subsidy-scheme", args=[INTEREST])
    wish = {**TYPED, "why": "压减预算"}
    refused = rui.client.post(page, {**wish, "budget": "49"})
    assert refused.status_code == 400
    assert "已核定 50 万元，预算不能低于它" in refused.content.decode()
    assert rui.client.post(page, {**wish, "budget": "50"}).status_code == 302
    claim.refresh_from_db()
    assert (scheme().left, claim.amount) == (Decimal(0), Decimal(30_000))
