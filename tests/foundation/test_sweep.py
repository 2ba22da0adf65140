"""Announcing what is due: once each, by the database's clock, whoever calls, however many call, however long nobody called."""

import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction

from portal.foundation.accounts.models import Organisation
from portal.foundation.core import moments
from portal.foundation.journal.dispatcher import wait_for_news
from portal.foundation.journal.models import Entry, Outbox, Seal, Unsealed
from portal.foundation.journal.sealer import broken_links
from portal.foundation.sla import clocks
from portal.foundation.sla.models import Clock, Escalation, Heartbeat, Kind, Policy
from portal.foundation.sla.sweep import beat, next_moment, sweep
from portal.notifications.models import Notice
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.threads import together

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LEVELS = ["due_soon", "overdue", "supervise"]


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (now,) = cursor.fetchone()
    assert isinstance(now, datetime)
    return now


@pytest.fixture
def ticking(bo: Person, ling: Person) -> Callable[..., list[Clock]]:
    """Clocks of Bo's bank about Ling's requests; `hours` are the three moments of the ladder, counted from now."""

    def make(*hours: float, count: int = 1, level: int = 0) -> list[Clock]:
        now = database_now()
        ladder = [now + h * HOUR for h in hours or (-1, 8, 32)]
        first = Clock.objects.count()
        return Clock.objects.bulk_create(
            Clock(
                kind=Kind.RESPONSE,
                policy=Policy.objects.get(kind=Kind.RESPONSE),
                organisation=bo.organisation,
                case_number=f"YZD{n:05}",
                subject=f"referral:{n}",
                watchers=sorted([bo.organisation.pk, ling.organisation.pk]),
                days=2,
                started_at=ladder[0] - 40 * HOUR,
                due_at=ladder[1],
                levels=LEVELS,
                moments=ladder,
                level=level,
                next_at=ladder[level],
            )
            for n in range(first, first + count)
        )

    return make


def announced() -> list[str]:
    return list(Entry.objects.filter(verb="clock.escalated").order_by("id").values_list("data__level", flat=True))


def test_a_reminder_that_is_due_is_announced_once_and_the_next_one_waits(ticking: Callable[..., list[Clock]]) -> None:
    (clock,) = ticking(-1, 8, 32)
    assert sweep() == 1
    assert sweep() == 0
    clock.refresh_from_db()
    assert (clock.level, clock.next_at) == (1, clock.moments[1])
    row = Escalation.objects.get()
    assert (row.clock_id, row.level, row.position, row.round, row.moment) == (
        clock.pk,
        "due_soon",
        1,
        0,
        clock.moments[0],
    )
    assert announced() == ["due_soon"]


def test_the_entry_says_who_is_responsible_for_what_and_both_sides_may_read_it(
    ticking: Callable[..., list[Clock]], bo: Person, ling: Person, wai: Person
) -> None:
    (clock,) = ticking(-9, -1, 20, level=1)
    sweep()
    entry = Entry.objects.get(verb="clock.escalated")
    assert (entry.case_number, entry.subject, entry.actor_label) == (clock.case_number, clock.subject, "系统")
    assert entry.data == {
        "clock": clock.pk,
        "kind": "response",
        "level": "overdue",
        "label": "已超期",
        "moment": entry.data["moment"],
        "due_at": entry.data["due_at"],
        "organisation": bo.organisation.pk,
        "overtaken": [],
    }
    assert datetime.fromisoformat(entry.data["due_at"]) == clock.due_at == datetime.fromisoformat(entry.data["moment"])
    assert [Entry.objects.readable_by(p.organisation.pk).count() for p in (bo, ling, wai)] == [1, 1, 0]
    assert Outbox.objects.get().entry_id == Unsealed.objects.get().entry_id == entry.pk


def test_after_an_outage_only_the_highest_level_is_announced_and_the_others_are_named(
    ticking: Callable[..., list[Clock]],
) -> None:
    (clock,) = ticking(-60, -50, -26)
    assert sweep() == 1
    assert announced() == ["supervise"]
    assert Entry.objects.get(verb="clock.escalated").data["overtaken"] == ["due_soon", "overdue"]
    clock.refresh_from_db()
    assert (clock.level, clock.next_at) == (3, None)
    assert next_moment() is None


def test_a_level_announced_before_the_outage_is_not_called_overtaken(ticking: Callable[..., list[Clock]]) -> None:
    ticking(-60, -50, -26, level=1)
    sweep()
    assert Entry.objects.get(verb="clock.escalated").data["overtaken"] == ["overdue"]


def test_what_is_not_due_is_left_alone(ticking: Callable[..., list[Clock]]) -> None:
    (clock,) = ticking(0.02, 8, 32)
    assert sweep() == 0
    assert next_moment() == clock.moments[0]
    assert announced() == []


def test_an_answered_or_resting_clock_is_never_announced(ticking: Callable[..., list[Clock]]) -> None:
    answered, resting = ticking(-60, -50, -26, count=2)
    with transaction.atomic():
        clocks.stop(answered.pk, now=moments.now(), reason="claimed")
        clocks.pause(resting.pk, now=moments.now(), reason="补正")
    assert sweep() == 0
    assert announced() == []


def test_a_file_that_comes_back_from_correction_climbs_its_ladder_again(ticking: Callable[..., list[Clock]]) -> None:
    (clock,) = ticking(-1, 8, 32)
    sweep()
    now = moments.now()
    with transaction.atomic():
        clocks.pause(clock.pk, now=now, reason="补正")
        clocks.resume(clock.pk, now=now)
    past = [now - 3 * HOUR, now + 9 * HOUR, now + 30 * HOUR]
    Clock.objects.filter(pk=clock.pk).update(moments=past, next_at=past[0])
    sweep()
    assert announced() == ["due_soon", "due_soon"]
    assert list(Escalation.objects.order_by("id").values_list("level", "round")) == [("due_soon", 0), ("due_soon", 1)]


def test_a_late_file_back_from_correction_still_reaches_the_regulator(ticking: Callable[..., list[Clock]]) -> None:
    (clock,) = ticking(-60, -30, -2, level=2)
    with transaction.atomic():
        clocks.pause(clock.pk, now=moments.now() - 20 * HOUR, reason="补正")
        clocks.resume(clock.pk, now=moments.now())
    sweep()
    assert announced() == ["supervise"]
    sweep()
    assert announced() == ["supervise"]


def test_a_level_written_already_is_not_told_twice_even_if_the_clock_forgot(
    ticking: Callable[..., list[Clock]],
) -> None:
    (clock,) = ticking(-1, 8, 32)
    sweep()
    Clock.objects.filter(pk=clock.pk).update(level=0, next_at=clock.moments[0])
    assert sweep() == 1
    assert announced() == ["due_soon"]
    clock.refresh_from_db()
    assert clock.next_at == clock.moments[1]


def test_more_than_one_batch_is_swept_in_one_call(ticking: Callable[..., list[Clock]]) -> None:
    ticking(count=25)
    assert sweep(batch=10) == 25
    assert len(announced()) == 25


@pytest.mark.parametrize("python_says", ["2020-01-01T00:00+08:00", "2099-01-01T00:00+08:00"])
def test_the_clock_of_the_database_decides_whatever_this_machine_believes(
    ticking: Callable[..., list[Clock]], python_says: str
) -> None:
    due, waiting = ticking(-1, 8, 32)[0], ticking(5, 8, 32)[0]
    with time_machine.travel(python_says):
        assert sweep() == 1
        beat("test")
    assert [e.clock_id for e in Escalation.objects.all()] == [due.pk]
    waiting.refresh_from_db()
    assert waiting.level == 0
    real = datetime.fromtimestamp(time.time(), tz=UTC)
    for said in (Escalation.objects.get().announced_at, Entry.objects.get().at, Heartbeat.objects.get(name="test").at):
        assert abs(said - real) < timedelta(minutes=10)


@pytest.mark.django_db(transaction=True)
def test_a_sweep_that_finds_nothing_wakes_nobody(ticking: Callable[..., list[Clock]]) -> None:
    # A statement trigger fires for no rows as well; the loop without a broker once woke itself for ever with it.
    ticking(1, 8, 32)
    wait_for_news(0.01)  # it listens from here
    sweep()
    assert not wait_for_news(0.3)
    ticking(-1, 8, 32)
    sweep()
    assert wait_for_news(5)


def test_a_sign_of_life_moves_on(ticking: Callable[..., list[Clock]]) -> None:
    beat("clock")
    first = Heartbeat.objects.get().at
    beat("clock")
    assert Heartbeat.objects.get().at > first


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_six_sweepers_announce_three_hundred_clocks_once_each(ticking: Callable[..., list[Clock]]) -> None:
    made = ticking(-60, -1, 20, count=300)
    total = sum(together(*[lambda: sum(sweep(batch=40) for _ in range(4))] * 6))
    assert total == 300
    assert sorted(Escalation.objects.values_list("clock_id", flat=True)) == [c.pk for c in made]
    told = Entry.objects.filter(verb="clock.escalated").values_list("data__clock", flat=True)
    assert sorted(told) == [c.pk for c in made]
    assert set(announced()) == {"overdue"}
    assert set(Clock.objects.values_list("level", flat=True)) == {2}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_an_answer_in_progress_is_not_announced_over_and_holds_nobody_up(ticking: Callable[..., list[Clock]]) -> None:
    answered, other = ticking(-1, 8, 32, count=2)
    with transaction.atomic():
        clocks.stop(answered.pk, now=moments.now(), reason="claimed")
        assert together(sweep) == [1]  # the other one; this one is skipped, not waited for
    assert sweep() == 0
    assert [e.clock_id for e in Escalation.objects.all()] == [other.pk]


# --- manage.py clock --------------------------------------------------------------------------------------------------


@pytest.fixture
def keeps_signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def overdue_request(bo: Person, ling: Person, product: Product) -> Organisation:
    """A request Bo has not answered: due an hour ago."""
    clock = factories.application(ling, product).referrals.get().clock
    assert clock is not None
    ladder = [database_now() + h * HOUR for h in (-11, -1, 23)]
    Clock.objects.filter(pk=clock.pk).update(
        started_at=ladder[0] - 40 * HOUR, due_at=ladder[1], moments=ladder, next_at=ladder[0]
    )
    return bo.organisation


@pytest.mark.django_db(transaction=True)
def test_the_loop_without_a_broker_announces_delivers_and_seals(
    overdue_request: Organisation, bo: Person, keeps_signals: None
) -> None:
    call_command("clock", rounds=2)
    assert announced() == ["overdue"]
    titles = set(Notice.objects.filter(membership=bo.membership).values_list("title", flat=True))
    assert any("已超期" in t for t in titles), titles
    assert any("新的融资需求" in t for t in titles), titles
    assert Seal.objects.count() >= 1
    assert list(broken_links()) == []
    assert Heartbeat.objects.filter(name="clock").exists()
    call_command("clock", rounds=2)
    assert announced() == ["overdue"]
    assert not Unsealed.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_loop_goes_on_after_postgresql_has_dropped_it(overdue_request: Organisation, keeps_signals: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()

    def drop() -> None:
        time.sleep(0.5)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        connection.close()

    Clock.objects.update(next_at=database_now() + HOUR, moments=[database_now() + h * HOUR for h in (1, 2, 3)])
    thread = Thread(target=drop)
    thread.start()
    call_command("clock", rounds=6)
    thread.join()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != pid
    assert not Outbox.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_loop_stops_when_it_is_asked_to(reference: None, keeps_signals: None) -> None:
    began = time.monotonic()
    killer = Thread(target=lambda: (time.sleep(0.5), signal.raise_signal(signal.SIGTERM)))
    killer.start()
    call_command("clock")
    killer.join()
    assert time.monotonic() - began < 20
