"""Terms as data: taken off a row and put back they are the same, whatever they say."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.assets.models import IPKind
from products import terms
from products.models import Mode, Product

PERCENT = st.none() | st.decimals(0, 36, places=3)
TERMS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "ip_kinds": st.lists(st.sampled_from(IPKind.values), unique=True),
        "combined": st.booleans(),
        "amount_max": st.none() | st.decimals(1, 10**10, places=2),
        "term_max": st.none() | st.integers(1, 360),
        "rate_from": PERCENT,
        "lpr_spread": st.none() | st.integers(-500, 2000),
        "lpr_date": st.none() | st.dates(date(2019, 8, 20), date(2099, 1, 1)),
        "pledge_rates": st.dictionaries(st.sampled_from(IPKind.values), st.just("40.00")),
        "documents": st.lists(st.text(max_size=80), max_size=20),
        "conditions": st.text(max_size=300),
    }
)


@given(TERMS)
def test_terms_survive_the_way_into_a_version_and_back(values: dict[str, Any]) -> None:
    product = Product(name="贷", mode=Mode.PLEDGE, summary="示例")
    for name, value in values.items():
        setattr(product, name, value)
    kept = terms.snapshot(product)
    back = Product()
    columns = terms.apply(back, kept)
    assert {name: getattr(back, name) for name in values} == values
    assert terms.same(terms.snapshot(back), kept)
    assert set(columns) == {field.name for field in terms.fields()}


def test_every_column_is_a_term_or_the_rows_own_life() -> None:
    """A column that is added later is in every snapshot from then on; an older snapshot leaves its default."""
    product = Product(name="贷", mode=Mode.PLEDGE, summary="示例", term_max=36)
    kept = terms.snapshot(product)
    del kept["term_max"]
    terms.apply(product, kept)
    assert product.term_max is None
    assert {"conditions", "name", "pledge_rates"} <= set(kept)
