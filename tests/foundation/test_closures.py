"""Days on which Chen's office is closed: registrations wait for it, banks do not, and nobody closes to evade a promise."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, clocks, closures
from portal.foundation.sla.models import Clock, Closure, Kind
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text.replace(' ', 'T')}+08:00")


NOW = at("2026-11-23 10:00")  # a Monday
TUESDAY, WEDNESDAY, THURSDAY = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)


def midnight(day: date) -> datetime:
    return at(f"{day} 00:00") + timedelta(days=1)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    calendars_in_use.forget()
    yield
    calendars_in_use.forget()


@pytest.fixture
def start(bo: Person, chen: Person, ling: Person) -> Callable[..., Clock]:
    def begin(kind: Kind = Kind.REGISTRATION, now: datetime = NOW) -> Clock:
        with transaction.atomic():
            return clocks.start(
                kind,
                organisation_id=(chen if kind == Kind.REGISTRATION else bo).organisation.pk,
                case_number="YZD1",
                subject=f"test:{Clock.objects.count()}",
                watchers=[ling.organisation.pk],
                now=now,
            )

    return begin


def due(clock: Clock) -> datetime:
    return Clock.objects.get(pk=clock.pk).due_at


def test_the_chief_closes_a_day_and_the_registrations_of_the_office_move(
    start: Callable[..., Clock], chief: Person, ling: Person
) -> None:
    registration, response = start(), start(Kind.RESPONSE)
    assert due(registration) == midnight(TUESDAY)
    seen = closures.preview_closing(chief.organisation, TUESDAY, WEDNESDAY, actor=chief.actor, now=NOW)
    assert (seen.days, [m.plan.due_at for m in seen.moved]) == ([TUESDAY, WEDNESDAY], [midnight(THURSDAY)])
    assert due(registration) == midnight(TUESDAY)
    closures.close(
        chief.organisation, TUESDAY, WEDNESDAY, ground="停电检修公告", actor=chief.actor, now=NOW, token=seen.token
    )
    assert due(registration) == midnight(THURSDAY)
    assert due(response) == midnight(WEDNESDAY)  # a bank's answer is counted with the country's days
    assert due(start()) == midnight(THURSDAY)  # and the next registration at once
    told = Entry.objects.get(verb="closure.set")
    assert told.data["days"] == ["2026-11-24", "2026-11-25"]
    assert (told.data["organisation"], told.data["ground"]) == (chief.organisation.pk, "停电检修公告")
    moved = Entry.objects.get(verb="clock.recomputed")
    assert told.pk < moved.pk
    assert moved.data["clocks"][0]["calendar"].startswith(f"{told.data['change']}-")
    assert Entry.objects.readable_by(ling.organisation.pk).get() == moved


def test_a_day_taken_back_moves_them_back_and_both_are_journalled(start: Callable[..., Clock], chief: Person) -> None:
    clock = start()
    closures.close(chief.organisation, TUESDAY, TUESDAY, ground="停电", actor=chief.actor, now=NOW)
    assert due(clock) == midnight(WEDNESDAY)
    seen = closures.preview_reopening(chief.organisation, [TUESDAY], actor=chief.actor, now=NOW)
    closures.reopen(chief.organisation, [TUESDAY], ground="提前恢复", actor=chief.actor, now=NOW, token=seen.token)
    assert due(clock) == midnight(TUESDAY)
    assert [e.verb for e in Entry.objects.order_by("id")] == [
        "closure.set",
        "clock.recomputed",
        "closure.removed",
        "clock.recomputed",
    ]
    assert closures.in_force(chief.organisation) == []
    closures.close(chief.organisation, TUESDAY, TUESDAY, ground="又停电", actor=chief.actor, now=NOW)
    assert Closure.objects.count() == 2  # what was announced and taken back stays on record


def test_another_office_works_on(start: Callable[..., Clock], chief: Person, rui: Person) -> None:
    other = factories.organisation(chief.organisation.kind, "另一个登记处")
    closures.close(other, TUESDAY, TUESDAY, ground="x", actor=rui.actor, now=NOW)
    assert due(start()) == midnight(TUESDAY)
    with pytest.raises(Forbidden):
        closures.close(other, WEDNESDAY, WEDNESDAY, ground="x", actor=chief.actor, now=NOW)


def test_the_make_up_saturday_can_be_closed_and_a_sunday_need_not_be(chief: Person, rui: Person) -> None:
    now = at("2026-10-08 09:00")
    saturday = date(2026, 10, 10)
    closures.close(chief.organisation, saturday, saturday + timedelta(days=1), ground="x", actor=chief.actor, now=now)
    assert [c.day for c in closures.in_force(chief.organisation)] == [saturday]
    with pytest.raises(Invalid, match="本来就不办公"):
        closures.close(chief.organisation, date(2026, 11, 29), date(2026, 11, 29), ground="x", actor=rui.actor, now=NOW)


def test_no_office_closes_the_day_on_which_it_is_late(start: Callable[..., Clock], chief: Person, rui: Person) -> None:
    clock = start(now=at("2026-11-20 10:00"))  # due today
    today = NOW.date()
    with pytest.raises(Invalid, match="须提前设定") as refusal:
        closures.close(chief.organisation, today, today, ground="停电", actor=chief.actor, now=NOW)
    assert set(refusal.value.fields) == {"first"}
    closures.close(chief.organisation, today, today, ground="停电事故说明", actor=rui.actor, now=NOW)
    assert due(clock) == midnight(TUESDAY)
    with pytest.raises(Invalid, match="联系监管部门"):
        closures.reopen(chief.organisation, [today], ground="x", actor=chief.actor, now=NOW)


def test_only_an_office_closes_and_only_its_chief_or_a_regulator_says_so(
    chen: Person, bo: Person, bo_manager: Person, ada: Person, rui: Person
) -> None:
    for person, office in ((chen, chen), (bo_manager, chen), (ada, chen)):
        with pytest.raises(Forbidden):
            closures.close(office.organisation, TUESDAY, TUESDAY, ground="x", actor=person.actor, now=NOW)
    with pytest.raises(Invalid, match="只有登记受理机构"):
        closures.close(bo.organisation, TUESDAY, TUESDAY, ground="x", actor=rui.actor, now=NOW)
    assert not Closure.objects.exists()


@pytest.mark.parametrize(
    ("first", "last", "ground", "field"),
    [
        (WEDNESDAY, TUESDAY, "x", "last"),
        (TUESDAY, TUESDAY + timedelta(days=31), "x", "last"),
        (date(2040, 1, 2), date(2040, 1, 3), "x", "last"),
        (date(2026, 9, 1), date(2026, 9, 1), "x", "first"),
        (TUESDAY, TUESDAY, " ", "ground"),
        (TUESDAY, TUESDAY, "长" * 201, "ground"),
    ],
)
def test_a_closure_that_cannot_be_is_refused_beside_its_field(
    chen: Person, rui: Person, first: date, last: date, ground: str, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        closures.close(chen.organisation, first, last, ground=ground, actor=rui.actor, now=NOW)
    assert set(refusal.value.fields) == {field}


def test_what_the_chief_confirms_is_what_she_saw(start: Callable[..., Clock], chief: Person, rui: Person) -> None:
    seen = closures.preview_closing(chief.organisation, TUESDAY, TUESDAY, actor=chief.actor, now=NOW)
    start()
    with pytest.raises(WrongState, match="重新核对"):
        closures.close(chief.organisation, TUESDAY, TUESDAY, ground="x", actor=chief.actor, now=NOW, token=seen.token)
    with pytest.raises(Invalid, match="请从现有的停办日里选择"):
        closures.reopen(chief.organisation, [TUESDAY], ground="x", actor=rui.actor, now=NOW)


def test_the_database_keeps_one_closure_a_day(chief: Person) -> None:
    closures.close(chief.organisation, TUESDAY, TUESDAY, ground="x", actor=chief.actor, now=NOW)
    change = Closure.objects.get().change
    with pytest.raises(IntegrityError, match="one_closure_a_day"), transaction.atomic():
        Closure.objects.create(organisation=chief.organisation, day=TUESDAY, change=change)


def test_the_minutes_a_registration_took_are_the_offices_minutes(start: Callable[..., Clock], chief: Person) -> None:
    clock = start()
    closures.close(chief.organisation, TUESDAY, TUESDAY, ground="x", actor=chief.actor, now=NOW)
    with transaction.atomic():
        stopped = clocks.stop(clock.pk, now=at("2026-11-25 11:00"), reason="registered")
    assert stopped.working_minutes == 8 * 60 + 2 * 60
