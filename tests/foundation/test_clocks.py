"""Every promise has one clock: when it is due, when people are told, when it rests and when it is late."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from portal.foundation.accounts.models import Organisation
from portal.foundation.sla import calendars_in_use, clocks, lamps
from portal.foundation.sla.models import Clock, Kind, Pause, Policy, PolicyLevel
from tests.factories import Person

pytestmark = pytest.mark.django_db
MICROSECOND = timedelta(microseconds=1)


def at(text: str) -> datetime:
    """A moment on a Chongqing clock, e.g. at("2026-11-23 10:00"). 24:00 is 0:00 of the next day."""
    day, _, hour = text.partition(" ")
    if hour == "24:00":
        return at(f"{date.fromisoformat(day) + timedelta(days=1)} 00:00")
    return datetime.fromisoformat(f"{day}T{hour}+08:00")


MONDAY = at("2026-11-23 10:00")


@pytest.fixture
def bank(bo: Person) -> Organisation:
    return bo.organisation


@pytest.fixture
def start(bank: Organisation) -> Callable[..., Clock]:
    def begin(now: datetime, kind: str = Kind.RESPONSE, subject: str = "referral:1") -> Clock:
        with transaction.atomic():
            return clocks.start(
                kind, organisation_id=bank.pk, case_number="YZD202611230001X", subject=subject, watchers=[7, 3], now=now
            )

    return begin


def act(verb: Callable[..., Clock], clock: Clock, **given: Any) -> Clock:
    """Do it as an action would, and read the clock again as everybody else will."""
    with transaction.atomic():
        verb(clock.pk, **given)
    return Clock.objects.get(pk=clock.pk)


def test_bo_has_two_working_days_and_is_reminded_told_and_reported(
    start: Callable[..., Clock], bank: Organisation
) -> None:
    clock = Clock.objects.get(pk=start(MONDAY).pk)
    assert clock.due_at == at("2026-11-25 24:00")
    assert dict(zip(clock.levels, clock.moments, strict=True)) == {
        "due_soon": at("2026-11-25 14:00"),  # four office hours before the end of office hours
        "overdue": at("2026-11-25 24:00"),
        "supervise": at("2026-11-26 24:00"),
        "next_lender": at("2026-11-27 24:00"),
    }
    assert (clock.next_at, clock.level, clock.days, clock.provisional) == (at("2026-11-25 14:00"), 0, 2, False)
    assert clock.watchers == sorted({bank.pk, 7, 3})


def test_chen_has_one_working_day_for_a_registration(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY, Kind.REGISTRATION, "registration:1")
    assert clock.due_at == at("2026-11-24 24:00")
    assert clock.moments == [at("2026-11-24 14:00"), at("2026-11-24 24:00"), at("2026-11-25 24:00")]


@pytest.mark.parametrize(
    ("started", "due", "provisional"),
    [
        ("2026-11-23 00:00", "2026-11-25 24:00", False),
        ("2026-11-23 23:59", "2026-11-25 24:00", False),
        ("2026-11-20 18:30", "2026-11-24 24:00", False),  # a Friday evening
        ("2026-11-21 09:00", "2026-11-24 24:00", False),  # a Saturday is day 0 as well
        ("2026-09-30 15:00", "2026-10-09 24:00", False),  # across National Day
        ("2026-10-08 15:00", "2026-10-10 24:00", False),  # the make-up Saturday counts
        ("2026-12-29 15:00", "2026-12-31 24:00", False),  # the last published day
        ("2026-12-30 15:00", "2027-01-04 24:00", True),  # the next year is not announced yet
        ("2027-01-01 10:00", "2027-01-05 24:00", True),
    ],
)
def test_due_moments_over_weekends_holidays_and_the_end_of_the_calendar(
    start: Callable[..., Clock], started: str, due: str, provisional: bool
) -> None:
    clock = start(at(started))
    assert (clock.due_at, clock.provisional) == (at(due), provisional)


def test_a_working_day_later_skips_the_weekend(start: Callable[..., Clock]) -> None:
    clock = start(at("2026-11-18 10:00"))
    assert clock.due_at == at("2026-11-20 24:00")  # Friday
    assert clock.moments[2] == at("2026-11-23 24:00")  # Monday


def test_a_reminder_that_would_come_before_the_start_is_left_out(bank: Organisation) -> None:
    policy = Policy.objects.create(kind=Kind.RESPONSE, days=1, valid_from=at("2026-11-01 00:00"), ground="试验")
    soon = PolicyLevel(
        policy=policy, position=1, code="due_soon", label="x", anchor="before", offset=60 * 9 * 3, recipients=[]
    )
    over = PolicyLevel(policy=policy, position=2, code="overdue", label="x", anchor="after", offset=0, recipients=[])
    planned = clocks.plan(policy, [soon, over], started_at=MONDAY, calendar=calendars_in_use.current())
    assert (planned.levels, planned.moments) == (["overdue"], [at("2026-11-24 24:00")])


def test_an_office_that_closes_at_18_is_due_at_18(bank: Organisation) -> None:
    policy = Policy.objects.create(
        kind=Kind.RESPONSE, days=2, closes=time(18), valid_from=at("2026-11-01 00:00"), ground="试验"
    )
    levels = list(Policy.objects.earliest("pk").levels.all())
    planned = clocks.plan(policy, levels, started_at=MONDAY, calendar=calendars_in_use.current())
    assert planned.due_at == at("2026-11-25 18:00")
    assert planned.moments[:3] == [at("2026-11-25 14:00"), at("2026-11-25 18:00"), at("2026-11-26 24:00")]


def test_a_promise_counts_by_the_version_in_force_when_it_was_given(start: Callable[..., Clock]) -> None:
    old = start(at("2026-11-30 23:59"), subject="referral:1")
    new = Policy.objects.create(kind=Kind.RESPONSE, days=3, valid_from=at("2026-12-01 00:00"), ground="新规")
    before = start(at("2026-12-01 00:00") - MICROSECOND, subject="referral:2")
    after = start(at("2026-12-01 00:00"), subject="referral:3")
    assert (old.due_at, before.due_at) == (at("2026-12-02 24:00"), at("2026-12-02 24:00"))
    assert (after.policy_id, after.days, after.due_at) == (new.pk, 3, at("2026-12-04 24:00"))
    act(clocks.pause, old, now=at("2026-12-01 09:00"), reason="补正")
    resumed = act(clocks.resume, old, now=at("2026-12-02 09:00"))
    assert (resumed.days, resumed.due_at) == (2, at("2026-12-04 24:00"))  # still two days, as promised then


def test_before_the_first_version_there_is_no_promise_to_give(start: Callable[..., Clock]) -> None:
    with pytest.raises(Policy.DoesNotExist):
        start(at("2025-08-17 23:59"))


def test_prepare_alone_saves_nothing(bank: Organisation) -> None:
    clock = clocks.prepare(
        Kind.RESPONSE, organisation_id=bank.pk, case_number="Y", subject="referral:1", watchers=[], now=MONDAY
    )
    assert clock.pk is None
    assert not Clock.objects.exists()


def test_one_file_has_one_running_clock(start: Callable[..., Clock]) -> None:
    first = start(MONDAY)
    with pytest.raises(IntegrityError, match="one_running_clock"), transaction.atomic():
        start(MONDAY)
    act(clocks.stop, first, now=MONDAY + timedelta(hours=1), reason="claimed")
    start(MONDAY + timedelta(hours=2))


# --- resting and going on ---------------------------------------------------------------------------------------------


def test_during_a_correction_the_clock_is_silent(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY, Kind.REGISTRATION)
    paused = act(clocks.pause, clock, now=at("2026-11-24 11:00"), reason="补正 2 项")
    assert (paused.paused_at, paused.next_at, paused.stopped_at) == (at("2026-11-24 11:00"), None, None)
    assert Pause.objects.get().reason == "补正 2 项"
    assert not paused.breached(now=at("2026-12-01 10:00"))
    assert not Clock.objects.overdue(now=at("2026-12-01 10:00")).exists()
    again = act(clocks.pause, clock, now=at("2026-11-24 12:00"), reason="又一次")
    assert again.paused_at == at("2026-11-24 11:00")
    assert Pause.objects.count() == 1


def test_after_the_correction_the_office_has_its_full_day_again_and_every_reminder(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY, Kind.REGISTRATION)
    Clock.objects.filter(pk=clock.pk).update(level=1, next_at=clock.moments[1])  # the reminder has been sent
    act(clocks.pause, clock, now=at("2026-11-24 17:00"), reason="补正")
    resumed = act(clocks.resume, clock, now=at("2026-11-26 09:30"))
    assert resumed.due_at == at("2026-11-27 24:00")
    assert resumed.moments == [at("2026-11-27 14:00"), at("2026-11-27 24:00"), at("2026-11-30 24:00")]
    assert (resumed.level, resumed.next_at, resumed.paused_at) == (0, at("2026-11-27 14:00"), None)
    assert Pause.objects.get().ended_at == at("2026-11-26 09:30")


def test_a_correction_over_the_end_of_the_year_becomes_provisional(start: Callable[..., Clock]) -> None:
    clock = start(at("2026-12-29 10:00"), Kind.REGISTRATION)
    assert not clock.provisional
    act(clocks.pause, clock, now=at("2026-12-30 09:00"), reason="补正")
    resumed = act(clocks.resume, clock, now=at("2026-12-31 09:00"))
    assert (resumed.due_at, resumed.provisional) == (at("2027-01-04 24:00"), True)


def test_a_file_that_was_late_stays_late_after_its_correction(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY, Kind.REGISTRATION)
    due = clock.due_at
    paused = act(clocks.pause, clock, now=due, reason="补正")  # midnight itself is late
    assert paused.breached(now=due)
    resumed = act(clocks.resume, clock, now=at("2026-12-03 09:00"))
    assert resumed.due_at == due
    assert resumed.breached(now=at("2026-12-03 09:00"))
    assert Clock.objects.overdue(now=at("2026-12-03 09:00")).exists()
    stopped = act(clocks.stop, clock, now=at("2026-12-03 10:00"), reason="registered")
    assert Clock.objects.late().get() == stopped


def test_a_moment_before_midnight_it_was_not_late_and_gets_a_new_term(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY, Kind.REGISTRATION)
    act(clocks.pause, clock, now=clock.due_at - MICROSECOND, reason="补正")
    resumed = act(clocks.resume, clock, now=at("2026-12-03 09:00"))
    assert resumed.due_at == at("2026-12-04 24:00")


def test_a_late_file_goes_on_where_it_was_on_its_ladder(start: Callable[..., Clock]) -> None:
    """The regulator's level came while it rested: it is due at once when the file is back, not lost."""
    clock = start(MONDAY, Kind.REGISTRATION)
    Clock.objects.filter(pk=clock.pk).update(level=2, next_at=clock.moments[2])  # «overdue» has been announced
    act(clocks.pause, clock, now=at("2026-11-25 09:00"), reason="补正")
    resumed = act(clocks.resume, clock, now=at("2026-12-03 09:00"))
    assert (resumed.level, resumed.next_at) == (2, at("2026-11-25 24:00"))
    assert resumed.levels == ["due_soon", "overdue", "supervise"]


def test_a_late_file_with_every_level_announced_stays_silent(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY, Kind.REGISTRATION)
    Clock.objects.filter(pk=clock.pk).update(level=3, next_at=None)
    act(clocks.pause, clock, now=at("2026-11-27 09:00"), reason="补正")
    assert act(clocks.resume, clock, now=at("2026-12-03 09:00")).next_at is None


def test_resuming_what_runs_or_has_stopped_changes_nothing(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY)
    assert act(clocks.resume, clock, now=at("2026-11-24 09:00")).due_at == clock.due_at
    act(clocks.pause, clock, now=at("2026-11-24 10:00"), reason="补正")
    stopped = act(clocks.stop, clock, now=at("2026-11-24 11:00"), reason="withdrawn", excused=True)
    assert act(clocks.resume, clock, now=at("2026-11-24 12:00")).due_at == stopped.due_at
    assert Clock.objects.get().next_at is None
    assert act(clocks.pause, clock, now=at("2026-11-24 13:00"), reason="补正").paused_at == at("2026-11-24 10:00")


# --- the end ----------------------------------------------------------------------------------------------------------


def test_the_first_answer_stops_the_clock_and_later_ones_change_nothing(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY)
    first = act(clocks.stop, clock, now=at("2026-11-24 11:00"), reason="claimed")
    again = act(clocks.stop, clock, now=at("2026-11-30 11:00"), reason="declined", excused=True)
    assert (first.stopped_at, first.stop_reason, first.next_at) == (at("2026-11-24 11:00"), "claimed", None)
    assert (again.stopped_at, again.stop_reason, again.excused) == (at("2026-11-24 11:00"), "claimed", False)
    assert Clock.objects.on_time().get() == first
    assert not first.breached(now=at("2026-12-30 11:00"))


@pytest.mark.parametrize(("earlier", "on_time"), [(MICROSECOND, True), (timedelta(0), False), (-MICROSECOND, False)])
def test_midnight_itself_is_late(start: Callable[..., Clock], earlier: timedelta, on_time: bool) -> None:
    clock = start(MONDAY)
    stopped = act(clocks.stop, clock, now=clock.due_at - earlier, reason="claimed")
    assert Clock.objects.on_time().exists() is on_time
    assert Clock.objects.late().exists() is not on_time
    assert stopped.breached(now=clock.due_at) is not on_time


def test_a_withdrawal_before_the_due_moment_is_nobodys_fault(start: Callable[..., Clock]) -> None:
    clock = act(clocks.stop, start(MONDAY), now=at("2026-11-25 23:59"), reason="withdrawn", excused=True)
    assert clock.excused
    assert not Clock.objects.on_time().exists()
    assert not Clock.objects.late().exists()


def test_a_withdrawal_afterwards_does_not_excuse_the_delay(start: Callable[..., Clock]) -> None:
    clock = act(clocks.stop, start(MONDAY), now=at("2026-11-25 24:00"), reason="withdrawn", excused=True)
    assert not clock.excused
    assert Clock.objects.late().get() == clock


def test_a_file_withdrawn_during_a_correction_that_began_in_time_is_excused(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY, Kind.REGISTRATION)
    act(clocks.pause, clock, now=at("2026-11-23 16:00"), reason="补正")
    stopped = act(clocks.stop, clock, now=at("2026-12-10 10:00"), reason="withdrawn", excused=True)
    assert stopped.excused
    assert stopped.working_minutes == 6 * 60
    assert Pause.objects.get().ended_at == at("2026-12-10 10:00")


@pytest.mark.parametrize(
    ("started", "stopped", "minutes"),
    [
        ("2026-11-23 10:00", "2026-11-23 10:00", 0),
        ("2026-11-23 10:00", "2026-11-24 15:00", 8 * 60 + 6 * 60),
        ("2026-11-20 17:30", "2026-11-23 09:30", 60),  # over a weekend
        ("2026-11-20 22:00", "2026-11-21 11:00", 0),  # at night, answered on Saturday
        ("2026-09-30 17:00", "2026-10-08 10:00", 120),  # over National Day
    ],
)
def test_the_minutes_an_answer_took_are_office_minutes(
    start: Callable[..., Clock], started: str, stopped: str, minutes: int
) -> None:
    clock = act(clocks.stop, start(at(started)), now=at(stopped), reason="claimed")
    assert clock.working_minutes == minutes


def test_the_time_of_corrections_does_not_count(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY, Kind.REGISTRATION)
    act(clocks.pause, clock, now=at("2026-11-23 16:00"), reason="第一次")
    act(clocks.resume, clock, now=at("2026-11-24 11:00"))
    act(clocks.pause, clock, now=at("2026-11-24 12:00"), reason="第二次")
    act(clocks.resume, clock, now=at("2026-11-24 13:00"))
    stopped = act(clocks.stop, clock, now=at("2026-11-24 15:00"), reason="registered")
    assert stopped.working_minutes == (8 + 6) * 60 - (2 + 2) * 60 - 60


@pytest.mark.parametrize(
    ("broken", "constraint"),
    [
        ({"due_at": MONDAY}, "clock_due_after_start"),
        ({"stopped_at": at("2026-11-24 10:00")}, "stopped_clock_is_silent"),
        ({"paused_at": at("2026-11-24 10:00")}, "paused_clock_is_silent"),
    ],
)
def test_the_database_refuses_a_clock_that_cannot_be(
    start: Callable[..., Clock], broken: dict[str, Any], constraint: str
) -> None:
    clock = start(MONDAY)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Clock.objects.filter(pk=clock.pk).update(**broken)


def test_the_database_refuses_two_open_pauses_and_a_policy_of_no_days(start: Callable[..., Clock]) -> None:
    clock = start(MONDAY)
    act(clocks.pause, clock, now=MONDAY, reason="补正")
    with pytest.raises(IntegrityError, match="one_open_pause"), transaction.atomic():
        Pause.objects.create(clock=clock, started_at=MONDAY, reason="又一次")
    for wrong in ({"days": 0}, {"days": 61}, {"kind": "lunch"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Policy.objects.filter(kind=Kind.RESPONSE).update(**wrong)


# --- 亮灯 ---------------------------------------------------------------------------------------------------------------


def shown(clock: Clock, now: str) -> tuple[str, str]:
    lamp = lamps.of(clock, now=at(now), calendar=calendars_in_use.current())
    return lamp.code, lamp.text


@pytest.mark.parametrize(
    ("now", "code", "text"),
    [
        ("2026-11-23 10:00", "g", "剩 2 个工作日"),
        ("2026-11-24 09:00", "g", "剩 1 个工作日"),
        ("2026-11-25 00:00", "g", "剩 24 小时 0 分"),
        ("2026-11-25 13:59", "g", "剩 10 小时 1 分"),
        ("2026-11-25 14:00", "y", "剩 10 小时 0 分"),
        ("2026-11-25 23:59", "y", "剩 1 分钟"),
        ("2026-11-25 24:00", "r", "超期 1 分钟"),
        ("2026-11-26 03:05", "r", "超期 3 小时 5 分"),
        ("2026-11-26 23:59", "r", "超期 23 小时 59 分"),
        ("2026-11-26 24:00", "r", "超期 1 个工作日"),
        ("2026-11-28 12:00", "r", "超期 2 个工作日"),  # Saturday: Thursday and Friday have passed
        ("2026-11-30 12:00", "r", "超期 2 个工作日"),  # Monday is not over
        ("2026-12-01 00:00", "r", "超期 3 个工作日"),
    ],
)
def test_bo_sees_green_yellow_red_in_words(start: Callable[..., Clock], now: str, code: str, text: str) -> None:
    assert shown(start(MONDAY), now) == (code, text)


def test_a_weekend_is_no_working_day_late(start: Callable[..., Clock]) -> None:
    clock = start(at("2026-11-18 10:00"))  # due on Friday the 20th
    assert shown(clock, "2026-11-22 10:00") == ("r", "超期不足 1 个工作日")
    assert shown(clock, "2026-11-23 10:00") == ("r", "超期不足 1 个工作日")
    assert shown(clock, "2026-11-23 24:00") == ("r", "超期 1 个工作日")  # when the regulator is told


def test_the_weekend_before_the_last_day_counts_one_day_left(start: Callable[..., Clock]) -> None:
    clock = start(at("2026-11-19 10:00"))  # due on Monday the 23rd
    assert shown(clock, "2026-11-20 17:00") == ("g", "剩 1 个工作日")
    assert shown(clock, "2026-11-22 17:00") == ("g", "剩 1 个工作日")


def test_a_paused_a_closed_and_an_excused_clock_say_so_at_any_time(start: Callable[..., Clock]) -> None:
    paused = act(clocks.pause, start(MONDAY, Kind.REGISTRATION, "registration:1"), now=MONDAY, reason="补正")
    done = act(clocks.stop, start(MONDAY, Kind.REGISTRATION, "registration:2"), now=MONDAY, reason="registered")
    late = act(
        clocks.stop, start(MONDAY, Kind.REGISTRATION, "registration:3"), now=at("2026-11-24 24:00"), reason="registered"
    )
    off = act(clocks.stop, start(MONDAY, Kind.REGISTRATION, "registration:4"), now=MONDAY, reason="w", excused=True)
    expected = [("p", "已暂停"), ("done", "按时办结"), ("late", "超期办结"), ("off", "不计时限")]
    for now in ("2026-11-23 10:00", "2026-12-23 10:00"):
        assert [shown(c, now) for c in (paused, done, late, off)] == expected


def test_the_title_names_the_day_that_ends_not_the_midnight_after_it(start: Callable[..., Clock]) -> None:
    calendar = calendars_in_use.current()
    lamp = lamps.of(start(MONDAY), now=MONDAY, calendar=calendar)
    assert lamp.title == "截止 11月25日（周三）24:00，剩 26 个工作小时"
    lamp = lamps.of(start(at("2026-12-30 10:00"), subject="referral:2"), now=MONDAY, calendar=calendar)
    assert lamp.title.startswith("截止 1月4日（周一）24:00（暂定），剩 ")
    assert lamps.due_text(at("2026-11-25 18:00")) == "11月25日（周三）18:00"
