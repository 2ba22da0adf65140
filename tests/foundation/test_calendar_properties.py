"""Counting holds for any calendar with any closures, and what an import leaves is what counting afresh would give.

Hypothesis prints the seed of a run (`--hypothesis-seed` repeats it) and the smallest example of a failure.
"""

import random
from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import holidays as holidays_package
import pytest
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st

from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.moments import SHANGHAI, local_date, midnight_after
from portal.foundation.sla import calendar_imports, calendars_in_use, clocks, closures
from portal.foundation.sla.calendar_files import YearFile, packaged_calendar, parse_year
from portal.foundation.sla.models import Clock, Kind
from portal.foundation.sla.workdays import WorkCalendar
from tests.factories import Person

SEED = 20260920
# A calendar takes milliseconds to build; a machine that is busy elsewhere is no failure.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FIRST, PUBLISHED = date(2026, 1, 1), date(2026, 12, 31)
DAYS_OF_2026 = [FIRST + timedelta(days=n) for n in range(365)]
OTHER_LIBRARY = holidays_package.country_holidays("CN", years=range(2010, 2027))


@pytest.fixture(autouse=True, scope="module")
def _seed_is_printed() -> None:
    print(f"\nhypothesis seed {SEED}")


def off_by_rule(day: date) -> bool:
    return day.weekday() >= 5 or (day > PUBLISHED and (day.month, day.day) == (1, 1))


@st.composite
def calendars(draw: st.DrawFn) -> WorkCalendar:
    """2026 with any holidays, any weekend days worked instead, and any closures, holiday or not."""
    named = draw(st.lists(st.sampled_from(DAYS_OF_2026), max_size=60, unique=True))
    split = draw(st.integers(0, 60))
    makeup = frozenset(day for day in named[split:] if day.weekday() >= 5)
    return WorkCalendar(
        holidays=frozenset(named[:split]),
        makeup_workdays=makeup,
        first_day=FIRST,
        last_published=PUBLISHED,
        version="any",
        closures=frozenset(draw(st.lists(st.sampled_from(DAYS_OF_2026), max_size=30))),
    )


def works(calendar: WorkCalendar, day: date) -> bool:
    """The rule once more, in the words of the law: closed is closed, then the notice, then the week."""
    if day in calendar.closures:
        return False
    if day in calendar.makeup_workdays:
        return True
    return not (day in calendar.holidays or off_by_rule(day))


def walked(calendar: WorkCalendar, day: date, days: int) -> date:
    while days:
        day += timedelta(days=1)
        days -= works(calendar, day)
    return day


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 30)).map(  # noqa: DTZ001 — given its zone here
    lambda wall: wall.replace(tzinfo=SHANGHAI).astimezone(UTC)
)


@seed(SEED)
@PATIENT
@given(calendar=calendars(), moment=MOMENTS, days=st.integers(1, 60))
def test_with_closures_a_deadline_is_the_day_a_naive_walk_reaches(
    calendar: WorkCalendar, moment: datetime, days: int
) -> None:
    deadline = calendar.deadline(moment, days=days)
    last = walked(calendar, local_date(moment), days)
    assert deadline == (midnight_after(last), last, last > PUBLISHED)
    assert works(calendar, deadline.last_day)  # never on a day off


@seed(SEED)
@PATIENT
@given(
    calendar=calendars(), moment=MOMENTS, later=st.timedeltas(timedelta(0), timedelta(days=40)), days=st.integers(1, 20)
)
def test_with_closures_who_comes_later_is_never_due_earlier(
    calendar: WorkCalendar, moment: datetime, later: timedelta, days: int
) -> None:
    for day_zero in ("strict", "next_open"):
        early = calendar.deadline(moment, days=days, day_zero=day_zero)
        assert early.due_at <= calendar.deadline(moment + later, days=days, day_zero=day_zero).due_at
        assert early.due_at < calendar.deadline(moment, days=days + 1, day_zero=day_zero).due_at


@seed(SEED)
@PATIENT
@given(calendar=calendars(), moment=MOMENTS, first=st.integers(0, 30), second=st.integers(0, 30))
def test_with_closures_counting_twice_is_counting_the_sum(
    calendar: WorkCalendar, moment: datetime, first: int, second: int
) -> None:
    day = local_date(moment)
    half_way = calendar.add_workdays(day, first).date
    assert calendar.add_workdays(half_way, second).date == calendar.add_workdays(day, first + second).date
    assert calendar.workdays_between(day, half_way) == first


@seed(SEED)
@PATIENT
@given(
    calendar=calendars(),
    more=st.lists(st.sampled_from(DAYS_OF_2026), max_size=20),
    moment=MOMENTS,
    days=st.integers(1, 20),
)
def test_closing_more_days_never_makes_anybody_due_earlier(
    calendar: WorkCalendar, more: list[date], moment: datetime, days: int
) -> None:
    closed = calendars_in_use.with_closures(calendar, calendar.closures | set(more), number=2)
    assert closed.deadline(moment, days=days).due_at >= calendar.deadline(moment, days=days).due_at


@seed(SEED)
@PATIENT
@given(day=st.dates(date(2010, 1, 1), date(2026, 11, 1)), days=st.integers(1, 25))
def test_the_published_deadlines_are_those_of_both_libraries(day: date, days: int) -> None:
    reached = packaged_calendar().add_workdays(day, days).date
    assume(reached <= PUBLISHED)
    for is_workday in (chinese_calendar.is_workday, OTHER_LIBRARY.is_working_day):
        at, left = day, days
        while left:
            at += timedelta(days=1)
            left -= is_workday(at)
        assert at == reached


# --- recomputing after a change is counting afresh ----------------------------------------------------------------------


def invented_year(dice: random.Random) -> YearFile:
    """2026 as some notice might have it: other holidays, other make-up days, a December day of 2025 left alone."""
    named = dice.sample(DAYS_OF_2026, 50)
    makeup = [day for day in named[30:] if day.weekday() >= 5]
    lists = {"holidays": named[:30], "makeup_workdays": makeup}
    rows = [f"{key} = [{', '.join(map(_named, days))}]" for key, days in lists.items()]
    return parse_year("\n".join(["year = 2026", 'document = "示例"', *rows]), name="2026.toml")


def _named(day: date) -> str:
    return f'{{ date = {day}, name = "示例" }}'


@pytest.mark.django_db
@pytest.mark.parametrize("number", [SEED + n for n in range(6)])
def test_after_any_import_and_any_closure_every_open_deadline_is_what_counting_afresh_gives(
    number: int, bo: Person, chen: Person, rui: Person
) -> None:
    dice = random.Random(number)
    begun = [_begin(dice, place, bo=bo, chen=chen) for place in range(60)]
    kept = {clock.pk: (clock.due_at, clock.moments) for clock in Clock.objects.exclude(stopped_at=None)}
    now = datetime(2026, 11, 1, tzinfo=UTC)
    calendar_imports.import_years([invented_year(dice)], ground="示例", actor=SYSTEM, now=now)
    open_day = calendars_in_use.current(chen.organisation.pk).add_workdays(date(2026, 11, 3), dice.randrange(9)).date
    closures.close(chen.organisation, open_day, open_day, ground="示例", actor=rui.actor, now=now)
    for clock, since in begun:
        clock.refresh_from_db()
        if clock.stopped_at is not None:
            assert (clock.due_at, clock.moments) == kept[clock.pk]
            continue
        calendar = calendars_in_use.current(chen.organisation.pk if clock.kind == Kind.REGISTRATION else None)
        last = walked(calendar, local_date(since), clock.days)
        assert (clock.due_at, clock.provisional) == (midnight_after(last), last > PUBLISHED), (
            number,
            clock.kind,
            since,
        )
        policy = clocks.version(clock.policy_id)
        afresh = clocks.plan(policy, list(policy.levels.all()), started_at=since, calendar=calendar)
        assert (clock.levels, clock.moments) == (afresh.levels, afresh.moments)
        assert clock.next_at == clock.moments[clock.level]


def _begin(dice: random.Random, place: int, *, bo: Person, chen: Person) -> tuple[Clock, datetime]:
    """A clock and the moment its present term began; some come back from a correction, some are stopped."""
    kind, whose = (Kind.RESPONSE, bo) if place % 2 else (Kind.REGISTRATION, chen)
    since = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(seconds=dice.randrange(80 * 86_400))
    clock = clocks.start(
        kind,
        organisation_id=whose.organisation.pk,
        case_number=f"Y{place}",
        subject=f"p:{place}",
        watchers=[],
        now=since,
    )
    if kind == Kind.REGISTRATION and dice.random() < 0.4:
        clocks.pause(clock.pk, now=since, reason="补正")
        since += timedelta(hours=dice.randrange(200))
        clocks.resume(clock.pk, now=since)
    if dice.random() < 0.2:
        clocks.stop(clock.pk, now=since + timedelta(hours=1), reason="claimed")
    return clock, since
