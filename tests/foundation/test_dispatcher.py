"""Every fact reaches every subscriber at least once, whatever a channel does; one bad channel holds up nobody else."""

import itertools
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal import dispatcher, subscribers
from portal.foundation.journal.dispatcher import BACK_OFF, LEASE, MAX_ATTEMPTS, claim, dispatch, fan_out
from portal.foundation.journal.models import Delivery, Entry, Outbox
from portal.foundation.journal.record import record
from portal.foundation.journal.subscribers import Down, Later, subscribe
from tests.threads import together

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Channel:
    """A channel that remembers what it was handed, and does what it is told to do with it."""

    def __init__(self, answer: Callable[[Entry, datetime], None] | None = None) -> None:
        self.got: list[int] = []
        self.answer = answer

    def __call__(self, entry: Entry, now: datetime) -> None:
        self.got.append(entry.pk)
        if self.answer is not None:
            self.answer(entry, now)


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the channels of the test listen."""
    dispatcher.forget()
    monkeypatch.setattr(subscribers, "_registry", {})


def listening(name: str, answer: Callable[[Entry, datetime], None] | None = None, *verbs: str) -> Channel:
    channel = Channel(answer)
    subscribe(name, channel, verbs=verbs)
    return channel


def happen(count: int = 1, verb: str = "loan.recorded") -> list[int]:
    with transaction.atomic():
        return [record(verb, actor=SYSTEM, now=NOW, subject=f"x:{i}").pk for i in range(count)]


def broken(entry: Entry, now: datetime) -> None:
    raise ConnectionRefusedError("the mail server is down")


def test_each_fact_goes_once_to_each_channel_that_wants_its_verb(channels: None) -> None:
    everything = listening("everything")
    money = listening("money", None, "loan.recorded")
    loans, others = happen(2), happen(3, "patent.added")
    assert dispatch(now=NOW) == 7
    assert everything.got == loans + others
    assert money.got == loans
    assert not Outbox.objects.exists()
    assert dispatch(now=NOW + LEASE * 3) == 0
    assert len(everything.got) == 5
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 0)}


def test_a_fact_nobody_wants_leaves_the_outbox_without_a_delivery(channels: None) -> None:
    happen(2)
    assert dispatch(now=NOW) == 0
    assert (Outbox.objects.count(), Delivery.objects.count()) == (0, 0)


def test_more_facts_than_one_round_takes_all_arrive(channels: None) -> None:
    channel = listening("a")
    ids = happen(23)
    while dispatch(now=NOW, limit=5):
        pass
    assert channel.got == ids


def test_a_channel_that_fails_counts_for_its_own_delivery_alone(channels: None) -> None:
    listening("mail", broken)
    notices = listening("notices")
    ids = happen(2)
    assert dispatch(now=NOW) == 2
    assert notices.got == ids
    assert set(Delivery.objects.filter(subscriber="notices").values_list("state", "attempts")) == {("sent", 0)}
    for row in Delivery.objects.filter(subscriber="mail"):
        assert (row.state, row.attempts, row.leased_until) == ("waiting", 1, None)
        assert row.retry_at is not None
        assert NOW + 5 * SECOND <= row.retry_at < NOW + 6 * SECOND
        assert row.last_error == "ConnectionRefusedError: the mail server is down"


def test_one_fact_a_channel_cannot_digest_does_not_hold_up_the_next(channels: None) -> None:
    first, second = happen(2)

    def picky(entry: Entry, now: datetime) -> None:
        if entry.pk == first:
            raise ValueError("不认识")

    listening("picky", picky)
    assert dispatch(now=NOW) == 1
    assert dict(Delivery.objects.values_list("entry_id", "state")) == {first: "waiting", second: "sent"}


def test_it_waits_longer_after_each_failure_and_gives_up_loudly_after_ten(
    channels: None, caplog: pytest.LogCaptureFixture
) -> None:
    channel = listening("mail", broken)
    happen()
    now, waits = NOW, []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        dispatch(now=now)
        row = Delivery.objects.get()
        assert (row.attempts, len(channel.got)) == (attempt, attempt)
        if row.retry_at is None:
            break
        assert claim(now=row.retry_at - SECOND) == []  # not a moment earlier
        waits.append(round((row.retry_at - now).total_seconds()))
        now = row.retry_at
    assert waits == BACK_OFF
    assert row.state == "dead"
    dispatch(now=now + timedelta(days=30))
    assert len(channel.got) == MAX_ATTEMPTS
    assert f"failed ({MAX_ATTEMPTS})" in caplog.text


def test_a_channel_that_rests_is_asked_again_in_the_morning_and_nothing_is_counted(channels: None) -> None:
    morning = NOW + timedelta(hours=12)

    def at_night(entry: Entry, now: datetime) -> None:
        if now < morning:
            raise Later(morning)

    channel = listening("mail", at_night)
    happen()
    for hours in (0, 1, 11):
        assert dispatch(now=NOW + timedelta(hours=hours)) == 0
    row = Delivery.objects.get()
    assert (row.attempts, row.retry_at, row.leased_until, len(channel.got)) == (0, morning, None, 1)
    assert dispatch(now=morning) == 1
    assert Delivery.objects.get().attempts == 0


def test_a_channel_that_says_later_and_means_now_does_not_stop_the_round(channels: None) -> None:
    calls = itertools.count()

    def confused(entry: Entry, now: datetime) -> None:
        assert next(calls) < 5, "asked again and again in one round"
        raise Later(now - timedelta(hours=1))

    listening("mail", confused)
    happen()
    assert dispatch(now=NOW) == 0
    assert next(calls) == 1


def test_a_channel_that_is_down_is_tried_once_and_holds_up_nobody(channels: None) -> None:
    def away(entry: Entry, now: datetime) -> None:
        raise Down(now + 15 * SECOND)

    mail, notices = listening("mail", away), listening("notices")
    facts = happen(5)
    assert dispatch(now=NOW) == 5
    assert notices.got == facts
    assert mail.got == facts[:1]
    assert set(Delivery.objects.filter(subscriber="mail").values_list("attempts", "leased_until")) == {(0, None)}
    assert dispatch(now=NOW + 5 * SECOND) == 0
    assert len(mail.got) == 1


def test_when_a_channel_is_back_everything_goes_out_though_the_first_one_breaks_it_again(channels: None) -> None:
    def poison(entry: Entry, now: datetime) -> None:
        if entry.pk == facts[0]:
            raise Down(now + 15 * SECOND)

    mail = listening("mail", poison)
    facts = happen(5)
    for seconds in range(0, 60, 3):
        dispatch(now=NOW + seconds * SECOND)
    assert set(Delivery.objects.filter(state="sent").values_list("entry_id", flat=True)) == set(facts[1:])
    assert mail.got.count(facts[0]) <= 5


def test_a_dispatcher_that_died_loses_nothing_and_its_death_is_no_failure(channels: None) -> None:
    channel = listening("a")
    (entry,) = happen()
    fan_out()
    assert len(claim(now=NOW)) == 1  # and here the machine loses power
    assert dispatch(now=NOW + LEASE - SECOND) == 0
    assert dispatch(now=NOW + LEASE + SECOND) == 1
    assert channel.got == [entry]
    assert Delivery.objects.get().attempts == 0


def test_a_dispatcher_that_comes_back_from_the_dead_does_not_undo_what_the_other_did(channels: None) -> None:
    listening("a", broken)
    happen()
    fan_out()
    (stale,) = claim(now=NOW)
    Delivery.objects.update(state="sent", sent_at=NOW)
    dispatcher.hand_over(stale, Entry.objects.get(), now=NOW)
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.last_error) == ("sent", 0, "")


def test_a_delivery_to_a_channel_that_was_removed_waits_for_it_and_is_named(channels: None) -> None:
    listening("old")
    happen()
    fan_out()
    subscribers._registry.clear()
    assert dispatch(now=NOW) == 0
    row = Delivery.objects.get()
    assert (row.attempts, row.last_error) == (1, "LookupError: no subscriber named old")


def test_two_channels_cannot_take_one_name(channels: None) -> None:
    listening("mail")
    with pytest.raises(RuntimeError, match="twice"):
        listening("mail")


def test_a_slow_channel_renews_its_leases_so_that_nobody_sends_the_same_again(
    channels: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty mails of ten seconds each: longer than any lease; a second dispatcher looks in after every one."""
    passed = 0.0
    taken: list[int] = []

    def slow(entry: Entry, now: datetime) -> None:
        nonlocal passed
        passed += 10
        taken.extend(d.entry_id for d in claim(now=NOW + timedelta(seconds=passed)))

    channel = listening("mail", slow)
    ids = happen(20)
    monkeypatch.setattr(dispatcher.time, "monotonic", lambda: passed)
    assert dispatch(now=NOW) == 20
    assert channel.got == ids
    assert taken == []


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_four_dispatchers_and_writers_at_once_hand_each_fact_over_exactly_once(channels: None) -> None:
    a, b = listening("a"), listening("b", lambda entry, now: time.sleep(0.002))
    written: list[int] = []

    def work() -> int:
        return sum(dispatch(now=NOW) for _ in range(10))

    def write() -> None:
        for _ in range(10):
            written.extend(happen(3))

    sent: list[Any] = together(work, write, work, write, work, work)
    total = sum(n or 0 for n in sent) + dispatch(now=NOW)
    assert total == 2 * 60
    assert Counter(a.got) == Counter(b.got) == Counter(written)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


@pytest.mark.django_db(transaction=True)
def test_the_wait_ends_when_something_happens(channels: None) -> None:
    dispatcher.wait_for_news(0.01)  # it listens from here
    began = time.monotonic()
    together(happen)
    dispatcher.wait_for_news(20)
    assert time.monotonic() - began < 15


@pytest.mark.django_db(transaction=True)
def test_a_server_that_goes_away_during_the_wait_is_a_database_error_the_loop_survives(channels: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()

    def end_it() -> None:
        time.sleep(0.3)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        connection.close()

    thread = Thread(target=end_it)
    thread.start()
    with pytest.raises(OperationalError):  # noqa: PT012 — the wait itself ends, or the next statement fails
        for _ in range(3):
            dispatcher.wait_for_news(5)
    thread.join()
    connection.close()
    happen()
    assert Entry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_server_that_goes_away_during_a_delivery_is_no_failure_of_the_message(channels: None) -> None:
    def cut_off(entry: Entry, now: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    listening("mail", cut_off)
    happen(3)
    with pytest.raises(OperationalError):
        dispatch(now=NOW)
    connection.close()
    assert set(Delivery.objects.values_list("state", "attempts")) == {("waiting", 0)}


def test_a_dispatcher_that_is_to_stop_gives_back_what_it_has_not_begun(channels: None) -> None:
    """A deploy in the middle of a batch: the one mail at hand goes out, the next dispatcher has the rest at once."""
    asked = False

    def ask_to_stop(entry: Entry, now: datetime) -> None:
        nonlocal asked
        asked = True

    mail = listening("mail", ask_to_stop)
    first, *rest = happen(5)
    assert dispatch(now=NOW, stopping=lambda: asked) == 1
    assert mail.got == [first]
    assert not Delivery.objects.exclude(leased_until=None).filter(state=Delivery.State.WAITING).exists()
    assert dispatch(now=NOW + SECOND) == 4
    assert mail.got == [first, *rest]
