"""What a request may change: nothing by looking, nothing without the token of the page, nothing that the form does not ask."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from applications.actions import drafts
from applications.models import Application, Draft, Offer, Referral
from pledges import printing
from portal.foundation.accounts.models import Invitation, Membership, Organisation, Role, User
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.pdf import engine
from portal.foundation.sla.models import Clock
from tests import factories
from tests.factories import Person

from .crawling import post, walk
from .test_canaries import starts
from .test_garbage import opened_by
from .world import World, upload

pytestmark = pytest.mark.django_db

# A session is touched by its own use; the deep health check is the sweep's third caller on purpose (portal.health).
# Looking counts as a look (core.rates). A refusal leaves its row on purpose, whichever method was refused; what stands in it
# is compared in tests/foundation/test_refusals.py.
_NOT_COMPARED = {"django_session", "django_migrations", "core_ratecount", "journal_refusal", "journal_look"}  # traces
_SWEEPS = "/healthz/deep"


def everything() -> dict[str, tuple[Any, ...]]:
    """A digest of the content of every table."""
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names(cursor)) - _NOT_COMPARED):
            cursor.execute(
                f"SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \"{table}\" t"  # noqa: S608
            )
            found[table] = tuple(cursor.fetchone())
    return found


def test_looking_changes_nothing(world: World) -> None:
    if engine.available().ok:
        printing.print_missing(limit=1000)  # else the first reader makes the file
    before = everything()
    for name, person in [*world.people.items(), ("visitor", None)]:
        client = Client() if person is None else person.client
        for url, _, _ in walk(client, [u for u in starts(world) if u != _SWEEPS], follow=False):
            if url.startswith("/v/ZZ"):
                continue
        assert everything() == before, name


def test_attack_14_every_post_wants_the_pages_token(world: World) -> None:
    strict = {name: Client(enforce_csrf_checks=True) for name in [*world.people, "visitor"]}
    for name, person in world.people.items():
        strict[name].force_login(person.user)
    before, tried = everything(), 0
    for who, url in [
        *opened_by(world),
        ("visitor", "/login/"),
        ("visitor", "/register/"),
        ("visitor", "/track/"),
        ("visitor", "/verify/"),
    ]:
        for headers in ({}, {"HTTP_ORIGIN": "https://evil.example"}, {"HTTP_X_CSRFTOKEN": "a" * 64}):
            status = strict[who].post(url, {}, **headers).status_code
            tried += 1
            assert status in (403, 405) or url == "/display/", (who, url, status)
    assert everything() == before
    assert tried > 200
    assert Client().post("/display/", {"large": "1"}, HTTP_ORIGIN="https://evil.example").status_code == 403


def test_the_pages_token_of_somebody_else_is_none(ling: Person, wai: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(wai.user)
    foreign = ling.client.get("/password/").cookies["csrf"].value
    assert strict.post("/seat/", {"membership": 1, "csrfmiddlewaretoken": foreign}).status_code == 403


# --- more in the body than the form asks -----------------------------------------------------------------------------
EXTRA = {
    "id": "1", "pk": "1", "state": "accepted", "organisation": "1", "organisation_id": "1", "institution": "1", "officer": "1",
    "clerk": "1", "due_at": "2099-01-01", "stopped_at": "2020-01-01", "created_at": "2020-01-01", "submitted_at": "2020-01-01",
    "kind": "platform", "role": "admin", "active": "", "is_staff": "1", "is_superuser": "1", "uscc": "91500000676129728J",
    "number": "YZD202001010001A", "made_by": "别人", "made_at": "2020-01-01", "made_on": "2020-01-01", "accepted_offer": "1",
    "registration": "1", "removed_at": "2020-01-01", "responded_at": "2020-01-01", "decided_by": "1", "version_": "99",
}  # fmt: skip


def test_attack_31_a_request_carries_only_what_was_asked(ling: Person, wai: Person, product: Any) -> None:
    mine = factories.patent(ling.organisation)
    foreign = {**EXTRA, "organisation": wai.organisation.pk, "organisation_id": wai.organisation.pk}
    draft = drafts.start(actor=ling.actor, now=moments.now())
    for step, fields in (
        ("company", {"patents": [mine.pk]}),
        ("need", {"amount": "800", "term_months": "24", "purpose": "research"}),
        ("reach", {"reach": "choose", "products": [product.pk], "consents": [product.institution_id],
                   "contact_name": "林示例", "contact_phone": "13800000000"}),
    ):  # fmt: skip
        done = ling.client.post(reverse("apply:step", args=[draft.pk, step]), {**foreign, **fields, "version": 9})
        assert done.status_code == 302, step
    kept = Draft.objects.get(pk=draft.pk)
    assert set(kept.data) == {"company", "need", "reach", "_meta"}
    assert not {"state", "organisation", "due_at"} & set(kept.data["need"])
    ling.client.post(reverse("apply:submit", args=[draft.pk]), foreign)
    case = Application.objects.get()
    assert (case.organisation_id, case.state, case.amount) == (ling.organisation.pk, "open", Decimal(8_000_000))
    assert case.submitted_at.year == moments.now().year
    clock = Clock.objects.get(referral__application=case)
    assert clock.due_at.year < 2099
    assert clock.stopped_at is None
    assert case.number != EXTRA["number"]


def test_an_answer_of_the_bank_carries_only_what_was_asked(world: World) -> None:
    case = factories.application(world.ling, world.product, patents=[world.patent])
    referral = case.referrals.get(institution_id=world.bo.organisation.pk)
    contact = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上门"}
    assert world.bo.client.post(reverse("desk-claim", args=[referral.ref]), {**EXTRA, **contact}).status_code == 302
    claimed = Referral.objects.get(pk=referral.pk)
    assert (claimed.state, claimed.institution_id, claimed.officer_id) == (
        "claimed", world.bo.organisation.pk, world.bo.user.pk,
    )  # fmt: skip
    assert claimed.responded_at is not None
    assert claimed.responded_at.year == moments.now().year
    terms = {
        "amount": "700",
        "term_months": "12",
        "annual_rate": "3.5",
        "repayment": "等额本息",
        "valid_until": "2099-01-01",
    }
    assert world.bo.client.post(reverse("desk-offer", args=[referral.ref]), {**EXTRA, **terms}).status_code == 302
    offer = Offer.objects.get(referral=referral)
    assert (offer.state, offer.version, offer.made_by) == ("open", 1, world.bo.actor.label)
    assert offer.made_at.year == moments.now().year
    api = world.bo.client.post(
        reverse("api-referral-decline", args=[referral.ref]),
        {**EXTRA, "code": "amount", "note": ""},
        content_type="application/json",
    )
    assert api.status_code == 200
    assert Referral.objects.get(pk=referral.pk).institution_id == world.bo.organisation.pk


def test_a_company_cannot_make_itself_something_else(ling: Person, wai: Person) -> None:
    form = {
        "name": "重庆示例智造有限公司", "district": "500157", "industry": "C", "address": "示例路 1 号",
        "contact_name": "林示例", "contact_phone": "13800000000",
        "seen": ling.client.get("/profile/edit/").context["form"]["seen"].value(),
    }  # fmt: skip
    before = Organisation.objects.get(pk=ling.organisation.pk)
    assert ling.client.post("/profile/edit/", {**EXTRA, **form}).status_code == 302
    after = Organisation.objects.get(pk=ling.organisation.pk)
    assert (after.kind, after.uscc, after.active) == (before.kind, before.uscc, True)
    ling.client.post("/members/", {**EXTRA, "phone": "13700000002", "role": "admin"})
    assert not Invitation.objects.exclude(role=Role.ENTERPRISE).exists()
    Client().post(
        "/register/",
        {**EXTRA, **form, "uscc": "91500000MA5U00000X", "person_name": "某示例", "phone": "13700000003", "username": "mou.shi",
         "password": "Four odd words 7", "password_again": "Four odd words 7", "privacy": "on", "role": "regulator"},
    )  # fmt: skip
    assert not User.objects.filter(is_staff=True).exists()
    assert not User.objects.filter(is_superuser=True).exists()
    assert not Membership.objects.filter(role=Role.REGULATOR).exists()


def test_a_patent_stays_where_it_is(ling: Person, wai: Person) -> None:
    mine = factories.patent(ling.organisation)
    page = ling.client.get(reverse("assets:edit", args=[mine.pk])).context["form"]
    fields = {name: page[name].value() or "" for name in page.fields}
    sent = {
        **EXTRA,
        "organisation": wai.organisation.pk,
        **fields,
        "co-TOTAL_FORMS": 0,
        "co-INITIAL_FORMS": 0,
        "number": "2013304968751",
    }
    sent |= {name: f"{value:%Y-%m-%d}" for name, value in sent.items() if isinstance(value, date)}
    sent = {name: value for name, value in sent.items() if value not in (False, None)}
    assert ling.client.post(reverse("assets:edit", args=[mine.pk]), sent).status_code in (302, 400)
    kept = Patent.objects.get(pk=mine.pk)
    assert (kept.organisation_id, kept.number, kept.removed_at) == (ling.organisation.pk, mine.number, None)


# --- somebody else's ids in the body ---------------------------------------------------------------------------------
def test_attack_27_a_strangers_patent_cannot_be_put_into_a_request(ling: Person, wai: Person, product: Any) -> None:
    theirs = factories.patent(ling.organisation)
    factories.patent(wai.organisation, factories.INVENTION_2)
    draft = drafts.start(actor=wai.actor, now=moments.now())
    step = reverse("apply:step", args=[draft.pk, "company"])
    page = wai.client.post(step, {"patents": [theirs.pk], "version": 0})
    assert page.status_code == 400
    assert theirs.title not in page.content.decode().split("<form")[0]
    assert theirs.dotted not in page.content.decode()
    drafts.save(
        draft.pk, step="company", data={"patents": [str(theirs.pk)]}, version=9, actor=wai.actor, now=moments.now()
    )
    assert wai.client.post(reverse("apply:submit", args=[draft.pk])).status_code == 400
    assert not Application.objects.exists()


def test_products_that_are_not_for_sale_and_strangers_drafts_are_refused(world: World) -> None:
    hidden = factories.product(world.cui.organisation, "示例停售", state="draft")
    url = reverse("case-extend", args=[world.asked.number])
    for products in ([hidden.pk], [world.product.pk], [987654321], ["abc"]):
        sent = {"products": products, "consents": [hidden.institution_id, world.product.institution_id]}
        assert world.ling.client.post(url, sent).status_code == 400
    # a token is no way into a draft or a case: neither of Ling's becomes Wai's, and nothing breaks
    for token in (world.draft.token, world.asked.token):
        answer = post(world.wai.client, reverse("apply:start"), {"token": str(token)})
        assert answer.status_code == 400
        assert world.asked.number not in answer.content.decode()
        gone = post(world.wai.client, reverse("apply:submit", args=[987654321]), {"token": str(token)})
        assert gone.status_code == 404
    other = drafts.start(actor=world.wai.actor, now=moments.now())
    for url in (
        reverse("apply:detach", args=[other.pk, world.draft_file.ref]),
        reverse("apply:step", args=[other.pk, "reach"]),
    ):
        world.wai.client.post(url, {"go": f"detach:{world.draft_file.ref}"})
    assert world.draft.attachments.filter(pk=world.draft_file.pk).exists()


def test_work_is_handed_only_to_ones_own_people(world: World) -> None:
    assign = reverse("desk-assign", args=[world.referral(world.asked, "bo").ref])
    for officer in (world.cui.user.pk, world.ling.user.pk, world.chen.user.pk, 987654321, "²", "-1"):
        assert world.bo_manager.client.post(assign, {"officer": officer}).status_code == 400
    ref = str(world.referral(world.asked, "bo").ref)
    world.bo_manager.client.post("/desk/take/", {"ref": ref, "officer": world.cui.user.pk})
    world.cui.client.post("/desk/take/", {"ref": ref})
    assert world.referral(world.asked, "bo").officer_id not in (world.cui.user.pk, None)
    for clerk in (world.bo.user.pk, world.ling.user.pk, 987654321):
        url = reverse("office-assign", args=[world.waiting.number])
        assert world.chief.client.post(url, {"clerk": clerk}).status_code == 400


def test_a_pledge_file_takes_only_patents_and_papers_of_its_request(world: World) -> None:
    stranger = factories.patent(world.wai.organisation, factories.DESIGN)
    url = reverse("pledges:edit", args=[world.begun.number])
    page = world.bo.client.get(url).context["form"]
    fields = {n: page[n].value() for n in page.fields if page[n].value() not in (None, False)}
    fields = {
        n: f"{v:%Y-%m-%d}" if isinstance(v, date) else "800" if isinstance(v, Decimal) else v for n, v in fields.items()
    }
    for patents in ([stranger.pk], [world.patent.pk], [987654321]):
        sent = {**fields, "patents": patents, "version": world.begun.version, "remove": [str(world.paper.ref), "x"]}
        assert post(world.bo.client, url, sent).status_code == 400, patents
    assert world.waiting.documents.get(pk=world.paper.pk).replaced_at is None
    wrong = reverse("pledges:correct", args=[world.begun.number])
    assert post(world.bo.client, wrong, {"correction": "1"}).status_code in (403, 404, 409)


def test_a_dispatcher_sends_to_institutions_only_and_only_from_the_desk(world: World) -> None:
    url = reverse("desk-dispatch", args=[world.referral(world.asked, "bo").ref])
    for chosen in (
        [world.cui.organisation.pk],
        [world.ling.organisation.pk],
        [world.chen.organisation.pk],
        [987654321],
    ):
        assert post(world.bo.client, url, {"institutions": chosen}).status_code in (400, 409)
    assert world.asked.referrals.count() == 1


def test_what_is_uploaded_hangs_only_under_ones_own_draft(world: World) -> None:
    url = reverse("apply:attach", args=[world.draft.pk])
    assert world.wai.client.post(url, {"kind": "other", "file": upload("a.pdf")}).status_code == 404
    assert world.draft.attachments.count() == 1
