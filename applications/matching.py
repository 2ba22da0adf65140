"""Which institutions fit a request: published products, ranked by parts that add up on screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from banks.models import Institution
from products.models import Product

# Weights of the parts, out of 100.
AMOUNT, TERM, KIND, ONLINE, FRESH = 35, 25, 30, 5, 5


@dataclass(frozen=True, slots=True)
class Match:
    """One institution's best product for a request; `parts` maps a Chinese label to its points, adding up to `score`."""

    institution_id: int
    product: Product
    score: int
    parts: dict[str, int]


def score(product: Product, *, amount: Decimal, term_months: int, kinds: Sequence[str]) -> Match | None:
    """How well one product fits, or None when a hard bound (amount, term, kind of IP) excludes it. Unknown bounds count half."""
    if (product.amount_min is not None and amount < product.amount_min) or (
        product.amount_max is not None and amount > product.amount_max
    ):
        return None
    if product.term_max is not None and term_months > product.term_max:
        return None
    if product.ip_kinds and not set(kinds) & set(product.ip_kinds):
        return None
    parts = {
        "金额": AMOUNT if product.amount_max is not None else AMOUNT // 2,
        "期限": TERM if product.term_max is not None else TERM // 2,
        "知识产权类型": KIND if product.ip_kinds and set(kinds) <= set(product.ip_kinds) else KIND // 2,
        "线上办理": ONLINE if product.online else 0,
        "条款公开": FRESH if product.rate_from is not None else 0,
    }
    return Match(product.institution_id, product, sum(parts.values()), parts)


def rank(*, amount: Decimal, term_months: int, kinds: Sequence[str]) -> list[Match]:
    """The best product of every active institution, best first; ties by pinyin of the institution, so the order is stable."""
    products = (
        Product.objects.published()
        .fitting(amount=amount, term_months=term_months)
        .filter(institution__in=Institution.objects.active())
        .select_related("institution__organisation")
        .order_by("institution__organisation__sort_key", "id")
    )
    best: dict[int, Match] = {}
    for product in products:
        match = score(product, amount=amount, term_months=term_months, kinds=kinds)
        if match and (match.institution_id not in best or match.score > best[match.institution_id].score):
            best[match.institution_id] = match
    return sorted(best.values(), key=lambda m: -m.score)
