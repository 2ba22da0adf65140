"""An enterprise's bank asks the same thing twice: once is once (38)."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from applications.actions import drafts
from applications.models import Application, Referral
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.models import OnceAnswer
from portal.foundation.journal.models import Entry
from products.models import Product
from tests import factories
from tests.applications.wizard_steps import filled
from tests.factories import Person
from tests.threads import together

from .web_world import traces

pytestmark = pytest.mark.django_db
CLAIM = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "尽调"}


def claim(client: Client, referral: Referral, key: str, **changes: str) -> Any:
    url = reverse("api-referral-claim", args=[referral.ref])
    return client.post(url, {**CLAIM, **changes}, content_type="application/json", headers={"Idempotency-Key": key})


def test_attack_38_the_same_key_with_another_body_is_refused(
    ling: Person, bo: Person, bo_manager: Person, product: Product
) -> None:
    """Bo's system repeats its claim: the same answer; with another phone number: 422. The key is nobody else's."""
    mine, key = factories.application(ling, product).referrals.get(), str(uuid.uuid4())
    first = claim(bo.client, mine, key)
    assert first.status_code == 200
    again = claim(bo.client, mine, key)
    assert (again.status_code, again.json()) == (200, first.json())
    other = claim(bo.client, mine, key, contact_phone="023-11111111")
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["reason"]
    assert traces("other-body", bo) == 1
    assert claim(bo.client, mine, str(uuid.uuid4())).status_code == 409
    assert claim(bo_manager.client, mine, key).status_code == 409  # her own key of the same name
    for wrong in ("short", "x" * 201, "with\tcontrol-12345", "schlüssel-12345"):
        assert claim(bo.client, mine, wrong.encode("utf-8").decode("latin-1")).status_code == 400
    assert Entry.objects.filter(verb="referral.claimed").count() == 1


def test_attack_38_what_was_refused_may_be_tried_again_under_its_key(
    ling: Person, bo: Person, product: Product
) -> None:
    """Bo's system forgot the contact, is refused, and sends it again complete."""
    mine, key = factories.application(ling, product).referrals.get(), str(uuid.uuid4())
    assert claim(bo.client, mine, key, contact_name="").status_code == 400
    assert not OnceAnswer.objects.exists()
    assert claim(bo.client, mine, key).status_code == 200


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_attack_38_the_same_body_twenty_times_at_once_is_one_object(ling: Person, bo: Person, product: Product) -> None:
    """Bo's system in twenty threads, Ling's impatient browser in twenty more."""
    mine, key = factories.application(ling, product).referrals.get(), str(uuid.uuid4())

    def asks() -> int:
        browser = Client(raise_request_exception=False)
        browser.cookies = bo.client.cookies.copy()
        return int(claim(browser, mine, key).status_code)

    said = together(*[asks] * 20, seconds=120)
    assert set(said) <= {200, 409}
    assert 200 in said
    assert Entry.objects.filter(verb="referral.claimed").count() == 1
    assert claim(bo.client, mine, key).status_code == 200

    draft = drafts.start(actor=ling.actor, now=moments.now())
    filled(ling, draft, Patent.objects.get(), product)
    page = ling.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    hidden = {n: page.split(f'name="{n}" value="')[1].split('"')[0] for n in ("version", "token")}

    def sends() -> tuple[int, str]:
        browser = Client(raise_request_exception=False)
        browser.cookies = ling.client.cookies.copy()
        answer = browser.post(reverse("apply:submit", args=[draft.pk]), hidden)
        return answer.status_code, answer.headers.get("Location", "")

    before = Application.objects.count()
    answers = together(*[sends] * 20, seconds=120)
    assert Application.objects.count() == before + 1
    assert len({where for status, where in answers if status == 302}) == 1
    assert {status for status, _ in answers} <= {302, 409}
