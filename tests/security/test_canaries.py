"""Marks in Ling's secret fields, and everybody else walking through everything: the marks turn up nowhere."""

import logging
from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from applications.actions import choices, responses
from applications.models import Application
from portal.foundation.accounts.models import Organisation, User
from portal.foundation.core import moments
from portal.foundation.core.money import format_wan, format_yuan
from portal.foundation.core.pdf import engine
from portal.foundation.journal import dispatcher
from portal.foundation.sla.sweep import sweep
from tests import factories
from tests.factories import Person
from tests.grounds import stated

from .crawling import text_of, walk
from .routes import ROUTES
from .test_strangers import TABLE
from .world import MARK, POOL, PRIVATE_PURPOSE, PRIVATE_REVENUE, World, answer

pytestmark = pytest.mark.django_db

ALL = set(MARK)
# What each reader must not find; Bo's bank and Ling may read everything.
FORBIDDEN = {
    "visitor": ALL,
    "wai": ALL,
    "cui": ALL,
    "gu": ALL,
    "ada": ALL,
    "sena": ALL,
    "audi": ALL,
    # The office has the contract and the patents of files that were handed in to it, and nothing of the request.
    "chen": ALL - {"title", "contract"},
    "chief": ALL - {"title", "contract"},
    # The regulator reads who was asked what and when, not what the loan costs nor how to call the company.
    "rui": ALL - {"title", "contract", "question"},
}
WITH_QUERIES = (
    "/cases/?part=live", "/desk/?tab=waiting&q=暗号", "/desk/?tab=offered", "/desk/?tab=late", "/desk/?part=work",
    "/desk/pool/", "/office/?rows=1", "/office/done/?q=暗号", "/patents/?q=暗号", "/products/?q=暗号", "/orders/?show=late",
    "/notices/?unread=1", "/supervision/cases/?measure=addressed", "/supervision/report/?by=institution-district-month",
    "/api/v1/referrals/", "/api/v1/products/", "/api/v1/schema/", "/healthz/deep", "/track/", "/verify/",
)  # fmt: skip


def starts(world: World) -> list[str]:
    """Every address there is, with the world's objects in it."""
    plain = [reverse(r.name) for r in ROUTES if not r.objects]
    return [*plain, *(reverse(name, kwargs=row.real(world)) for name, row in TABLE.items()), *WITH_QUERIES]


def with_grounds(world: World, who: str) -> None:
    """The regulator has stated why each case is opened, else the walk would end at the question."""
    if who == "rui":
        for number in Application.objects.values_list("number", flat=True):
            stated(world.rui, number)


def found_in(said: str, marks: Iterable[str]) -> list[str]:
    return [mark for mark in marks if mark in said]


def test_ling_and_bo_find_their_own_marks_so_that_the_search_is_no_dummy(world: World) -> None:
    answer(world)
    for who, marks in (("ling", ALL - {"file"}), ("bo", ALL - {"file"})):
        said = "".join(text for _, _, text in walk(world.people[who].client, starts(world)))
        assert [m for m in marks if MARK[m] not in said] == [], who


@pytest.mark.parametrize("who", FORBIDDEN)
def test_nobody_else_finds_a_mark_anywhere(world: World, who: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    answer(world)
    dispatcher.dispatch(now=moments.now())
    client = Client() if who == "visitor" else world.people[who].client
    with_grounds(world, who)
    marks = [MARK[name] for name in FORBIDDEN[who]] + list(POOL.values()) + private_marks(world)
    if who == "cui":  # the open call lies on Cui's desk with everything in it
        marks = [m for m in marks if m not in POOL.values()]
    leaks, pages = [], 0
    for url, _, said in walk(client, starts(world)):
        pages += 1
        leaks += [f"{url}: {mark}" for mark in found_in(said, marks)]
    assert leaks == []
    assert pages > 60
    assert found_in(caplog.text, [*MARK.values(), *POOL.values()]) == []


def private_marks(world: World) -> list[str]:
    """What only Bo's bank knows of its own valuation; its number stands in the addresses that are tried here."""
    value = world.private.value
    return [PRIVATE_PURPOSE, format_yuan(PRIVATE_REVENUE), str(value), format_wan(value)]


def test_ling_finds_nothing_of_what_the_bank_thinks_her_patent_is_worth(world: World) -> None:
    dispatcher.dispatch(now=moments.now())
    said = {
        who: "".join(text for _, _, text in walk(world.people[who].client, starts(world))) for who in ("ling", "bo")
    }
    assert found_in(said["ling"], private_marks(world)) == []
    assert len(found_in(said["bo"], private_marks(world))) == 4


def test_the_regulators_exports_carry_no_marks(world: World) -> None:
    made = 0
    for kind in ("csv", "xlsx", "pdf"):
        for what, query in (
            ("report", ""), ("report", "?kind=registration&by=institution-month"), ("lamps", "?show=overdue"),
            ("cases", "?measure=addressed"), ("cases", "?kind=registration&measure=addressed"),
        ):  # fmt: skip
            if kind == "pdf" and not engine.available().ok:
                continue
            response = world.rui.client.post(f"/supervision/export/{query}", {"format": kind, "what": what})
            assert response.status_code == 200, (kind, what, query)
            assert found_in(text_of(response), [*MARK.values(), *POOL.values()]) == []
            made += 1
    assert made >= 10


def test_letters_leave_the_portal_without_marks(world: World) -> None:
    User.objects.update(email="somebody@example.com")
    answer(world)
    for hour in range(0, 100, 9):  # some of these hours are office hours
        dispatcher.dispatch(now=moments.now() + timedelta(hours=hour))
    said = "\n".join(f"{m.subject}\n{m.body}" for m in mail.outbox)
    assert mail.outbox
    assert found_in(said, [*MARK.values(), *POOL.values()]) == []


def test_a_rival_bank_does_not_learn_who_else_was_asked(world: World) -> None:
    """Cui has the same request as Bo, and one that Ling extended to both: neither page names the other bank."""
    third = factories.organisation("bank", "示例丁银行")
    extra = factories.product(third, "示例丁贷")
    choices.extend(
        world.shared.pk,
        product_ids=[extra.pk, factories.product(factories.organisation("bank", "示例戊银行")).pk],
        actor=world.ling.actor,
        now=moments.now(),
    )
    dave = factories.person("ding", "丁示例", "officer", third)
    dispatcher.dispatch(now=moments.now())
    names = ["示例甲银行", "示例乙银行", "示例丁银行", "示例戊银行"]
    for person, own in ((world.cui, "示例乙银行"), (dave, "示例丁银行")):
        page = reverse("desk-referral", args=[world.shared.referrals.get(institution_id=person.organisation.pk).ref])
        for url in (page, "/desk/", "/notices/", "/api/v1/referrals/"):
            said = text_of(person.client.get(url))
            assert found_in(said, [n for n in names if n != own]) == [], (own, url)


def test_after_a_withdrawal_nothing_is_left_on_pages_or_in_the_interface(world: World, cui: Person) -> None:
    """Cui declined, then Ling withdrew: the authorisation ended, for the machine interface as for the pages."""
    mine = world.referral(world.shared, "cui")
    responses.decline(mine.pk, code="amount", note="", actor=cui.actor, now=moments.now())
    choices.withdraw(world.shared.pk, reason="", actor=world.ling.actor, now=moments.now())
    firm = Organisation.objects.get(pk=world.ling.organisation.pk).name
    api = cui.client.get(f"/api/v1/referrals/{mine.ref}/")
    assert api.status_code == 404 or firm not in api.content.decode()
    listed = cui.client.get("/api/v1/referrals/").json()["results"]
    assert str(mine.ref) not in [row["ref"] for row in listed]
    assert firm not in text_of(cui.client.get(reverse("desk-referral", args=[mine.ref])))


def test_a_lamp_on_the_public_track_page_says_no_names(world: World) -> None:
    sweep()
    found = Client().post("/track/", {"number": world.asked.number, "digits": MARK["phone"][-4:]})
    assert found.status_code == 200
    said = text_of(found)
    assert found_in(said, [*MARK.values(), "示例甲银行", world.ling.organisation.name, "800 万"]) == []
