"""Writing the rows of a confirmed workbook, in the worker's transaction: many at a time, by the same transitions as one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Max

from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import local_date

from . import changes, terms
from .import_plan import CHANGED, NEW, SAME, Planned
from .models import Product, ProductImport, ProductVersion, PublicChange
from .workbook import district_codes

BATCH = 500
_POINT = """
UPDATE products_product p SET current_id = v.id FROM products_productversion v
 WHERE v.product_id = p.id AND v.state = 'published' AND p.id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """How many, and the products that were touched."""

    new: int
    changed: int
    same: int
    products: list[int]


def write(job: ProductImport, planned: Sequence[Planned], *, actor: Actor, now: datetime) -> Written:
    """An institution's rows become drafts; the regulator's are published. Everything is locked already."""
    fresh = [row for row in planned if row.outcome == NEW]
    moved = [row for row in planned if row.outcome == CHANGED]
    for row in fresh:
        terms.apply(row.product, row.terms)
        row.product.updated_on = local_date(now)
        if job.role == "regulator":
            row.product.publish()
            row.product.confirmed_at = now
    Product.objects.bulk_create([row.product for row in fresh], batch_size=BATCH)
    if job.role == "regulator":
        _publish(fresh, moved, actor=actor, now=now)
    else:
        _draft(job, fresh, moved, actor=actor, now=now)
    same = sum(row.outcome == SAME for row in planned)
    return Written(len(fresh), len(moved), same, [row.product.pk for row in (*fresh, *moved)])


def _version(row: Planned, *, actor: Actor, now: datetime) -> ProductVersion:
    return ProductVersion(
        product=row.product, terms=row.terms, note=row.read.note, drafted_by=actor.label, drafted_at=now, saved_at=now
    )


def _draft(
    job: ProductImport, fresh: Sequence[Planned], moved: Sequence[Planned], *, actor: Actor, now: datetime
) -> None:
    made = [_version(row, actor=actor, now=now) for row in (*fresh, *moved) if row.draft is None]
    for version in made:
        version.brought_by = job
    ProductVersion.objects.bulk_create(made, batch_size=BATCH)
    for row in moved:
        if row.draft is not None:
            row.draft.terms, row.draft.note = row.terms, row.read.note or row.draft.note
            row.draft.saved_at, row.draft.edition, row.draft.brought_by = now, row.draft.edition + 1, job
            row.draft.save(update_fields=["terms", "note", "saved_at", "edition", "brought_by"])
        if row.product.state == Product.State.DRAFT:
            row.product.updated_on = local_date(now)
            row.product.save(update_fields=[*terms.apply(row.product, row.terms), "updated_on"])


def _publish(fresh: Sequence[Planned], moved: Sequence[Planned], *, actor: Actor, now: datetime) -> None:
    names = {code: name for name, code in district_codes().items()}
    keys = [row.product.pk for row in moved]
    last = dict(
        ProductVersion.objects.filter(product__in=keys).values_list("product").annotate(Max("number")).order_by()
    )
    replaced = []
    versions = []
    for row in (*fresh, *moved):
        before, told = row.product.current, []
        after = terms.as_product(row.product, row.terms)
        if before is not None:
            told = changes.between(terms.as_product(row.product, before.terms), after, names=names)
            before.replace(now=now)
            replaced.append(before)
        version = _version(row, actor=actor, now=now)
        version.publish(number=(last.get(row.product.pk) or 0) + 1, changes=told, by=actor.label, now=now)
        versions.append(version)
    ProductVersion.objects.bulk_update(replaced, ["state", "replaced_at"], batch_size=BATCH)
    ProductVersion.objects.bulk_create(versions, batch_size=BATCH)
    kinds = [PublicChange.Kind.PUBLISHED] * len(fresh) + [PublicChange.Kind.UPDATED] * len(moved)
    PublicChange.objects.bulk_create(
        [
            PublicChange(product_id=version.product_id, version=version, kind=kind, at=now)
            for version, kind in zip(versions, kinds, strict=True)
        ],
        batch_size=BATCH,
    )
    for row in moved:
        row.product.updated_on, row.product.confirmed_at, row.product.alarmed_at = local_date(now), now, None
        row.product.save(
            update_fields=[*terms.apply(row.product, row.terms), "updated_on", "confirmed_at", "alarmed_at"]
        )
    with connection.cursor() as cursor:
        cursor.execute(_POINT, [[version.product_id for version in versions]])
