"""What Ling reads of an offer's cost: on her case, beside others, and never a 0 for what nobody has said."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from applications import comparison
from applications.actions import responses
from applications.models import Application, Offer, Referral
from applications.offer_cost import in_short, of_offer, of_referral
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.display import money_wan
from portal.foundation.core.moments import local_date
from products.models import Mode
from products.subsidies.estimates import schemes_for
from products.subsidies.models import SubsidyScheme
from tests import covering, factories
from tests.factories import Person

pytestmark = pytest.mark.django_db


def offered(case: Application, who: Person, *, wan: int = 500, **terms: object) -> Offer:
    now = moments.now()
    fields: dict[str, object] = {"valid_until": local_date(now) + timedelta(days=30), **terms}
    made = responses.Terms(amount=Decimal(wan) * 10_000, term_months=24, **fields)  # type: ignore[arg-type]
    return responses.offer(case.referrals.get(institution_id=who.organisation.pk).pk, made, actor=who.actor, now=now)


@pytest.fixture
def case(ling: Person, bo: Person, cui: Person, gu: Person) -> Application:
    return factories.application(
        ling,
        factories.product(bo.organisation),
        factories.product(cui.organisation, mode=Mode.INSURED),
        factories.product(gu.organisation, mode=Mode.GUARANTEED),
    )


def loaded() -> list[Offer]:
    return list(Offer.objects.select_related("referral__institution__organisation", "referral__product").order_by("pk"))


def test_a_banks_offer_has_a_bill_and_a_rate(case: Application, bo: Person) -> None:
    offered(case, bo, annual_rate=Decimal("3.60"), repayment="按月付息，到期还本", other_fees=Decimal(10_000))
    (offer,) = loaded()
    cost = of_referral(offer, offer.referral)
    assert cost.total == Decimal("370000.00")  # 5,000,000 × 3.6 % × 2 + 10,000
    assert cost.per_year == Decimal("185000.00")
    assert cost.apr is not None
    assert Decimal("3.70") <= cost.apr <= Decimal("3.72")


def test_the_premium_of_an_insured_loan_is_unknown_until_somebody_names_it(case: Application, cui: Person) -> None:
    offered(case, cui, annual_rate=Decimal("3.60"), repayment="等额本息")
    (offer,) = loaded()
    assert in_short(of_referral(offer, offer.referral)) == "保险费未知"
    offer.fee_rate = Decimal("1.20")
    assert of_referral(offer, offer.referral).apr is not None


def test_a_guarantor_names_its_fee_and_not_the_interest(case: Application, gu: Person) -> None:
    offered(case, gu, fee_rate=Decimal("0.80"))
    (offer,) = loaded()
    cost = of_referral(offer, offer.referral)
    assert cost.unknown == ["利息"]
    assert cost.known == Decimal("80000.00")  # 0.8 % of five million in each of two years
    assert cost.total is None


def test_a_way_nobody_can_compute_counts_as_used_to_the_end() -> None:
    loan = Offer(amount=Decimal(1_000_000), term_months=12, annual_rate=Decimal(4), repayment="随借随还")
    assert of_offer(loan, kind="bank").total == Decimal("39999.96")  # 12 × 3,333.33


def test_ling_sees_them_beside_each_other_and_on_her_case(
    case: Application, ling: Person, bo: Person, cui: Person, gu: Person
) -> None:
    offered(case, bo, annual_rate=Decimal("3.60"), repayment="等额本息", other_fees=Decimal(30_000))
    offered(case, cui, annual_rate=Decimal("3.70"), fee_rate=Decimal("0.10"), repayment="等额本息")
    offered(case, gu, fee_rate=Decimal("0.80"))
    lending, carrying = comparison.tables(loaded(), today=local_date(moments.now()))
    rates = dict(lending.rows)["年化综合成本"]
    assert [cell.best for cell in rates] == ["", "本行最低"]  # the fee outweighs the lower interest
    assert dict(carrying.rows)["总成本"][0].text == "担保费 8 万元；利息未知"
    assert "年化综合成本" not in dict(carrying.rows)
    page = ling.client.get(f"/cases/{case.number}/").content.decode()
    assert f"年化综合成本 {rates[0].text[:-1]}" in page
    assert "利息未知" in page
    desk = bo.client.get(f"/desk/referrals/{Referral.objects.get(institution_id=bo.organisation.pk).ref}/")
    assert "企业的成本" in desk.content.decode()


def scheme(*, confirmed: bool, district: str = "500157", left: int = 1_000_000) -> SubsidyScheme:
    return SubsidyScheme.objects.create(
        code=f"interest-{confirmed}-{left}", name=f"示例贴息{'甲' if confirmed else '乙'}",
        kind=SubsidyScheme.Kind.INTEREST, district_id=district, rate=Decimal(30), budget=Decimal(left),
        ground="示例", rule="示例", confirmed=confirmed, valid_from=date(2025, 1, 1), valid_until=date(2099, 1, 1),
    )  # fmt: skip


def test_what_the_guarantor_and_the_insurer_ask_is_in_the_bill_of_the_loan(
    reference: None, ling: Person, bo: Person, gu: Person
) -> None:
    """Ling reads one bill, although three institutions wrote it."""
    sun = factories.person("sun", "孙示例", Role.OFFICER, factories.organisation(OrganisationKind.INSURER, "示例保险"))
    covering.listed(ling)
    referral = covering.claimed(ling, bo, factories.product(bo.organisation, mode=Mode.GUARANTEED))
    offer = covering.offered(referral, bo)
    bare = of_referral(offer, referral)
    assert bare.unknown == ["担保费"]
    guarantee = covering.with_terms(
        covering.asked(referral, ling, gu, 4_000_000), gu, fee_rate=Decimal("0.8"), premium=None
    )
    half = of_referral(offer, referral, covers=[guarantee])
    years = Decimal(offer.term_months) / 12
    assert half.part("担保费") == (4_000_000 * Decimal("0.008") * years).quantize(Decimal("0.01"))
    silent = covering.asked(referral, ling, sun)
    assert of_referral(offer, referral, covers=[guarantee, silent]).unknown == ["保险费"]
    insurance = covering.with_terms(silent, sun, fee_rate=None, premium=Decimal(18_000))
    whole = of_referral(offer, referral, covers=[guarantee, insurance])
    assert whole.part("保险费") == Decimal(18_000)
    assert whole.total == half.total + 18_000
    assert whole.apr > half.apr
    page = ling.client.get(f"/cases/{referral.application.number}/offers/").content.decode()
    assert "其中担保费、保险费" in page
    assert f"保险费 {money_wan(Decimal(18_000))}" in page


def test_a_confirmed_subsidy_is_subtracted_and_an_unconfirmed_one_only_told(
    reference: None, ling: Person, bo: Person, case: Application
) -> None:
    """Ling must not count on money that nobody has confirmed."""
    SubsidyScheme.objects.all().delete()
    offered(case, bo, annual_rate=Decimal("3.60"), repayment="按月付息，到期还本")
    (offer,) = loaded()
    plain = of_referral(offer, offer.referral)
    district, today = ling.organisation.district_id, local_date(moments.now())
    scheme(confirmed=False, district=district)
    assert of_referral(offer, offer.referral, schemes=schemes_for(district, today=today)).total == plain.total
    (table,) = comparison.tables([offer], today=today, schemes=schemes_for(district, today=today))
    assert "待确认，未计入总成本" in dict(table.rows)["可申请的贴息"][0].text
    scheme(confirmed=True, district=district, left=50_000)
    helped = of_referral(offer, offer.referral, schemes=schemes_for(district, today=today))
    assert helped.total == plain.total - 50_000  # 30 % of 360,000 is more than the budget has left
    assert helped.apr < plain.apr
    assert schemes_for("500106", today=today) == [], "another district's subsidy is no business of hers"
    page = ling.client.get(f"/cases/{case.number}/offers/").content.decode()
    assert "示例贴息甲约 5 万元（已计入）" in page
