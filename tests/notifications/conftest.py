"""Everybody who could be told something, and a look at who was."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from portal.foundation.core import moments
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Entry
from portal.notifications.models import Notice
from tests.factories import Person

Told = Callable[[str], dict[str, str]]


@pytest.fixture
def everybody(
    ling: Person, wai: Person, bo: Person, bo_manager: Person, cui: Person, gu: Person, chen: Person, chief: Person,
    rui: Person, ada: Person,
) -> None:  # fmt: skip
    """All of them have a chair from the start."""


@pytest.fixture
def told(everybody: None) -> Iterator[Told]:
    """Deliver everything, then: who was told of the last entry with this verb, and in which words.

    After the test every letter that was written must open for its reader, and the stranger has none.
    """

    def look(verb: str) -> dict[str, str]:
        dispatch(now=moments.now())
        entry = Entry.objects.filter(verb=verb).latest("id")
        rows = Notice.objects.filter(entry_id=entry.pk).select_related("membership__user")
        return {n.membership.user.username: n.title for n in rows}

    yield look
    for notice in Notice.objects.select_related("membership__user"):
        assert notice.membership.user.username != "wai", notice.title
        if notice.membership.active:
            leads_to_a_page(notice)


def leads_to_a_page(notice: Notice) -> None:
    """The reader clicks and lands on a page that is there and open to this reader."""
    browser = Client()
    browser.force_login(notice.membership.user)
    answer = browser.post(f"/notices/{notice.pk}/open/")
    assert (answer.status_code, answer.headers.get("Location")) == (302, notice.url)
    page = browser.get(notice.url)
    assert page.status_code == 200, (notice.membership.user.username, notice.title, notice.url, page.status_code)
