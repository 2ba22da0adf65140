"""Attacks 52–65: a bank, a guarantor or an insurer reaches for what is another's."""

import hashlib
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from applications.actions import responses
from applications.models import Application, Offer, Referral
from pledges.after import revoking
from portal.foundation.core import moments
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Entry, Look, Refusal
from portal.foundation.sla.models import Clock, Escalation
from portal.foundation.sla.sweep import sweep
from portal.notifications.models import Notice
from products.models import Product, SubsidyClaim
from products.subsidies import actions as subsidies
from tests import factories
from tests.applications.test_race_claim import CONTACT
from tests.by_hand import by_hand
from tests.factories import Person
from tests.pledges.conftest import accepted
from tests.security.crawling import text_of, walk
from tests.security.test_canaries import found_in, private_marks, starts
from tests.security.world import MARK, POOL, World
from tests.threads import together

from .guard_world import _own_files as _own_files
from .guard_world import people as people
from .guard_world import traced
from .guard_world import world as world

pytestmark = pytest.mark.django_db


def ref_of(case: Any, person: Person) -> Referral:
    return case.referrals.get(institution_id=person.organisation.pk)  # type: ignore[no-any-return]


def test_attack_52_a_request_that_was_not_offered_does_not_exist(world: World) -> None:
    """Cui opens, on the page and by the interface, what Ling sent to Bo's bank only."""
    ref = ref_of(world.asked, world.bo).ref
    assert world.cui.client.get(reverse("desk-referral", args=[ref])).status_code == 404
    traced(world.cui, "not-yours", "desk-referral")
    assert world.cui.client.get(reverse("api-referral-detail", args=[ref])).status_code == 404
    traced(world.cui, "not-yours", "api-referral-detail")


def test_attack_53_after_another_bank_has_it_only_the_public_part_is_left(world: World) -> None:
    """Bo takes the open call; Gu, who might have had it, reads no name, no phone and no purpose of it."""
    assert (
        world.bo.client.post(reverse("desk-claim", args=[ref_of(world.pool, world.bo).ref]), CONTACT).status_code == 302
    )
    answer = world.gu.client.get(reverse("desk-pool-claim", args=[world.pool.number]))
    assert answer.status_code in (200, 404)
    assert found_in(text_of(answer), [*POOL.values(), world.ling.organisation.name]) == []
    assert found_in(text_of(world.gu.client.get(reverse("desk-pool"))), [*POOL.values()]) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_attack_54_of_eight_claims_at_once_one_wins_and_seven_are_told_and_traced(
    bo: Person, ling: Person, product: Product
) -> None:
    """Eight colleagues of Bo press «claim» in the same second."""
    ref = ref_of(factories.application(ling, product), bo).ref
    colleagues = [factories.person(f"bo{i}", f"薄示例{i}", bo.membership.role, bo.organisation) for i in range(8)]  # type: ignore[arg-type]
    url = reverse("desk-claim", args=[ref])
    codes = together(*(lambda c=c: c.client.post(url, CONTACT).status_code for c in colleagues))
    assert sorted(str(code) for code in codes) == ["302", *["409"] * 7]
    assert Refusal.objects.filter(route="desk-claim", kind="conflict").count() == 7
    assert Entry.objects.filter(verb="referral.claimed").count() == 1


@pytest.mark.parametrize("name", ["desk-claim", "desk-ask", "desk-offer", "desk-decline", "desk-reveal"])
def test_attack_55_nobody_answers_in_another_banks_name(world: World, name: str) -> None:
    """Cui answers Bo's referral."""
    referral = ref_of(world.asked, world.bo)
    before = Entry.objects.count()
    answer = world.cui.client.post(
        reverse(name, args=[referral.ref]), {**CONTACT, "code": "amount", "question": "？", "reason": "看看"}
    )
    assert answer.status_code == 404
    traced(world.cui, "not-yours", name)
    assert Referral.objects.get(pk=referral.pk).state == referral.state
    assert Entry.objects.count() == before


@pytest.mark.parametrize("who", ["cui", "gu"])
def test_attack_56_offers_rates_valuations_and_notes_of_a_rival_stand_nowhere(world: World, who: str) -> None:
    """Every field of Bo's bank carries a mark; Cui and Gu walk through every page, file and answer."""
    dispatcher.dispatch(now=moments.now())
    marks = [*MARK.values(), *private_marks(world)]
    leaks = [
        f"{url}: {m}" for url, _, said in walk(world.people[who].client, starts(world)) for m in found_in(said, marks)
    ]
    assert leaks == []


def test_attack_57_an_answer_after_the_limit_stays_late(ling: Person, bo: Person, product: Product) -> None:
    """Bo claims when the two working days are over: taken, and late for ever."""
    referral = ref_of(factories.application(ling, product), bo)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sla_clock SET started_at = started_at - interval '30 days', due_at = due_at - interval '30 days',"
            " moments = ARRAY[now() - interval '1 day'], levels = ARRAY['overdue'], next_at = now() - interval '1 day'"
        )
    sweep()
    assert bo.client.post(reverse("desk-claim", args=[referral.ref]), CONTACT).status_code == 302
    clock = Clock.objects.get(pk=referral.clock_id)
    assert clock.stopped_at is not None
    assert clock.breached(now=moments.now())
    assert Escalation.objects.filter(clock=clock, level="overdue").count() == 1
    assert Entry.objects.filter(verb="referral.claimed").count() == 1


def test_attack_58_an_answer_cannot_be_dated_back(ling: Person, bo: Person, product: Product) -> None:
    """Bo sends the time of the answer along with the form."""
    referral = ref_of(factories.application(ling, product), bo)
    sent = {**CONTACT, "responded_at": "2020-01-01", "stopped_at": "2020-01-01", "now": "2020-01-01T00:00:00Z"}
    before = moments.now()
    assert bo.client.post(reverse("desk-claim", args=[referral.ref]), sent).status_code == 302
    referral.refresh_from_db()
    assert referral.responded_at is not None
    assert referral.responded_at >= before - timedelta(seconds=5)
    assert Entry.objects.get(verb="referral.claimed").at >= before - timedelta(seconds=5)


def test_attack_59_who_checked_a_subsidy_does_not_approve_it(world: World) -> None:
    """Rui checks Ling's claim and approves it himself: refused by the page, and by the database behind it."""
    claim, rui = world.claim, world.rui
    subsidies.check(claim.pk, actor=rui.actor, now=moments.now())
    answer = rui.client.post(
        reverse("subsidy-claim", args=[claim.ref]), {"step": "approve", "sure": "1", "confirm": "1"}
    )
    assert answer.status_code == 403
    traced(rui, "not-allowed", "subsidy-claim")
    assert SubsidyClaim.objects.get(pk=claim.pk).state == "checked"
    with by_hand(), pytest.raises(IntegrityError), transaction.atomic():
        SubsidyClaim.objects.filter(pk=claim.pk).update(
            state="approved", approved_by=rui.user, approved_at=moments.now()
        )


def test_attack_59_who_proposed_a_revocation_does_not_decide_it(world: World, chief: Person) -> None:
    """The chief proposes to revoke a registration and decides on it alone."""
    file = world.registered
    made = revoking.propose(
        file.pk,
        ground="false_promise",
        refusal_ground="",
        found="示例情况",
        actor=chief.actor,
        now=moments.now(),
    )
    answer = chief.client.post(reverse("office-revoke", args=[file.number]), {"read": "on", "note": ""})
    assert answer.status_code == 403
    answer = chief.client.post(reverse("office-revoke", args=[file.number]), {"drop": "1", "note": "不撤"})
    assert answer.status_code == 403
    traced(chief, "not-allowed", "office-revoke")
    with by_hand(), pytest.raises(IntegrityError), transaction.atomic():
        type(made).objects.filter(pk=made.pk).update(decided_by=chief.user)


def test_attack_60_the_chair_one_sits_in_decides_not_the_ones_one_has(world: World) -> None:
    """Bo also has a chair at Cui's bank; while he sits at his own, Cui's referral does not exist for him."""
    from portal.foundation.accounts.models import Membership

    Membership.objects.create(user=world.bo.user, organisation=world.cui.organisation, role="officer")
    ref = ref_of(world.pool, world.cui).ref
    assert world.bo.client.get(reverse("desk-referral", args=[ref])).status_code == 404
    assert world.bo.client.post(reverse("desk-claim", args=[ref]), CONTACT).status_code == 404
    traced(world.bo, "not-yours", "desk-claim")


def test_attack_61_copying_the_list_of_enterprises_ends_at_a_number_and_is_told(
    world: World,
    settings: Any,
    sena: Person,
) -> None:
    """Bo opens one request after the other; the next enterprise is refused, and the security administrator hears of it."""
    settings.ENTERPRISES_A_DAY = 1
    bo = world.bo
    assert bo.client.get(reverse("desk-referral", args=[ref_of(world.asked, bo).ref])).status_code == 200
    other = ref_of(factories.application(world.wai, world.product), bo)
    page = reverse("desk-referral", args=[other.ref])
    Referral.objects.filter(pk=other.pk).update(officer=None)
    assert bo.client.get(page).status_code == 429
    traced(bo, "too-many", "desk-referral")
    assert bo.client.post(reverse("desk-ask", args=[other.ref]), {"question": ""}).status_code == 429
    listed = bo.client.get("/api/v1/referrals/").json()["results"]
    assert listed
    assert not any("enterprise" in row or "amount" in row for row in listed)
    assert bo.client.get(reverse("api-referral-detail", args=[other.ref])).status_code == 429
    assert Entry.objects.filter(verb="looks.limit").count() == 1
    dispatcher.dispatch(now=moments.now())
    assert Notice.objects.filter(membership=sena.membership, title__contains="大量查看").exists()
    assert bo.client.get(reverse("desk-referral", args=[ref_of(world.asked, bo).ref])).status_code == 200, "read today"
    Referral.objects.filter(pk=other.pk).update(officer=bo.user)
    assert bo.client.get(page).status_code == 200, "his own case"


def test_attack_62_a_products_words_are_words(world: World) -> None:
    """Script, style and links in what a bank writes about its product reach the reader as text."""
    bad = "<script>alert(1)</script><style>*{}</style><a href='javascript:alert(1)'>x</a>"
    Product.objects.filter(pk=world.product.pk).update(summary=bad, conditions=bad)
    page = Client().get(reverse("products:detail", args=[world.product.pk]))
    assert "&lt;script&gt;" in page.content.decode()
    assert "<script>alert" not in page.content.decode()
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_attack_63_a_contact_is_masked_until_the_answer_or_a_recorded_reason(
    ling: Person, bo: Person, product: Product
) -> None:
    """Bo reads Ling's number before he has answered only with a reason, and Ling reads that he did."""
    case = factories.application(ling, product)
    Application.objects.filter(pk=case.pk).update(contact_phone=MARK["phone"])
    referral = ref_of(case, bo)
    url = reverse("desk-referral", args=[referral.ref])
    for page in (url, "/desk/", "/desk/?part=work"):
        assert MARK["phone"] not in bo.client.get(page).content.decode(), page
    assert "139****1234" in bo.client.get(url).content.decode()
    reveal = reverse("desk-reveal", args=[referral.ref])
    assert bo.client.post(reveal, {"reason": ""}).status_code == 400
    assert not Look.objects.filter(what="contact").exists()
    shown = bo.client.post(reveal, {"reason": "约定现场尽调"})
    assert shown.status_code == 200
    assert 'href="tel:13987651234"' in shown.content.decode()
    look = Look.objects.get(what="contact")
    assert (look.owner_id, look.user_id, look.reason) == (ling.organisation.pk, bo.user.pk, "约定现场尽调")
    assert Entry.objects.get(verb="contact.revealed").actor_id == bo.user.pk
    assert "约定现场尽调" in ling.client.get(reverse("looks")).content.decode()
    assert 'href="tel:13987651234"' not in bo.client.get(url).content.decode(), "the next look is masked again"


def test_attack_64_an_offer_that_was_accepted_does_not_change(ling: Person, bo: Person, product: Product) -> None:
    """Bo sends a better-for-the-bank version after Ling has accepted."""
    case = accepted(ling, bo, product)
    offer = Offer.objects.get(referral__application=case)
    terms = {
        "amount": "700",
        "term_months": "12",
        "annual_rate": "9.5",
        "repayment": "等额本息",
        "valid_until": "2099-01-01",
    }
    assert bo.client.post(reverse("desk-offer", args=[ref_of(case, bo).ref]), terms).status_code == 409
    traced(bo, "conflict", "desk-offer")
    assert Offer.objects.get(referral__application=case).annual_rate == offer.annual_rate == Decimal("3.45")
    with pytest.raises(Exception, match=r"state|conflict|接受|选定|方案"):
        responses.offer(
            ref_of(case, bo).pk,
            responses.Terms(Decimal(1), 1, moments.local_date(moments.now()), annual_rate=Decimal(9)),
            actor=bo.actor,
            now=moments.now(),
        )


def test_attack_65_an_export_holds_ones_own_rows_and_is_journalled(world: World) -> None:
    """Rui's export is journalled with its digest; Bo and Wai get none; Ling's own data hold nothing of another's."""
    done = world.rui.client.post("/supervision/export/", {"format": "csv", "what": "report"})
    assert done.status_code == 200
    told = Entry.objects.get(verb="report.exported", actor_id=world.rui.user.pk)
    assert told.data["sha256"] == hashlib.sha256(done.content).hexdigest()
    assert world.rui.actor.label in done.content.decode("utf-8-sig"), "the file says who took it"
    products = world.bo.client.post(reverse("products:export"))
    assert products.status_code == 200
    assert world.bo.actor.label in text_of(products)
    told = Entry.objects.get(verb="records.exported", actor_id=world.bo.user.pk)
    assert told.data["sha256"] == hashlib.sha256(products.content).hexdigest()
    assert world.bo.client.post(reverse("own-data")).status_code == 403
    for who in (world.bo, world.wai):
        assert who.client.post("/supervision/export/", {"format": "csv", "what": "report"}).status_code == 403
        traced(who, "not-allowed", "supervision-export")
    own = world.ling.client.post(reverse("own-data"))
    assert own.status_code == 200
    assert MARK["phone"] in own.content.decode()
    assert world.wai.organisation.name not in own.content.decode()
    assert Entry.objects.filter(verb="data.exported", actor_id=world.ling.user.pk).count() == 1
    foreign = world.wai.client.post(reverse("own-data")).content.decode()
    assert found_in(foreign, [*MARK.values(), world.ling.organisation.name]) == []
