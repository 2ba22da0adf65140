"""A request brought to a stage by the portal's own verbs, and what a page of it says."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse

from applications.actions import responses
from applications.models import Application, Offer, Referral
from portal.foundation.core import moments
from tests.factories import Person

FAR = date(2099, 1, 1)


def referral_of(case: Application, person: Person) -> Referral:
    return case.referrals.get(institution_id=person.organisation.pk)


def offer_of(case: Application, person: Person, amount: int = 8_000_000, rate: str = "3.45", **terms: Any) -> Offer:
    fields: dict[str, Any] = {"term_months": 24, "valid_until": FAR, "annual_rate": Decimal(rate), **terms}
    return responses.offer(
        referral_of(case, person).pk,
        responses.Terms(amount=Decimal(amount), **fields),
        actor=person.actor,
        now=moments.now(),
    )


def question_of(case: Application, person: Person) -> Any:
    return responses.ask(
        referral_of(case, person).pk, question="请补充近两年财务报表", actor=person.actor, now=moments.now()
    )


def decline(case: Application, person: Person) -> None:
    responses.decline(referral_of(case, person).pk, code="amount", note="", actor=person.actor, now=moments.now())


def long_ago(case: Application, minutes: int = 11) -> None:
    Application.objects.filter(pk=case.pk).update(submitted_at=moments.now() - timedelta(minutes=minutes))


def get(person: Person, name: str, *args: Any) -> str:
    response = person.client.get(reverse(name, args=args))
    assert response.status_code == 200, response.status_code
    return response.content.decode()
