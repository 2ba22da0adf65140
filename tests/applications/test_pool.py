"""Cui looks for open calls in the pool: facts without names, and a name once claimed."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from applications.actions import choices, responses
from applications.models import Application, Consent, Referral
from portal.foundation.accounts.models import OrganisationKind
from portal.foundation.core import moments
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
CONTACT = {"contact_name": "崔示例", "contact_phone": "023-67961234", "next_step": "今天下午电话沟通"}


@pytest.fixture
def case(ling: Person, bo: Person, product: Product) -> Application:
    """An open call that went to Bo's bank, the only match at the time."""
    made = factories.application(ling, open_call=True)
    Application.objects.filter(pk=made.pk).update(contact_phone="13912345678")
    return made


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_pool_shows_facts_and_never_who(case: Application, bo: Person, cui: Person, wai: Person) -> None:
    one = reverse("desk-pool-claim", args=[case.number])
    for page in (text(cui.client.get(reverse("desk-pool"))), text(cui.client.get(one))):
        for said in (case.number, "800", "24", "发明专利 1 件", "制造业", "两江新区"):
            assert said in page
        for hidden in (case.organisation_name, "林示例", "13912345678", "201710601862"):
            assert hidden not in page
    assert case.number not in text(bo.client.get(reverse("desk-pool")))  # it was addressed to Bo's bank
    assert bo.client.get(one).status_code == 404
    assert wai.client.get(reverse("desk-pool")).status_code == 403
    assert wai.client.post(one, CONTACT).status_code == 403


def test_filters_of_the_pool_live_in_the_address(case: Application, cui: Person) -> None:
    for query, there in {
        "?band=l&term=24&kind=invention&district=500157": True,
        "?band=s": False,
        "?term=12": False,
        "?kind=design": False,
        "?district=500106": False,
        "?band=x&term=x&kind=x&district=x&after=x": True,
        f"?after={case.pk}": False,
    }.items():
        assert (case.number in text(cui.client.get(reverse("desk-pool") + query))) is there, query


def test_cui_claims_and_then_sees_whom_to_call(case: Application, cui: Person) -> None:
    one = reverse("desk-pool-claim", args=[case.number])
    slip = cui.client.post(one, {**CONTACT, "next_step": ""})
    assert slip.status_code == 400
    assert case.organisation_name not in text(slip)
    page = cui.client.post(one, CONTACT, follow=True)
    assert case.organisation_name in text(page)
    assert "13912345678" in text(page)
    mine = case.referrals.get(institution_id=cui.organisation.pk)
    assert (mine.origin, mine.state, mine.clock_id) == ("pool", "claimed", None)
    assert Consent.objects.filter(application=case, institution_id=cui.organisation.pk, revoked_at=None).exists()
    again = cui.client.post(one, CONTACT)
    assert again.status_code == 409
    assert "已在本机构名下" in text(again)
    assert reverse("desk-referral", args=[mine.ref]) in text(again)
    assert case.referrals.filter(institution_id=cui.organisation.pk).count() == 1


def test_the_enterprise_withdrew_before_the_claim(case: Application, ling: Person, cui: Person) -> None:
    one = reverse("desk-pool-claim", args=[case.number])
    choices.withdraw(case.pk, reason="", actor=ling.actor, now=moments.now())
    answer = cui.client.post(one, {**CONTACT, "next_step": "我写了很长的一段"})
    assert answer.status_code == 409
    assert "已不在需求池" in text(answer)
    assert "我写了很长的一段" in text(answer)
    assert "800 万元" not in text(answer)
    assert cui.client.get(one).status_code == 404


def test_a_request_to_chosen_banks_is_in_no_pool(ling: Person, bo: Person, cui: Person, product: Product) -> None:
    case = factories.application(ling, product)
    one = reverse("desk-pool-claim", args=[case.number])
    assert cui.client.get(one).status_code == 404
    assert cui.client.post(one, CONTACT).status_code == 404
    assert cui.client.get(reverse("desk-pool-claim", args=["nothing"])).status_code == 404


def test_a_guarantor_that_works_on_it_cannot_claim_it_again(case: Application, gu: Person) -> None:
    """The answer is a sentence, not a broken constraint."""
    responses.claim_from_pool(case.pk, **CONTACT, actor=gu.actor, now=moments.now())
    assert gu.client.post(reverse("desk-pool-claim", args=[case.number]), CONTACT).status_code == 409


def test_the_dispatchers_desk_does_not_claim(case: Application) -> None:
    org = factories.organisation(OrganisationKind.BANK, "示例调度台")
    org.institution.dispatcher = True
    org.institution.save()
    person = factories.person("di", "狄示例", "officer", org)
    answer = person.client.post(reverse("desk-pool-claim", args=[case.number]), CONTACT)
    assert answer.status_code == 409
    assert "调度台不认领" in text(answer)
    page = text(person.client.get(reverse("desk-pool-claim", args=[case.number])))
    assert "800 万元" in page
    assert "认领</button>" not in page
    assert Referral.objects.filter(institution_id=org.pk).count() == 0


def test_a_full_pool_stays_within_twelve_queries(ling: Person, bo: Person, cui: Person, product: Product) -> None:
    for _ in range(6):
        factories.application(ling, open_call=True)
    with CaptureQueriesContext(connection) as seen:
        assert cui.client.get(reverse("desk-pool")).status_code == 200
    assert len(seen) <= 12
