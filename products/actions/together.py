"""Putting the drafts of one workbook forward together: a person who brought three hundred rows does not press three hundred times."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from portal.foundation.core.actor import Actor
from portal.foundation.core.db import busy_when_held
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.record import record
from products import rules, terms
from products.models import Product, ProductImport, ProductVersion

from .review import UNCHANGED

AT_ONCE = 500  # drafts that one click looks at and puts forward; what it put forward makes room for the next


@dataclass(frozen=True, slots=True)
class Drafts:
    """Of one workbook: what can be put forward now, and what cannot, each with the reason."""

    ready: Sequence[ProductVersion]
    held: Sequence[tuple[ProductVersion, str]]
    more: bool  # there are drafts beyond the first AT_ONCE


def of_import(job: ProductImport) -> Drafts:
    """The drafts it brought that nobody has put forward yet. Not locked: for showing."""
    return _sorted(_drafts(job)[: AT_ONCE + 1])


@transaction.atomic(durable=True)
def submit(job_id: int, *, actor: Actor, now: datetime) -> int:
    """Put forward what can be; returns how many. The rest stay drafts. Raises WrongState when there is nothing to put
    forward. Locks the products, then the versions, by pk as a single submission does."""
    job = ProductImport.objects.visible_to(actor).get(pk=job_id)
    rules.can_draft(actor).require()
    pks = list(_drafts(job).values_list("product_id", flat=True)[:AT_ONCE])
    with busy_when_held():
        list(Product.objects.filter(pk__in=pks).order_by("pk").select_for_update(of=("self",)).values_list("pk"))
        found = _drafts(job).filter(product__in=pks).select_for_update(of=("self",))
        versions = list(_sorted(found).ready)
    if not versions:
        raise WrongState("nothing", "没有可以提交的草稿，请先逐款补全。")
    for version in versions:
        rules.can_submit(actor, version.product, version).require()
        version.submit(by=actor.label, now=now)
    ProductVersion.objects.bulk_update(versions, ["state", "submitted_by", "submitted_at", "reason"])
    record(
        "product.submitted_together",
        actor=actor,
        now=now,
        subject=f"product-import:{job.pk}",
        text=f"一并提交“{job.name}”的 {len(versions)} 款产品审核",
        data={"import": job.pk, "versions": [version.pk for version in versions]},
    )
    return len(versions)


def _drafts(job: ProductImport) -> "QuerySet[ProductVersion]":
    found = ProductVersion.objects.filter(brought_by=job, state__in=ProductVersion.EDITABLE)
    living = found.exclude(product__state=Product.State.WITHDRAWN)
    return living.select_related("product__institution__organisation", "product__current").order_by("product_id")


def _sorted(found: Iterable[ProductVersion]) -> Drafts:
    ready: list[ProductVersion] = []
    held: list[tuple[ProductVersion, str]] = []
    more = False
    for number, version in enumerate(found):
        if number == AT_ONCE:
            more = True
            break
        if said := _missing(version):
            held.append((version, said))
        else:
            ready.append(version)
    return Drafts(ready, held, more)


def _missing(version: ProductVersion) -> str:
    """Why it cannot be put forward yet; empty when it can."""
    product = version.product
    shown = terms.as_product(product, version.terms)
    if absent := rules.missing(shown, kind=product.institution.organisation.kind):
        return "".join(absent.values())
    if product.current is not None and terms.same(product.current.terms, version.terms):
        return UNCHANGED
    return ""
