"""How much harm it does when a field gets out: declared for each text field in its app's `classified.py`.

PUBLIC may stand anywhere. INTERNAL is of use to nobody outside. PERSONAL names or reaches a person. SENSITIVE identifies a
person for life or opens an account. BUSINESS is an enterprise's or an institution's secret. A test fails on a text field
without a class, so a new one cannot be forgotten, and on personal words that are declared public. Masking (core/masking.py),
retention and the person's own data (portal/oversight) are written by hand; nothing follows the classes by itself.
"""

from collections.abc import Iterator
from enum import StrEnum

from django.apps import apps
from django.db import models
from django.utils.module_loading import autodiscover_modules


class DataClass(StrEnum):
    PUBLIC = "公开"
    INTERNAL = "内部"
    PERSONAL = "个人信息"
    SENSITIVE = "敏感个人信息"
    BUSINESS = "商业秘密"


_TEXT = (models.CharField, models.TextField, models.JSONField, models.FileField)
_declared: dict[str, dict[str, DataClass]] = {}


def classify(label: str, **fields: str) -> None:
    """Declare one model's fields: classify("accounts.User", personal="name phone", sensitive="password").

    Raises ValueError when a field is declared twice: nobody would know which holds.
    """
    known = _declared.setdefault(label, {})
    for name, words in fields.items():
        for word in words.split():
            if word in known:
                raise ValueError(f"{label}.{word} is classified twice")
            known[word] = DataClass[name.upper()]


def needed() -> Iterator[tuple[str, str]]:
    """(model, field) of every text field of ours that is not a fixed choice."""
    for model in apps.get_models():
        if model.__module__.startswith("django"):
            continue
        for field in model._meta.local_fields:
            if isinstance(field, _TEXT) and not field.choices and not field.primary_key:
                yield model._meta.label, field.name


def declared() -> dict[str, dict[str, DataClass]]:
    """Model → field → class, from every app's `classified.py`."""
    if not _declared:
        autodiscover_modules("classified")
    return _declared
