"""The disposals of the small world: one that is on, one that is over with its claim, and a trademark pledged beside."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from applications.actions import choices
from pledges.actions import examination, loans
from pledges.disposal.actions import awards, bids, compensation, defaults, listing, settlement, takeovers
from pledges.disposal.models import Default, DefaultPaper, Disposal, Path
from pledges.disposal.proceeds import Cost
from pledges.disposal.settlement_models import Compensation, TakeOver
from pledges.models import OtherRight, OtherRightPaper, Registration
from pledges.other_rights import actions as rights
from portal.foundation.core import moments
from products.models import Product
from tests import covering, factories
from tests.factories import Person
from tests.pledges.conftest import examined, paper, submitted

NUMBERS = ("2020105660889", "201811564288X")


@dataclass
class Disposals:
    """What the addresses of a disposal need."""

    default: Default
    paper: DefaultPaper
    auction: Disposal  # of Ling's patents, takes offers; Wai has made one
    take_over: TakeOver
    claim: Compensation
    right: OtherRight
    right_paper: OtherRightPaper


def build(people: dict[str, Person], product: Product) -> Disposals:
    ling, bo, gu, chen, wai, manager = (people[n] for n in ("ling", "bo", "gu", "chen", "wai", "bo_manager"))
    now = moments.now()
    files = []
    for number in NUMBERS:
        patent = factories.patent(ling.organisation, number, filed=date(int(number[:4]), 6, 1))
        referral = covering.claimed(ling, bo, product, patents=[patent])
        offer = covering.offered(referral, bo)
        if number == NUMBERS[1]:
            covering.committed(covering.asked(referral, ling, gu), gu)
        case = choices.accept(offer.pk, actor=ling.actor, now=now)
        file = examined(submitted(case, bo, ling), chen)
        examination.register(file.pk, actor=chen.actor, now=now)
        paid = loans.Payment(file.debt_amount, Decimal("3.45"), moments.local_date(now), "SL-9")
        loans.record_loan(file.pk, paid, actor=bo.actor, now=now)
        files.append(Registration.objects.get(pk=file.pk))
    on, over = (_listed(file, bo, manager) for file in files)
    take_over = on.take_overs.get()
    bids.offer(on.pk, bids.Terms(Decimal("1234567.00")), actor=wai.actor, now=now)
    _sold(over, bo, wai)
    (cover,) = compensation.covers_of(over)
    claim = compensation.claim(over.pk, cover.pk, Decimal("1000000.00"), actor=bo.actor, now=now + timedelta(days=7))
    mark = rights.Facts(kind="trademark", title="示例牌", number="12345678")
    right = rights.add(on.registration.application_id, mark, actor=ling.actor, now=now)
    (right_paper,) = rights.attach(right.pk, [paper("受理回执.pdf")], actor=bo.actor, now=now)
    default = on.default
    return Disposals(default, default.papers.get(), on, take_over, claim, right, right_paper)


def _listed(file: Registration, bo: Person, manager: Person) -> Disposal:
    """Defaulted on, offered to the bank in vain, published."""
    now = moments.now()
    owed = defaults.Debt(moments.local_date(now), file.debt_amount, Decimal(0), Decimal(0))
    default = defaults.record_default(file.pk, owed, papers=[paper("催收.pdf")], actor=bo.actor, now=now)
    made = listing.start(default.pk, actor=bo.actor, now=now)
    text = listing.Listing(Path.TRANSFER, "", None, False, now + timedelta(days=3), "薄示例", "023-67961234")
    saved = listing.save(made.pk, text, version=0, actor=bo.actor, now=now)
    price = takeovers.Price(Decimal("100.00"), Decimal("100.00"), moments.local_date(now), "示例评估机构")
    asked = takeovers.propose(made.pk, price, report=paper("评估报告.pdf"), actor=bo.actor, now=now)
    ling = file.pledgor.memberships.select_related("user", "organisation").order_by("pk").first()
    assert ling is not None
    takeovers.answer(asked.pk, takeovers.Answer(False, "不同意"), actor=ling.actor, now=now)
    listing.submit(made.pk, actor=bo.actor, now=now)
    return listing.publish(made.pk, version=saved.version, actor=manager.actor, now=now)


def _sold(disposal: Disposal, bo: Person, wai: Person) -> None:
    now = moments.now()
    made = bids.offer(disposal.pk, bids.Terms(Decimal("2000000.00")), actor=wai.actor, now=now)
    done = awards.decide(disposal.pk, chosen=made.pk, actor=bo.actor, now=now + timedelta(days=4))
    done = Disposal.objects.select_related("registration__pledgee", "registration__pledgor", "default").get(pk=done.pk)
    day = moments.local_date(now + timedelta(days=5))
    bills = [Cost("示例拍卖行", Decimal("1000.00"))]
    got = settlement.Receipt(day, bills, Decimal(0), Decimal(0), done.default.principal)
    shown = settlement.fingerprint(settlement.lines_of(done, got), got)
    settlement.confirm(done.pk, got, shown=shown, actor=bo.actor, now=now + timedelta(days=6))
