"""Several people at once on real PostgreSQL: one wins, nothing is lost, and the clock agrees with who won."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from applications.actions import choices, claiming, responses
from applications.models import Application, Referral
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock
from products.models import Product
from tests import factories
from tests.by_hand import by_hand
from tests.factories import Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run each call in a thread of its own, all starting together; what each returned or refused with, in order."""
    outcome: list[Any] = [None] * len(calls)
    ready = Barrier(len(calls))

    def run(at: int, call: Callable[[], Any]) -> None:
        try:
            ready.wait(10)
            outcome[at] = call()
        except DomainError as error:
            outcome[at] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(at, call)) for at, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcome


def officers(bo: Person, count: int) -> list[Person]:
    return [factories.person(f"bo{i}", f"薄示例{i}", Role.OFFICER, bo.organisation) for i in range(count)]


def requests(product: Product, count: int) -> list[Referral]:
    org = factories.organisation(OrganisationKind.ENTERPRISE, "示例企业")
    firm = factories.person("firm", "林示例", Role.ENTERPRISE, org)
    return [factories.application(firm, product).referrals.get() for _ in range(count)]


def test_eight_colleagues_claim_one_request_and_one_gets_it(bo: Person, product: Product) -> None:
    referral = requests(product, 1)[0]
    people = officers(bo, 8)

    def claim(person: Person) -> Callable[[], Referral]:
        contact = {**CONTACT, "contact_name": person.user.name}
        return lambda: claiming.claim_this(referral.pk, **contact, actor=person.actor, now=moments.now())

    outcome = at_once(*map(claim, people))
    won = [o for o in outcome if isinstance(o, Referral)]
    assert len(won) == 1
    assert all("同事接单" in o.reason for o in outcome if not isinstance(o, Referral))
    referral.refresh_from_db()
    assert referral.contact_name == won[0].contact_name
    assert Entry.objects.filter(verb="referral.claimed").count() == 1
    clock = Clock.objects.get(pk=referral.clock_id)
    assert (clock.stopped_at, clock.stop_reason) == (referral.responded_at, "claimed")


def test_eight_officers_ask_for_the_next_one_and_each_gets_another(bo: Person, product: Product) -> None:
    made = requests(product, 6)
    people = officers(bo, 8)
    outcome = at_once(*(lambda p=p: claiming.next_for_me(actor=p.actor, now=moments.now()) for p in people))  # type: ignore[misc]
    got = [o.pk for o in outcome if o is not None]
    assert sorted(got) == [r.pk for r in made]
    assert outcome.count(None) == 2
    assert Entry.objects.filter(verb="referral.assigned").count() == 6


def test_two_officers_tick_the_same_rows_and_no_row_has_two_owners(bo: Person, product: Product) -> None:
    ids = [r.pk for r in requests(product, 6)]
    one, two = officers(bo, 2)
    first, second = at_once(
        lambda: claiming.take(ids, actor=one.actor, now=moments.now()),
        lambda: claiming.take(list(reversed(ids)), actor=two.actor, now=moments.now()),
    )
    assert len(first) + len(second) == Entry.objects.filter(verb="referral.assigned").count()
    assert not {r.pk for r in first} & {r.pk for r in second}


def test_a_withdrawal_and_a_claim_at_the_same_moment_leave_one_story(
    ling: Person, bo: Person, product: Product
) -> None:
    for _ in range(6):
        case = factories.application(ling, product)
        referral = case.referrals.get()
        claimed, withdrawn = at_once(
            lambda r=referral: claiming.claim_this(r.pk, **CONTACT, actor=bo.actor, now=moments.now()),  # type: ignore[misc]
            lambda c=case: choices.withdraw(c.pk, reason="", actor=ling.actor, now=moments.now()),  # type: ignore[misc]
        )
        assert isinstance(withdrawn, Application)  # an enterprise may withdraw before and after a claim
        referral.refresh_from_db()
        clock = Clock.objects.get(pk=referral.clock_id)
        assert referral.state == Referral.State.WITHDRAWN
        told = Entry.objects.filter(verb="referral.claimed", subject=f"referral:{referral.pk}").count()
        if isinstance(claimed, Referral):
            assert (clock.stop_reason, clock.excused, told) == ("claimed", False, 1)
        else:
            assert "企业已撤回" in claimed.reason
            assert (clock.stop_reason, clock.excused, told) == ("withdrawn", True, 0)


def test_a_claim_waits_for_the_withdrawal_in_progress_and_is_told_why(
    ling: Person, bo: Person, product: Product
) -> None:
    case = factories.application(ling, product)
    referral = case.referrals.get()
    outcome: list[Any] = []

    def claim() -> None:
        try:
            outcome.append(claiming.claim_this(referral.pk, **CONTACT, actor=bo.actor, now=moments.now()))
        except WrongState as error:
            outcome.append(error.reason)
        finally:
            connection.close()

    thread = Thread(target=claim)
    with transaction.atomic():
        held = Referral.objects.select_for_update().get(pk=referral.pk)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()  # it waits for us
        held.withdraw(now=moments.now())
        with by_hand():  # the verb would write its journal entry with it
            held.save(update_fields=["state", "closed_at"])
    thread.join(10)
    assert outcome == ["企业已撤回这笔需求，不必再答复。"]
    assert Clock.objects.get(pk=referral.clock_id).stopped_at is None  # the refused claim touched nothing


def test_two_banks_may_both_claim_from_the_pool_but_one_bank_only_once(
    ling: Person, bo: Person, cui: Person, gu: Person, product: Product
) -> None:
    case = factories.application(ling, open_call=True)
    cui2 = factories.person("cui2", "崔示例二", Role.OFFICER, cui.organisation)

    def claim(person: Person) -> Callable[[], Referral]:
        return lambda: responses.claim_from_pool(case.pk, **CONTACT, actor=person.actor, now=moments.now())

    outcome = at_once(claim(cui), claim(cui2), claim(gu))
    assert isinstance(outcome[2], Referral)
    assert sorted(isinstance(o, Referral) for o in outcome[:2]) == [False, True]
    refused = next(o for o in outcome if not isinstance(o, Referral))
    assert "已在本机构名下" in refused.reason
    assert case.referrals.filter(origin="pool").count() == 2
