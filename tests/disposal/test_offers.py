"""Sealed until the closing moment, the highest valid offer wins, nobody wins twice."""

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test import Client
from django.urls import reverse

from pledges.disposal import queries
from pledges.disposal.actions import awards, bids, defaults, listing
from pledges.disposal.models import Bid, Default, Disposal, Path
from pledges.models import PledgedPatent, Registration
from portal.foundation.accounts.models import Membership, OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Entry
from portal.notifications.models import Notice as Message
from tests import factories
from tests.factories import Person

from .conftest import bid, later, money, published, text

pytestmark = pytest.mark.django_db
SECRET, SECRET_SHOWN = "1234567.89", "1,234,567.89"


@pytest.fixture
def yi(reference: None) -> Person:
    """Another enterprise that makes offers."""
    return factories.person(
        "yi", "易示例", Role.ENTERPRISE, factories.organisation(OrganisationKind.ENTERPRISE, "重庆示例受让有限公司")
    )


def test_nobody_sees_an_amount_before_the_closing_moment(
    auction: Disposal, wai: Person, ling: Person, bo: Person, bo_manager: Person, rui: Person, cui: Person
) -> None:
    """Not Bo, whose bank sells, not Ling, whose patents they are, not Rui; and not in the journal or a message either."""
    bid(auction, wai, SECRET)
    dispatcher.dispatch(now=moments.now())
    for person in (ling, bo, bo_manager, rui, cui):
        for name in ("disposals:case", "disposals:detail", "disposals:cases", "notices", "disposals:offer"):
            url = reverse(name, args=[] if name in ("disposals:cases", "notices") else [auction.number])
            page = person.client.get(url).content.decode()
            assert SECRET_SHOWN not in page, (person.user, name)
            assert SECRET not in page, (person.user, name)
            assert wai.organisation.name not in page, (person.user, name)
    told = json.dumps([[e.text, e.data] for e in Entry.objects.all()], ensure_ascii=False, default=str)
    assert SECRET not in told
    assert SECRET_SHOWN in wai.client.get(reverse("disposals:offer", args=[auction.number])).content.decode()
    Disposal.objects.filter(pk=auction.pk).update(closes_at=moments.now())
    for person in (ling, bo, rui):
        assert SECRET_SHOWN in person.client.get(reverse("disposals:case", args=[auction.number])).content.decode()
    assert SECRET_SHOWN not in cui.client.get(reverse("disposals:detail", args=[auction.number])).content.decode()


def test_the_seller_does_not_even_hear_how_many_offers_there_are(
    auction: Disposal, bo: Person, bo_manager: Person, ling: Person, wai: Person, cui: Person
) -> None:
    """A message at each offer would tell Bo how many there are and when: enough to tell a friend whether to offer more."""
    dispatcher.dispatch(now=moments.now())
    before = Message.objects.filter(membership__user__in=[bo.user, bo_manager.user, ling.user]).count()
    for by, amount in ((wai, "1200000.00"), (cui, "1300000.00"), (wai, "1400000.00")):
        bid(auction, by, amount)
    dispatcher.dispatch(now=moments.now())
    assert Message.objects.filter(membership__user__in=[bo.user, bo_manager.user, ling.user]).count() == before


def test_where_offers_are_open_the_pledgee_hears_of_each(
    default: Default, bo: Person, bo_manager: Person, wai: Person
) -> None:
    bid(published(default, bo, bo_manager, path=Path.TRANSFER), wai, "1200000.00")
    dispatcher.dispatch(now=moments.now())
    assert Message.objects.filter(membership__user=bo.user, title="质押处置收到报价").exists()


def test_an_auction_withdrawn_before_it_closed_stays_unopened(auction: Disposal, bo: Person, wai: Person) -> None:
    bid(auction, wai, SECRET)
    listing.withdraw(auction.pk, note="另行协商", actor=bo.actor, now=moments.now())
    auction.refresh_from_db()
    assert queries.bids_of(auction, bo.actor, now=later(days=30)) is None


def test_the_highest_valid_offer_wins_and_everybody_hears_how_it_ended(
    auction: Disposal, bo: Person, ling: Person, wai: Person, yi: Person, cui: Person
) -> None:
    bid(auction, wai, "1500000.00")
    bid(auction, yi, "1500000.01")
    bid(auction, cui, "999999.99")
    done = awards.decide(auction.pk, actor=bo.actor, now=later(days=4))
    assert (done.state, done.buyer_id, done.price) == ("awarded", yi.organisation.pk, money("1500000.01"))
    while dispatcher.dispatch(now=moments.now()):
        pass
    assert Message.objects.filter(membership=yi.membership, title__contains="您的报价成交").exists()
    assert Message.objects.filter(membership=wai.membership, title__contains="未成交").exists()
    assert not Message.objects.filter(membership=wai.membership, body__contains=yi.organisation.title).exists()
    assert Message.objects.filter(membership=ling.membership, title__contains="已成交").exists()


def test_of_equal_offers_the_earlier_one_wins_and_a_changed_one_counts_from_its_change(
    auction: Disposal, bo: Person, wai: Person, yi: Person, cui: Person
) -> None:
    start = moments.now()
    bid(auction, wai, "1500000.00", now=start)
    bid(auction, yi, "1500000.00", now=start + timedelta(minutes=1))
    bid(auction, wai, "1400000.00", now=start + timedelta(minutes=2))
    bid(auction, wai, "1500000.00", now=start + timedelta(minutes=3))
    done = awards.decide(auction.pk, actor=bo.actor, now=later(days=4))
    assert done.buyer_id == yi.organisation.pk
    assert Bid.objects.standing().filter(disposal=auction).count() == 2


def test_below_the_reserve_it_fails_and_the_next_round_begins_anew(auction: Disposal, bo: Person, wai: Person) -> None:
    bid(auction, wai, "999999.99")
    failed = awards.decide(auction.pk, actor=bo.actor, now=later(days=4))
    assert (failed.state, failed.failed_note) == ("failed", "最高报价低于保留价")
    listing.relist(auction.pk, actor=bo.actor, now=later(days=4))
    assert awards.ranked(Disposal.objects.get(pk=auction.pk)) == []


def test_an_offer_below_a_published_reserve_is_refused_at_once(
    default: Default, bo: Person, bo_manager: Person, wai: Person
) -> None:
    made = published(default, bo, bo_manager, reserve_public=True)
    with pytest.raises(Invalid) as refused:
        bid(made, wai, "999999.99")
    assert "保留价" in refused.value.fields["amount"]


def test_at_the_closing_moment_itself_an_offer_is_too_late(auction: Disposal, wai: Person, bo: Person) -> None:
    assert auction.closes_at is not None
    bid(auction, wai, "1100000.00", now=auction.closes_at - timedelta(seconds=5))
    for now in (auction.closes_at, auction.closes_at + timedelta(seconds=1)):
        with pytest.raises(WrongState, match="已经截止"):
            bid(auction, wai, "1200000.00", now=now)
        with pytest.raises(WrongState, match="已经截止"):
            bids.take_back(auction.pk, actor=wai.actor, now=now)
    with pytest.raises(WrongState, match="还没有截止"):
        awards.decide(auction.pk, actor=bo.actor, now=auction.closes_at - timedelta(seconds=1))


def test_the_parties_themselves_make_no_offers(auction: Disposal, bo: Person, ling: Person, chen: Person) -> None:
    """Bo's bank sells, sets the reserve and opens the offers; and Ling owns the patents already."""
    with pytest.raises(WrongState, match="不能自己报价"):
        bid(auction, bo, "2000000.00")
    with pytest.raises(WrongState, match="本来就在您名下"):
        bid(auction, ling, "2000000.00")
    with pytest.raises(Forbidden):
        bid(auction, chen, "2000000.00")


def test_collective_purchase_takes_offers_of_institutions_only(
    default: Default, bo: Person, bo_manager: Person, wai: Person, cui: Person
) -> None:
    made = published(default, bo, bo_manager, path=Path.POOL)
    with pytest.raises(WrongState, match="只接受金融机构"):
        bid(made, wai, "1200000.00")
    only = bid(made, cui, "1200000.00")
    with pytest.raises(Invalid, match="选择一份"):
        awards.decide(made.pk, actor=bo.actor, now=later(days=4))
    assert awards.decide(made.pk, chosen=only.pk, actor=bo.actor, now=later(days=4)).buyer_id == cui.organisation.pk


def test_a_reverse_licence_says_for_how_long_and_for_how_much(
    default: Default, bo: Person, bo_manager: Person, wai: Person
) -> None:
    made = published(default, bo, bo_manager, path=Path.REVERSE_LICENCE)
    with pytest.raises(Invalid) as refused:
        bid(made, wai, "1200000.00")
    assert set(refused.value.fields) == {"licence_fee", "licence_years"}
    offer = bid(made, wai, "1200000.00", licence_fee=money("50000.00"), licence_years=3)
    awards.decide(made.pk, chosen=offer.pk, actor=bo.actor, now=later(days=4))
    page = bo.client.get(reverse("disposals:case", args=[made.number])).content.decode()
    assert "许可回原企业 3 年" in page


def test_bo_may_refuse_every_offer_of_a_negotiated_transfer_but_not_of_an_auction(
    default: Default, bo: Person, bo_manager: Person, wai: Person
) -> None:
    made = published(default, bo, bo_manager, path=Path.TRANSFER)
    bid(made, wai, "1200000.00")
    failed = awards.choose_none(made.pk, note="价格过低", actor=bo.actor, now=later(days=4))
    assert (failed.state, failed.failed_note) == ("failed", "价格过低")


def test_of_an_auction_the_highest_offer_cannot_be_passed_over(auction: Disposal, bo: Person, wai: Person) -> None:
    bid(auction, wai, "1200000.00")
    with pytest.raises(Invalid, match="最高者成交"):
        awards.choose_none(auction.pk, note="不卖了", actor=bo.actor, now=later(days=4))


def test_after_the_award_nothing_is_withdrawn_until_the_buyer_has_not_paid(
    auction: Disposal, default: Default, bo: Person, wai: Person
) -> None:
    bid(auction, wai, "1200000.00")
    awards.decide(auction.pk, actor=bo.actor, now=later(days=4))
    for act in (
        lambda: listing.withdraw(auction.pk, note="x", actor=bo.actor, now=later(days=5)),
        lambda: defaults.cure(default.pk, note="已结清", actor=bo.actor, now=later(days=5)),
        lambda: awards.decide(auction.pk, actor=bo.actor, now=later(days=5)),
    ):
        with pytest.raises(WrongState):
            act()
    fallen = awards.unpaid(auction.pk, note="逾期 10 日", actor=bo.actor, now=later(days=15))
    assert (fallen.state, fallen.winner_id, fallen.price) == ("failed", None, None)


def test_who_has_read_the_offers_of_an_auction_cannot_withdraw_because_they_are_low(
    auction: Disposal, bo: Person, wai: Person
) -> None:
    """From the closing moment on Bo reads the amounts: then the highest valid offer binds his bank. A paid debt ends it still."""
    bid(auction, wai, "1000000.00")
    with pytest.raises(WrongState, match="不能撤回"):
        listing.withdraw(auction.pk, note="价格不理想", actor=bo.actor, now=later(days=4))
    Disposal.objects.filter(pk=auction.pk).update(closes_at=moments.now())
    page = bo.client.get(reverse("disposals:case", args=[auction.number])).content.decode()
    assert "确定结果" in page
    assert "因其他原因撤回" not in page
    defaults.cure(auction.default_id, note="本息已结清", actor=bo.actor, now=later(days=4))
    auction.refresh_from_db()
    assert auction.state == "withdrawn"


def test_an_auction_without_a_valid_offer_may_be_withdrawn_after_it_closed(
    auction: Disposal, bo: Person, wai: Person
) -> None:
    bid(auction, wai, "999999.99")
    listing.withdraw(auction.pk, note="另行协商", actor=bo.actor, now=later(days=4))
    auction.refresh_from_db()
    assert auction.state == "withdrawn"


def test_a_draft_that_nobody_checked_never_stands_on_the_public_page(
    auction: Disposal, bo: Person, bo_manager: Person, wai: Person
) -> None:
    """Failed, drafted anew by Bo alone, withdrawn: what was published is round 1, and the draft of round 2 was not."""
    awards.decide(auction.pk, actor=bo.actor, now=later(days=4))
    again = listing.relist(auction.pk, actor=bo.actor, now=later(days=5))
    listing.save(
        auction.pk, text(statement="欠款八百万，急售", closes_at=later(days=9)), version=again.version, actor=bo.actor,
        now=later(days=5),
    )  # fmt: skip
    listing.withdraw(auction.pk, note="另行协商", actor=bo.actor, now=later(days=6))
    assert Client().get(reverse("disposals:detail", args=[auction.number])).status_code == 404
    assert auction.number not in Client().get(f"{reverse('disposals:list')}?show=ended").content.decode()


def test_nobody_sells_with_one_chair_and_buys_with_another(auction: Disposal, bo: Person, wai: Person) -> None:
    """Wai also sits in Bo's bank: somebody else of Wai's firm has to make the offer."""
    Membership.objects.create(user=wai.user, organisation=bo.organisation, role=Role.OFFICER)
    with pytest.raises(WrongState, match="同时是质权人"):
        bid(auction, wai, "1200000.00")
    Membership.objects.filter(user=wai.user, organisation=bo.organisation).update(active=False)
    bid(auction, wai, "1200000.00")


def test_a_pledge_that_is_gone_takes_no_more_offers_and_can_be_withdrawn(
    auction: Disposal, bo: Person, wai: Person
) -> None:
    bid(auction, wai, "1200000.00")
    Registration.objects.filter(pk=auction.registration_id).update(state="cancelled", ended_at=moments.now())
    with pytest.raises(WrongState, match="不再接受报价"):
        bid(auction, wai, "1300000.00")
    assert "现在不接受报价" in Client().get(reverse("disposals:detail", args=[auction.number])).content.decode()
    listing.withdraw(auction.pk, note="质押已注销", actor=bo.actor, now=later(days=4))


def test_a_released_patent_is_not_offered(auction: Disposal, bo: Person) -> None:
    """One of the contract's patents was released: the listing has the others only."""
    row = auction.registration.patents.get()
    other = PledgedPatent.objects.create(
        registration=row.registration, patent=row.patent, number="2018112642880", kind=row.kind, title="已解除的专利",
        filing_date=row.filing_date, expires_on=row.expires_on,
        effective=DateTimeTZRange(row.effective.lower, row.effective.lower + timedelta(seconds=1)),
    )  # fmt: skip
    for url in (reverse("disposals:detail", args=[auction.number]), reverse("disposals:list")):
        page = Client().get(url).content.decode()
        assert row.title in page
        assert other.title not in page
        assert "2 件" not in page
    assert other.title not in bo.client.get(reverse("disposals:case", args=[auction.number])).content.decode()


def test_an_offer_once_made_is_never_changed_in_the_database(auction: Disposal, wai: Person) -> None:
    made = bid(auction, wai, "1200000.00")
    with pytest.raises(DatabaseError), transaction.atomic():
        Bid.objects.filter(pk=made.pk).update(amount=money("1300000.00"))
