"""What an institution sees of its own products, and the regulator of all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q, QuerySet

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.numbers import whole

from .models import Product, ProductQuerySet, ProductVersion
from .staleness import stale
from .version_models import ProductVersionQuerySet

PAGE = 50
S, V = Product.State, ProductVersion.State
# What the list can be narrowed to: code → what it is called, and which products.
FILTERS: Mapping[str, tuple[str, Q]] = {
    "unsent": ("草稿未提交", Q(versions__state=V.DRAFT)),
    "returned": ("已退回", Q(versions__state=V.RETURNED)),
    "submitted": ("待审核", Q(versions__state=V.SUBMITTED)),
    "published": ("已发布", Q(state=S.PUBLISHED)),
    "suspended": ("暂停", Q(state=S.SUSPENDED)),
    "withdrawn": ("已下架", Q(state=S.WITHDRAWN)),
}


def managed(actor: Actor) -> ProductQuerySet:
    """Products the actor may look at from inside. A draft that never left its institution is that institution's alone,
    and one that was given up before it was published is nobody's."""
    found = Product.objects.visible_to(actor).exclude(state=Product.State.WITHDRAWN, current=None)
    if actor.role == Role.REGULATOR:
        found = found.exclude(
            current=None,
            pk__in=Product.objects.filter(current=None).exclude(versions__state__in=["submitted", "returned"]),
        )
    return found.select_related("institution__organisation", "current")


def versions(actor: Actor) -> ProductVersionQuerySet:
    """Versions whose content the actor may read: an institution all of its own, the regulator none that was taken back."""
    found = ProductVersion.objects.visible_to(actor)
    return found.exclude(state__in=ProductVersion.INSIDE) if actor.role == Role.REGULATOR else found


def is_stale(product: Product, *, now: datetime, days: int) -> bool:
    """Whether nobody has confirmed this public product for `days` calendar days."""
    return (
        product.state == Product.State.PUBLISHED
        and product.confirmed_at is not None
        and product.confirmed_at <= now - timedelta(days=days)
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A product in a list; `draft` is its open version."""

    product: Product
    draft: ProductVersion | None
    stale: bool


@dataclass(frozen=True, slots=True)
class ManagedPage:
    rows: list[Row]
    after: str
    first: bool
    days: int


def managed_page(
    actor: Actor, *, after: str, now: datetime, days: int, stale_only: bool = False, q: str = "", state: str = ""
) -> ManagedPage:
    """Fifty at a time, newest first; `after` is the cursor of the page before, `q` a part of the name (also of the draft's,
    and of the institution's), `state` a code of FILTERS. At most one version of a product is open, so no row comes twice."""
    found = managed(actor).order_by("-pk")
    if q:
        drafted = versions(actor).open().filter(terms__name__icontains=q).values("product")
        found = found.filter(Q(name__icontains=q) | Q(institution__organisation__name__icontains=q) | Q(pk__in=drafted))
    if state in FILTERS:
        found = found.filter(FILTERS[state][1])
    if stale_only:
        found = found.filter(pk__in=stale(now=now, days=days).values("pk"))
    cursor = whole(after)
    if cursor is not None:
        found = found.filter(pk__lt=cursor)
    open_ones = versions(actor).open()
    products = list(found.prefetch_related(Prefetch("versions", open_ones, to_attr="open_versions"))[: PAGE + 1])
    rows = [
        Row(p, next(iter(p.open_versions), None), is_stale(p, now=now, days=days))  # type: ignore[attr-defined]
        for p in products[:PAGE]
    ]
    return ManagedPage(rows, str(products[PAGE - 1].pk) if len(products) > PAGE else "", cursor is None, days)


def waiting() -> "QuerySet[ProductVersion]":
    """What waits for the regulator, longest first."""
    return (
        ProductVersion.objects.filter(state=ProductVersion.State.SUBMITTED)
        .select_related("product__institution__organisation", "product__current")
        .order_by("submitted_at", "pk")
    )


def waiting_page(after: str) -> tuple[list[ProductVersion], str]:
    """A page of what waits, and the cursor of the next one; `after` is the last version of the page before. A cursor of a
    version that has been decided since still holds: it keeps the moment it was put forward."""
    found = waiting()
    last = whole(after)
    anchor = ProductVersion.objects.filter(pk=last).first() if last is not None else None
    if anchor is not None and anchor.submitted_at is not None:
        found = found.filter(
            Q(submitted_at__gt=anchor.submitted_at) | Q(submitted_at=anchor.submitted_at, pk__gt=anchor.pk)
        )
    rows = list(found[: PAGE + 1])
    return rows[:PAGE], str(rows[PAGE - 1].pk) if len(rows) > PAGE else ""


def reviewable(actor: Actor) -> "QuerySet[ProductVersion]":
    """Versions that were put forward, decided or not; of one that was taken back the page says only that."""
    return ProductVersion.objects.visible_to(actor).select_related(
        "product__institution__organisation", "product__current"
    )
