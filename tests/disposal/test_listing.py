"""From the default to the published listing: who may, in which order, and what is refused with a sentence."""

from datetime import timedelta

import pytest

from pledges.disposal.actions import awards, defaults, listing
from pledges.disposal.models import Default, Disposal, Path
from pledges.models import PledgedPatent, Registration
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal import dispatcher
from portal.notifications.models import Notice as Message
from tests import factories
from tests.factories import Person
from tests.pledges.conftest import accepted, paper, submitted

from .conftest import bid, checked, debt, defaulted, later, money, published, text

pytestmark = pytest.mark.django_db


def test_bo_records_the_default_and_ling_gu_and_rui_hear_of_it(
    guaranteed: Registration, ling: Person, bo: Person, gu: Person, rui: Person
) -> None:
    made = defaulted(guaranteed, bo)
    assert made.papers.count() == 1
    while dispatcher.dispatch(now=moments.now()):
        pass
    for person in (ling, gu, rui):
        assert Message.objects.filter(membership=person.membership, title__contains="违约").exists(), person.user


def test_no_default_before_the_money_was_paid_out(ling: Person, bo: Person, product: object, chen: Person) -> None:
    file = submitted(accepted(ling, bo, product), bo, ling)  # type: ignore[arg-type]
    with pytest.raises(WrongState, match="登记有效的质押"):
        defaults.record_default(file.pk, debt(), papers=[paper()], actor=bo.actor, now=moments.now())


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"defaulted_on": moments.local_date(later(days=1))}, "defaulted_on", "不能晚于今天"),
        ({"defaulted_on": moments.local_date(later(days=-40))}, "defaulted_on", "不能早于放款日期"),
        ({"principal": money("8000000.01")}, "principal", "不能超过放款金额"),
    ],
)
def test_a_default_that_cannot_be_is_refused_at_its_field(
    file: Registration, bo: Person, change: dict[str, object], field: str, said: str
) -> None:
    with pytest.raises(Invalid) as refused:
        defaults.record_default(file.pk, debt(**change), papers=[paper()], actor=bo.actor, now=moments.now())
    assert said in refused.value.fields[field]


def test_a_default_needs_evidence_and_there_is_one_at_a_time(file: Registration, bo: Person, cui: Person) -> None:
    with pytest.raises(Invalid) as refused:
        defaults.record_default(file.pk, debt(), papers=[], actor=bo.actor, now=moments.now())
    assert "违约证明" in refused.value.fields["paper"]
    with pytest.raises(Forbidden):
        defaults.record_default(file.pk, debt(), papers=[paper()], actor=cui.actor, now=moments.now())
    defaulted(file, bo)
    with pytest.raises(WrongState, match="没有清偿"):
        defaulted(file, bo)


def test_whoever_drafted_the_listing_does_not_publish_it(default: Default, bo: Person, bo_manager: Person) -> None:
    made = listing.start(default.pk, actor=bo_manager.actor, now=moments.now())
    saved = listing.save(made.pk, text(), version=0, actor=bo_manager.actor, now=moments.now())
    listing.submit(made.pk, actor=bo_manager.actor, now=moments.now())
    with pytest.raises(Forbidden, match="另一位负责人"):
        listing.publish(made.pk, version=saved.version, actor=bo_manager.actor, now=moments.now())
    with pytest.raises(Forbidden, match="负责人复核"):
        listing.publish(made.pk, version=saved.version, actor=bo.actor, now=moments.now())
    listing.send_back(
        made.pk, note="请写明专利件数", actor=factories.person(
            "second", "申示例", bo_manager.membership.role, bo.organisation
        ).actor, now=moments.now(),
    )  # fmt: skip
    again = Disposal.objects.get(pk=made.pk)
    assert (again.state, again.return_note) == ("draft", "请写明专利件数")


def test_what_was_checked_is_what_is_published(default: Default, bo: Person, bo_manager: Person) -> None:
    made = listing.start(default.pk, actor=bo.actor, now=moments.now())
    listing.save(made.pk, text(), version=0, actor=bo.actor, now=moments.now())
    listing.submit(made.pk, actor=bo.actor, now=moments.now())
    with pytest.raises(WrongState, match="已经改动"):
        listing.publish(made.pk, version=0, actor=bo_manager.actor, now=moments.now())
    listing.publish(made.pk, version=1, actor=bo_manager.actor, now=moments.now())
    with pytest.raises(WrongState, match="不能修改"):
        listing.save(made.pk, text(), version=1, actor=bo.actor, now=moments.now())


def test_offers_have_at_least_a_day_and_a_published_reserve_is_given(default: Default, bo: Person) -> None:
    made = listing.start(default.pk, actor=bo.actor, now=moments.now())
    for wrong, field in (
        ({"closes_at": later(hours=23)}, "closes_on"),
        ({"reserve": None, "reserve_public": True}, "reserve"),
    ):
        with pytest.raises(Invalid) as refused:
            listing.save(made.pk, text(**wrong), version=0, actor=bo.actor, now=moments.now())
        assert field in refused.value.fields


def test_starting_twice_gives_the_same_disposal(default: Default, bo: Person) -> None:
    first = listing.start(default.pk, actor=bo.actor, now=moments.now())
    assert listing.start(default.pk, actor=bo.actor, now=moments.now()).pk == first.pk


def test_when_the_debt_is_paid_meanwhile_the_disposal_is_withdrawn(
    auction: Disposal, default: Default, bo: Person, wai: Person
) -> None:
    bid(auction, wai, "1200000.00")
    defaults.cure(default.pk, note="本息已结清", actor=bo.actor, now=moments.now())
    auction.refresh_from_db()
    assert (auction.state, auction.close_note) == ("withdrawn", "债务已清偿")
    while dispatcher.dispatch(now=moments.now()):
        pass
    assert Message.objects.filter(membership=wai.membership, title__contains="撤回").exists()
    with pytest.raises(WrongState, match="已经清偿"):
        listing.start(default.pk, actor=bo.actor, now=moments.now())


def test_the_pledge_itself_is_left_to_its_cancellation(auction: Disposal, bo: Person) -> None:
    """Nothing of a disposal closes the effective period: that is the cancellation «pledge realised»."""
    listing.withdraw(auction.pk, note="另行协商", actor=bo.actor, now=moments.now())
    rows = PledgedPatent.objects.filter(registration=auction.registration)
    assert all(row.effective is not None and row.effective.upper is None for row in rows)


def test_a_failed_listing_is_drawn_up_again_by_two_people(auction: Disposal, bo: Person, bo_manager: Person) -> None:
    failed = awards.decide(auction.pk, actor=bo.actor, now=later(days=4))
    assert (failed.state, failed.failed_note) == ("failed", "没有收到有效报价")
    again = listing.relist(auction.pk, actor=bo.actor, now=later(days=4))
    assert (again.state, again.round) == ("draft", 2)
    assert again.closes_at is None
    second = checked(
        again, bo, bo_manager, path=Path.POOL, closes_at=later(days=9), now=moments.now() + timedelta(days=4)
    )
    assert (second.state, second.round, second.path) == ("listed", 2, "pool")


def test_cui_has_nothing_to_do_with_it(default: Default, cui: Person, bo: Person, bo_manager: Person) -> None:
    with pytest.raises(Forbidden):
        listing.start(default.pk, actor=cui.actor, now=moments.now())
    made = published(default, bo, bo_manager)
    with pytest.raises(Forbidden):
        listing.withdraw(made.pk, note="x", actor=cui.actor, now=moments.now())
    assert not Disposal.objects.visible_to(cui.actor).exists()
