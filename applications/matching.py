"""Which institutions a request fits: their best published products, by the one engine (products.fit) that the public
pre-check uses too."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection

from banks.models import Institution
from portal.foundation.accounts.models import Organisation
from portal.foundation.core.moments import local_date
from products import company, fit
from products.fit import Fit, Profile, Terms, Verdict
from products.models import Product

from .models import Application


@dataclass(frozen=True, slots=True)
class Match:
    """One institution's best product for a request; `parts` maps a Chinese label to its points, adding up to `score`."""

    institution_id: int
    product: Product
    score: int
    parts: dict[str, int]
    fit: Fit


def match(product: Product, *, profile: Profile) -> Match | None:
    """How well one product (its institution loaded) fits, or None when anything that is known speaks against it."""
    found = fit.assess(fit.terms_of(product), profile)
    return _match(product, found) if found.verdict >= Verdict.TO_CONFIRM else None


# The whole product with what names and sorts its institution, as plain values: only the best become instances.
_PRODUCT = [field.attname for field in Product._meta.concrete_fields]
_INSTITUTION = [field.attname for field in Institution._meta.concrete_fields]
_ORGANISATION = ["id", "kind", "name", "short_name", "sort_key", "active"]
_COLUMNS = [
    *_PRODUCT,
    *(f"institution__{name}" for name in _INSTITUTION),
    *(f"institution__organisation__{name}" for name in _ORGANISATION),
]
_TERMS = [
    _COLUMNS.index({"pk": "id", "sort_key": "institution__organisation__sort_key"}.get(name, name))
    for name in Terms._fields
]


def rank(
    *,
    amount: Decimal,
    term_months: int,
    kinds: Sequence[str],
    firm: Profile | None = None,
    holder: tuple[int, date] | None = None,
) -> list[Match]:
    """The best product of every active institution, best first (the order of products.fit). Amount in yuan.

    `kinds` are the IP kinds to be pledged, `firm` what is known of the enterprise (products.company): a condition that it
    fails excludes a product, one that it has not answered does not. With `holder` (an organisation and a day) its valid
    patents are counted by the same statement. One query, whatever the size of the library.
    """
    profile = wished(firm or Profile(), amount=amount, term_months=term_months, kinds=kinds)
    offered = Product.objects.published().filter(institution__in=Institution.objects.active())
    offered = offered.fitting(amount=amount, term_months=term_months).order_by()
    rows: list[tuple[Any, ...]]
    if holder is None:
        rows = list(offered.values_list(*_COLUMNS))
    else:
        held = company.valid_patents(holder[0], today=holder[1]).order_by().values("kind")
        rows = list(offered.annotate(held=ArraySubquery(held)).values_list(*_COLUMNS, "held"))
        if rows:
            profile = replace(profile, holdings=company.holdings(rows[0][-1]))
    by_pk = {row[0]: row for row in rows}
    best: dict[int, Fit] = {}
    for found in fit.ranked((Terms._make([row[at] for at in _TERMS]) for row in rows), profile):
        if found.verdict >= Verdict.TO_CONFIRM:
            best.setdefault(found.terms.institution_id, found)
    return [_match(_product(by_pk[found.terms.pk]), found) for found in best.values()]


def _product(row: tuple[Any, ...]) -> Product:
    """The instance of a row, its institution and organisation loaded (of the latter what lists show)."""
    database, products, institutions = connection.alias, len(_PRODUCT), len(_PRODUCT) + len(_INSTITUTION)
    made = Product.from_db(database, _PRODUCT, row[:products])
    made.institution = Institution.from_db(database, _INSTITUTION, row[products:institutions])
    last = institutions + len(_ORGANISATION)
    made.institution.organisation = Organisation.from_db(database, _ORGANISATION, row[institutions:last])
    return made


def rank_for(case: Application) -> list[Match]:
    """The ranking for a request that was made: its wish and patents, its enterprise as it is on record."""
    kinds = sorted({patent.kind for patent in case.patents.all()})
    today = local_date(case.submitted_at)
    firm = company.profile(case.organisation, None, today=today)
    holder = (case.organisation_id, today)
    return rank(amount=case.amount, term_months=case.term_months, kinds=kinds, firm=firm, holder=holder)


def wished(firm: Profile, *, amount: Decimal, term_months: int, kinds: Sequence[str]) -> Profile:
    """The enterprise with its wish."""
    return replace(firm, amount=amount, term_months=term_months, kinds=frozenset(kinds))


def _match(product: Product, found: Fit) -> Match:
    return Match(product.institution_id, product, found.score, found.parts, found)
