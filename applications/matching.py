"""Which institutions a request fits: their best published products, by the one engine (products.fit) that the public
pre-check uses too."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from banks.models import Institution
from portal.foundation.core.moments import local_date
from products import company, fit
from products.fit import Fit, Profile, Verdict
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
    patents are counted by the same statement. Two queries, whatever the size of the library: the deciding columns of all that
    may fit (a thousand rows of every column cost more than judging them), then the best as instances.
    """
    profile = wished(firm or Profile(), amount=amount, term_months=term_months, kinds=kinds)
    offered = Product.objects.published().filter(institution__in=Institution.objects.active())
    offered = offered.fitting(amount=amount, term_months=term_months).order_by()
    held = None if holder is None else company.valid_patents(holder[0], today=holder[1]).order_by().values("kind")
    terms, kinds_held = fit.terms_and(offered, held)
    if kinds_held is not None:
        profile = replace(profile, holdings=company.holdings(kinds_held))
    best: dict[int, Fit] = {}
    for found in fit.ranked(terms, profile):
        if found.verdict >= Verdict.TO_CONFIRM:
            best.setdefault(found.terms.institution_id, found)
    wanted = [found.terms.pk for found in best.values()]
    products = Product.objects.select_related("institution__organisation").in_bulk(wanted)
    return [_match(products[found.terms.pk], found) for found in best.values()]


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
