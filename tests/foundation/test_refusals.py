"""Every no leaves a row: to whom, where, why; and nobody takes it away again."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import InternalError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from portal.foundation.core import moments
from portal.foundation.journal import refusals
from portal.foundation.journal.models import Refusal
from tests.factories import Person

pytestmark = pytest.mark.django_db


def test_a_wrong_role_leaves_who_where_and_which_no(ling: Person) -> None:
    """Ling opens the clerk's desk."""
    assert ling.client.get("/office/").status_code == 403
    row = Refusal.objects.get()
    assert (row.kind, row.status, row.route, row.method, row.detail) == ("not-allowed", 403, "office", "GET", "role")
    assert (row.actor_id, row.role, row.organisation_id) == (ling.user.pk, "enterprise", ling.organisation.pk)


def test_a_strangers_object_leaves_its_number_and_no_word_from_the_address(wai: Person) -> None:
    assert wai.client.get("/cases/YZD202611230001X/").status_code == 404
    assert wai.client.get("/patents/17/").status_code == 404
    rows = list(Refusal.objects.order_by("id"))
    assert [(r.kind, r.route, r.subject) for r in rows] == [
        ("not-yours", "case", ""),
        ("not-yours", "assets:edit", "pk:17"),
    ]


def test_a_visitor_leaves_a_digest_of_the_address_once_a_minute() -> None:
    visitor = Client(REMOTE_ADDR="203.0.113.9")
    for _ in range(3):
        assert visitor.get("/cases/").status_code == 302
    assert visitor.get("/office/").status_code == 302
    rows = list(Refusal.objects.order_by("id"))
    assert [(r.kind, r.route) for r in rows] == [("log-in-first", "case-list"), ("log-in-first", "office")]
    assert all(len(r.address) == 64 and "203" not in r.address[:3] for r in rows)
    Refusal.objects.bulk_create([Refusal(kind="log-in-first", at=moments.now() - timedelta(minutes=5), route="desk")])
    assert visitor.get("/desk/").status_code == 302, "an older row does not silence a new one"
    assert Refusal.objects.filter(route="desk").count() == 2


def test_what_is_no_refusal_leaves_nothing(ling: Person) -> None:
    """A page that is allowed, a form with mistakes, a page that never was, a visitor's wrong link."""
    assert ling.client.get("/cases/").status_code == 200
    assert ling.client.post("/password/", {}).status_code == 400
    assert ling.client.get("/no-such-page/").status_code == 404
    assert Client().get("/no-such-page/").status_code == 404
    assert Client().get("/login/").status_code == 200
    assert not Refusal.objects.exists()


def test_a_forged_form_and_an_unreadable_address_are_told_apart(ling: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ling.user)
    assert strict.post("/logout/").status_code == 403
    assert ling.client.get("/cases/", {"q": "a\0b"}).status_code == 400
    assert list(Refusal.objects.order_by("id").values_list("kind", flat=True)) == ["csrf", "unreadable"]


def test_nothing_that_was_typed_is_kept(ling: Person) -> None:
    ling.client.get("/office/?q=暗号甲")
    ling.client.post("/office/", {"note": "暗号甲"})
    kept = [str(v) for row in Refusal.objects.values() for v in row.values()]
    assert kept
    assert not any("暗号" in v for v in kept)


def test_a_view_that_notes_by_itself_is_not_noted_twice(ling: Person) -> None:
    request = RequestFactory().post("/login/")

    def view(request: object) -> HttpResponse:
        refusals.note("wrong-password", request=request, actor=ling.actor, now=moments.now(), detail="locked")  # type: ignore[arg-type]
        return HttpResponse(status=403)

    refusals.RefusalMiddleware(view)(request)
    row = Refusal.objects.get()
    assert (row.kind, row.detail, row.actor_id) == ("wrong-password", "locked", ling.user.pk)


def test_a_refusal_that_cannot_be_written_does_not_cost_the_answer(
    ling: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_INSERT", "INSERT INTO no_such_table VALUES (%s)")
    assert ling.client.get("/office/").status_code == 403
    assert ling.client.get("/cases/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_trace_stays_when_the_change_is_rolled_back() -> None:
    """Without a request, in the middle of a transaction that fails."""
    subject = f"pledge:{uuid.uuid4().int % 10**12}"
    with transaction.atomic():
        refusals.note("conflict", request=None, actor=None, now=moments.now(), subject=subject)
        transaction.set_rollback(True)
    assert Refusal.objects.get(subject=subject).kind == "conflict"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE journal_refusal SET kind = 'x'", "DELETE FROM journal_refusal", "TRUNCATE journal_refusal"],
)
def test_nobody_changes_or_removes_a_row_within_its_year(statement: str) -> None:
    Refusal.objects.bulk_create([Refusal(kind="fresh", at=moments.now())])
    with pytest.raises(InternalError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_row_older_than_a_year_may_go() -> None:
    Refusal.objects.bulk_create([Refusal(kind="old", at=moments.now() - timedelta(days=366))])
    assert Refusal.objects.filter(kind="old").delete()[0] == 1
