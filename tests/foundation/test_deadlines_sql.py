"""The due moments that SQL counts are the ones Python counts, for any start, policy and year, published or not."""

import random
from datetime import UTC, date, datetime, time, timedelta

import pytest

from portal.foundation.accounts.models import Organisation
from portal.foundation.sla import calendars_in_use, clocks, deadlines_sql
from portal.foundation.sla.models import CalendarChange, Clock, Closure, Kind, Policy
from portal.foundation.sla.workdays import WorkCalendar
from tests.factories import Person

pytestmark = pytest.mark.django_db

SINCE = datetime(2010, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def random_clocks(
    policy: Policy, at: Organisation, *, count: int = 400, calendar: WorkCalendar | None = None, prefix: str = "test"
) -> list[Clock]:
    """Clocks with Python's due moments, started anywhere from 2010 to the middle of the provisional years."""
    calendar = calendar or calendars_in_use.current()
    dice = random.Random(203)
    seconds = int(timedelta(days=(calendar.last_published - SINCE.date()).days + 800).total_seconds())
    made = []
    for number in range(count):
        started_at = SINCE + timedelta(seconds=dice.randrange(seconds), microseconds=dice.randrange(1_000_000))
        if number % 10 == 0:  # midnight in Chongqing, and the moment before it
            midnight = started_at.replace(hour=16, minute=0, second=0, microsecond=0)
            started_at = midnight - MICROSECOND if number % 20 else midnight
        planned = clocks.plan(policy, [], started_at=started_at, calendar=calendar)
        clock = Clock(
            kind=policy.kind,
            policy=policy,
            organisation=at,
            subject=f"{prefix}:{policy.kind}:{number}",
            days=policy.days,
        )
        clock.started_at, clock.due_at, clock.provisional = started_at, planned.due_at, planned.provisional
        made.append(clock)
    return Clock.objects.bulk_create(made)


@pytest.mark.parametrize(
    ("days", "day_zero", "closes"),
    [(2, "strict", None), (1, "next_open", None), (2, "strict", time(17, 30)), (7, "next_open", time(18))],
)
def test_sql_and_python_agree_on_every_random_start(
    days: int, day_zero: str, closes: time | None, ling: Person
) -> None:
    policy = Policy.objects.create(
        kind=Kind.RESPONSE, days=days, day_zero=day_zero, closes=closes, valid_from=SINCE, ground="", decided_by="测试"
    )
    made = random_clocks(policy, ling.organisation)
    assert deadlines_sql.differing(policy) == []
    assert deadlines_sql.summary(policy) == (len(made), 0, max(clock.due_at for clock in made))
    assert {clock.provisional for clock in made} == {True, False}


def test_a_due_moment_that_is_a_day_off_is_found_with_the_right_one(ling: Person) -> None:
    policy = Policy.objects.get(kind=Kind.RESPONSE)
    made = random_clocks(policy, ling.organisation, count=20)
    wrong, resting, stopped = made[7], made[8], made[9]
    right = wrong.due_at
    for clock in (wrong, resting, stopped):
        clock.due_at += timedelta(days=1)
        clock.save(update_fields=["due_at"])
    Clock.objects.filter(pk=resting.pk).update(paused_at=resting.due_at)
    Clock.objects.filter(pk=stopped.pk).update(stopped_at=stopped.due_at)
    found = deadlines_sql.Difference(wrong.pk, right + timedelta(days=1), right, wrong.provisional)
    assert deadlines_sql.differing(policy) == [found]
    assert deadlines_sql.summary(policy)[:2] == (18, 1)


def test_a_file_back_from_correction_is_counted_from_the_day_it_came_back(chen: Person) -> None:
    policy = Policy.objects.get(kind=Kind.REGISTRATION)
    clock = random_clocks(policy, chen.organisation, count=3)[2]
    back = clock.due_at - timedelta(hours=2)
    planned = clocks.plan(policy, [], started_at=back, calendar=calendars_in_use.current())
    Clock.objects.filter(pk=clock.pk).update(counted_from=back, due_at=planned.due_at, provisional=planned.provisional)
    assert deadlines_sql.differing(policy) == []


def test_an_offices_closures_count_for_its_registrations_and_for_nobody_else(chen: Person, ling: Person) -> None:
    """Every other Monday and Wednesday from 2020 on: whatever the start, SQL and Python count Chen's days alike."""
    change = CalendarChange.objects.create(
        what=CalendarChange.What.CLOSED, organisation=chen.organisation, ground="x", made_by="x", made_at=SINCE
    )
    monday = date(2020, 1, 6)
    days = [monday + timedelta(days=14 * n + extra) for n in range(200) for extra in (0, 2)]
    Closure.objects.bulk_create(Closure(organisation=chen.organisation, day=day, change=change) for day in days)
    calendars_in_use.forget()
    of_chen = calendars_in_use.current(chen.organisation.pk)
    assert of_chen.number == change.pk
    assert calendars_in_use.current(ling.organisation.pk) is calendars_in_use.current()
    for kind, expected in ((Kind.REGISTRATION, 0), (Kind.RESPONSE, None)):
        policy = Policy.objects.get(kind=kind)
        random_clocks(policy, ling.organisation, count=200)
        made = random_clocks(policy, chen.organisation, count=200, calendar=of_chen, prefix="chen")
        assert deadlines_sql.summary(policy)[0] == 400
        differing = deadlines_sql.differing(policy)
        if expected == 0:
            assert differing == []
        else:  # a response is never counted with closures, whoever answers
            assert {found.clock_id for found in differing} <= {clock.pk for clock in made}
            assert differing
    calendars_in_use.forget()
