"""Attacks of one enterprise on another, and on the order of things (27–37, 40, 51); 38 is test_once.py.

26 is tests/security/test_matrix.py, 29 tests/security/test_every_field.py; 27, 31, 34, 36 and 51 have their tests beside the
forms, patents, covers and choices they belong to.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from applications.actions import choices, drafts, responses
from applications.models import Application, Draft, Offer, Referral
from pledges.actions import examination, joining
from pledges.models import PledgedPatent, Registration
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock
from products.models import Product
from tests import factories
from tests.applications.wizard_steps import NEED, filled, send
from tests.assets.test_patents import FORM
from tests.by_hand import by_hand
from tests.factories import Person
from tests.pledges.conftest import accepted, examined, submitted
from tests.pledges.conftest import filled as file_filled
from tests.threads import together

from .web_world import traces

pytestmark = pytest.mark.django_db


def test_attack_27_a_strangers_ids_in_ones_own_payload(ling: Person, wai: Person, product: Product) -> None:
    """Wai puts Ling's patent, product choice and company into her own request and valuation."""
    theirs = factories.patent(ling.organisation)
    draft = drafts.start(actor=wai.actor, now=moments.now())
    refused = send(wai, draft, "company", patents=[theirs.pk])
    assert refused.status_code == 400
    assert theirs.title not in refused.content.decode().split("<form")[0]
    assert wai.client.post("/valuations/start/", {"patents": [theirs.pk], "scene": "finance"}).status_code in (400, 404)
    assert wai.client.post("/valuations/agency/", {"patents": [theirs.pk]}).status_code in (400, 404, 409)
    sent = {
        **FORM,
        "organisation": ling.organisation.pk,
        "organisation_id": ling.organisation.pk,
        "number": "2015109587720",
    }
    sent |= {"filing_date": "2015-12-18", "grant_date": "2017-06-01"}
    wai.client.post("/patents/add/", sent)
    assert Patent.objects.filter(organisation=ling.organisation).count() == 1


def test_attack_28_no_filter_or_search_brings_a_strangers_rows(
    ling: Person, wai: Person, cui: Person, bo: Person, product: Product
) -> None:
    """Wai and Cui ask their lists for Ling's company by id, by name, by number."""
    case = factories.application(ling, product)
    Organisation = type(ling.organisation)
    Organisation.objects.filter(pk=ling.organisation.pk).update(name="暗号企业名称")
    Application.objects.filter(pk=case.pk).update(organisation_name="暗号企业名称")
    Patent.objects.filter(organisation=ling.organisation).update(title="暗号专利")
    keys = ("q", "enterprise", "organisation", "organisation_id", "institution", "number", "search", "case")
    words = (str(ling.organisation.pk), "暗号企业名称", "暗号", case.number, str(case.pk), "%", "_")
    for person, urls in (
        (wai, ("/cases/", "/patents/", "/valuations/", "/pledges/", "/notices/", "/subsidies/")),
        (cui, ("/desk/", "/desk/pool/", "/pledges/", "/orders/", "/api/v1/referrals/", "/quotas/")),
    ):
        for url in urls:
            for word in words:
                for query in (dict.fromkeys(keys, word), {"q": word}):
                    said = person.client.get(url, query).content.decode()
                    assert "暗号企业名称" not in said.replace(f'value="{word}"', ""), (url, query)
                    assert "暗号专利" not in said, (url, query)
                    assert f"{case.number}</" not in said, (url, query)
    assert "暗号企业名称" in bo.client.get("/desk/").content.decode()  # the word is there to be found


def test_attack_31_what_the_form_does_not_ask_is_not_taken(ling: Person, bo: Person, product: Product) -> None:
    """Bo's system sends more than the contract has; the pages' forms are in tests/security/test_writing.py."""
    mine = factories.application(ling, product).referrals.get()
    extra = {
        "state": "accepted",
        "institution": 1,
        "officer": 1,
        "responded_at": "2020-01-01",
        "is_staff": True,
        "created_at": "2020-01-01",
    }
    body = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "尽调", **extra}
    answer = bo.client.post(reverse("api-referral-claim", args=[mine.ref]), body, content_type="application/json")
    assert answer.status_code == 200
    kept = Referral.objects.get(pk=mine.pk)
    assert (kept.state, kept.institution_id, kept.officer_id) == ("claimed", bo.organisation.pk, bo.user.pk)
    assert kept.responded_at is not None
    assert kept.responded_at.year == moments.now().year
    bo.user.refresh_from_db()
    assert not bo.user.is_staff


# --- the order of things ----------------------------------------------------------------------------------------------
def test_attack_32_no_step_is_skipped_and_none_taken_back(
    ling: Person, bo: Person, cui: Person, product: Product, chen: Person
) -> None:
    """Unsigned to the office, back after the registration, open again after the end: 409, and nothing moved."""
    begun = file_filled(accepted(ling, bo, product), bo)
    for who, url in (
        (ling, reverse("pledges:confirm", args=[begun.number])),  # Bo has not proposed it
        (bo, reverse("pledges:take-back", args=[begun.number])),
        (bo, reverse("pledges:loan", args=[begun.number])),
    ):
        assert who.client.post(url, {"version": begun.version, "agree": "on", "confirm": "on"}).status_code in (
            400,
            404,
            409,
        ), url
    assert chen.client.post(reverse("office-accept", args=[begun.number])).status_code == 404  # a draft is no file
    assert Registration.objects.get(pk=begun.pk).state == "draft"
    joining.propose(begun.pk, actor=bo.actor, now=moments.now())
    with pytest.raises(DomainError):
        examination.accept(begun.pk, actor=chen.actor, now=moments.now())  # Ling has not confirmed it
    done = examined(joining.confirm(begun.pk, version=begun.version, actor=ling.actor, now=moments.now()), chen)
    examination.register(done.pk, actor=chen.actor, now=moments.now())
    assert ling.client.post(reverse("pledges:withdraw", args=[done.number]), {"reason": "改主意"}).status_code == 409
    assert (
        chen.client.post(reverse("office-refuse", args=[done.number]), {"ground": "R12", "note": "迟了"}).status_code
        == 409
    )
    assert Registration.objects.get(pk=done.pk).state == "registered"

    over = factories.application(ling, product)
    choices.withdraw(over.pk, reason="", actor=ling.actor, now=moments.now())
    mine = over.referrals.get()
    contact = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "尽调"}
    other = factories.product(cui.organisation)
    again = {"products": [other.pk], "consents": [other.institution_id]}
    before = traces("conflict")
    assert bo.client.post(reverse("desk-claim", args=[mine.ref]), contact).status_code in (404, 409)
    assert ling.client.post(reverse("case-extend", args=[over.number]), again).status_code == 409
    assert (
        ling.client.post(reverse("case-withdraw", args=[over.number]), {"reason": "other", "note": "x"}).status_code
        == 409
    )
    assert Application.objects.get(pk=over.pk).state == "withdrawn"
    assert traces("conflict") >= before + 2


FIFTY = 50


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    def trying(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except DomainError as error:
            return error

    return together(*(lambda c=call: trying(c) for call in calls), seconds=120)  # type: ignore[misc]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_attack_33_one_patent_pledged_to_two_banks_by_fifty_hands(
    ling: Person, bo: Person, cui: Person, product: Product, chen: Person
) -> None:
    """The files of Bo's and Cui's banks are both ready; fifty clicks at the same moment register one of them once."""
    colleague = factories.person("colleague", "常示例", Role.CLERK, chen.organisation)
    first = submitted(accepted(ling, bo, product), bo, ling)
    with by_hand():
        Registration.objects.filter(pk=first.pk).update(state="draft")  # the second slipped in beside it
    second = submitted(accepted(ling, cui, factories.product(cui.organisation)), cui, ling)
    with by_hand():
        Registration.objects.filter(pk=first.pk).update(state="submitted")
    first, second = examined(first, chen), examined(second, colleague)
    hands = [(first, chen), (second, colleague)] * (FIFTY // 2)
    said = at_once(
        [lambda f=file, c=clerk: examination.register(f.pk, actor=c.actor, now=moments.now()) for file, clerk in hands]  # type: ignore[misc]
    )
    refused = [answer for answer in said if isinstance(answer, DomainError)]
    assert len(said) == FIFTY
    assert len(refused) == FIFTY - 1
    assert {answer.status for answer in refused} == {409}
    assert PledgedPatent.objects.filter(effective__isnull=False).count() == 1
    assert Entry.objects.filter(verb="pledge.registered").count() == 1


@pytest.mark.parametrize(
    "typed", ["zl201710601862.3", "ＺＬ２０１７１０６０１８６２．３", "ZL 2017 1 0601862 . 3", "ZL201710601862.3\u3000"]
)
def test_attack_34_another_spelling_is_the_same_patent(ling: Person, typed: str) -> None:
    """Ling adds her patent a second time, in another spelling; the database knows one form only."""
    assert ling.client.post("/patents/add/", FORM).status_code == 302
    assert ling.client.post("/patents/add/", {**FORM, "number": typed}).status_code == 400
    assert list(Patent.objects.values_list("number", flat=True)) == ["2017106018623"]
    with pytest.raises(DatabaseError), transaction.atomic():
        Patent.objects.update(number="ZL17106018623")


AMOUNTS = (
    "-1",
    "0",
    "NaN",
    "-NaN",
    "Infinity",
    "-Infinity",
    "0.0000005",
    "1e30",
    "1,000",
    "８００",
    "8e2",
    "0x10",
    "９９",
    " ",
    "1 000",
)


@pytest.mark.parametrize("typed", AMOUNTS)
def test_attack_35_an_amount_that_is_none_is_refused_at_its_field(ling: Person, typed: str) -> None:
    """Ling, or a program in her name, types what is no amount; she is told beside the field."""
    draft = drafts.start(actor=ling.actor, now=moments.now())
    refused = send(ling, draft, "need", **{**NEED, "amount": typed})
    assert refused.status_code == 400
    assert 'aria-describedby="id_amount_helptext id_amount_error"' in refused.content.decode()
    assert not Application.objects.exists()


@pytest.mark.parametrize("value", ["NaN", "0", "-1", "99999999999999"])
def test_attack_35_the_database_takes_no_such_amount_either(ling: Person, product: Product, value: str) -> None:
    """Whatever the program says: NaN is greater than zero to PostgreSQL, so an upper bound refuses it."""
    case = factories.application(ling, product)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE applications_application SET amount = %s::numeric WHERE id = %s", [value, case.pk])


def test_attack_37_no_date_and_no_zone_of_the_caller_moves_a_due_date(
    ling: Person, bo: Person, product: Product
) -> None:
    """Ling's browser sends a due date, another clock and another time zone; Bo's claim says it was yesterday."""
    headers = {"Date": "Mon, 01 Jan 2035 00:00:00 GMT", "X-Time-Zone": "Pacific/Kiritimati", "Time-Zone": "UTC-12"}
    dates = {
        "due_at": "2035-01-01T00:00",
        "started_at": "2020-01-01",
        "now": "2020-01-01",
        "submitted_at": "2020-01-01",
        "tz": "UTC-12",
    }
    plain = factories.application(ling, product)
    ling.client.cookies["timezone"] = "Pacific/Kiritimati"
    draft = drafts.start(actor=ling.actor, now=moments.now())
    filled(ling, draft, Patent.objects.get(), product)
    page = ling.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    hidden = {n: page.split(f'name="{n}" value="')[1].split('"')[0] for n in ("version", "token")}
    assert (
        ling.client.post(reverse("apply:submit", args=[draft.pk]), {**hidden, **dates}, headers=headers).status_code
        == 302
    )
    usual, forged = (Clock.objects.get(referral__application=case) for case in Application.objects.order_by("pk"))
    assert (forged.due_at, forged.started_at.date()) == (usual.due_at, usual.started_at.date())
    body = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "尽调", **dates}
    mine = plain.referrals.get()
    url = reverse("api-referral-claim", args=[mine.ref])
    assert bo.client.post(url, body, content_type="application/json", headers=headers).status_code == 200
    mine.refresh_from_db()
    assert mine.responded_at is not None
    assert abs(mine.responded_at - moments.now()) < timedelta(minutes=1)


# --- one request, one chair -------------------------------------------------------------------------------------------
def test_attack_40_a_person_in_two_companies_never_mixes_them(ling: Person, wai: Person, product: Product) -> None:
    """Ling also sits in Wai's company. What one chair sees and does, the other neither sees nor does."""
    second = Membership.objects.create(user=ling.user, organisation=wai.organisation, role=Role.ENTERPRISE)
    mine, theirs = factories.patent(ling.organisation), factories.patent(wai.organisation, factories.INVENTION_2)
    draft = drafts.start(actor=ling.actor, now=moments.now())
    form = reverse("apply:step", args=[draft.pk, "company"])
    # in the first chair, asking for the second by every way that a request has
    mixed: dict[str, Any] = {"membership": second.pk, "organisation": wai.organisation.pk, "seat": second.pk}
    ling.client.cookies["membership"] = str(second.pk)
    said = ling.client.get("/patents/", mixed, headers={"X-Organisation": str(wai.organisation.pk)}).content.decode()
    assert "201710601862" in said
    assert "201510958772" not in said
    refused = ling.client.post(form, {**mixed, "patents": [theirs.pk], "version": 0})
    assert refused.status_code == 400
    ling.client.post(
        "/patents/add/",
        {**FORM, **mixed, "number": "2013304968751", "filing_date": "2013-08-09", "grant_date": "2014-02-05"},
    )
    assert not Patent.objects.filter(organisation=wai.organisation).exclude(pk=theirs.pk).exists()
    # a page of the first chair is still open while she moves to the second
    assert ling.client.post("/seat/", {"membership": second.pk}).status_code == 302
    assert ling.client.get(form).status_code == 404
    assert ling.client.post(form, {"patents": [mine.pk], "version": 0}).status_code == 404
    assert ling.client.post(reverse("assets:remove", args=[mine.pk])).status_code == 404
    assert ling.client.get(reverse("apply:step", args=[draft.pk, "company"])).status_code == 404
    said = ling.client.get("/patents/").content.decode()
    assert "201510958772" in said
    assert "201710601862" not in said
    assert traces("not-yours", ling) >= 3
    assert Draft.objects.get(pk=draft.pk).organisation_id == ling.organisation.pk


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_attack_51_withdrawing_and_accepting_in_the_same_moment_leaves_one_story(
    ling: Person, bo: Person, product: Product
) -> None:
    """Ling withdraws while her colleague accepts Bo's offer, twenty hands at once: one end, and the clock agrees with it."""
    case = factories.application(ling, product)
    mine = case.referrals.get()
    terms = responses.Terms(
        Decimal(8_000_000), 24, moments.local_date(moments.now()) + timedelta(days=90), annual_rate=Decimal("3.45")
    )
    offer = responses.offer(mine.pk, terms, actor=bo.actor, now=moments.now())
    calls: list[Callable[[], Any]] = [
        lambda: choices.accept(offer.pk, actor=ling.actor, now=moments.now()),
        lambda: choices.withdraw(case.pk, reason="", actor=ling.actor, now=moments.now()),
    ]
    said = at_once(calls * 10)
    assert {answer.status for answer in said if isinstance(answer, DomainError)} <= {409}
    case.refresh_from_db()
    assert case.state == "withdrawn"
    assert Entry.objects.filter(verb="application.withdrawn", case_number=case.number).count() <= 1
    assert Entry.objects.filter(verb="offer.accepted").count() <= 1
    assert not Clock.objects.running().exists()
    assert not Offer.objects.filter(state="open").exists()
