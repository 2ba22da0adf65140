"""The terms of a product as data: taken off its row, put back onto it, and compared in words.

Terms are every column that is not about the row's own life, found from the model: a field that is added later is part of
every snapshot from then on, and a snapshot without it leaves it as the model's default.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from .models import Product

# What is said about the row, not by the product: these are no terms.
_LIFE = frozenset(
    ("id", "institution", "state", "current", "suspended_by", "state_note", "confirmed_at", "alarmed_at", "updated_on",
     "example", "source")
)  # fmt: skip


def fields() -> list["models.Field[Any, Any]"]:
    """The columns that are terms, in the order of the model."""
    return [field for field in Product._meta.concrete_fields if field.name not in _LIFE]


def snapshot(product: Product) -> dict[str, Any]:
    """All terms of the row as JSON values: decimals as text with the column's places, days as ISO text."""
    return {field.name: _json(field, getattr(product, field.name)) for field in fields()}


def apply(product: Product, terms: Mapping[str, Any]) -> list[str]:
    """Put terms onto the row (not saved); returns the names of the columns for `update_fields`.

    What the terms do not know (a column younger than they are) gets its default.
    """
    for field in fields():
        value = field.to_python(terms[field.name]) if field.name in terms else field.get_default()
        setattr(product, field.name, value)
    return [field.name for field in fields()]


def as_product(product: Product, terms: Mapping[str, Any]) -> Product:
    """A product as it would be with these terms, for showing: the same pk and institution, never saved."""
    shown = Product(
        pk=product.pk, institution=product.institution, source=product.source, example=product.example,
        updated_on=product.updated_on,
    )  # fmt: skip
    apply(shown, terms)
    return shown


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two snapshots say the same; a column that one of them does not know counts as its default."""
    return all(_known(field, one) == _known(field, other) for field in fields())


def _known(field: "models.Field[Any, Any]", terms: Mapping[str, Any]) -> Any:
    return terms[field.name] if field.name in terms else _json(field, field.get_default())


def _json(field: "models.Field[Any, Any]", value: Any) -> Any:
    if isinstance(field, models.DecimalField) and value is not None:
        return str(Decimal(value).quantize(Decimal(1).scaleb(-field.decimal_places)))
    if isinstance(field, ArrayField | models.JSONField):
        return json.loads(json.dumps(value, cls=DjangoJSONEncoder))
    return value.isoformat() if hasattr(value, "isoformat") else value
