"""A guarantor who paid the bank before the patents are sold: it stands behind the bank, and before what goes back to Ling."""

from decimal import Decimal

import pytest
from django.urls import reverse

from applications.actions import cover_answers
from applications.models import Cover
from pledges.disposal.actions import awards, compensation, settlement
from pledges.disposal.models import Disposal
from pledges.disposal.settlement_models import Distribution
from pledges.models import Registration
from portal.foundation.accounts.models import OrganisationKind
from portal.foundation.core import moments
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Entry
from portal.notifications.models import Notice as Message
from tests import factories
from tests.factories import Person

from .conftest import bid, defaulted, later, money, published

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(guaranteed: Registration, bo: Person, bo_manager: Person) -> Disposal:
    """Listed after the default on a loan that Gu guarantees with 5,000,000 yuan."""
    return published(defaulted(guaranteed, bo), bo, bo_manager)


def paid(gu: Person, loss: str) -> Decimal:
    """Gu compensates before the sale, on its own page; yuan that reached the bank."""
    cover = Cover.objects.get()
    done = cover_answers.compensate(
        cover.pk, loss=money(loss), fund_pays=True, note="先行代偿", actor=gu.actor, now=moments.now()
    )
    parts = done.parts(loss=done.loss, fund_pays=bool(done.fund_pays))
    return sum((part for party, _, part in parts if party not in ("bank", "district")), Decimal(0))


def settled(sale: Disposal, bo: Person, wai: Person, price: str, principal: Decimal) -> Distribution:
    bid(sale, wai, price)
    awards.decide(sale.pk, actor=bo.actor, now=later(days=4))
    done = Disposal.objects.select_related("registration__pledgee", "registration__pledgor", "default").get(pk=sale.pk)
    given = settlement.Receipt(moments.local_date(later(days=5)), [], money("20000.00"), money("130000.00"), principal)
    shown = settlement.fingerprint(settlement.lines_of(done, given), given)
    return settlement.confirm(done.pk, given, shown=shown, actor=bo.actor, now=later(days=6))


def test_gu_who_paid_first_is_paid_after_the_bank_and_before_ling(
    sale: Disposal, bo: Person, gu: Person, wai: Person
) -> None:
    back = paid(gu, "3000000.00")
    rest = money("8000000.00") - back
    made = settled(sale, bo, wai, "9000000.00", rest)
    assert [(s.kind, s.payee, s.amount) for s in made.shares.all()] == [
        ("pledgee_cost", sale.registration.pledgee.name, money("20000.00")),
        ("interest", sale.registration.pledgee.name, money("130000.00")),
        ("principal", sale.registration.pledgee.name, rest),
        ("subrogated", str(Cover.objects.get().institution), back),
        ("remainder", sale.registration.pledgor.name, money("850000.00")),
    ]
    assert sum((s.amount for s in made.shares.all()), Decimal(0)) == made.proceeds
    dispatcher.dispatch(now=moments.now())
    (told,) = Message.objects.filter(membership__user=gu.user, title__contains="代偿范围内受偿")
    assert f"{back:,.2f} 元" in told.body
    assert told.url == reverse("desk-cover", args=[Cover.objects.get().ref])


def test_the_creditor_is_not_harmed_the_guarantor_gets_only_what_is_left(
    sale: Disposal, bo: Person, gu: Person, wai: Person
) -> None:
    back = paid(gu, "3000000.00")
    rest = money("8000000.00") - back
    made = settled(sale, bo, wai, f"{rest + money('150000.00') + money('100000.01')}", rest)
    shares = {s.kind: s for s in made.shares.all()}
    assert shares["subrogated"].amount == money("100000.01")
    assert shares["subrogated"].claimed == back
    assert "remainder" not in shares
    assert made.shortfall == 0


def test_a_third_partys_patents_do_not_pay_the_guarantor(
    sale: Disposal, bo: Person, gu: Person, wai: Person, ling: Person
) -> None:
    """Its rights are those against the debtor: who pledged for somebody else gets back what is left."""
    back = paid(gu, "3000000.00")
    other = factories.organisation(OrganisationKind.ENTERPRISE, "重庆示例出质有限公司")
    Registration.objects.filter(pk=sale.registration_id).update(pledgor=other, debtor_org=ling.organisation)
    made = settled(sale, bo, wai, "9000000.00", money("8000000.00") - back)
    assert [s.kind for s in made.shares.all()] == ["pledgee_cost", "interest", "principal", "remainder"]


def test_bo_is_shown_what_was_paid_and_starts_from_what_is_still_owed(
    sale: Disposal, bo: Person, gu: Person, wai: Person
) -> None:
    back = paid(gu, "3000000.00")
    bid(sale, wai, "9000000.00")
    awards.decide(sale.pk, actor=bo.actor, now=later(days=4))
    page = bo.client.get(reverse("disposals:distribution", args=[sale.number])).content.decode()
    assert f"已代偿 {back:,.2f} 元" in page
    # 民法典 561: costs and interest of the default first, what is left of the payment off the principal
    rest = money("8143456.78") - back
    assert f'value="{rest}"' in page or f'value="{rest:,.2f}"' in page
    assert not compensation.covers_of(sale)  # it cannot be asked a second time
    assert Entry.objects.filter(verb="cover.compensated").count() == 1


def test_who_speaks_for_a_pledgor_without_a_seat_hears_of_the_default(
    guaranteed: Registration, bo: Person, ling: Person
) -> None:
    """The patents are those of somebody outside the portal: Ling's firm acts for it here, so Ling is the one to be told."""
    outside = factories.organisation(OrganisationKind.OUTSIDE, "示例外部出质有限公司")
    Registration.objects.filter(pk=guaranteed.pk).update(pledgor=outside, debtor_org=ling.organisation)
    defaulted(Registration.objects.get(pk=guaranteed.pk), bo)
    dispatcher.dispatch(now=moments.now())
    assert Message.objects.filter(membership__user=ling.user, title="质押贷款被记录违约").exists()
