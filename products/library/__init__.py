"""The product library: public facts about real products, and example institutions with example products.

`load_library()` may run again and again: rows are found by institution and product name and brought up to the files.
"""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction

from banks.models import Institution
from portal.foundation.accounts.models import Organisation
from portal.foundation.core.moments import SHANGHAI
from products.actions.loading import bring_up
from products.conditions import validate

_HERE = Path(__file__).parent
_MONEY = ("amount_min", "amount_max", "rate_from", "rate_to", "pledge_rate")  # numbers or quoted decimals, never floats
_PLAIN = (
    "mode",
    "term_min",
    "term_max",
    "rate_note",
    "repayment",
    "documents",
    "online",
    "combined",
    "ip_kinds",
    "conditions",
    "summary",
)
_UNSAID: dict[str, Any] = {
    "rate_note": "",
    "online": False,
    "combined": False,
    "ip_kinds": [],
    "repayment": [],
    "documents": [],
    "conditions": "",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many institutions and products the library holds after loading."""

    institutions: int
    products: int


@transaction.atomic
def load_library(*, examples: bool = True) -> Loaded:
    """Write the public facts and, unless told otherwise, the example institutions and products.

    Needs the districts (load_reference). Example institutions are connected and take open calls, so people may be seated
    in them; institutions known from public sources are not connected and get no people.
    """
    institutions, products = _load("listed.toml", example=False)
    if examples:
        more = _load("examples.toml", example=True)
        institutions, products = institutions + more[0], products + more[1]
    return Loaded(institutions, products)


def _load(name: str, *, example: bool) -> tuple[int, int]:
    content = tomllib.loads((_HERE / name).read_text(encoding="utf-8"))
    products = 0
    for row in content["institution"]:
        institution = _institution(row, example=example)
        for facts in row["product"]:
            _product(institution, facts, example=example, updated_on=content["updated_on"])
            products += 1
    return len(content["institution"]), products


def _institution(row: dict[str, Any], *, example: bool) -> Institution:
    organisation, _ = Organisation.objects.get_or_create(
        kind=row["kind"],
        name=row["name"],
        defaults={
            "short_name": row["short_name"],
            "district_id": row.get("district"),
            "contact_phone": row.get("service_phone", ""),
        },
    )
    institution, _ = Institution.objects.get_or_create(
        organisation=organisation,
        defaults={
            "takes_open_calls": example,
            "connected": example,
            "example": example,
            "service_phone": row.get("service_phone", ""),
        },
    )
    return institution


def _product(institution: Institution, facts: dict[str, Any], *, example: bool, updated_on: date) -> None:
    values: dict[str, Any] = {name: facts.get(name, _UNSAID.get(name)) for name in _PLAIN}
    values["requirements"] = validate(facts.get("requirements", []))
    values |= {name: Decimal(facts[name]) if name in facts else None for name in _MONEY}
    bring_up(
        institution,
        {"name": facts["name"], **values},
        source=facts.get("source", ""),
        example=example,
        now=datetime.combine(updated_on, time(9), tzinfo=SHANGHAI),
    )
