"""The three approaches are plain arithmetic a person can check, and they move the right way."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.foundation.assets.valuation import indicators, inputs, scoring, sensitivity, weights
from portal.foundation.assets.valuation.approaches import (
    Comparable,
    Cost,
    Income,
    Outcome,
    adjusted,
    cost_value,
    income_value,
    income_years,
    market_value,
    reconcile,
)
from portal.foundation.assets.valuation.models import Scene

FEN = Decimal("0.01")


def money(most: int = 10**10) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value="0.01", max_value=most, places=2)


def percent(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=low, max_value=high, places=2)


INCOMES = st.builds(
    Income,
    revenue=money(),
    growth=percent("-50", "50"),
    share=percent("0.01", "100"),
    tax=percent("0", "60"),
    discount=percent("0.5", "60"),
    years=st.integers(1, 20),
)
COSTS = st.builds(
    Cost, labour=money(), materials=money(), equipment=money(), other=money(),
    profit=percent("0", "100"), obsolescence=percent("0", "99.99"),
)  # fmt: skip
DEALS = st.builds(
    Comparable, name=st.just("示例交易"), price=money(), technology=percent("10", "300"), rights=percent("10", "300"),
    timing=percent("10", "300"), weight=percent("0.01", "100"),
)  # fmt: skip


def test_ling_can_check_the_income_approach_with_a_calculator() -> None:
    """1,000,000 a year, 10 % of it due to the patents, a quarter in tax: 75,000, then 68,181.82 and 61,983.47 at 10 %."""
    asked = Income(Decimal(1_000_000), Decimal(0), Decimal(10), Decimal(25), Decimal(10), 2)
    assert [line.present for line in income_years(asked)] == [Decimal("68181.82"), Decimal("61983.47")]
    assert income_value(asked) == Decimal("130165.29")


def test_half_a_fen_goes_up() -> None:
    assert income_value(Income(Decimal("0.15"), Decimal(0), Decimal(10), Decimal(0), Decimal(200), 1)) == Decimal(
        "0.01"
    )


def test_ling_can_check_the_market_and_the_cost_approach() -> None:
    deals = (
        Comparable("甲", Decimal(2_000_000), Decimal(110), Decimal(90), Decimal(100), Decimal(60)),
        Comparable("乙", Decimal(3_000_000), Decimal(80), Decimal(100), Decimal(95), Decimal(40)),
    )
    assert [adjusted(deal) for deal in deals] == [Decimal("1980000.00"), Decimal("2280000.00")]
    assert market_value(deals) == Decimal("2100000.00")
    costs = Cost(Decimal(1_000_000), Decimal(200_000), Decimal(0), Decimal(50_000), Decimal(10), Decimal(20))
    assert cost_value(costs) == Decimal("1100000.00")


def test_nothing_weighed_is_an_error_and_not_zero() -> None:
    with pytest.raises(ValueError):
        reconcile([])
    with pytest.raises(ValueError):
        market_value([])


@settings(deadline=None)
@given(INCOMES, money())
def test_more_revenue_never_lowers_the_value(asked: Income, more: Decimal) -> None:
    assert income_value(replace(asked, revenue=asked.revenue + more)) >= income_value(asked)


@settings(deadline=None)
@given(INCOMES, percent("0.01", "40"))
def test_a_higher_discount_rate_never_raises_the_value(asked: Income, more: Decimal) -> None:
    assert income_value(replace(asked, discount=asked.discount + more)) <= income_value(asked)


def test_where_fen_do_not_hide_it_the_moves_are_strict() -> None:
    asked = Income(Decimal(5_000_000), Decimal(5), Decimal(5), Decimal(15), Decimal(12), 6)
    assert income_value(replace(asked, discount=Decimal("12.01"))) < income_value(asked)
    assert income_value(replace(asked, revenue=Decimal("5000100"))) > income_value(asked)


@settings(deadline=None)
@given(INCOMES)
def test_the_total_is_the_sum_of_the_printed_years_in_whole_fen(asked: Income) -> None:
    lines = income_years(asked)
    assert len(lines) == asked.years
    assert sum(line.present for line in lines) == income_value(asked)
    assert all(line.present == line.present.quantize(FEN) >= 0 for line in lines)


@settings(deadline=None)
@given(COSTS)
def test_cost_is_whole_fen_and_falls_with_age(asked: Cost) -> None:
    assert cost_value(asked) == cost_value(asked).quantize(FEN)
    assert cost_value(replace(asked, obsolescence=Decimal(100))) == 0 <= cost_value(asked)


@settings(deadline=None)
@given(st.lists(DEALS, min_size=1, max_size=5))
def test_the_market_value_lies_between_the_adjusted_deals(deals: list[Comparable]) -> None:
    prices = [adjusted(deal) for deal in deals]
    assert min(prices) <= market_value(deals) <= max(prices)


@settings(deadline=None)
@given(st.lists(st.tuples(money(), money(), money(), percent("0.01", "100")), min_size=1, max_size=3))
def test_the_reconciled_value_lies_in_its_range(rows: list[tuple[Decimal, Decimal, Decimal, Decimal]]) -> None:
    parts = [(Outcome(sorted(r[:3])[1], min(r[:3]), max(r[:3])), r[3]) for r in rows]
    found = reconcile(parts)
    assert found.low <= found.value <= found.high
    assert found.value == found.value.quantize(FEN)


@settings(deadline=None)
@given(INCOMES)
def test_the_sensitivity_table_holds_the_result_in_its_middle(asked: Income) -> None:
    table = sensitivity.of_income(asked)
    assert table.rows[1][1][1] == income_value(asked)
    assert table.lowest <= income_value(asked) <= table.highest
    assert "style=" not in table.chart()


@settings(deadline=None)
@given(st.one_of(INCOMES, COSTS, st.lists(DEALS, min_size=1, max_size=5).map(tuple)))
def test_inputs_come_back_from_the_record_as_they_were(asked: inputs.Given) -> None:
    kind = {Income: "income", Cost: "cost", tuple: "market"}[type(asked)]
    assert inputs.read(kind, inputs.stored(asked)) == asked
    assert inputs.compute(kind, asked).table.chart()


def test_the_tree_has_the_numbers_of_the_standard() -> None:
    assert (len(indicators.TREE), len(list(indicators.groups())), len(indicators.INDICATORS)) == (3, 14, 27)
    assert len(indicators.BY_CODE) == 27


@pytest.mark.parametrize("scene", Scene.values)
def test_the_first_weights_of_every_scene_add_up_to_a_hundred(scene: str) -> None:
    given_weights = weights.initial(scene)
    assert set(given_weights) == set(indicators.BY_CODE)
    assert sum(map(Decimal, given_weights.values())) == 100


def test_the_score_is_the_weighted_mean_and_waits_for_the_last_indicator() -> None:
    scores: dict[str, dict[str, object]] = {code: {"score": 80} for code in indicators.BY_CODE}
    assert scoring.total(scores, weights.initial(Scene.FINANCE)) == Decimal("80.00")
    del scores["E52"]
    assert scoring.total(scores, weights.initial(Scene.FINANCE)) is None
