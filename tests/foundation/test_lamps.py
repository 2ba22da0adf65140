"""What a clock says when it has stopped: the words of its own promise."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.foundation.sla import lamps
from portal.foundation.sla.models import Kind
from portal.foundation.sla.workdays import WorkCalendar

DUE = datetime(2026, 11, 25, 16, tzinfo=UTC)
CALENDAR = WorkCalendar(
    holidays=frozenset(),
    makeup_workdays=frozenset(),
    first_day=date(2026, 1, 1),
    last_published=date(2026, 12, 31),
    version="test",
)


def said(kind: str, stopped_at: datetime, *, excused: bool = False) -> str:
    return lamps.lamp(
        due_at=DUE,
        stopped_at=stopped_at,
        paused_at=None,
        excused=excused,
        provisional=False,
        warn_at=None,
        now=DUE + timedelta(days=3),
        calendar=CALENDAR,
        kind=kind,
    ).text


def running(due_at: datetime, *, now: datetime) -> str:
    return lamps.lamp(
        due_at=due_at,
        stopped_at=None,
        paused_at=None,
        excused=False,
        provisional=False,
        warn_at=None,
        now=now,
        calendar=CALENDAR,
    ).text


@pytest.mark.parametrize(
    ("kind", "in_time", "late"),
    [(Kind.RESPONSE, "按时响应", "超期响应"), (Kind.REGISTRATION, "按时办结", "超期办结")],
)
def test_a_bank_answers_and_an_office_completes(kind: str, in_time: str, late: str) -> None:
    assert said(kind, DUE - timedelta(microseconds=1)) == in_time
    assert said(kind, DUE) == late  # the due moment is exclusive


def test_a_clock_that_no_longer_counts_does_not_say_why() -> None:
    """Withdrawn, taken back or chosen elsewhere: the state beside it says which."""
    assert said(Kind.RESPONSE, DUE, excused=True) == "不计时限"


@pytest.mark.parametrize(
    ("late_by", "text"),
    [
        (timedelta(hours=3, minutes=5), "超期 3 小时 5 分"),
        (timedelta(days=1), "超期 1 个工作日"),
        (timedelta(days=2, hours=5), "超期 2 个工作日"),
    ],
)
def test_lateness_is_told_in_whole_working_days_once_there_is_one(late_by: timedelta, text: str) -> None:
    assert running(DUE, now=DUE + late_by) == text  # due on Wednesday at 24:00


def test_a_weekend_does_not_make_an_answer_later() -> None:
    friday = datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert running(friday, now=friday + timedelta(days=2, hours=14)) == "超期不足 1 个工作日"


def left(due_at: datetime, *, now: datetime) -> str:
    return lamps.working_hours(now, due_at, CALENDAR)


@pytest.mark.parametrize(
    ("now", "text"),
    [
        ("2026-11-23 08:00", "剩 27 个工作小时"),  # before the office opens: three whole days
        ("2026-11-23 09:00", "剩 27 个工作小时"),
        ("2026-11-23 09:01", "剩 26 个工作小时"),  # rounded down: nobody is promised time there is not
        ("2026-11-23 18:00", "剩 18 个工作小时"),
        ("2026-11-24 16:00", "剩 11 个工作小时"),
        ("2026-11-25 17:00", "剩 1 个工作小时"),
        ("2026-11-25 17:01", "剩 59 个工作分钟"),
        ("2026-11-25 17:59", "剩 1 个工作分钟"),
        ("2026-11-25 18:00", "工作时间已用完"),  # the day itself ends at 24:00
        ("2026-11-25 23:59", "工作时间已用完"),
        ("2026-11-21 12:00", "剩 27 个工作小时"),  # a Saturday has none
    ],
)
def test_bo_sees_how_many_office_hours_are_left(now: str, text: str) -> None:
    assert left(DUE, now=datetime.fromisoformat(f"{now}+08:00")) == text


def test_an_office_that_closes_at_18_has_no_evening_left() -> None:
    closing = datetime.fromisoformat("2026-11-25 18:00+08:00")
    assert left(closing, now=closing - timedelta(hours=2)) == "剩 2 个工作小时"


def test_the_tooltip_tells_the_hours_only_while_the_clock_runs_in_time() -> None:
    now = DUE - timedelta(hours=8)  # 16:00 of the last day
    for_now = lamps.lamp(
        due_at=DUE, stopped_at=None, paused_at=None, excused=False, provisional=False, warn_at=None, now=now, calendar=CALENDAR
    )  # fmt: skip
    assert (for_now.title, for_now.hours) == ("截止 11月25日（周三）24:00，剩 2 个工作小时", "剩 2 个工作小时")
    late = lamps.lamp(
        due_at=DUE, stopped_at=None, paused_at=None, excused=False, provisional=False, warn_at=None, now=DUE, calendar=CALENDAR
    )  # fmt: skip
    assert (late.title, late.hours) == ("截止 11月25日（周三）24:00", "")
