"""How often something may be done: so many at once, then one after the other, and racing callers are not one more."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from portal.foundation.accounts.guards import public
from portal.foundation.core import addresses, rates
from portal.foundation.core.models import RateCount
from portal.foundation.core.rates import Rate, take
from portal.urls import urlpatterns
from tests.threads import together

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
TEN = Rate("test-ten", 10, timedelta(minutes=1))


def passed(number: int, *, at: datetime = NOW, rate: Rate = TEN, key: str = "ling") -> int:
    return sum(take(rate, key, now=at) is None for _ in range(number))


@pytest.mark.django_db
def test_so_many_pass_at_once_and_then_one_by_one() -> None:
    assert passed(15) == 10
    assert passed(3, at=NOW + timedelta(seconds=5)) == 0
    assert passed(3, at=NOW + timedelta(seconds=6)) == 1
    assert passed(30, at=NOW + timedelta(seconds=36)) == 5
    assert passed(30, at=NOW + timedelta(minutes=10)) == 10


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "span"), [(7, 60), (3, 1), (1, 3600), (1000, 7), (61, 86_400)])
def test_the_whole_number_fits_however_badly_the_span_divides(number: int, span: int) -> None:
    assert passed(number + 5, rate=Rate("test-odd", number, timedelta(seconds=span))) == number


@pytest.mark.django_db
def test_a_refusal_says_how_long_and_the_wait_is_enough() -> None:
    passed(10)
    wait = take(TEN, "ling", now=NOW)
    assert wait is not None
    assert (wait.seconds, wait.until, wait.sentence) == (6, NOW + timedelta(seconds=6), "操作过于频繁，请 6 秒后再试。")
    assert take(TEN, "ling", now=wait.until - timedelta(microseconds=1)) is not None
    assert take(TEN, "ling", now=wait.until) is None
    hour = Rate("test-hour", 1, timedelta(hours=1))
    take(hour, "ling", now=NOW)
    slow = take(hour, "ling", now=NOW)
    assert slow is not None
    assert slow.sentence == "操作过于频繁，请 60 分钟后再试。"


@pytest.mark.django_db
def test_callers_and_rates_are_counted_apart_and_no_caller_is_written_down() -> None:
    assert passed(11) == 10
    assert passed(11, key="wai") == 10
    assert passed(11, rate=Rate("test-other", 10, timedelta(minutes=1))) == 10
    assert not RateCount.objects.filter(key__in=["ling", "wai"]).exists()
    assert {len(key) for key in RateCount.objects.values_list("key", flat=True)} == {64}


@pytest.mark.django_db
def test_a_flood_that_is_refused_costs_the_database_nothing(django_assert_num_queries: Any) -> None:
    passed(11)
    with django_assert_num_queries(0):
        assert passed(1000, at=NOW + timedelta(seconds=3)) == 0
    with django_assert_num_queries(1):
        assert passed(1, at=NOW + timedelta(seconds=6)) == 1


@pytest.mark.django_db
def test_what_is_remembered_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_MOST_REMEMBERED", 5)
    one = Rate("test-one", 1, timedelta(minutes=1))
    for number in range(20):
        passed(2, rate=one, key=str(number))
    assert len(rates._refused) <= 5


@pytest.mark.django_db
def test_what_has_run_out_is_deleted_and_what_still_counts_is_kept() -> None:
    passed(10)
    passed(1, key="wai")
    assert rates.tidy(now=NOW + timedelta(seconds=67)) == 1
    assert passed(1, at=NOW) == 0
    assert rates.tidy(now=NOW + timedelta(seconds=121)) == 1


@pytest.mark.django_db
def test_the_table_is_not_in_the_write_ahead_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE oid = 'core_ratecount'::regclass")
        assert cursor.fetchone() == ("u",)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_forty_at_the_same_moment_are_ten() -> None:
    for turn in range(5):
        key = f"race {turn}"
        outcome = together(*(lambda k=key: take(TEN, k, now=NOW) for _ in range(40)))
        assert outcome.count(None) == 10
        rates.forget()
        assert take(TEN, key, now=NOW) is not None


# --- on a page ---------------------------------------------------------------------------------------------------------
@public
@rates.limited(Rate("test-page", 2, timedelta(minutes=1)), methods=("POST",))
def page(request: Any) -> HttpResponse:
    return HttpResponse("gut")


urlpatterns = [path("page/", page), *urlpatterns]


@pytest.mark.django_db
@override_settings(ROOT_URLCONF="tests.foundation.test_rates", DATABASE_TIME=False)
def test_a_page_answers_429_with_a_sentence_and_the_seconds_to_wait() -> None:
    line = Client(REMOTE_ADDR="192.0.2.7")
    assert [line.post("/page/").status_code for _ in range(3)] == [200, 200, 429]
    answer = line.post("/page/")
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert "操作过于频繁" in answer.content.decode()
    assert line.get("/page/").status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.8").post("/page/").status_code == 200
    with override_settings(RATE_FACTOR=0):
        assert line.post("/page/").status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unknown", "192.0.2.2", False),
    ],
)
def test_one_line_is_one_caller(first: str, second: str, same: bool) -> None:
    ask = RequestFactory()
    told = [addresses.visitor(ask.get("/", REMOTE_ADDR=address)) for address in (first, second)]
    assert (told[0] == told[1]) is same


@override_settings(SECURE_PROXY_SSL_HEADER=None)
def test_without_a_proxy_the_forwarded_header_is_only_text() -> None:
    ask = RequestFactory()
    told = {
        addresses.network(ask.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}")) for n in range(9)
    }
    assert told == {"192.0.2.1"}
