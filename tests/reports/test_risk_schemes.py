"""Rui sets up a scheme of its own code, e.g. a district's fund with its own shares."""

import pytest
from django.urls import reverse

from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from products.models import RiskScheme
from tests.factories import Person

pytestmark = pytest.mark.django_db
now = moments.now


def test_rui_sets_up_a_districts_fund_through_the_browser(rui: Person, bo: Person) -> None:
    page = reverse("supervision-scheme-new")
    sent = {
        "name": "渝中区风险补偿（示例）", "code": "district-500103", "kind": "guarantor", "district": "500103",
        "counts_to_cap": "on", "share_bank": "20", "share_guarantor": "40", "share_district": "40", "ground": "示例文号",
        "valid_from": f"{moments.local_date(now())}",
    }  # fmt: skip
    assert bo.client.get(page).status_code == 403
    assert rui.client.get(page).status_code == 200
    for wrong in (
        {"share_bank": "10"},  # not the whole, and less than the bank has to carry
        {"district": ""},  # whose fund is it?
        {"share_guarantor": "30", "share_insurer": "10"},
        {"share_district": "30", "share_national": "10"},  # the national fund without a tier
        {"code": "national-a"},
        {"code": "new"},
        {"ground": ""},
    ):
        assert rui.client.post(page, {**sent, **wrong}).status_code == 400, wrong
    assert rui.client.post(page, sent).status_code == 302
    made = RiskScheme.objects.get(code="district-500103")
    assert (made.version, made.district_id, made.confirmed) == (1, "500103", False)
    assert "渝中区风险补偿（示例）" in rui.client.get(reverse("supervision-risk")).content.decode()
    told = Entry.objects.get(verb="risk.scheme_set")
    assert (told.subject, told.actor_id) == (f"risk_scheme:{made.pk}", rui.user.pk)
