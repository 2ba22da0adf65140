"""Writing a product: a new one, or the next version of one that stands in public. Nothing here changes what the public reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from banks.models import Institution
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.moments import local_date
from products import rules, terms
from products.models import Product, ProductVersion

from .locking import locked
from .telling import tell

SOURCE = "机构申报"  # of what an institution says about its own product; the regulator reviews it
STALE = "同事刚刚改过这一版。下面是您填写的内容，请打开产品核对后再保存一次。"
TAKEN = "本机构已有同名产品，请换一个名称，或修改原来的产品。"


def seen_of(version: ProductVersion | None) -> str:
    """What a form carries, to notice that a colleague saved meanwhile; empty while there is no draft."""
    return f"{version.pk}-{version.edition}" if version is not None else ""


@transaction.atomic(durable=True)
def start(values: Mapping[str, Any], *, note: str = "", actor: Actor, now: datetime) -> ProductVersion:
    """A new product as a draft; `values` are terms by column, as the model has them. Raises Invalid for a name in use."""
    rules.can_draft(actor).require()
    institution = Institution.objects.select_related("organisation").get(pk=actor.organisation_id)
    product = Product(
        institution=institution, source=SOURCE, example=institution.example, updated_on=local_date(now), **values
    )
    _save(product)
    version = _draft(product, terms.snapshot(product), note=note, actor=actor, now=now)
    tell(
        "product.drafted", product, actor=actor, now=now, text=f"起草产品“{product.name}”", data={"version": version.pk}
    )
    return version


@transaction.atomic(durable=True)
def save(
    product_id: int, values: Mapping[str, Any], *, note: str = "", seen: str, actor: Actor, now: datetime
) -> ProductVersion:
    """Keep the draft of an own product; begins one when there is none. Raises WrongState when a colleague was faster."""
    product, version = locked(product_id)
    rules.can_edit(actor, product, version).require()
    if seen_of(version) != seen:
        raise WrongState("stale", STALE)
    base = version.terms if version is not None else terms.snapshot(product)
    shown = terms.as_product(product, base)
    for name, value in values.items():
        setattr(shown, name, value)
    _free(product, shown.name)
    kept = terms.snapshot(shown)
    if version is None:
        version = _draft(product, kept, note=note, actor=actor, now=now)
    else:
        version.terms, version.note, version.saved_at, version.edition = kept, note, now, version.edition + 1
        version.save(update_fields=["terms", "note", "saved_at", "edition"])
    if product.state == Product.State.DRAFT:  # nobody reads it yet: its own row shows the draft
        product.updated_on = local_date(now)
        product.save(update_fields=[*terms.apply(product, kept), "updated_on"])
    tell(
        "product.edited",
        product,
        actor=actor,
        now=now,
        text=f"修改产品“{shown.name}”的草稿",
        data={"version": version.pk},
    )
    return version


@transaction.atomic(durable=True)
def discard(product_id: int, *, actor: Actor, now: datetime) -> Product:
    """Give a draft up. A product that was never published goes with it, and its name is free again."""
    product, version = locked(product_id)
    rules.can_discard(actor, product, version).require()
    assert version is not None
    version.discard()
    version.save(update_fields=["state"])
    if product.state == Product.State.DRAFT:
        product.withdraw(reason="草稿作废")
        product.save(update_fields=["state", "state_note"])
    tell(
        "product.discarded",
        product,
        actor=actor,
        now=now,
        text=f"作废产品“{product.name}”的草稿",
        data={"version": version.pk},
    )
    return product


def _draft(product: Product, kept: dict[str, Any], *, note: str, actor: Actor, now: datetime) -> ProductVersion:
    return ProductVersion.objects.create(
        product=product, terms=kept, note=note, drafted_by=actor.label, drafted_at=now, saved_at=now
    )


def _free(product: Product, name: str) -> None:
    """Raises Invalid when another living product of the institution has this name."""
    others = Product.objects.filter(institution_id=product.institution_id, name=name).exclude(pk=product.pk)
    if others.exclude(state=Product.State.WITHDRAWN).exists():
        raise Invalid("name", TAKEN, fields={"name": TAKEN})


def _save(product: Product) -> None:
    _free(product, product.name)
    try:
        with transaction.atomic():
            product.save(force_insert=True)
    except IntegrityError as error:  # a colleague began the same one in the same moment
        if "product_once" in str(error):
            raise Invalid("name", TAKEN, fields={"name": TAKEN}) from error
        raise
