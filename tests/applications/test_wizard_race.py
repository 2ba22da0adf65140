"""Ling and her colleague act in the same moment: one request, both land on it, and a wait costs nobody a word."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from applications.actions import drafts
from applications.models import Application, Draft
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


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_draft_somebody_holds_is_not_saved_but_stays_on_the_page(ling: Person) -> None:
    draft = drafts.start(actor=ling.actor, now=moments.now())
    held, free = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            Draft.objects.select_for_update().get(pk=draft.pk)
            held.set()
            free.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        held.wait(20)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        try:
            typed = {"version": "0", "amount": "812", "term_months": "24", "purpose": "research"}
            response = ling.client.post(reverse("apply:step", args=[draft.pk, "need"]), typed)
            autosaved = ling.client.post(reverse("apply:save", args=[draft.pk, "need"]), typed)
        finally:
            free.set()
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
    assert (response.status_code, autosaved.status_code) == (409, 409)
    assert "请稍候再试" in response.content.decode()
    assert 'value="812"' in response.content.decode()
    assert "还没有保存" in autosaved.content.decode()
