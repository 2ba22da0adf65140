"""Nobody loses a guarantee by one click: what follows is said first, with the amount."""

from typing import Any

import pytest
from django.urls import reverse

from applications.cover_models import Cover
from products.models import Product
from tests import covering, lending
from tests.factories import Person

pytestmark = pytest.mark.django_db


def fresh(cover: Cover) -> Cover:
    return Cover.objects.get(pk=cover.pk)


def test_ling_is_asked_before_she_refuses_or_takes_back(ling: Person, bo: Person, gu: Person, product: Product) -> None:
    referral = covering.claimed(ling, bo, product)
    page = reverse("case-cover", args=[referral.application.number, covering.asked(referral, bo, gu).ref])
    refusing = ling.client.post(page, {"step": "withdraw"}).content.decode()
    assert "确认不同意" in refusing
    assert "500 万元" in refusing
    assert Cover.objects.get().state == "proposed", "one click does nothing"
    assert ling.client.post(page, {"step": "consent"}).status_code == 302
    assert "确认撤回申请" in ling.client.post(page, {"step": "withdraw"}).content.decode()
    assert Cover.objects.get().state == "waiting"
    assert ling.client.post(page, {"step": "withdraw", "sure": "1"}).status_code == 302
    assert Cover.objects.get().state == "withdrawn"
    assert ling.client.post(page, {"step": "withdraw"}).status_code == 409, "there is nothing left to be asked about"


def test_gu_is_asked_before_a_guarantee_is_released(
    ling: Person, bo: Person, gu: Person, chen: Person, product: Product, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    lending.paid_out(ling, bo, chen, product, guarantor=gu)
    made = Cover.objects.get()
    page = reverse("desk-cover", args=[made.ref])
    assert gu.client.post(page, {"step": "release", "note": ""}).status_code == 400
    asked = gu.client.post(page, {"step": "release", "note": "贷款已结清"}).content.decode()
    assert "确认解除责任" in asked
    assert "500 万元" in asked
    assert fresh(made).state == "committed", "one click does nothing"
    assert gu.client.post(page, {"step": "release", "note": "贷款已结清", "sure": "1"}).status_code == 302
    assert fresh(made).state == "released"
