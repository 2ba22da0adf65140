"""What becomes of pledges when the loan is not repaid: one listing that takes offers, one that is over with a claim, and
a combined pledge that is followed beside its patents."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.core.files.base import ContentFile

from pledges.disposal.actions import awards, bids, compensation, defaults, listing, settlement
from pledges.disposal.models import Disposal, Path
from pledges.disposal.proceeds import Cost
from pledges.models import Registration
from pledges.other_rights import actions as rights
from pledges.other_rights.formats import RightKind
from portal.foundation.accounts.models import Membership
from portal.foundation.core.moments import local_date, midnight_after

from . import covers, filings, requests
from .requests import Bank
from .timeline import Timeline


def _paper(name: str) -> "ContentFile[bytes]":
    return ContentFile(filings.BLANK, name=f"{name}（示例）.pdf")


def _listed(
    file: Registration,
    bank: Bank,
    manager: Membership,
    *,
    text: listing.Listing,
    default: datetime,
    published: datetime,
) -> Disposal:
    """Defaulted, drafted by the officer, checked and published by the manager."""
    officer = bank.officer.actor
    owed = defaults.Debt(
        local_date(default), file.debt_amount, Decimal("36500.00"), Decimal("8000.00"), "利息逾期，经催收未付"
    )
    made = defaults.record_default(file.pk, owed, papers=[_paper("催收通知")], actor=officer, now=default)
    begun = listing.start(made.pk, actor=officer, now=published)
    saved = listing.save(begun.pk, text, version=begun.version, actor=officer, now=published)
    listing.submit(begun.pk, actor=officer, now=published)
    return listing.publish(begun.pk, version=saved.version, actor=manager.actor, now=published)


def taking_offers(
    who: Membership, bank: Bank, manager: Membership, clerk: Membership, bidders: list[Membership], *, time: Timeline
) -> None:
    """An auction whose offers lie sealed until next week."""
    at = time.at
    case = requests.agreed(
        who, bank, asked=at(24, 9, 20), claimed=at(23, 10), offered=at(22, 10), taken=at(21, 16), wan=260, rate="3.50",
        patents=slice(0, 1),
    )  # fmt: skip
    file = filings.filed(case, bank.officer, who, at=at(20, 10), serial=11)
    filings.registered(file, clerk, at=at(20, 16))
    filings.paid(file, bank.officer, at=at(19, 10), rate="3.50", number="SL-0011")
    closes = midnight_after(local_date(time.now) + timedelta(days=7)) - timedelta(hours=7)  # 17:00
    text = listing.Listing(
        path=Path.AUCTION,
        statement="发明专利一件，年费缴纳正常，可以看证书和登记簿副本。",
        reserve=Decimal(1_200_000),
        reserve_public=True,
        closes_at=closes,
        contact_name=bank.officer.user.name,
        contact_phone="023-00000000",
    )
    made = _listed(file, bank, manager, text=text, default=at(6, 10), published=at(3, 15))
    for bidder, yuan, ago in zip(bidders, (1_350_000, 1_420_000), (2, 1), strict=False):
        bids.offer(made.pk, bids.Terms(Decimal(yuan)), actor=bidder.actor, now=at(ago, 11))


def over(
    who: Membership,
    bank: Bank,
    manager: Membership,
    guarantor: Bank,
    clerk: Membership,
    bidders: list[Membership],
    *,
    time: Timeline,
) -> None:
    """A guaranteed loan that was lost in part: the auction is over, the bank claims the rest from the guarantor."""
    at = time.at
    case = requests.apply(who, [bank], at=at(27, 9, 10), wan=200, months=12, patents=slice(1, 2))
    requests.claim(case, bank, at=at(27, 14), next_step="安排尽职调查，建议增加担保")
    offer = requests.offer(case, bank, at=at(26, 10), wan=200, rate="3.60", months=12)
    cover = covers.asked(case, bank, guarantor, who, at=at(26, 14), wan=200)
    covers.committed(cover, guarantor, intent=at(26, 16), terms=at(25, 10), commit=at(25, 15), fee="0.80")
    requests.accept(offer, who, at=at(24, 10))
    file = filings.filed(case, bank.officer, who, at=at(23, 10), serial=12)
    filings.registered(file, clerk, at=at(23, 16))
    filings.paid(file, bank.officer, at=at(22, 10), rate="3.60", number="SL-0012")
    text = listing.Listing(
        path=Path.AUCTION,
        statement="实用新型专利一件。",
        reserve=Decimal(500_000),
        reserve_public=False,
        closes_at=at(6, 17),
        contact_name=bank.officer.user.name,
        contact_phone="023-00000000",
    )
    made = _listed(file, bank, manager, text=text, default=at(12, 10), published=at(11, 15))
    for bidder, yuan, ago in zip(bidders, (560_000, 780_000), (9, 8), strict=False):
        bids.offer(made.pk, bids.Terms(Decimal(yuan)), actor=bidder.actor, now=at(ago, 11))
    awards.decide(made.pk, actor=bank.officer.actor, now=at(6, 17, 30))
    made = Disposal.objects.select_related("registration__pledgee", "registration__pledgor", "default").get(pk=made.pk)
    receipt = settlement.Receipt(
        received_on=time.workday(4),
        bills=[Cost("拍卖服务机构（示例）", Decimal("15600.00")), Cost("资产评估机构（示例）", Decimal("6000.00"))],
        costs=Decimal("8000.00"),
        interest=Decimal("41260.27"),
        principal=made.default.principal,
    )
    shown = settlement.fingerprint(settlement.lines_of(made, receipt), receipt)
    paid = settlement.confirm(made.pk, receipt, shown=shown, actor=bank.officer.actor, now=at(4, 15))
    compensation.claim(made.pk, cover.pk, paid.shortfall, actor=bank.officer.actor, now=at(2, 10))


def combined(who: Membership, officer: Membership, *, time: Timeline) -> None:
    """The first registered pledge of an enterprise, with a trademark and a program pledged beside its patents."""
    at = time.at
    file = Registration.objects.filter(
        pledgor_id=who.organisation_id, pledgee_id=officer.organisation_id, state=Registration.State.REGISTERED
    ).earliest("pk")
    day = local_date(time.now)
    mark = rights.add(
        file.application_id,
        rights.Facts(
            kind=RightKind.TRADEMARK,
            title="示例智造牌",
            number="12345678",
            classes="7,12",
            right_registered_on=day.replace(year=day.year - 9, day=min(day.day, 28)),
        ),
        actor=who.actor,
        now=at(9, 11),
    )
    rights.attach(mark.pk, [_paper("商标质权合同")], actor=who.actor, now=at(9, 11, 10))
    for state, ago, number in (("submitted", 9, "SQ-0001"), ("accepted", 7, ""), ("registered", 3, "SBZQ-0001")):
        step = rights.Step(state, time.workday(ago), number)
        rights.advance(mark.pk, step, actor=officer.actor, now=at(ago, 16))
    program = rights.Facts(kind=RightKind.SOFTWARE, title="示例压铸工艺控制软件", number="2014SR001852")
    made = rights.add(file.application_id, program, actor=officer.actor, now=at(9, 17))
    rights.advance(made.pk, rights.Step("submitted", time.workday(8), "RZ-0001"), actor=officer.actor, now=at(8, 10))
