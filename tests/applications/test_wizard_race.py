"""Ling and her colleague press «提交» in the same moment: one request, and both land on it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from applications.actions import drafts
from applications.models import Application
from portal.foundation.core import moments
from portal.foundation.sla.models import Clock
from products.models import Product
from tests import factories
from tests.applications.test_wizard import filled
from tests.factories import Person


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_four_clicks_at_once_make_one_request(ling: Person, product: Product) -> None:
    draft = drafts.start(actor=ling.actor, now=moments.now())
    filled(ling, draft, factories.patent(ling.organisation), product)
    draft.refresh_from_db()
    url = reverse("apply:submit", args=[draft.pk])
    sent = {"token": str(draft.token), "version": str(draft.version)}
    together = Barrier(4)

    def click(_: int) -> str:
        client = Client()
        client.force_login(ling.user)
        together.wait()
        try:
            return str(client.post(url, sent).headers.get("Location"))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        landed = set(pool.map(click, range(4)))
    case = Application.objects.get()
    assert landed == {reverse("case", args=[case.number])}
    assert Clock.objects.count() == 1
