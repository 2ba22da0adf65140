"""The calendar the portal counts with is the one in its tables; loading is safe to repeat and is seen at once."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.foundation.accounts.models import District
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.errors import Invalid
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use
from portal.foundation.sla.calendar_files import YearFile, all_years, parse_year
from portal.foundation.sla.calendar_imports import import_years, load_packaged
from portal.foundation.sla.models import (
    CalendarChange,
    CalendarDay,
    CalendarVersion,
    CalendarYear,
    Kind,
    Policy,
    PolicyLevel,
)
from tests.threads import together

pytestmark = pytest.mark.django_db

YEAR_2027 = """
year = 2027
document = "示例"
source = "示例"
holidays = [ { date = 2027-01-01, name = "元旦" }, { date = 2027-01-04, name = "元旦" } ]
makeup_workdays = [ { date = 2027-01-02, name = "元旦" } ]
"""


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    calendars_in_use.forget()
    yield
    calendars_in_use.forget()


NOW = datetime.fromisoformat("2026-11-23T10:00+08:00")


@pytest.fixture
def bare(db: None) -> None:
    """An installation before load_reference (the test session itself begins after it)."""
    for model in (CalendarDay, CalendarYear, CalendarVersion, CalendarChange):
        model._default_manager.all().delete()
    calendars_in_use.forget()


def load(*files: YearFile) -> int:
    """Put these years in force; how many changed."""
    return len(import_years(list(files), ground="示例依据", actor=SYSTEM, now=NOW).years)


def test_without_a_calendar_the_portal_says_what_to_run(bare: None) -> None:
    with pytest.raises(LookupError, match="load_reference"):
        calendars_in_use.current()


def test_loading_twice_changes_nothing_the_second_time(bare: None) -> None:
    assert load_packaged(now=NOW).loaded == len(all_years())
    days, loaded = CalendarDay.objects.count(), dict(CalendarYear.objects.values_list("year", "loaded_at"))
    again = load_packaged(now=NOW + timedelta(days=1))
    assert (again.loaded, again.differing) == (0, [])
    assert Entry.objects.filter(verb="calendar.loaded").count() == CalendarChange.objects.count() == 1
    assert CalendarDay.objects.count() == days
    assert dict(CalendarYear.objects.values_list("year", "loaded_at")) == loaded


def test_the_day_table_says_what_the_calendar_says(reference: None) -> None:
    calendar = calendars_in_use.current()
    rows = list(CalendarDay.objects.order_by("day"))
    assert rows[0].day == calendar.first_day
    assert rows[-1].day == calendar.last_day
    assert all(row.works == calendar.is_workday(row.day) for row in rows)
    assert all(row.provisional == (row.day.year > 2026) for row in rows)
    assert CalendarDay.objects.get(day=date(2026, 10, 10)).works  # 调休 Saturday
    assert not CalendarDay.objects.get(day=date(2026, 10, 1)).works


def test_a_new_year_is_counted_with_from_the_next_request_on(reference: None) -> None:
    assert calendars_in_use.current().is_provisional(date(2027, 1, 4))
    assert calendars_in_use.current().is_workday(date(2027, 1, 4))
    version = calendars_in_use.current().version
    assert load(*all_years(), parse_year(YEAR_2027, name="2027.toml")) == 1
    calendar = calendars_in_use.current()
    assert not calendar.is_provisional(date(2027, 1, 4))
    assert not calendar.is_workday(date(2027, 1, 4))
    assert calendar.is_workday(date(2027, 1, 2))
    assert calendar.version != version
    assert not CalendarDay.objects.get(day=date(2027, 1, 4)).works
    assert not CalendarDay.objects.get(day=date(2027, 1, 4)).provisional


def test_a_corrected_year_replaces_the_one_before(reference: None) -> None:
    text = (Path(calendars_in_use.__file__).parent / "calendars" / "2026.toml").read_text(encoding="utf-8")
    changed = text.replace('  { date = 2026-10-07, name = "国庆节" },\n', "")
    assert changed != text
    assert load(parse_year(changed, name="2026.toml")) == 1
    assert calendars_in_use.current().is_workday(date(2026, 10, 7))
    assert CalendarYear.objects.filter(year=2026).count() == 1
    assert CalendarDay.objects.get(day=date(2026, 10, 7)).works


def test_a_calendar_with_a_year_missing_is_refused_and_the_old_one_stays(reference: None) -> None:
    far = parse_year(
        'year = 2029\nholidays = [ { date = 2029-01-01, name = "元旦" } ]\nmakeup_workdays = []', name="2029.toml"
    )
    with pytest.raises(Invalid, match="缺少 2027、2028 年"):
        load(*all_years(), far)
    assert not CalendarYear.objects.filter(year=2029).exists()
    assert calendars_in_use.current().last_published == date(2026, 12, 31)


def test_looking_at_it_a_thousand_times_reads_it_once(reference: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        for _ in range(1000):
            calendars_in_use.current()
    assert len(asked) == 2  # the numbers of the changes, then the days


def test_after_half_a_minute_it_looks_again(reference: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has loaded a year: this one sees it soon, without being told."""
    before = calendars_in_use.current()
    CalendarYear.objects.filter(year=2026).update(holidays=[], makeup_workdays=[], digest="x")
    assert calendars_in_use.current() is before
    real = calendars_in_use.time.monotonic
    monkeypatch.setattr(calendars_in_use.time, "monotonic", lambda: real() + calendars_in_use.KEEP_SECONDS + 1)
    assert calendars_in_use.current().is_workday(date(2026, 10, 1))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_requests_at_once_after_a_restart_all_get_the_calendar(reference: None) -> None:
    calendars_in_use.forget()
    got = together(*[lambda: calendars_in_use.current().version] * 8)
    assert len(set(got)) == 1


def test_load_reference_may_be_run_again_and_keeps_what_people_decided(reference: None) -> None:
    Policy.objects.create(
        kind=Kind.RESPONSE, days=3, valid_from=datetime.fromisoformat("2027-01-01T00:00+08:00"), ground="新规"
    )
    counts = [m.objects.count() for m in (Policy, PolicyLevel, CalendarDay, District)]
    call_command("load_reference", verbosity=0)
    assert [m.objects.count() for m in (Policy, PolicyLevel, CalendarDay, District)] == counts


def test_the_first_policies_are_the_two_promises_of_the_measures_and_our_own(reference: None) -> None:
    assert dict(Policy.objects.values_list("kind", "days")) == {
        "response": 2,
        "registration": 1,
        "next_lenders": 1,
        "cover": 2,
        "amendment": 1,
    }
    issued = datetime.fromisoformat("2025-08-18T00:00+08:00")
    for kind in Kind.values:
        policy = Policy.objects.in_force(kind, at=issued)
        fourth = ["next_lender"] if kind == Kind.RESPONSE else []
        assert [level.code for level in policy.levels.all()] == ["due_soon", "overdue", "supervise", *fourth]
        with pytest.raises(Policy.DoesNotExist):
            Policy.objects.in_force(kind, at=issued - timedelta(microseconds=1))
