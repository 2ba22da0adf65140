"""Districts and industries from the reference tables in `reference/` into the database."""

import csv
from datetime import date
from pathlib import Path

from django.db import transaction

from .models import District, Industry

REFERENCE = Path(__file__).parent / "reference"


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@transaction.atomic
def load() -> int:
    """Write every district (current and abolished, with successors) and industry; returns the number of districts."""
    with (REFERENCE / "districts_full.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for position, row in enumerate(rows):
        District.objects.update_or_create(
            code=row["code"],
            defaults={
                "name": row["name"],
                "kind": row["kind"],
                "current": row["status"] == "current",
                "valid_from": _day(row["valid_from"]),
                "valid_to": _day(row["valid_to"]),
                "position": position,
            },
        )
    for row in rows:
        if row["successor"]:
            District.objects.filter(code=row["code"]).update(successor_id=row["successor"])
    with (REFERENCE / "industries.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            Industry.objects.update_or_create(letter=row["letter"], defaults={"name": row["name"]})
    return len(rows)
