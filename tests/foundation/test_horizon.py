"""The published calendar ends: provisional deadlines are listed, and the people who keep the calendar are told in time, once."""

from collections.abc import Iterator
from datetime import date, datetime

import pytest
from django.db import transaction

from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendar_imports, calendars_in_use, clocks, horizon
from portal.foundation.sla.calendar_files import parse_year
from portal.foundation.sla.models import CalendarAlarm, Clock, Kind
from portal.notifications.catalogue import letters
from portal.notifications.models import Notice
from portal.notifications.writing import write
from tests.factories import Person
from tests.threads import together

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text.replace(' ', 'T')}+08:00")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    calendars_in_use.forget()
    yield
    calendars_in_use.forget()


def promise(bo: Person, moment: str) -> Clock:
    with transaction.atomic():
        return clocks.start(
            Kind.RESPONSE,
            organisation_id=bo.organisation.pk,
            case_number="YZD1",
            subject=f"t:{Clock.objects.count()}",
            watchers=[],
            now=at(moment),
        )


def test_from_the_first_of_november_the_next_year_is_missing_and_sixty_days_before_its_end_it_is_near(
    reference: None,
) -> None:
    seen = [horizon.horizon(now=at(day)) for day in ("2026-10-31 23:59", "2026-11-01 00:00", "2026-11-02 00:00")]
    assert [(h.missing, h.near, h.days_left) for h in seen] == [(None, False, 61), (2027, True, 60), (2027, True, 59)]
    assert {h.last for h in seen} == {date(2026, 12, 31)}


def test_the_alarm_is_raised_once_and_a_second_one_when_a_deadline_depends_on_it(bo: Person) -> None:
    assert horizon.raise_alarms(now=at("2026-10-31 23:59")) == []
    assert horizon.raise_alarms(now=at("2026-11-01 00:00")) == ["horizon:2027"]
    assert horizon.raise_alarms(now=at("2026-11-20 00:00")) == []
    promise(bo, "2026-12-31 10:00")
    assert horizon.raise_alarms(now=at("2026-12-31 10:01")) == ["deadlines:2027"]
    assert horizon.raise_alarms(now=at("2027-01-05 10:00")) == []
    first, second = Entry.objects.filter(verb="calendar.alarm").order_by("id")
    assert "只公布到 2026-12-31" in first.text
    assert (second.data["provisional"], second.data["year"]) == (1, 2027)


def test_the_administrator_and_the_regulator_are_told_and_nobody_else(
    ada: Person, rui: Person, bo: Person, ling: Person
) -> None:
    horizon.raise_alarms(now=at("2026-11-20 00:00"))
    entry = Entry.objects.get(verb="calendar.alarm")
    write(entry, at("2026-11-20 00:00"))
    write(entry, at("2026-11-20 00:01"))
    assert set(Notice.objects.values_list("membership", flat=True)) == {ada.membership.pk, rui.membership.pk}
    assert Notice.objects.count() == 2
    assert {letter.url for letter in letters(entry)} == {"/supervision/calendar/"}


def test_once_the_year_is_loaded_nothing_is_provisional_and_the_next_alarm_is_a_year_later(bo: Person) -> None:
    promise(bo, "2026-12-31 10:00")
    assert horizon.provisional().count() == 1
    text = 'year = 2027\ndocument = "示例"\nholidays = [ { date = 2027-01-01, name = "元旦" } ]\nmakeup_workdays = []'
    year = parse_year(text, name="2027.toml")
    calendar_imports.import_years([year], ground="", actor=SYSTEM, now=at("2026-11-20 10:00"))
    assert horizon.provisional().count() == 0
    assert horizon.raise_alarms(now=at("2026-12-20 10:00")) == []
    assert horizon.raise_alarms(now=at("2027-11-20 10:00")) == ["horizon:2028"]


def test_looking_after_the_calendar_never_stops_the_loop_that_announces_deadlines(
    reference: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr(horizon, "settle", broken)
    horizon.watch(now=at("2026-11-20 10:00"))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_six_callers_at_once_raise_one_alarm(reference: None) -> None:
    raised = together(*[lambda: horizon.raise_alarms(now=at("2026-11-20 10:00"))] * 6)
    assert sorted(raised) == [[]] * 5 + [["horizon:2027"]]
    assert CalendarAlarm.objects.count() == Entry.objects.filter(verb="calendar.alarm").count() == 1
