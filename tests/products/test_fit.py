"""How a product is held against an enterprise: evaluated, never guessed, and a qualification more never costs anything."""

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.accounts.tiers import Tier
from portal.foundation.assets.models import IPKind
from products import conditions as c
from products import fit_words
from products.fit import PARTS, Fit, Outcome, Profile, Terms, Verdict, assess, ranked
from products.models import Mode

NAMES = c.Names(districts={"500157": "两江新区", "500106": "沙坪坝区"}, industries={"C": "制造业", "I": "软件业"})
DISTRICTS, INDUSTRIES = ["500157", "500106", "500102"], ["C", "I", "A"]
KINDS = [str(k) for k in IPKind.values]
PLAIN = Terms(
    pk=1,
    institution_id=1,
    sort_key="a",
    mode=Mode.PLEDGE,
    ip_kinds=["invention", "utility"],
    combined=False,
    amount_min=Decimal(500_000),
    amount_max=Decimal(5_000_000),
    term_min=6,
    term_max=36,
    rate_from=Decimal("3.2"),
    online=True,
    example=True,
    conditions="",
    districts=(),
    requirements=[],
)
LING = Profile(
    amount=Decimal(3_000_000),
    term_months=24,
    kinds=frozenset({"invention"}),
    holdings={k: 3 if k == "invention" else 0 for k in KINDS},
    tiers=frozenset({"tech_sme"}),
    age_months=30,
    district="500157",
    industry="C",
    accepts=frozenset({"guarantee"}),
    first_pledge=True,
)


def fit(profile: Profile = LING, **terms: Any) -> Fit:
    return assess(PLAIN._replace(**terms), profile)


def said(found: Fit) -> list[tuple[str, str, str]]:
    return [(li.label, li.why, li.cure) for li in fit_words.lines(found, NAMES) if li.outcome != Outcome.MET]


def test_everything_known_and_met_fits() -> None:
    found = fit()
    assert found.verdict == Verdict.FITS
    assert found.score == 100
    assert fit_words.verdict(found) == "全部符合"
    assert fit_words.points(found).startswith("匹配度 100 = 金额 25 + 期限 20")


@pytest.mark.parametrize(
    ("asked", "label", "why", "cure"),
    [
        ({"kind": "tier", "any": ["high_tech"]}, "企业资质", "您是科技型中小企业", "取得高新技术企业资质后可以申请。"),
        ({"kind": "holds", "of": "invention", "min": 5}, "有效知识产权数量", "您有 3 件", "再有 2 件有效发明专利"),
        ({"kind": "years", "min": 3}, "成立年限", "您成立 2 年 6 个月", "再过 6 个月就符合。"),
        ({"kind": "districts", "any": ["500106"]}, "所在区县", "您在两江新区", "只面向沙坪坝区的企业"),
        ({"kind": "industries", "any": ["I"]}, "行业", "您属于制造业", "只面向软件业"),
        ({"kind": "carried", "any": ["insurance"]}, "担保或保险", "您不接受", "接受保险即可申请。"),
    ],
)
def test_one_thing_missing_is_named_with_its_cure(asked: dict[str, Any], label: str, why: str, cure: str) -> None:
    found = fit(requirements=[asked])
    assert found.verdict == Verdict.ONE_SHORT
    ((named, reason, remedy),) = said(found)
    assert named == label
    assert why in reason
    assert cure in remedy
    assert fit_words.verdict(found) == f"差一项：{label}"


def test_amount_and_term_come_from_the_products_own_columns() -> None:
    assert said(fit(amount_max=Decimal(2_000_000))) == [
        ("金额", "最高 200 万元，您需要 300 万元", "把金额降到 200 万元以内。")
    ]
    assert said(fit(amount_min=Decimal(4_000_000)))[0][2] == "把金额提高到 400 万元以上。"
    assert said(fit(term_max=12))[0][2] == "把期限缩短到 12 个月以内。"
    assert said(fit(term_min=36))[0][2] == "把期限延长到 36 个月以上。"
    assert said(fit(ip_kinds=["trademark"]))[0][2] == "提供一件注册商标即可。"


def test_exactly_the_bound_is_inside() -> None:
    at_most = replace(LING, amount=Decimal(5_000_000), term_months=36, age_months=24)
    assert fit(at_most, requirements=[{"kind": "years", "min": 2}]).verdict == Verdict.FITS
    assert fit(replace(at_most, amount=Decimal("5000000.01"))).verdict == Verdict.ONE_SHORT
    assert fit(replace(at_most, age_months=23), requirements=[{"kind": "years", "min": 2}]).verdict == Verdict.ONE_SHORT


def test_two_things_missing_do_not_fit() -> None:
    found = fit(amount_max=Decimal(2_000_000), term_max=12)
    assert found.verdict == Verdict.NO
    assert fit_words.verdict(found) == "不符合 2 项"


def test_what_is_not_told_is_to_be_confirmed_and_neither_met_nor_failed() -> None:
    asked = [{"kind": "tier", "any": ["high_tech"]}, {"kind": "years", "min": 2}]
    silent = replace(LING, tiers=None, age_months=None)
    found = fit(silent, requirements=asked)
    assert found.verdict == Verdict.TO_CONFIRM
    assert fit_words.verdict(found) == "没有不符，2 项待确认"
    assert {cure[:5] for _, _, cure in said(found)} == {"您还没有说"}
    assert fit(replace(silent, tiers=frozenset()), requirements=asked).verdict == Verdict.ONE_SHORT


def test_what_the_institution_has_not_published_is_to_be_confirmed() -> None:
    found = fit(amount_max=None, term_max=None, ip_kinds=[], example=False)
    assert found.verdict == Verdict.TO_CONFIRM
    assert {label for label, _, _ in said(found)} == {"金额", "期限", "可质押的知识产权"}
    worded = fit(conditions="机构另行审核。")
    assert said(worded)[0][:2] == ("其他条件", "机构另行审核")


def test_a_guaranteed_product_asks_for_the_wish() -> None:
    assert fit(mode=Mode.GUARANTEED).verdict == Verdict.FITS
    assert said(fit(mode=Mode.INSURED))[0][2] == "接受保险即可申请。"
    assert fit(replace(LING, accepts=None), mode=Mode.INSURED).verdict == Verdict.TO_CONFIRM


def test_valid_inventions_lift_the_rating_visibly() -> None:
    lifted, plain = fit(), fit(replace(LING, holdings=dict.fromkeys(KINDS, 0)))
    assert lifted.parts["自动提升授信评级"] == 10
    assert plain.parts["自动提升授信评级"] == 0
    assert lifted.score - plain.score == 10


# --- for everybody ----------------------------------------------------------------------------------------------------

amounts = st.integers(1, 60).map(lambda n: Decimal(n) * 500_000)
some_kinds = st.lists(st.sampled_from(KINDS), unique=True)


def subset(values: list[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(values))


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


listed = st.lists
conditions = st.lists(
    st.one_of(
        listed(st.sampled_from(Tier.values), min_size=1, unique=True).map(lambda v: {"kind": "tier", "any": v}),
        st.tuples(st.sampled_from(list(c.HELD)), st.integers(1, 9)).map(
            lambda v: {"kind": "holds", "of": v[0], "min": v[1]}
        ),
        st.just({"kind": "invention"}),
        st.integers(1, 9).map(lambda n: {"kind": "years", "min": n}),
        listed(st.sampled_from(DISTRICTS), min_size=1, unique=True).map(lambda v: {"kind": "districts", "any": v}),
        listed(st.sampled_from(INDUSTRIES), min_size=1, unique=True).map(lambda v: {"kind": "industries", "any": v}),
        listed(st.sampled_from(list(c.CARRIERS)), min_size=1, unique=True).map(lambda v: {"kind": "carried", "any": v}),
        st.just({"kind": "first_pledge"}),
    ),
    max_size=5,
    unique_by=lambda v: (v["kind"], v.get("of", "")),  # type: ignore[no-any-return]
).map(c.validate)


@st.composite
def products(draw: st.DrawFn, pk: int | None = None) -> Terms:
    low, high = draw(maybe(amounts)), draw(maybe(amounts))
    if low and high and low > high:
        low, high = high, low
    return Terms(
        pk=pk or draw(st.integers(1, 10_000)),
        institution_id=draw(st.integers(1, 5)),
        sort_key=draw(st.sampled_from("abc")),
        mode=draw(st.sampled_from(Mode.values)),
        ip_kinds=draw(some_kinds),
        combined=draw(st.booleans()),
        amount_min=low,
        amount_max=high,
        term_min=draw(maybe(st.integers(1, 24))),
        term_max=draw(maybe(st.integers(24, 120))),
        rate_from=draw(maybe(st.just(Decimal("3.2")))),
        online=draw(st.booleans()),
        example=draw(st.booleans()),
        conditions=draw(st.sampled_from(["", "机构另行审核。"])),
        districts=draw(st.lists(st.sampled_from(DISTRICTS), max_size=2, unique=True)),
        requirements=draw(conditions),
    )


profiles = st.builds(
    Profile,
    amount=maybe(amounts),
    term_months=maybe(st.integers(1, 130)),
    kinds=maybe(subset(KINDS)),
    holdings=maybe(st.dictionaries(st.sampled_from(KINDS), st.integers(0, 9))),
    tiers=maybe(subset(Tier.values)),
    age_months=maybe(st.integers(0, 130)),
    district=maybe(st.sampled_from(DISTRICTS)),
    industry=maybe(st.sampled_from(INDUSTRIES)),
    accepts=maybe(subset(list(c.CARRIERS))),
    first_pledge=maybe(st.booleans()),
)


@st.composite
def better(draw: st.DrawFn) -> tuple[Profile, Profile]:
    """A profile, and the same with one qualification more."""
    before: Profile = draw(profiles)
    which = draw(st.sampled_from(["kinds", "holdings", "tiers", "age", "accepts", "first"]))
    if which == "holdings":
        kind, more = draw(st.sampled_from(KINDS)), draw(st.integers(1, 9))
        held = dict(before.holdings or {})
        # A kind nobody has told of is unknown, and stays so unless «enough» is told.
        held[kind] = held[kind] + more if kind in held else 999
        return before, replace(before, holdings=held)
    if which == "age":
        return before, replace(before, age_months=(before.age_months or 1200) + draw(st.integers(1, 60)))
    if which == "first":
        return before, replace(before, first_pledge=True)
    values = {"kinds": KINDS, "tiers": Tier.values, "accepts": list(c.CARRIERS)}[which]
    had = getattr(before, which)
    more_of = frozenset(values) if had is None else had | {draw(st.sampled_from(values))}
    return before, replace(before, **{which: more_of})


@given(products(), better())
def test_a_qualification_more_never_loses_a_match_nor_lowers_verdict_or_score(
    terms: Terms, pair: tuple[Profile, Profile]
) -> None:
    before, after = (assess(terms, profile) for profile in pair)
    assert after.verdict >= before.verdict
    assert after.score >= before.score
    assert {ch.kind for ch in after.failed} <= {ch.kind for ch in before.failed}


@given(products(), profiles)
def test_the_parts_add_up_to_the_score(terms: Terms, profile: Profile) -> None:
    found = assess(terms, profile)
    assert sum(found.parts.values()) == found.score
    most = dict(PARTS.values())
    assert set(found.parts) == set(most)
    assert all(0 <= points <= most[name] for name, points in found.parts.items())
    assert sum(most.values()) == 100
    shown = fit_words.points(found).partition(" = ")[2]
    assert sum(int(part.rpartition(" ")[2]) for part in shown.split(" + ") if part) == found.score


@given(products(), profiles)
def test_every_check_can_be_told_and_every_fault_has_a_cure(terms: Terms, profile: Profile) -> None:
    found = assess(terms, profile)
    for told in fit_words.lines(found, NAMES):
        assert told.why
        assert bool(told.cure) == (told.outcome != Outcome.MET)
    assert (found.verdict == Verdict.FITS) == (not found.failed and not found.unknown)


@given(
    st.lists(st.integers(1, 500), unique=True, max_size=8).flatmap(
        lambda pks: st.tuples(*(products(pk=p) for p in pks))
    ),
    profiles,
    st.randoms(),
)
def test_the_order_does_not_depend_on_the_order_of_rows(
    rows: tuple[Terms, ...], profile: Profile, chance: random.Random
) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert [f.terms.pk for f in ranked(rows, profile)] == [f.terms.pk for f in ranked(shuffled, profile)]
    order = [(f.verdict, f.score) for f in ranked(rows, profile)]
    assert order == sorted(order, reverse=True)


def test_a_combined_pledge_is_not_certain_with_patents_alone() -> None:
    """Ling has inventions only: the bank wants two kinds, so she is told what to ask instead of 全部符合."""
    kinds = ["invention", "utility", "trademark"]
    alone = fit(mode=Mode.COMBINED, combined=True, ip_kinds=kinds)
    assert alone.verdict == Verdict.TO_CONFIRM
    assert said(alone) == [
        ("组合质押", "组合质押需要专利、商标、著作权中的至少两类", "请与机构确认可以一并质押的商标或著作权。")
    ]
    both = replace(LING, kinds=frozenset({"invention", "trademark"}))
    assert fit(both, mode=Mode.COMBINED, combined=True, ip_kinds=kinds).verdict == Verdict.FITS
