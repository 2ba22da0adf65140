"""Two states of one product in words, line by line: what the reviewer compares and what the public reads as history."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.foundation.accounts.queries import industry_choices

from . import conditions, facts, terms
from .models import Product

# Columns that a line of `facts` tells already; what else is a term is told by its own name.
_TOLD = frozenset(
    ("mode", "amount_min", "amount_max", "term_min", "term_max", "rate_from", "rate_to", "lpr_term", "lpr_rate", "lpr_spread",
     "lpr_date", "rate_note", "ip_kinds", "combined", "pledge_rate", "pledge_rates", "repayment", "online", "districts",
     "documents", "valid_from", "valid_until", "conditions", "name", "summary")
)  # fmt: skip
CHANGED = "有修改"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is told, before and after."""

    label: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        return self.before != self.after


def lines(before: Product | None, after: Product, *, names: Mapping[str, str] | None = None) -> list[Line]:
    """Every line of both, in order; without a `before` (a new product) its side is empty."""
    first, second = dict(_all(before, names)) if before else {}, dict(_all(after, names))
    found = [Line(label, first.get(label, ""), text) for label, text in second.items()]
    for field in terms.fields():
        if field.name not in _TOLD:
            old = getattr(before, field.name) if before is not None else None
            new = getattr(after, field.name)
            same = before is not None and old == new
            found.append(
                Line(
                    str(field.verbose_name), _said(old), _said(new) + ("" if same or old is None else f"（{CHANGED}）")
                )
            )
    return found


def between(before: Product, after: Product, *, names: Mapping[str, str] | None = None) -> list[list[str]]:
    """[label, before, after] of the lines that differ, as a version keeps them."""
    return [[line.label, line.before, line.after] for line in lines(before, after, names=names) if line.differs]


def _all(product: Product, names: Mapping[str, str] | None) -> list[tuple[str, str]]:
    return [("产品名称", product.name), ("一句话介绍", product.summary), *facts.all_lines(product, names=names)]


def _said(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(one, dict) and "kind" in one for one in value):
        names = conditions.Names(industries={letter: name for letter, name in industry_choices() if letter})
        return "；".join(conditions.words(one, names) for one in value)
    if isinstance(value, list | dict):
        return f"{len(value)} 项" if value else "没有"
    return "没有" if value in (None, "") else str(value)
