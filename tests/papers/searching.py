"""Asking the public search, and a pledge that has ended."""

from datetime import timedelta
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test import Client
from django.urls import reverse

from pledges.models import Registration


def ask(q: str, client: Client | None = None, **more: str) -> Any:
    return (client or Client()).get(reverse("pledges:search"), {"q": q, **more})


def end(registration: Registration, *, days: int = 0) -> None:
    """The pledge's period is closed, as a cancellation does."""
    for row in registration.patents.all():
        row.effective = DateTimeTZRange(row.effective.lower, row.effective.lower + timedelta(days=days, seconds=1))
        row.save(update_fields=["effective"])
