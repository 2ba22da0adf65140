"""What the public product pages show. What institutions and the regulator see of their own: queries_managed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from portal.foundation.accounts.models import District
from portal.foundation.core.numbers import whole

from .models import Product, ProductQuerySet, PublicChange

PAGE = 40
MAX_COMPARED = 4
PRINTED = 300  # products on the paper list: its layout takes seconds beyond that
_ORDER = ("-institution__connected", "institution__organisation__sort_key", "pk")


def shown() -> ProductQuerySet:
    """Public products with their institutions: those that answer here first, then by the institution's pinyin."""
    return Product.objects.shown().select_related("institution__organisation").order_by(*_ORDER)


@dataclass(frozen=True, slots=True)
class Library:
    """How large the library is and how fresh."""

    total: int
    updated_on: date | None


def library() -> Library:
    found = Product.objects.shown().aggregate(total=Count("pk"), updated=Max("updated_on"))
    return Library(found["total"], found["updated"])


def matching(wish: Mapping[str, Any]) -> ProductQuerySet:
    """Products that do not contradict the filter. A fact that nobody published contradicts nothing."""
    found = shown()
    if wish.get("q"):
        found = found.filter(Q(name__icontains=wish["q"]) | Q(institution__organisation__name__icontains=wish["q"]))
    if wish.get("mode"):
        found = found.filter(mode=wish["mode"])
    if wish.get("kind"):
        found = found.filter(Q(ip_kinds__contains=[wish["kind"]]) | Q(ip_kinds=[]))
    if wish.get("amount"):
        found = found.filter(
            Q(amount_min=None) | Q(amount_min__lte=wish["amount"]),
            Q(amount_max=None) | Q(amount_max__gte=wish["amount"]),
        )
    if wish.get("term"):
        found = found.filter(
            Q(term_min=None) | Q(term_min__lte=wish["term"]), Q(term_max=None) | Q(term_max__gte=wish["term"])
        )
    if wish.get("by"):
        found = found.filter(institution__organisation__kind=wish["by"])
    if wish.get("online"):
        found = found.filter(online=True)
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """One keyset page; `after` is the cursor of the next, `first` whether nothing comes before."""

    rows: list[Product]
    after: str
    first: bool


def page_of(found: ProductQuerySet, *, after: int | None) -> Page:
    """Forty at a time. A cursor that no longer exists starts from the beginning."""
    anchor = shown().filter(pk=after).first() if after is not None else None
    if anchor is not None:
        connected, key = anchor.institution.connected, anchor.institution.organisation.sort_key
        later = Q(institution__organisation__sort_key__gt=key) | Q(
            institution__organisation__sort_key=key, pk__gt=anchor.pk
        )
        later &= Q(institution__connected=connected)
        found = found.filter(later | Q(institution__connected=False) if connected else later)
    rows = list(found[: PAGE + 1])
    return Page(rows[:PAGE], str(rows[PAGE - 1].pk) if len(rows) > PAGE else "", anchor is None)


def chosen(ids: Sequence[str]) -> list[Product]:
    """The public products of a comparison in the order asked for, each once; nonsense is passed over."""
    wanted = list(dict.fromkeys(pk for i in ids if (pk := whole(i)) is not None))[:50]
    found = {p.pk: p for p in shown().select_related("institution__organisation", "current").filter(pk__in=wanted)}
    return [found[pk] for pk in wanted if pk in found]


def district_names(codes: Iterable[str]) -> dict[str, str]:
    """Names of districts by code, abolished ones too; no query without codes."""
    wanted = set(codes)
    return dict(District.objects.filter(code__in=wanted).values_list("code", "name")) if wanted else {}


def public_changes() -> "QuerySet[PublicChange]":
    """The library's public history, newest first, of products whose institution is still on the portal."""
    return (
        PublicChange.objects.filter(product__institution__organisation__active=True)
        .select_related("product__institution__organisation", "version")
        .order_by("-at", "-pk")
    )


def changes_page(after: str) -> list[PublicChange]:
    """One more than a page; `after` is the pk of the last change seen, nonsense starts from the beginning."""
    found = public_changes()
    last = whole(after)
    anchor = PublicChange.objects.filter(pk=last).first() if last is not None else None
    if anchor is not None:
        found = found.filter(Q(at__lt=anchor.at) | Q(at=anchor.at, pk__lt=anchor.pk))
    return list(found[: PAGE + 1])


def said(change: PublicChange) -> str:
    """A change in one sentence: which terms moved, and what the institution says about it."""
    version = change.version
    if version is None:
        return f"产品{change.get_kind_display()}。"
    moved = "；".join(f"{label}：{before or '没有'} → {after or '没有'}" for label, before, after in version.changes)
    return "。".join(part for part in (f"第 {version.number} 版", moved, version.note) if part) + "。"
