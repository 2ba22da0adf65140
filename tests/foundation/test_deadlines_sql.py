"""The due moments that SQL counts are the ones Python counts, for any start, policy and year, published or not."""

import random
from datetime import UTC, datetime, time, timedelta

import pytest

from portal.foundation.accounts.models import Organisation
from portal.foundation.sla import calendars_in_use, clocks, deadlines_sql
from portal.foundation.sla.models import Clock, Kind, Pause, Policy
from tests.factories import Person

pytestmark = pytest.mark.django_db

SINCE = datetime(2010, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def random_clocks(policy: Policy, at: Organisation, *, count: int = 400) -> list[Clock]:
    """Clocks with Python's due moments, started anywhere from 2010 to the middle of the provisional years."""
    calendar = calendars_in_use.current()
    dice = random.Random(203)
    seconds = int(timedelta(days=(calendar.last_published - SINCE.date()).days + 800).total_seconds())
    made = []
    for number in range(count):
        started_at = SINCE + timedelta(seconds=dice.randrange(seconds), microseconds=dice.randrange(1_000_000))
        if number % 10 == 0:  # midnight in Chongqing, and the moment before it
            midnight = started_at.replace(hour=16, minute=0, second=0, microsecond=0)
            started_at = midnight - MICROSECOND if number % 20 else midnight
        planned = clocks.plan(policy, [], started_at=started_at, calendar=calendar)
        clock = Clock(kind=policy.kind, policy=policy, organisation=at, subject=f"test:{number}", days=policy.days)
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
    wrong, paused = made[7], made[8]
    right = wrong.due_at
    for clock in (wrong, paused):
        clock.due_at += timedelta(days=1)
        clock.save(update_fields=["due_at"])
    Pause.objects.create(clock=paused, started_at=paused.started_at, ended_at=paused.due_at, reason="补正")
    found = deadlines_sql.Difference(wrong.pk, right + timedelta(days=1), right, wrong.provisional)
    assert deadlines_sql.differing(policy) == [found]
    assert deadlines_sql.summary(policy)[:2] == (19, 1)
