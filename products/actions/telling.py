"""The journal entry of a product's verb: read by its institution and by who acted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.foundation.core.actor import Actor
from portal.foundation.journal.record import record
from products.models import Product


def tell(
    verb: str, product: Product, *, actor: Actor, now: datetime, text: str, data: Mapping[str, Any] | None = None
) -> None:
    """`data` gets the product, its institution and whether its institution itself acted."""
    record(
        verb,
        actor=actor,
        now=now,
        subject=f"product:{product.pk}",
        text=text,
        data={"product": product.pk, "institution": product.institution_id, **(data or {})},
        parties=[product.institution_id],
    )
