"""流质 is refused, the proceeds are distributed as shown, and the net loss is claimed from who guaranteed it."""

from decimal import Decimal
from typing import Any

import pytest

from pledges.disposal.actions import awards, compensation, defaults, settlement, takeovers
from pledges.disposal.models import Default, Disposal, Path
from pledges.disposal.proceeds import Cost
from pledges.disposal.settlement_models import Distribution
from pledges.models import DebtKind, PledgedPatent, Registration, Scope
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from tests.factories import Person
from tests.pledges.conftest import paper

from .conftest import bid, defaulted, later, money, published

pytestmark = pytest.mark.django_db


def price(**changes: Any) -> takeovers.Price:
    values: dict[str, Any] = {
        "price": money("3000000.00"),
        "valued_at": money("3000000.00"),
        "valued_on": moments.local_date(moments.now()),
        "valuer": "示例评估机构",
        **changes,
    }
    return takeovers.Price(**values)


@pytest.fixture
def transfer(default: Default, bo: Person, bo_manager: Person) -> Disposal:
    """A negotiated transfer that found nobody."""
    made = published(default, bo, bo_manager, path=Path.TRANSFER)
    return awards.decide(made.pk, actor=bo.actor, now=later(days=4))


def test_the_bank_does_not_simply_take_the_patent(auction: Disposal, bo: Person) -> None:
    with pytest.raises(WrongState, match="不能直接取得专利"):
        takeovers.propose(auction.pk, price(), report=paper(), actor=bo.actor, now=moments.now())


def test_it_takes_it_only_when_ling_agrees_at_a_value_found_after_the_default(
    transfer: Disposal, bo: Person, ling: Person, wai: Person
) -> None:
    for wrong, field in (
        ({"price": money("2999999.99")}, "price"),
        ({"valued_on": moments.local_date(later(days=-1))}, "valued_on"),
        ({"valued_on": moments.local_date(later(days=1))}, "valued_on"),
    ):
        with pytest.raises(Invalid) as refused:
            takeovers.propose(transfer.pk, price(**wrong), report=paper(), actor=bo.actor, now=moments.now())
        assert field in refused.value.fields
    first = takeovers.propose(transfer.pk, price(), report=paper(), actor=bo.actor, now=moments.now())
    for other in (bo, wai):
        with pytest.raises(Forbidden):
            takeovers.answer(first.pk, takeovers.Answer(True), actor=other.actor, now=moments.now())
    takeovers.answer(first.pk, takeovers.Answer(False, "估值偏低"), actor=ling.actor, now=moments.now())
    transfer.refresh_from_db()
    assert transfer.state == "failed"
    second = takeovers.propose(transfer.pk, price(), report=paper(), actor=bo.actor, now=moments.now())
    done = takeovers.answer(second.pk, takeovers.Answer(True), actor=ling.actor, now=moments.now())
    assert (done.state, done.taken_over, done.buyer_id) == ("awarded", True, bo.organisation.pk)
    assert done.price == money("3000000.00")


def test_what_both_agreed_is_not_undone_by_one(transfer: Disposal, bo: Person, ling: Person) -> None:
    """Ling was told that her agreement is final: Bo cannot record that «the buyer has not paid», his bank is the buyer."""
    offer = takeovers.propose(transfer.pk, price(), report=paper(), actor=bo.actor, now=moments.now())
    takeovers.answer(offer.pk, takeovers.Answer(True), actor=ling.actor, now=moments.now())
    with pytest.raises(WrongState, match="不能单方取消"):
        awards.unpaid(transfer.pk, note="不要了", actor=bo.actor, now=later(days=5))


def test_no_take_over_while_others_may_still_make_offers(default: Default, bo: Person, bo_manager: Person) -> None:
    made = published(default, bo, bo_manager, path=Path.TRANSFER)
    with pytest.raises(WrongState, match="公告期间"):
        takeovers.propose(made.pk, price(), report=paper(), actor=bo.actor, now=moments.now())


def sold(disposal: Disposal, by: Person, to: Person, amount: str) -> Disposal:
    bid(disposal, to, amount)
    return awards.decide(disposal.pk, actor=by.actor, now=later(days=4))


def receipt(**changes: Any) -> settlement.Receipt:
    values: dict[str, Any] = {
        "received_on": moments.local_date(later(days=5)),
        "bills": [Cost("示例拍卖行", money("30000.00"))],
        "costs": money("20000.00"),
        "interest": money("130000.00"),
        "principal": money("8000000.00"),
        **changes,
    }
    return settlement.Receipt(**values)


def settled(disposal: Disposal, by: Person, **changes: Any) -> Distribution:
    disposal = Disposal.objects.select_related("registration__pledgee", "registration__pledgor", "default").get(
        pk=disposal.pk
    )
    given = receipt(**changes)
    shown = settlement.fingerprint(settlement.lines_of(disposal, given), given)
    return settlement.confirm(disposal.pk, given, shown=shown, actor=by.actor, now=later(days=6))


def test_the_proceeds_are_distributed_as_they_were_shown(auction: Disposal, bo: Person, wai: Person) -> None:
    done = sold(auction, bo, wai, "5000000.00")
    with pytest.raises(WrongState, match="与刚才显示的不同"):
        settlement.confirm(done.pk, receipt(), shown="0" * 32, actor=bo.actor, now=later(days=6))
    made = settled(done, bo)
    assert [(s.kind, s.amount) for s in made.shares.all()] == [
        ("cost", money("30000.00")),
        ("pledgee_cost", money("20000.00")),
        ("interest", money("130000.00")),
        ("principal", money("4820000.00")),
    ]
    assert made.shortfall == money("3180000.00")
    with pytest.raises(WrongState, match="不能分配"):
        settled(done, bo)
    rows = PledgedPatent.objects.filter(registration=done.registration)
    assert all(row.effective is not None and row.effective.upper is None for row in rows)  # the cancellation ends it


def test_what_is_left_goes_back_to_ling_and_the_debt_is_paid(
    auction: Disposal, default: Default, bo: Person, wai: Person
) -> None:
    made = settled(sold(auction, bo, wai, "9000000.00"), bo)
    last = made.shares.last()
    assert last is not None
    assert (last.kind, last.payee, last.amount) == (
        "remainder",
        auction.registration.pledgor.name,
        money("820000.00"),
    )
    default.refresh_from_db()
    assert default.cured_at is not None


def test_what_the_registered_scope_does_not_secure_is_not_paid(
    file: Registration, auction: Disposal, bo: Person, wai: Person
) -> None:
    Registration.objects.filter(pk=file.pk).update(scope=Scope.PRINCIPAL)
    made = settled(sold(auction, bo, wai, "9000000.00"), bo)
    assert [s.kind for s in made.shares.all()] == ["cost", "principal", "remainder"]
    assert made.shortfall == money("150000.00")


def test_what_is_owed_cannot_change_behind_what_was_shown(
    file: Registration, auction: Disposal, bo: Person, wai: Person
) -> None:
    """Interest outside the registered scope moves no line, but it moves the net loss that others are asked to carry."""
    Registration.objects.filter(pk=file.pk).update(scope=Scope.PRINCIPAL)
    done = sold(auction, bo, wai, "9000000.00")
    done = Disposal.objects.select_related("registration__pledgee", "registration__pledgor", "default").get(pk=done.pk)
    shown = settlement.fingerprint(settlement.lines_of(done, receipt()), receipt())
    more = receipt(interest=money("990000.00"))
    assert settlement.lines_of(done, more) == settlement.lines_of(done, receipt())
    with pytest.raises(WrongState, match="与刚才显示的不同"):
        settlement.confirm(done.pk, more, shown=shown, actor=bo.actor, now=later(days=6))


def test_the_cap_of_a_maximum_pledge_governs(file: Registration, auction: Disposal, bo: Person, wai: Person) -> None:
    Registration.objects.filter(pk=file.pk).update(debt_kind=DebtKind.MAXIMUM, debt_amount=money("4000000.00"))
    made = settled(sold(auction, bo, wai, "9000000.00"), bo)
    assert made.ceiling == money("4000000.00")
    assert made.paid == money("3970000.00")


def test_principal_does_not_grow_after_the_default(auction: Disposal, bo: Person, wai: Person) -> None:
    with pytest.raises(Invalid) as refused:
        settled(sold(auction, bo, wai, "5000000.00"), bo, principal=money("8000000.01"))
    assert "违约时尚欠" in refused.value.fields["principal"]


@pytest.fixture
def short(guaranteed: Registration, bo: Person, bo_manager: Person, wai: Person) -> Disposal:
    """Sold for 5,000,000 yuan: 3,180,000 are missing, of a loan that Gu guarantees."""
    made = published(defaulted(guaranteed, bo), bo, bo_manager)
    settled(sold(made, bo, wai, "5000000.00"), bo)
    return Disposal.objects.get(pk=made.pk)


def test_gu_pays_its_committed_share_of_the_net_loss_and_takes_the_banks_place(
    short: Disposal, bo: Person, gu: Person, ling: Person
) -> None:
    (cover,) = compensation.covers_of(short)
    with pytest.raises(Invalid) as refused:
        compensation.claim(short.pk, cover.pk, money("3180000.01"), actor=bo.actor, now=later(days=7))
    assert "3180000.00" in refused.value.fields["loss"]
    claim = compensation.claim(short.pk, cover.pk, money("3180000.00"), actor=bo.actor, now=later(days=7))
    with pytest.raises(WrongState, match="已经向"):
        compensation.claim(short.pk, cover.pk, money("1.00"), actor=bo.actor, now=later(days=7))
    parts = cover.parts(loss=claim.loss)
    assert sum((part for _, _, part in parts), Decimal(0)) == claim.loss
    paid_on = moments.local_date(later(days=8))
    payment = compensation.Payment(paid_on, "DC-0001", fund_pays=True)
    with pytest.raises(Forbidden):
        compensation.pay(claim.pk, payment, actor=bo.actor, now=later(days=8))
    page = gu.client.get(f"/disposals/claims/{claim.ref}/").content.decode()
    assert "国家融资担保基金" in page
    assert "追偿" in page
    done = compensation.pay(claim.pk, payment, actor=gu.actor, now=later(days=8))
    cover.refresh_from_db()
    assert (done.state, done.voucher) == ("paid", "DC-0001")
    assert (cover.state, cover.loss) == ("compensated", money("3180000.00"))


def test_a_refused_claim_has_a_reason_and_may_be_made_again(short: Disposal, bo: Person, gu: Person) -> None:
    (cover,) = compensation.covers_of(short)
    claim = compensation.claim(short.pk, cover.pk, money("1000000.00"), actor=bo.actor, now=later(days=7))
    with pytest.raises(Invalid):
        compensation.refuse(claim.pk, note=" ", actor=gu.actor, now=later(days=8))
    compensation.refuse(claim.pk, note="材料不齐", actor=gu.actor, now=later(days=8))
    cover.refresh_from_db()
    assert cover.state == "committed"
    compensation.claim(short.pk, cover.pk, money("1000000.00"), actor=bo.actor, now=later(days=9))


def test_a_debt_that_was_paid_after_all_is_nobodys_loss(short: Disposal, bo: Person, gu: Person) -> None:
    """Ling pays what was missing while the claim is with Gu: Gu pays nothing, and Bo claims nothing more."""
    (cover,) = compensation.covers_of(short)
    claim = compensation.claim(short.pk, cover.pk, money("1000000.00"), actor=bo.actor, now=later(days=7))
    defaults.cure(short.default_id, note="余款已结清", actor=bo.actor, now=later(days=8))
    with pytest.raises(WrongState, match="不再需要代偿"):
        compensation.pay(
            claim.pk, compensation.Payment(moments.local_date(later(days=8)), "DC-2"), actor=gu.actor, now=later(days=8)
        )
    compensation.refuse(claim.pk, note="债务已清偿", actor=gu.actor, now=later(days=9))
    with pytest.raises(WrongState, match="没有净损失"):
        compensation.claim(short.pk, cover.pk, money("1.00"), actor=bo.actor, now=later(days=9))


def test_nothing_is_claimed_before_the_proceeds_are_distributed(auction: Disposal, bo: Person, wai: Person) -> None:
    done = sold(auction, bo, wai, "5000000.00")
    with pytest.raises(WrongState, match="先分配价款"):
        compensation.claim(done.pk, 1, money("1.00"), actor=bo.actor, now=later(days=7))
