"""The wizard's pages as a person sends them."""

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications.models import Draft
from portal.foundation.assets.models import Patent
from products.models import Product
from tests import made_files
from tests.factories import Person

NEED = {"amount": "800", "term_months": "24", "purpose": "working_capital", "purpose_note": "采购两台数控机床"}


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', html)
    assert found, name
    return found[1]


def page_of(person: Person, draft: Draft, step: str) -> str:
    response = person.client.get(reverse("apply:step", args=[draft.pk, step]))
    assert response.status_code == 200
    return response.content.decode()


def send(person: Person, draft: Draft, step: str, *, html: str = "", **fields: Any) -> Any:
    """Press a button of the step's page as the browser would, hidden fields included."""
    html = html or page_of(person, draft, step)
    sent = {name: hidden(html, name) for name in ("version", "page", "token")}
    return person.client.post(reverse("apply:step", args=[draft.pk, step]), {**sent, **fields})


def reach_of(*products: Product, **other: Any) -> dict[str, Any]:
    return {
        "reach": "choose",
        "products": [p.pk for p in products],
        "consents": [p.institution_id for p in products],
        "contact_name": "林示例",
        "contact_phone": "138 0000 0000",
        **other,
    }


def filled(person: Person, draft: Draft, patent: Patent, *products: Product) -> None:
    for step, fields in (("company", {"patents": [patent.pk]}), ("need", NEED), ("reach", reach_of(*products))):
        assert send(person, draft, step, **fields).status_code == 302, step


def submit(person: Person, draft: Draft) -> Any:
    html = person.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    sent = {name: hidden(html, name) for name in ("version", "token")}
    return person.client.post(reverse("apply:submit", args=[draft.pk]), sent)


def stored(draft: Draft, step: str) -> dict[str, Any]:
    draft.refresh_from_db()
    return draft.data.get(step, {})


def pdf(name: str = "营业执照.pdf", size: int = 200) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, made_files.pdf(size=size), "application/pdf")
