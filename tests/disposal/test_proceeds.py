"""The distribution as arithmetic: to the fen, in order, and nobody gets more than is theirs."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pledges.disposal.proceeds import Claims, Cost, Kind, distribute, pro_rata, to_pledgee

D = Decimal
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
yuan = st.integers(0, 10**12).map(lambda fens: (D(fens) / 100).quantize(D("0.01")))
some = st.integers(1, 10**12).map(lambda fens: (D(fens) / 100).quantize(D("0.01")))
small = st.integers(0, 500).map(lambda fens: (D(fens) / 100).quantize(D("0.01")))
sums = st.one_of(yuan, small)


def of(bills: list[Decimal], costs: str, interest: str, principal: str, ceiling: str | None = None) -> Claims:
    named = [Cost(f"收款方{at}", amount) for at, amount in enumerate(bills)]
    return Claims(named, D(costs), D(interest), D(principal), D(ceiling) if ceiling else None)


def amounts(proceeds: str, claims: Claims) -> list[tuple[str, str]]:
    return [
        (line.kind.value, str(line.amount)) for line in distribute(D(proceeds), claims, pledgee="银行", pledgor="企业")
    ]


claims_ = st.builds(
    Claims,
    st.lists(st.builds(Cost, st.just("第三方"), sums), max_size=5),
    sums,
    sums,
    sums,
    st.one_of(st.none(), some, small.filter(bool)),
    st.lists(st.builds(Cost, st.just("担保机构"), sums), max_size=3),
)


@PATIENT
@given(some | small, claims_)
def test_the_parts_add_up_to_the_fen_and_nobody_gets_more_than_is_claimed(proceeds: Decimal, claims: Claims) -> None:
    lines = distribute(proceeds, claims, pledgee="银行", pledgor="企业")
    assert sum((line.amount for line in lines), D(0)) == proceeds
    for line in lines:
        assert D(0) <= line.amount <= line.claimed
        assert line.amount == line.amount.quantize(D("0.01"))
    if claims.ceiling is not None:
        assert to_pledgee(lines) <= claims.ceiling


@PATIENT
@given(some | small, claims_)
def test_a_later_rank_gets_nothing_while_an_earlier_one_is_unpaid(proceeds: Decimal, claims: Claims) -> None:
    lines = distribute(proceeds, claims, pledgee="银行", pledgor="企业")
    ranks = {
        Kind.COST: 0, Kind.PLEDGEE_COST: 0, Kind.INTEREST: 1, Kind.PRINCIPAL: 2, Kind.SUBROGATED: 3, Kind.REMAINDER: 4,
    }  # fmt: skip
    paid = to_pledgee(lines) + sum((line.amount for line in lines if line.kind is Kind.SUBROGATED), D(0))
    bills = sum((line.claimed for line in lines if line.kind is Kind.COST), D(0))
    full = claims.ceiling is not None and paid == max(claims.ceiling - bills, D(0))
    for early in lines:
        for late in lines:
            if ranks[early.kind] < ranks[late.kind] and early.amount < early.claimed and late.amount > 0:
                # Only a cap that is used up lets the remainder pass what the pledgee, and who paid it, had still claimed.
                assert late.kind is Kind.REMAINDER
                assert full
                assert early.kind is not Kind.COST


@PATIENT
@given(some | small, st.lists(sums, min_size=1, max_size=6))
def test_a_share_is_at_most_a_fen_from_the_exact_proportion(available: Decimal, claims: list[Decimal]) -> None:
    parts, whole = pro_rata(available, claims), sum(claims, D(0))
    assert sum(parts, D(0)) == min(available, whole)
    for part, claim in zip(parts, claims, strict=True):
        exact = min(available, whole) * claim / whole if whole else D(0)
        assert abs(part - exact) < D("0.01")


def test_costs_then_interest_then_principal_then_ling() -> None:
    claims = of([D("30000.00")], "20000.00", "123456.78", "8000000.00")
    assert amounts("8500000.00", claims) == [
        ("cost", "30000.00"),
        ("pledgee_cost", "20000.00"),
        ("interest", "123456.78"),
        ("principal", "8000000.00"),
        ("remainder", "326543.22"),
    ]
    assert amounts("100000.00", claims)[2:] == [("interest", "50000.00"), ("principal", "0.00")]


def test_one_fen_over_three_bills_goes_to_the_largest_remainder_and_a_tie_to_the_first() -> None:
    assert pro_rata(D("0.01"), [D("1.00"), D("1.00"), D("1.00")]) == [D("0.01"), D("0.00"), D("0.00")]
    assert pro_rata(D("0.05"), [D("0.02"), D("0.05")]) == [D("0.01"), D("0.04")]


def test_a_maximum_pledge_pays_no_more_than_its_cap_and_ling_gets_the_rest_edge_case_4() -> None:
    """The registered cap governs: it includes interest and costs, and what is owed beyond it is not paid with priority."""
    claims = of([D("10000")], "20000", "500000", "8000000", ceiling="5000000")
    lines = distribute(D("9000000.00"), claims, pledgee="银行", pledgor="企业")
    assert to_pledgee(lines) == D("4990000.00")
    assert lines[-1].kind is Kind.REMAINDER
    assert lines[-1].amount == D("4000000.00")


@pytest.mark.parametrize("bad", ["-1.00", "0.005", "NaN"])
def test_half_a_fen_and_less_than_nothing_are_refused(bad: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        distribute(D("100.00"), of([], "0.00", bad, "10.00"), pledgee="银行", pledgor="企业")
