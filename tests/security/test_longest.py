"""Everything as long as its field allows, through a whole life of a request: it fits everywhere it is written."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from applications.actions import choices, responses
from pledges.actions import examination
from pledges.models import Registration
from portal.foundation.accounts.models import Organisation, User
from portal.foundation.assets.models import CoOwner, Patent
from portal.foundation.core import moments
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Delivery, Entry
from tests import factories
from tests.factories import Person
from tests.pledges.conftest import accepted, examined, submitted
from tests.reports.seed import Seed

from .crawling import post, walk
from .test_canaries import starts
from .world import FAR, World, build

pytestmark = pytest.mark.django_db


def long(count: int, *, of: str = "长") -> str:
    return (of * count)[:count]


@pytest.fixture
def people(people: dict[str, Person]) -> dict[str, Person]:
    """Everybody with the longest names their fields hold."""
    for number, person in enumerate(people.values()):
        Organisation.objects.filter(pk=person.organisation.pk).update(
            name=long(118) + f"{number:02}", contact_name=long(40)
        )
        User.objects.filter(pk=person.user.pk).update(name=long(38) + f"{number:02}")
        person.membership.refresh_from_db()
    return people


def test_the_longest_names_fit_on_every_page(world: World) -> None:
    Patent.objects.update(title=long(200), patentee=long(200))
    for name in ("ling", "bo", "chen", "rui"):
        for url, answer, _ in walk(world.people[name].client, starts(world), follow=False):
            assert answer.status_code < 500 or url == "/healthz/deep", (name, url)


def test_the_longest_words_fit_through_every_form(world: World) -> None:
    ling, bo, rui = (world.people[n] for n in ("ling", "bo", "rui"))
    case = factories.application(ling, world.product, patents=[world.patent], purpose_note=long(300))
    ref = case.referrals.get(institution_id=bo.organisation.pk).ref

    def sends(by: Person, url: str, data: dict[str, Any], status: int = 302) -> None:
        answer = by.client.post(url, data)
        assert answer.status_code == status, (url, answer.content.decode()[:3000])

    sends(
        bo,
        reverse("desk-claim", args=[ref]),
        {"contact_name": long(40), "contact_phone": "023-67961234", "next_step": long(300)},
    )
    sends(bo, reverse("desk-ask", args=[ref]), {"question": long(500)})
    question = case.referrals.get().questions.get()
    sends(ling, reverse("case-answer", args=[case.number, question.pk]), {"answer": long(1000)})
    terms = {"amount": "1000000", "term_months": "24", "annual_rate": "36", "repayment": "等额本息", "conditions": long(500),
             "other_fees": "10000000000", "valid_until": "2199-12-31"}  # fmt: skip
    sends(bo, reverse("desk-offer", args=[ref]), terms)
    assert (
        post(
            bo.client, reverse("desk-decline", args=[ref]), {"code": "other", "note": long(300), "confirmed": "on"}
        ).status_code
        == 302
    )
    sends(ling, reverse("case-withdraw", args=[case.number]), {"reason": "other", "note": long(150)})
    late = Seed(ling, serial=8000).referral(bo.organisation, started=moments.now() - timedelta(days=20)).clock
    assert late is not None
    order = {"demand": long(1000), "reply_days": "1", "step": "confirm"}
    sends(rui, reverse("supervision-order", args=[late.pk]), order)
    number = late.supervision_orders.get().number
    sends(bo, reverse("order-reply", args=[number]), {"reply": long(1000), "step": "confirm"})
    assert max(len(text) for text in Entry.objects.values_list("text", flat=True)) <= 500


def test_the_longest_pledge_file_is_examined_corrected_and_refused(people: dict[str, Person], product: Any) -> None:
    ling, bo, chen = (people[n] for n in ("ling", "bo", "chen"))
    mine = factories.patent(ling.organisation)
    Patent.objects.filter(pk=mine.pk).update(title=long(200), patentee=long(118) + "00")
    mine.refresh_from_db()
    case = accepted(ling, bo, product, patents=[mine])
    file = submitted(case, bo, ling, debtor_name=long(120), contract_number=long(60), co_owner_agreement=False)
    file = examined(file, chen)
    sent = {
        "rows": "3",
        "common": [str(i) for i in range(5)],
        "place_1": "other",
        "defect_1": long(300),
        "confirm": "1",
    }
    answer = chen.client.post(reverse("office-correct", args=[file.number]), sent)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    file = Registration.objects.get(pk=file.pk)
    for row in file.corrections.all():
        form = {"correction": row.pk, f"c{row.position}-text": long(300)}
        answered = bo.client.post(reverse("pledges:correct", args=[file.number]), form)
        assert answered.status_code in (302, 400)
    other = submitted(accepted(ling, bo, product, patents=[_fresh(ling)]), bo, ling)
    other = examined(other, chen)
    refusal = {"ground": "R12", "note": long(500)}
    assert chen.client.post(reverse("office-refuse", args=[other.number]), refusal).status_code == 302
    withdrawn = reverse("pledges:withdraw", args=[file.number])
    assert bo.client.post(withdrawn, {"reason": long(200)}).status_code in (302, 409)
    dispatcher.dispatch(now=moments.now())
    assert not Delivery.objects.exclude(last_error="").exists()
    assert CoOwner.objects.count() == 0
    assert examination.MAX_DEFECTS >= 5


def _fresh(ling: Person) -> Patent:
    return factories.patent(ling.organisation, factories.INVENTION_2)


def test_the_longest_names_are_told_to_everybody(people: dict[str, Person]) -> None:
    world = build(people)
    responses.offer(
        world.referral(world.shared, "cui").pk,
        responses.Terms(Decimal("9999999999.99"), 360, FAR, annual_rate=Decimal(36), conditions=long(500)),
        actor=world.cui.actor,
        now=moments.now(),
    )
    choices.accept(world.offer.pk, actor=world.ling.actor, now=moments.now())
    dispatcher.dispatch(now=moments.now())
    assert not Delivery.objects.exclude(last_error="").exists()
