"""A state changes only through its transitions, and a row somebody else holds is a sentence, not a trace."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory

from applications.models import Application, Referral
from portal.api import handle_exception
from portal.foundation.core import db
from portal.foundation.core.errors import Busy, WrongState
from portal.foundation.core.middleware import DomainErrorMiddleware
from products.models import Product
from tests import factories
from tests.by_hand import by_hand
from tests.factories import Person
from tests.threads import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(ling: Person, product: Product) -> Application:
    return factories.application(ling, product)


def test_nobody_can_write_a_state_directly(case: Application) -> None:
    for row, field in ((case, "accepted"), (case.referrals.get(), "claimed")):
        with pytest.raises(AttributeError):
            row.state = field  # type: ignore[attr-defined]


def test_reading_again_brings_the_state_of_the_database_and_stays_protected(case: Application) -> None:
    referral = case.referrals.get()
    with by_hand():
        Referral.objects.filter(pk=referral.pk).update(state="withdrawn")
    referral.refresh_from_db()
    assert referral.state == "withdrawn"
    referral.refresh_from_db(fields=["state"])
    referral.refresh_from_db(fields=["next_step"])
    with pytest.raises(AttributeError):
        referral.state = "waiting"


def test_reading_again_what_is_gone_leaves_the_row_as_it_was(case: Application) -> None:
    referral = case.referrals.get()
    referral.pk += 1000
    with pytest.raises(Referral.DoesNotExist):
        referral.refresh_from_db()
    assert referral.state == "waiting"


def test_two_people_reading_again_at_once_do_not_unprotect_each_other(case: Application) -> None:
    """django-fsm's own mixin switches the protection of the whole class off while it reads."""
    mine, theirs = case.referrals.get(), case.referrals.get()
    queryset = Referral.objects.all()

    class Nosy(type(queryset)):  # type: ignore[misc]
        def get(self, *args: object, **kwargs: object) -> Referral:
            with pytest.raises(AttributeError):
                theirs.state = "claimed"
            return super().get(*args, **kwargs)  # type: ignore[no-any-return]

    queryset.__class__ = Nosy
    mine.refresh_from_db(from_queryset=queryset)
    assert (mine.state, theirs.state) == ("waiting", "waiting")


def test_a_form_does_not_touch_the_state(case: Application) -> None:
    case.clean_fields(exclude=[f.name for f in case._meta.fields if f.null])
    assert case.state == "open"


def test_a_transition_names_the_states_it_may_start_from() -> None:
    assert db.sources(Referral.claim) == ["waiting"]
    assert sorted(db.sources(Referral.offer)) == ["claimed", "info", "offered", "waiting"]


def test_locking_what_is_not_there_says_so(case: Application) -> None:
    with transaction.atomic(), pytest.raises(Application.DoesNotExist):
        db.lock(Application.objects.filter(pk=0))


@contextmanager
def held(case: Application) -> Iterator[None]:
    """Somebody else keeps the row of a request."""
    kept, release = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            db.lock(Application.objects.filter(pk=case.pk))
            kept.set()
            release.wait(20)
        connection.close()

    holder = Thread(target=hold)
    holder.start()
    assert kept.wait(10)
    try:
        yield
    finally:
        release.set()
        holder.join(20)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_row_held_too_long_is_a_sentence(case: Application) -> None:
    with held(case), pytest.raises(Busy, match="请稍候再试"), transaction.atomic():
        db.lock(Application.objects.filter(pk=case.pk))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_held_row_is_a_sentence_wherever_it_was_locked(case: Application) -> None:
    """Many actions lock several rows at once, each with a query of its own: page and machine interface answer 409."""
    with held(case), pytest.raises(OperationalError) as caught, transaction.atomic():
        list(Application.objects.select_for_update().filter(pk=case.pk))
    answered = DomainErrorMiddleware(lambda _: HttpResponse()).process_exception(
        RequestFactory().get("/"), caught.value
    )
    assert answered is not None
    assert answered.status_code == 409
    assert "请稍候再试" in answered.content.decode()
    told = handle_exception(caught.value, {})
    assert told is not None
    assert (told.status_code, told.data["code"]) == (409, "busy")


@pytest.mark.django_db(transaction=True)
def test_a_query_that_takes_too_long_is_no_busy_row() -> None:
    with pytest.raises(OperationalError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 20; SELECT pg_sleep(2)")
    assert db.busy_of(caught.value) is None
    assert (
        DomainErrorMiddleware(lambda _: HttpResponse()).process_exception(RequestFactory().get("/"), caught.value)
        is None
    )


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_lock_holds_its_own_row_only(case: Application) -> None:
    """The enterprise of a locked request may still be read, locked and changed."""
    with transaction.atomic():
        db.lock(Application.objects.select_related("organisation").filter(pk=case.pk))
        began = time.monotonic()

        def rename() -> int:
            return type(case.organisation).objects.filter(pk=case.organisation_id).update(address="新址")

        assert together(rename) == [1]
        assert time.monotonic() - began < 4


# --- a refusal as a page ----------------------------------------------------------------------------------------------


def refused(rf: RequestFactory, path: str = "/desk/", **headers: str) -> tuple[int, str] | None:
    middleware = DomainErrorMiddleware(lambda request: None)  # type: ignore[arg-type, return-value]
    request = rf.get(path, headers=headers)
    answer = middleware.process_exception(request, WrongState("closed", "企业已撤回这笔需求，不必再答复。"))
    return None if answer is None else (answer.status_code, answer.content.decode())


def test_a_refusal_nobody_placed_is_a_page_with_its_sentence(client: Client, rf: RequestFactory) -> None:
    answer = refused(rf, referer="http://testserver/desk/x/")
    assert answer is not None
    status, page = answer
    assert status == 409
    assert "企业已撤回这笔需求，不必再答复。" in page
    assert 'href="http://testserver/desk/x/"' in page


def test_the_way_back_never_leaves_the_portal(rf: RequestFactory) -> None:
    for elsewhere in ("https://evil.example/", "http://testserver.evil.example/", "javascript:alert(1)", ""):
        answer = refused(rf, referer=elsewhere)
        assert answer is not None
        assert "evil" not in answer[1]
        assert "javascript:" not in answer[1]


def test_other_errors_and_the_machine_interface_are_left_to_their_own_handlers(rf: RequestFactory) -> None:
    assert refused(rf, "/api/referrals/") is None
    middleware = DomainErrorMiddleware(lambda request: None)  # type: ignore[arg-type, return-value]
    assert middleware.process_exception(rf.get("/desk/"), ZeroDivisionError()) is None
