"""The bell: how many wait, which they are, and one click to where something is to be done."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.foundation.core import moments
from portal.notifications.models import Notice
from tests.factories import Person

pytestmark = pytest.mark.django_db


def letters(
    person: Person, count: int = 1, *, kind: str = "action", url: str = "/desk/", first: int = 1
) -> list[Notice]:
    return Notice.objects.bulk_create(
        Notice(entry_id=n, membership=person.membership, kind=kind, title=f"第{n}条", url=url, created_at=moments.now())
        for n in range(first, first + count)
    )


def bell(person: Person) -> str:
    """The number a person sees at the bell on any page; empty when nothing waits."""
    page = person.client.get("/notices/").content.decode()
    (link,) = re.findall(r'<a[^>]*href="/notices/"[^>]*>.*?</a>', page, re.DOTALL)
    return "".join(re.findall(r"\d+", re.sub(r"<svg.*?</svg>", "", re.sub(r'="[^"]*"', "", link), flags=re.DOTALL)))


def titles(person: Person, query: str = "") -> list[str]:
    page = person.client.get(f"/notices/{query}").content.decode()
    return re.findall(r"第(\d+)条</p>", page)


def test_the_bell_counts_what_bo_has_not_read(bo: Person, cui: Person) -> None:
    assert bell(bo) == ""
    letters(bo, 3)
    assert bell(bo).startswith("3")
    Notice.objects.filter(entry_id=1).update(read_at=moments.now())
    assert bell(bo).startswith("2")
    assert bell(cui) == ""


def test_more_than_99_is_99(bo: Person) -> None:
    letters(bo, 130)
    assert bell(bo).startswith("99")


def test_opening_one_marks_it_read_and_goes_where_it_leads(bo: Person) -> None:
    one, two = letters(bo, 2)
    answer = bo.client.post(f"/notices/{one.pk}/open/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/")
    one.refresh_from_db()
    assert one.read_at is not None
    assert Notice.objects.get(pk=two.pk).read_at is None
    first_time = one.read_at
    bo.client.post(f"/notices/{one.pk}/open/")
    one.refresh_from_db()
    assert one.read_at == first_time


def test_looking_at_an_address_changes_nothing(bo: Person) -> None:
    (one,) = letters(bo)
    assert bo.client.get(f"/notices/{one.pk}/open/").status_code == 405
    assert bo.client.get("/notices/read/").status_code == 405
    bo.client.get("/notices/")
    assert Notice.objects.get().read_at is None


def test_somebody_elses_letter_is_not_there(bo: Person, bo_manager: Person, wai: Person) -> None:
    """Not even for a colleague of the same bank."""
    (one,) = letters(bo)
    for other in (bo_manager, wai):
        assert other.client.post(f"/notices/{one.pk}/open/").status_code == 404
        assert titles(other) == []
    assert bo_manager.client.post("/notices/999999/open/").status_code == 404
    visitor = Client().post(f"/notices/{one.pk}/open/")
    assert (visitor.status_code, visitor.headers["Location"].partition("?")[0]) == (302, "/login/")
    assert Notice.objects.get().read_at is None


def test_marking_all_as_read_is_for_oneself(bo: Person, cui: Person) -> None:
    letters(bo, 2)
    letters(cui, 2, first=10)
    assert bo.client.post("/notices/read/").status_code == 302
    assert Notice.objects.filter(read_at=None, membership=bo.membership).count() == 0
    assert Notice.objects.filter(read_at=None, membership=cui.membership).count() == 2


def test_the_list_is_newest_first_and_goes_on_page_by_page_without_doubles(bo: Person) -> None:
    letters(bo, 65)
    seen: list[str] = []
    query = ""
    for _ in range(5):
        page = bo.client.get(f"/notices/{query}").content.decode()
        seen += re.findall(r"第(\d+)条</p>", page)
        more = re.search(r'href="(\?[^"]*before=\d+[^"]*)"', page)
        if more is None:
            break
        query = more.group(1).replace("&amp;", "&")
    assert seen == [str(n) for n in range(65, 0, -1)]


def test_filters_by_kind_and_by_unread_stay_while_paging(bo: Person) -> None:
    letters(bo, 40)
    letters(bo, 40, kind="deadline", first=100)
    Notice.objects.filter(entry_id=139).update(read_at=moments.now())
    assert titles(bo, "?kind=deadline")[0] == "139"
    assert titles(bo, "?unread=1")[0] == "138"
    page = bo.client.get("/notices/?kind=deadline").content.decode()
    more = re.search(r'href="(\?[^"]*before=\d+[^"]*)"', page)
    assert more is not None
    assert len(titles(bo, more.group(1).replace("&amp;", "&"))) == 10


@pytest.mark.parametrize(
    "query", ["?before=abc", "?before=" + "9" * 40, "?before=-1", "?kind=x", "?before=²", "?unread=7"]
)
def test_a_strange_address_is_an_ordinary_page(bo: Person, query: str) -> None:
    letters(bo)
    assert bo.client.get(f"/notices/{query}").status_code == 200


def test_an_empty_list_says_what_will_be_here(bo: Person) -> None:
    assert "没有消息" in bo.client.get("/notices/").content.decode()
    assert "没有未读消息" in bo.client.get("/notices/?unread=1").content.decode()


def test_a_full_page_stays_within_six_queries(bo: Person) -> None:
    letters(bo, 60)
    bo.client.get("/notices/")  # the first page after the login writes down the seat
    with CaptureQueriesContext(connection) as asked:
        bo.client.get("/notices/")
    assert len(asked) <= 6, [q["sql"][:150] for q in asked]
