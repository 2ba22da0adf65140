"""Public facts that nobody here drafts: the library's files. They are in force at once, as versions like all others."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from banks.models import Institution
from portal.foundation.core import state_guard
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.moments import local_date
from products import terms
from products.models import Product, ProductVersion

from .review import put_in_force


@transaction.atomic
def bring_up(
    institution: Institution, values: Mapping[str, Any], *, source: str, example: bool, now: datetime
) -> Product:
    """The product of this name as the file tells it, published. What people here have published since is left alone."""
    product = (
        Product.objects.filter(institution=institution, name=values["name"])
        .exclude(state=Product.State.WITHDRAWN)
        .select_related("current")
        .first()
    )
    if product is None:
        product = Product(institution=institution, source=source, example=example, updated_on=local_date(now), **values)
        product.save(force_insert=True)
    elif product.current is None or product.current.drafted_by != SYSTEM.label or product.versions.open().exists():
        return product
    product.source = source
    product.save(update_fields=["source"])
    for name, value in values.items():
        setattr(product, name, value)
    if product.current is None or not terms.same(product.current.terms, terms.snapshot(product)):
        adopt(product, now=now)
    return product


def adopt(product: Product, *, now: datetime) -> ProductVersion:
    """Make the saved row's own terms its next public version, reviewed by nobody. Inside a transaction."""
    version = ProductVersion.objects.create(
        product=product, terms=terms.snapshot(product), drafted_by=SYSTEM.label, drafted_at=now, saved_at=now
    )
    state_guard.told_elsewhere()  # the public history (PublicChange) tells it, one row a product
    put_in_force(product, version, by=SYSTEM.label, now=now)
    return version
