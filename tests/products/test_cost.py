"""The whole cost of a loan, to the fen and as one rate: checkable by hand, monotone, and honest about what nobody said."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from products.cost import Price, Subsidy, Way, schedule, total, way_of

PATIENT = settings(deadline=None, max_examples=60)
MILLION = Decimal(1_000_000)


def price(
    way: Way = Way.ANNUITY, rate: str | None = "3.60", amount: Decimal = MILLION, term: int = 12, **more: Any
) -> Price:
    return Price(amount, term, way, None if rate is None else Decimal(rate), **more)


@pytest.mark.parametrize(
    ("way", "interest"),
    [
        # 1,000,000 yuan, 12 months, 3.6 % a year (0.3 % a month), by hand:
        (Way.ANNUITY, "19607.10"),
        (Way.LINEAR, "19500.00"),  # 3,000 × (12 + 11 + … + 1) ÷ 12
        (Way.INTEREST_FIRST, "36000.00"),
        (Way.BULLET, "36000.00"),
    ],
)
def test_interest_by_way_of_repayment(way: Way, interest: str) -> None:
    found = total(price(way))
    assert abs(found.known - Decimal(interest)) <= Decimal("0.10")  # instalments are whole fen
    assert found.total == found.known
    assert found.unknown == []


def test_interest_first_pays_the_whole_principal_at_the_end() -> None:
    plan = schedule(MILLION, annual_rate=Decimal("3.6"), term_months=3, way=Way.INTEREST_FIRST)
    assert [(i.principal, i.interest) for i in plan] == [(0, 3000), (0, 3000), (MILLION, 3000)]


def test_fees_are_paid_each_year_on_what_is_open() -> None:
    found = total(price(Way.LINEAR, "3.60", term=18, guarantee_rate=Decimal("0.80")))
    parts = {p.label: p.yuan for p in found.parts}
    # First year on 1,000,000; then half a year on what is left after twelve eighteenths.
    assert parts["担保费"] == Decimal("8000.00") + Decimal("1333.33")


def test_a_year_is_the_share_of_the_term() -> None:
    found = total(price(Way.INTEREST_FIRST, "3.60", term=24, other_fees=Decimal(2000)))
    assert found.total == Decimal("74000.00")
    assert found.per_year == Decimal("37000.00")


def test_what_nobody_said_is_unknown_and_not_nothing() -> None:
    found = total(price(rate=None, guarantee_rate=Decimal("0.80"), valuation=None))
    assert found.unknown == ["利息", "评估费"]
    assert found.known == Decimal("8000.00")
    assert (found.total, found.per_year, found.apr) == (None, None, None)


def test_fees_make_the_rate_dearer_than_the_interest_alone() -> None:
    assert total(price()).apr == Decimal("3.60")
    dearer = total(price(guarantee_rate=Decimal("0.80"), valuation=Decimal(5000))).apr
    assert dearer is not None
    assert Decimal("6.00") < dearer < Decimal("6.30")  # 13,000 yuan on an average of some 540,000 open for a year


def test_a_subsidy_comes_back() -> None:
    plain, helped = (
        total(price(Way.INTEREST_FIRST, subsidies=s)) for s in ((), (Subsidy("区县贴息", Decimal("10000"), 12),))
    )
    assert plain.total is not None
    assert helped.total == plain.total - 10_000
    assert helped.parts[-1].yuan == -10_000
    assert (plain.apr, helped.apr) == (Decimal("3.60"), Decimal("2.61"))


def test_fees_that_eat_the_loan_have_no_rate() -> None:
    assert total(price(other_fees=MILLION)).apr is None


def test_the_ways_of_offers_are_recognised() -> None:
    assert way_of("按月付息，到期还本") is Way.INTEREST_FIRST
    assert way_of("按季付息，到期还本") is Way.INTEREST_FIRST
    assert way_of("等额本金") is Way.LINEAR
    assert way_of("到期一次还本付息") is Way.BULLET
    assert way_of("随借随还") is None
    assert way_of("") is None


# --- for every loan ---------------------------------------------------------------------------------------------------

amounts = st.integers(100_000, 50_000_000).map(Decimal)
terms = st.integers(1, 120)
rates = st.integers(1, 3600).map(lambda n: Decimal(n) / 100)
fees = st.integers(0, 5_000).map(Decimal)
ways = st.sampled_from(list(Way))


@given(amounts, terms, rates)
@PATIENT
def test_without_fees_a_monthly_annuity_costs_its_own_rate(amount: Decimal, term: int, rate: Decimal) -> None:
    found = total(Price(amount, term, Way.ANNUITY, rate))
    assert found.apr == rate


@given(amounts, terms, rates, ways)
@PATIENT
def test_the_principal_comes_back_to_the_fen(amount: Decimal, term: int, rate: Decimal, way: Way) -> None:
    plan = schedule(amount, annual_rate=rate, term_months=term, way=way)
    assert len(plan) == term
    assert sum(i.principal for i in plan) == amount
    assert all(i.principal >= 0 and i.interest >= 0 for i in plan)
    assert all(v == v.quantize(Decimal("0.01")) for i in plan for v in (i.principal, i.interest))


@given(amounts, terms, rates, ways, fees, fees, st.integers(0, 300), st.integers(0, 100))
@PATIENT
def test_every_fee_makes_it_dearer_and_the_parts_add_up(
    amount: Decimal, term: int, rate: Decimal, way: Way, valuation: Decimal, more: Decimal, percent: int, extra: int
) -> None:
    low = Price(amount, term, way, rate, guarantee_rate=Decimal(percent) / 100, valuation=valuation)
    high = replace(low, guarantee_rate=Decimal(percent + extra) / 100, other_fees=more)
    cheap, dear = total(low), total(high)
    for found in (cheap, dear):
        assert found.total == sum(p.yuan for p in found.parts if p.yuan is not None)
        assert found.total == found.total.quantize(Decimal("0.01"))
    assert cheap.apr is not None
    assert dear.apr is not None
    assert dear.apr >= cheap.apr
    assert dear.known >= cheap.known


@given(amounts, terms, rates, ways, st.integers(0, 100_000).map(Decimal))
@PATIENT
def test_a_subsidy_never_makes_it_dearer(amount: Decimal, term: int, rate: Decimal, way: Way, given_: Decimal) -> None:
    plain = Price(amount, term, way, rate)
    helped = total(replace(plain, subsidies=(Subsidy("示例贴息", given_),)))
    assert helped.known == total(plain).known - given_
