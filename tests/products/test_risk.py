"""Shares, the split to the fen, schemes and tiers: what the published limits say, and what no rounding may lose."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid
from portal.foundation.journal.models import Entry
from products.models import EnterpriseTier, RiskScheme, SchemeShare
from products.risk.reference_data import plans
from products.risk.schemes import Plan, fitting, set_scheme
from products.risk.shares import Party, Tier, fee_cap, split, uncompensated, wrong_shares
from products.risk.tiers import tier_of
from tests.factories import Person

D = Decimal
FUND = {Party.BANK: D(20), Party.GUARANTOR: D(20), Party.REGUARANTOR: D(20), Party.NATIONAL: D(40)}
CITY_HALF = D(50)


@st.composite
def shares(draw: st.DrawFn) -> dict[Party, Decimal]:
    """Any parties with any two-decimal percentages that sum to one hundred."""
    parties = draw(st.lists(st.sampled_from(list(Party)), min_size=1, unique=True))
    cuts = draw(st.lists(st.integers(0, 10_000), min_size=len(parties) - 1, max_size=len(parties) - 1))
    points = [b - a for a, b in pairwise([0, *sorted(cuts), 10_000])]
    return {party: D(point) / 100 for party, point in zip(parties, points, strict=True)}


yuan = st.integers(0, 10**12).map(lambda fens: D(fens) / 100)


@given(amount=yuan, agreed=shares())
def test_a_split_loses_and_invents_no_fen(amount: Decimal, agreed: dict[Party, Decimal]) -> None:
    parts = split(amount, agreed)
    assert sum(parts.values()) == amount
    assert set(parts) == set(agreed)
    for party, part in parts.items():
        exact = amount * agreed[party] / 100
        assert abs(part - exact) < D("0.01")
        assert part == part.quantize(D("0.01")) >= 0


@given(amount=yuan, agreed=shares())
def test_a_split_does_not_depend_on_the_order_of_the_parties(amount: Decimal, agreed: dict[Party, Decimal]) -> None:
    assert split(amount, dict(reversed(agreed.items()))) == split(amount, agreed)


@given(amount=yuan, agreed=shares(), city=st.integers(0, 100).map(D))
def test_without_the_national_fund_the_city_and_the_guarantor_carry_its_part(
    amount: Decimal, agreed: dict[Party, Decimal], city: Decimal
) -> None:
    left = uncompensated(agreed, city_percent=city)
    assert Party.NATIONAL not in left
    assert sum(left.values()) == D(100)
    assert left.get(Party.BANK) == agreed.get(Party.BANK)
    assert sum(split(amount, left).values()) == amount


def test_the_last_fen_goes_to_the_largest_remainder_and_a_tie_to_the_bank() -> None:
    thirds = {Party.BANK: D("33.34"), Party.GUARANTOR: D("33.33"), Party.REGUARANTOR: D("33.33")}
    assert list(split(D("100.01"), thirds).values()) == [D("33.35"), D("33.33"), D("33.33")]
    halves = {Party.GUARANTOR: D(50), Party.BANK: D(50)}
    assert split(D("0.01"), halves) == {Party.BANK: D("0.01"), Party.GUARANTOR: D(0)}


def test_a_split_of_shares_that_are_not_the_whole_is_refused() -> None:
    with pytest.raises(ValueError):
        split(D(100), {Party.BANK: D(99)})


@pytest.mark.parametrize(("tier", "most"), [(Tier.A, 40), (Tier.B, 35), (Tier.C, 30)])
def test_the_national_fund_carries_at_most_what_the_tier_allows(tier: Tier, most: int) -> None:
    def of(national: Decimal) -> dict[Party, Decimal]:
        return {**FUND, Party.NATIONAL: national, Party.GUARANTOR: D(60) - national}

    assert wrong_shares(of(D(most)), tier=tier) == []
    assert "国家融资担保基金" in "".join(wrong_shares(of(D(most) + D("0.01")), tier=tier))
    assert "没有有效的分档" in "".join(wrong_shares(of(D(1)), tier=None))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({Party.BANK: D("19.99"), Party.GUARANTOR: D("20.01")}, "银行承担不低于 20%"),
        ({Party.BANK: D(10), Party.GUARANTOR: D(30)}, "担保体系"),
        ({Party.REGUARANTOR: D(19), Party.GUARANTOR: D(21)}, "再担保机构承担不低于 20%"),
        ({Party.BANK: D(21)}, "合计要等于 100%"),
        ({Party.BANK: D("20.001"), Party.GUARANTOR: D("19.999")}, "两位小数"),
        ({Party.BANK: D(-20), Party.GUARANTOR: D(60)}, "0% 到 100%"),
    ],
)
def test_every_broken_limit_is_named(change: dict[Party, Decimal], said: str) -> None:
    assert said in "".join(wrong_shares({**FUND, **change}, tier=Tier.A))


def test_the_re_guarantee_fee_has_the_lower_cap_up_to_five_million_inclusive() -> None:
    assert [fee_cap(D(amount)) for amount in ("1", "5000000", "5000000.01")] == [D("0.3"), D("0.3"), D("0.5")]


def test_the_packaged_schemes_keep_every_limit_and_say_that_they_are_to_be_confirmed(reference: None) -> None:
    for code, plan in plans().items():
        assert wrong_shares(plan.shares, tier=Tier(plan.tier) if plan.tier else None) == [], code
    assert RiskScheme.objects.count() == len(plans())
    assert not RiskScheme.objects.filter(confirmed=True).exists()


@pytest.mark.django_db
class TestSchemes:
    def plan(self, **changes: object) -> Plan:
        given: dict[str, object] = {
            "name": "科技专项担保计划（一档）", "kind": "guarantor", "tier": "a", "shares": FUND, "ground": "示例文号",
            "city_percent": CITY_HALF,
        }  # fmt: skip
        return Plan(**(given | changes))  # type: ignore[arg-type]

    def test_rui_sets_a_new_version_and_the_old_one_stays(self, rui: Person) -> None:
        now = moments.now()
        changed = {**FUND, Party.BANK: D(25), Party.GUARANTOR: D(15)}
        day = moments.local_date(now)
        made = set_scheme("national-a", self.plan(shares=changed), valid_from=day, actor=rui.actor, now=now)
        assert made.version == 2
        assert made.percentages()[Party.BANK] == D(25)
        assert RiskScheme.objects.in_force(day).get(code="national-a") == made
        before = RiskScheme.objects.in_force(day - timedelta(days=1)).get(code="national-a")
        assert before.percentages()[Party.BANK] == D(20)
        assert Entry.objects.filter(verb="risk.scheme_set", subject=f"risk_scheme:{made.pk}").count() == 1

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"shares": {**FUND, Party.BANK: D(10), Party.GUARANTOR: D(30)}}, "shares"),
            ({"shares": {Party.BANK: D(20), Party.INSURER: D(80)}}, "shares"),
            ({"shares": {Party.BANK: D(20), Party.GUARANTOR: D(50), Party.DISTRICT: D(30)}, "tier": ""}, "shares"),
            ({"ground": " "}, "ground"),
            ({"fee_large": D("0.51")}, "fee_large"),
            ({"fee_small": D("0.31")}, "fee_small"),
        ],
    )
    def test_what_breaks_a_limit_is_refused_beside_its_field(
        self, rui: Person, changes: dict[str, object], field: str
    ) -> None:
        now = moments.now()
        with pytest.raises(Invalid) as refused:
            set_scheme("national-a", self.plan(**changes), valid_from=moments.local_date(now), actor=rui.actor, now=now)
        assert field in refused.value.fields

    def test_only_the_regulator_sets_schemes_and_never_for_the_past(self, rui: Person, gu: Person) -> None:
        now = moments.now()
        with pytest.raises(Forbidden):
            set_scheme("x", self.plan(), valid_from=moments.local_date(now), actor=gu.actor, now=now)
        with pytest.raises(Invalid, match="今天"):
            set_scheme("x", self.plan(), valid_from=date(2026, 1, 1), actor=rui.actor, now=now)

    def test_the_database_itself_holds_the_limits_of_single_parties(self, reference: None) -> None:
        scheme = RiskScheme.objects.get(code="insured")
        for party, percent in ((Party.NATIONAL, D(41)), (Party.CITY, D(-1)), (Party.CITY, D(101))):
            with pytest.raises(IntegrityError), transaction.atomic():
                SchemeShare.objects.create(scheme=scheme, party=party, percent=percent)
        with pytest.raises(IntegrityError), transaction.atomic():
            SchemeShare.objects.filter(scheme=scheme, party=Party.BANK).update(percent=D("19.99"))

    def test_a_tier_counts_from_its_first_to_its_last_day_and_the_best_one_wins(self, ling: Person) -> None:
        first, last = date(2026, 1, 1), date(2026, 12, 31)
        for tier in (Tier.C, Tier.B):
            EnterpriseTier.objects.create(
                organisation=ling.organisation, tier=tier, valid_from=first, valid_until=last, source="示例名单"
            )
        found = [tier_of(ling.organisation, day) for day in (date(2025, 12, 31), first, last, date(2027, 1, 1))]
        assert found == [None, Tier.B, Tier.B, None]

    def test_without_a_tier_only_schemes_without_the_fund_fit(self, ling: Person, wai: Person) -> None:
        today = date(2026, 11, 23)
        schemes, tier = fitting(ling.organisation, kind="guarantor", on=today)
        assert (tier, {s.code for s in schemes}) == (None, {"district-500157"})
        EnterpriseTier.objects.create(organisation=ling.organisation, tier="b", valid_from=today, source="示例名单")
        schemes, tier = fitting(ling.organisation, kind="guarantor", on=today)
        assert (tier, {s.code for s in schemes}) == (Tier.B, {"national-b", "district-500157"})
        type(wai.organisation).objects.filter(pk=wai.organisation.pk).update(district="500106")
        wai.organisation.refresh_from_db()
        assert fitting(wai.organisation, kind="guarantor", on=today)[0] == []  # another district's fund is not for it
