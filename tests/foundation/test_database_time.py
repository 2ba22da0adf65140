"""A machine whose clock is wrong starts no promise on the wrong day: the database's clock counts everywhere."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from portal.foundation.core import database_time, moments

pytestmark = pytest.mark.django_db
CLOSE = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def by_the_database(settings: Settings) -> Iterator[None]:
    settings.DATABASE_TIME = True
    database_time.forget()
    yield
    database_time.forget()


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    assert isinstance(now, datetime)
    return now


@pytest.mark.parametrize("astray", [timedelta(days=3), timedelta(days=-3), timedelta(hours=-1)])
def test_a_machine_with_a_wrong_clock_counts_with_the_databases(astray: timedelta) -> None:
    truth = database_now()
    with time_machine.travel(truth + astray):
        assert abs(datetime.now(UTC) - truth - astray) < CLOSE  # noqa: TID251 — the machine's clock is really wrong
        assert abs(moments.now() - truth) < CLOSE


def test_setting_the_machines_clock_back_while_it_works_changes_nothing() -> None:
    before = moments.now()
    with time_machine.travel(before - timedelta(hours=1)):
        assert timedelta(0) <= moments.now() - before < CLOSE


def test_the_database_is_asked_once_in_half_a_minute(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        moments_seen = [moments.now() for _ in range(200)]
    assert moments_seen == sorted(moments_seen)
    assert moments_seen[0].tzinfo is UTC


def test_a_broken_transaction_is_left_alone_and_still_has_a_present() -> None:
    with transaction.atomic():
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        transaction.set_rollback(True)
        assert abs(moments.now() - datetime.now(UTC)) < timedelta(minutes=5)  # noqa: TID251


def test_an_answer_that_took_too_long_is_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    first = moments.now()
    monkeypatch.setattr(database_time, "_next_question", float("-inf"))
    monkeypatch.setattr(database_time, "PROMPT", -1.0)  # every answer is too slow now
    anchor = database_time._anchor
    assert moments.now() - first < CLOSE
    assert database_time._anchor is anchor
