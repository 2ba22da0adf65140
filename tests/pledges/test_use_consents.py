"""Ling asks Bo whether she may transfer, license or give up a pledged patent; and everybody reads a patent's history as far as it is theirs."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from applications.models import Application
from pledges.actions import examination as files
from pledges.after import consents, queries
from pledges.after.kinds import MatterKind
from pledges.after.models import UseConsent
from pledges.models import Registration
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.models import Entry
from tests import factories
from tests.factories import Person

from .after_steps import cancelled, decided, fresh, longer, now, revoked
from .conftest import examined, submitted

pytestmark = pytest.mark.django_db


def wish(use: str = "transfer", **more: object) -> consents.Asked:
    facts: dict[str, object] = {
        "numbers": [factories.INVENTION],
        "counterparty": "重庆示例受让有限公司",
        "price": Decimal(3_000_000),
        **more,
    }
    return consents.Asked(use, **facts)  # type: ignore[arg-type]


def ask(file: Registration, by: Person, use: str = "transfer", **more: object) -> UseConsent:
    return consents.ask(file.pk, wish(use, **more), actor=by.actor, now=now())


def answer(
    consent: UseConsent, by: Person, *, agree: bool = True, proceeds: str = "prepay", terms: str = ""
) -> UseConsent:
    return consents.answer(consent.pk, agree=agree, proceeds=proceeds, terms=terms, actor=by.actor, now=now())


@pytest.mark.parametrize("use", ["transfer", "licence", "open_licence", "abandonment"])
def test_edge_case_7_a_pledged_patent_is_used_only_with_bos_consent_on_record(
    registered: Registration, ling: Person, bo: Person, use: str
) -> None:
    """Ling wants to transfer, license, open or give up a pledged patent: Bo agrees with terms, and both can read what was agreed."""
    price = None if use == "abandonment" else Decimal(3_000_000)
    made = ask(registered, ling, use, price=price)
    done = answer(made, bo, proceeds="none" if price is None else "deposit", terms="公证提存")
    assert (done.state, done.terms) == (UseConsent.State.AGREED, "公证提存")
    page = ling.client.get(f"/pledges/consents/{made.ref}/").content.decode()
    assert "公证提存" in page
    assert Entry.objects.filter(verb="use.agreed", subject=registered.subject).count() == 1
    assert fresh(registered).patents.get().effective.upper is None  # a consent changes nothing in the register


def test_a_price_is_prepaid_or_deposited(registered: Registration, ling: Person, bo: Person) -> None:
    made = ask(registered, ling)
    with pytest.raises(Invalid, match="提前清偿债务或者提存"):
        answer(made, bo, proceeds="none")
    with pytest.raises(Invalid):
        answer(made, bo, proceeds="")


def test_a_no_says_why_and_an_answer_stands(registered: Registration, ling: Person, bo: Person) -> None:
    made = ask(registered, ling)
    with pytest.raises(Invalid, match="不同意的理由"):
        answer(made, bo, agree=False)
    answer(made, bo, agree=False, terms="价款偏低")
    with pytest.raises(WrongState, match="不同意"):
        answer(made, bo)
    with pytest.raises(WrongState):
        consents.withdraw(made.pk, actor=ling.actor, now=now())


def test_only_the_pledgor_asks_and_only_the_pledgee_answers(
    registered: Registration, ling: Person, bo: Person, cui: Person, wai: Person
) -> None:
    for who in (bo, wai):
        with pytest.raises(Forbidden):
            ask(registered, who)
    made = ask(registered, ling)
    for who in (ling, cui):
        with pytest.raises(Forbidden):
            answer(made, who)
    consents.withdraw(made.pk, actor=ling.actor, now=now())


def test_what_was_asked_ends_with_the_pledge(registered: Registration, ling: Person, bo: Person, chen: Person) -> None:
    """Nothing waits for Bo's answer any more once his pledge is cancelled."""
    made = ask(registered, ling)
    cancelled(registered, ling, bo, chen)
    made.refresh_from_db()
    assert made.state == UseConsent.State.WITHDRAWN
    assert Entry.objects.filter(verb="use.withdrawn", data__consent=str(made.ref)).count() == 1


def test_what_is_asked_is_complete(registered: Registration, ling: Person) -> None:
    with pytest.raises(Invalid) as refusal:
        ask(registered, ling, numbers=[factories.UTILITY], counterparty=" ")
    assert set(refusal.value.fields) == {"numbers", "counterparty"}


def test_nothing_is_asked_once_the_pledge_is_gone(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    made = ask(registered, ling)
    cancelled(registered, ling, bo, chen)
    with pytest.raises(WrongState, match="已撤回"):
        answer(made, bo)
    with pytest.raises(WrongState, match="已注销"):
        ask(registered, ling)


# --- the history of a patent ------------------------------------------------------------------------------------------


def test_the_history_tells_of_every_pledge_and_the_void_one_is_void(
    registered: Registration,
    another_case: Callable[[], Application],
    ling: Person,
    bo: Person,
    cui: Person,
    chen: Person,
    chief: Person,
) -> None:
    decided(registered, MatterKind.CHANGE, longer(registered), bo, ling, chen)
    ask(registered, ling)
    cancelled(registered, ling, bo, chen)
    second = examined(submitted(another_case(), cui, ling), chen)
    files.register(second.pk, actor=chen.actor, now=now())
    revoked(second, chen, chief)
    newest, oldest = queries.history(ling.actor, factories.INVENTION)
    assert (newest.label, newest.void, newest.number) == ("已撤销", True, second.number)
    assert (oldest.label, oldest.void) == ("已注销", False)
    assert [m.kind for m in oldest.matters] == ["change", "cancellation"]
    assert len(oldest.consents) == 1
    page = ling.client.get(f"/pledges/history/{factories.INVENTION}/").content.decode()
    assert "自始无效" in page
    assert registered.number in page
    assert chen.client.get(f"/pledges/history/{factories.INVENTION}/").status_code == 200


def test_wai_who_owns_a_share_of_the_number_reads_no_names(
    registered: Registration, ling: Person, wai: Person, bo: Person
) -> None:
    assert wai.client.get(f"/pledges/history/{factories.INVENTION}/").status_code == 404
    factories.patent(wai.organisation)
    page = wai.client.get(f"/pledges/history/{factories.INVENTION}/").content.decode()
    assert ling.organisation.name not in page
    assert registered.number not in page
    assert "他人办理的质押登记" in page
