"""When a promise is due: the vectors of the domain research and of the acceptance table, then properties of counting."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.core.moments import SHANGHAI, local, local_date, midnight_after
from portal.foundation.sla.calendar_files import packaged_calendar
from portal.foundation.sla.workdays import OutsideCalendar, WorkCalendar

CALENDAR = packaged_calendar()

# domain.md §3: submitted in Asia/Shanghai, then the last day of 1 and of 2 working days.
DOMAIN_VECTORS = [
    ("2025-08-29T10:00", "2025-09-01", "2025-09-02"),
    ("2025-09-26T23:59", "2025-09-28", "2025-09-29"),
    ("2025-09-30T23:59", "2025-10-09", "2025-10-10"),
    ("2025-10-10T10:00", "2025-10-11", "2025-10-13"),
    ("2025-12-31T23:59", "2026-01-04", "2026-01-05"),
    ("2026-02-13T10:00", "2026-02-14", "2026-02-24"),
    ("2026-02-14T10:00", "2026-02-24", "2026-02-25"),
    ("2026-03-07T10:00", "2026-03-09", "2026-03-10"),
    ("2026-09-18T10:00", "2026-09-20", "2026-09-21"),
]
# examples.md, acceptance table for workdays.
ACCEPTANCE_TABLE = [
    ("2026-02-13T10:00", "2026-02-14", "2026-02-24"),
    ("2026-02-14T10:00", "2026-02-24", "2026-02-25"),
    ("2026-02-20T10:00", "2026-02-24", "2026-02-25"),
    ("2026-04-30T10:00", "2026-05-06", "2026-05-07"),
    ("2026-05-08T10:00", "2026-05-09", "2026-05-11"),
    ("2026-09-18T10:00", "2026-09-20", "2026-09-21"),
    ("2026-09-19T10:00", "2026-09-20", "2026-09-21"),
    ("2026-09-30T10:00", "2026-10-08", "2026-10-09"),
]


def at(text: str) -> datetime:
    """Asia/Shanghai wall time as an aware UTC moment."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def shown(moment: datetime) -> str:
    return local(moment).isoformat(timespec="minutes").removesuffix("+08:00")


@pytest.mark.parametrize(("received", "one", "two"), DOMAIN_VECTORS + ACCEPTANCE_TABLE)
def test_a_request_is_due_at_the_end_of_the_counted_working_day(received: str, one: str, two: str) -> None:
    for days, expected in ((1, one), (2, two)):
        deadline = CALENDAR.deadline(at(received), days=days)
        assert deadline.last_day == date.fromisoformat(expected)
        assert deadline.due_at == midnight_after(date.fromisoformat(expected))
        assert deadline.due_at.tzinfo is UTC
        assert not deadline.provisional
        assert CALENDAR.add_workdays(date.fromisoformat(received[:10]), days) == (deadline.last_day, False)


def test_what_crosses_into_an_unpublished_year_is_provisional() -> None:
    assert CALENDAR.deadline(at("2026-12-30T10:00"), days=1) == (
        midnight_after(date(2026, 12, 31)),
        date(2026, 12, 31),
        False,
    )
    assert CALENDAR.deadline(at("2026-12-30T10:00"), days=2).provisional
    assert CALENDAR.deadline(at("2026-12-31T10:00"), days=1).provisional
    assert CALENDAR.deadline(at("2027-03-01T10:00"), days=1).provisional
    # Until the notice comes: weekends and 1 January off. 2027-01-01 is a Friday.
    assert CALENDAR.deadline(at("2026-12-31T10:00"), days=1).last_day == date(2027, 1, 4)
    assert CALENDAR.is_provisional(date(2027, 1, 1))
    assert not CALENDAR.is_provisional(date(2026, 12, 31))


def test_the_last_second_of_a_day_and_the_first_of_the_next_count_from_different_days() -> None:
    last = CALENDAR.deadline(at("2026-09-17T23:59:59.999999"), days=1)
    first = CALENDAR.deadline(at("2026-09-18T00:00"), days=1)
    assert (last.last_day, first.last_day) == (date(2026, 9, 18), date(2026, 9, 20))


def test_the_zone_a_moment_is_written_in_changes_nothing() -> None:
    moment = at("2026-09-18T00:30")
    for zone in (UTC, SHANGHAI, ZoneInfo("America/New_York")):
        assert CALENDAR.deadline(moment.astimezone(zone), days=2) == CALENDAR.deadline(moment, days=2)


def test_received_on_a_day_off_may_count_from_the_next_open_day_when_set_so() -> None:
    saturday = at("2026-09-19T10:00")
    assert CALENDAR.deadline(saturday, days=1).last_day == date(2026, 9, 20)
    assert CALENDAR.deadline(saturday, days=1, day_zero="next_open").last_day == date(2026, 9, 21)
    assert CALENDAR.deadline(saturday, days=2, day_zero="next_open").last_day == date(2026, 9, 22)
    friday = at("2026-09-18T10:00")
    assert CALENDAR.deadline(friday, days=1, day_zero="next_open") == CALENDAR.deadline(friday, days=1)


def test_where_hours_are_published_the_last_day_ends_at_closing_time() -> None:
    deadline = CALENDAR.deadline(at("2026-09-18T10:00"), days=1, closes=time(18))
    assert deadline.due_at == at("2026-09-20T18:00")
    assert deadline.last_day == date(2026, 9, 20)


def test_a_moment_without_a_zone_or_a_count_below_one_is_refused() -> None:
    naive = datetime(2026, 9, 18, 10)  # noqa: DTZ001 — the point of the test
    for refused in (
        lambda: CALENDAR.deadline(naive, days=1),
        lambda: CALENDAR.working_minutes(naive, at("2026-09-18T11:00")),
        lambda: CALENDAR.add_working_minutes(naive, 0),
        lambda: local_date(naive),
        lambda: CALENDAR.deadline(at("2026-09-18T10:00"), days=0),
        lambda: CALENDAR.add_workdays(date(2026, 9, 18), -1),
        lambda: CALENDAR.working_minutes(
            at("2026-09-18T10:00"), at("2026-09-18T11:00"), opens=time(18), closes=time(9)
        ),
    ):
        with pytest.raises(ValueError):
            refused()


def test_days_outside_the_calendar_are_refused_with_its_range() -> None:
    for refused in (
        lambda: CALENDAR.deadline(at("2009-12-31T23:59"), days=1),
        lambda: CALENDAR.deadline(at("2032-01-01T00:00"), days=1),
        lambda: CALENDAR.deadline(at("2031-12-31T10:00"), days=1),
        lambda: CALENDAR.deadline(at("1990-07-01T10:00"), days=1),
        lambda: CALENDAR.is_workday(date(2009, 12, 31)),
        lambda: CALENDAR.add_workdays(date(2026, 1, 1), 10_000),
        lambda: CALENDAR.add_working_minutes(at("2026-01-05T09:00"), 10_000_000),
        lambda: CALENDAR.subtract_working_minutes(at("2010-01-05T09:00"), 10_000),
    ):
        with pytest.raises(OutsideCalendar, match="2010-01-01 到 2031-12-31"):
            refused()


def test_a_contradictory_calendar_is_refused() -> None:
    day = date(2026, 5, 9)
    with pytest.raises(ValueError, match="both"):
        WorkCalendar(frozenset({day}), frozenset({day}), date(2026, 1, 1), date(2026, 12, 31), "x")
    for first in (date(1991, 1, 1), date(2027, 1, 1)):
        with pytest.raises(ValueError, match="1992"):
            WorkCalendar(frozenset(), frozenset(), first, date(2026, 12, 31), "x")


def test_a_local_closure_moves_deadlines_and_beats_a_make_up_day() -> None:
    closed = WorkCalendar(
        holidays=CALENDAR.holidays,
        makeup_workdays=CALENDAR.makeup_workdays,
        first_day=CALENDAR.first_day,
        last_published=CALENDAR.last_published,
        version="closed",
        closures=frozenset({date(2026, 9, 20)}),
    )
    assert closed.deadline(at("2026-09-18T10:00"), days=1).last_day == date(2026, 9, 21)
    assert CALENDAR.deadline(at("2026-09-18T10:00"), days=1).last_day == date(2026, 9, 20)


def test_the_rows_for_the_database_give_the_same_deadlines_by_a_join() -> None:
    rows = list(CALENDAR.rows())
    assert (rows[0].day, rows[-1].day) == (CALENDAR.first_day, CALENDAR.last_day)
    ends = {row.rank: row for row in rows if row.works}
    for row in rows[:6000:7]:
        due = ends[row.rank + 2]
        assert CALENDAR.add_workdays(row.day, 2) == (due.day, due.provisional)


OFFICE = [
    ("2026-09-18T09:00", "2026-09-18T18:00", 540),
    ("2026-09-18T08:00", "2026-09-18T20:00", 540),
    ("2026-09-18T17:59:30", "2026-09-18T18:30", 0),
    ("2026-09-18T17:00", "2026-09-20T10:00", 120),  # Saturday off, Sunday works
    ("2026-09-19T09:00", "2026-09-19T18:00", 0),
    ("2026-02-14T17:00", "2026-02-24T10:00", 120),  # Spring Festival
    ("2026-09-18T12:00", "2026-09-18T11:00", 0),
]


@pytest.mark.parametrize(("start", "end", "minutes"), OFFICE)
def test_working_minutes_are_office_hours_on_working_days(start: str, end: str, minutes: int) -> None:
    assert CALENDAR.working_minutes(at(start), at(end)) == minutes


def test_the_reminder_four_office_hours_before_midnight_comes_in_the_afternoon() -> None:
    due_at = CALENDAR.deadline(at("2026-09-18T10:00"), days=2).due_at
    assert shown(CALENDAR.subtract_working_minutes(due_at, 240)) == "2026-09-21T14:00"
    assert shown(CALENDAR.subtract_working_minutes(due_at, 540)) == "2026-09-21T09:00"
    assert shown(CALENDAR.subtract_working_minutes(due_at, 541)) == "2026-09-20T17:59"
    assert shown(CALENDAR.subtract_working_minutes(at("2026-02-24T10:00"), 120)) == "2026-02-14T17:00"


def test_adding_office_time_skips_nights_and_days_off() -> None:
    assert shown(CALENDAR.add_working_minutes(at("2026-09-18T17:00"), 60)) == "2026-09-18T18:00"
    assert shown(CALENDAR.add_working_minutes(at("2026-09-18T17:00"), 61)) == "2026-09-20T09:01"
    assert shown(CALENDAR.add_working_minutes(at("2026-09-19T03:00"), 30)) == "2026-09-20T09:30"
    assert shown(CALENDAR.add_working_minutes(at("2026-09-19T03:00"), 0)) == "2026-09-19T03:00"


def test_shanghai_days_hold_also_where_old_summer_time_applied() -> None:
    assert local_date(datetime(1988, 7, 1, 15, 30, tzinfo=UTC)) == date(1988, 7, 2)  # +09:00 then
    assert midnight_after(date(1988, 7, 1)) == datetime(1988, 7, 1, 15, tzinfo=UTC)
    assert midnight_after(date(2026, 9, 20)) == datetime(2026, 9, 20, 16, tzinfo=UTC)


DAYS = st.dates(date(2010, 1, 1), date(2030, 6, 30))
COUNTS = st.integers(0, 60)
MINUTES = st.datetimes(datetime(2010, 2, 1), datetime(2030, 6, 30)).map(  # noqa: DTZ001 — given its zone here
    lambda wall: wall.replace(second=0, microsecond=0, tzinfo=SHANGHAI).astimezone(UTC)
)


def counted_by_hand(day: date, days: int) -> date:
    """Walk day by day with nothing but the sets of the calendar."""
    while days:
        day += timedelta(days=1)
        rest = day.weekday() >= 5 or (day.year > 2026 and (day.month, day.day) == (1, 1))
        days -= day in CALENDAR.makeup_workdays or not (rest or day in CALENDAR.holidays)
    return day


@given(day=DAYS, days=COUNTS)
def test_counting_agrees_with_a_walk_day_by_day(day: date, days: int) -> None:
    assert CALENDAR.add_workdays(day, days).date == counted_by_hand(day, days)


@given(day=DAYS, first=COUNTS, second=COUNTS)
def test_counting_twice_is_counting_the_sum(day: date, first: int, second: int) -> None:
    half_way = CALENDAR.add_workdays(day, first).date
    assert CALENDAR.add_workdays(half_way, second) == CALENDAR.add_workdays(day, first + second)
    assert CALENDAR.workdays_between(day, half_way) == first
    assert CALENDAR.workdays_between(half_way, day) == -first


@given(moment=MINUTES, later=st.timedeltas(timedelta(0), timedelta(days=40)), days=st.integers(1, 60))
def test_who_comes_later_is_never_due_earlier(moment: datetime, later: timedelta, days: int) -> None:
    for day_zero in ("strict", "next_open"):
        early = CALENDAR.deadline(moment, days=days, day_zero=day_zero)
        late = CALENDAR.deadline(moment + later, days=days, day_zero=day_zero)
        assert early.due_at <= late.due_at
    assert CALENDAR.deadline(moment, days=days).due_at < CALENDAR.deadline(moment, days=days + 1).due_at


@given(moment=MINUTES, days=st.integers(1, 60))
def test_nothing_is_ever_due_on_a_day_off(moment: datetime, days: int) -> None:
    deadline = CALENDAR.deadline(moment, days=days)
    assert CALENDAR.is_workday(deadline.last_day)
    assert deadline.last_day > local_date(moment)
    assert deadline.due_at == midnight_after(deadline.last_day)
    assert deadline.provisional == (deadline.last_day > date(2026, 12, 31))


@given(moment=MINUTES, minutes=st.integers(1, 20_000))
def test_office_time_added_can_be_measured_and_taken_back(moment: datetime, minutes: int) -> None:
    later = CALENDAR.add_working_minutes(moment, minutes)
    assert CALENDAR.working_minutes(moment, later) == minutes
    assert CALENDAR.working_minutes(moment, later - timedelta(minutes=1)) < minutes
    assert time(9) < local(later).time() <= time(18)
    assert CALENDAR.is_workday(local_date(later))


@given(moment=MINUTES.filter(lambda each: each.year > 2010), minutes=st.integers(1, 20_000))
def test_office_time_taken_back_can_be_measured(moment: datetime, minutes: int) -> None:
    earlier = CALENDAR.subtract_working_minutes(moment, minutes)
    assert CALENDAR.working_minutes(earlier, moment) == minutes
    assert CALENDAR.working_minutes(earlier + timedelta(minutes=1), moment) < minutes
    assert time(9) <= local(earlier).time() < time(18)
    assert CALENDAR.is_workday(local_date(earlier))


@given(
    start=MINUTES,
    middle=st.timedeltas(timedelta(0), timedelta(days=60)),
    end=st.timedeltas(timedelta(0), timedelta(days=60)),
)
def test_office_time_is_additive(start: datetime, middle: timedelta, end: timedelta) -> None:
    between = start + timedelta(minutes=middle // timedelta(minutes=1))
    after = between + timedelta(minutes=end // timedelta(minutes=1))
    parts = CALENDAR.working_minutes(start, between) + CALENDAR.working_minutes(between, after)
    assert parts == CALENDAR.working_minutes(start, after)


def deadline(*arguments: str) -> str:
    out = StringIO()
    call_command("deadline", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_deadline_command_prints_the_due_moment_in_shanghai_time() -> None:
    assert deadline("2026-09-25T23:59", "--days", "2") == "2026-09-30T00:00:00+08:00"
    assert deadline("2026-09-25T15:59+00:00", "--days", "2") == "2026-09-30T00:00:00+08:00"
    assert deadline("2026-12-30", "--days", "1") == "2027-01-01T00:00:00+08:00"
    assert deadline("2026-12-30", "--days", "2") == "2027-01-05T00:00:00+08:00 provisional"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["明天"], "看不懂"),
        (["2026-09-25", "--days", "0"], "至少为 1"),
        (["2009-09-25"], "超出工作日历"),
        (["2045-01-01"], "超出工作日历"),
    ],
)
def test_the_deadline_command_says_what_is_wrong(arguments: list[str], named: str) -> None:
    with pytest.raises(CommandError, match=named):
        deadline(*arguments)
