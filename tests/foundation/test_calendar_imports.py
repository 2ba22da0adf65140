"""A calendar year is looked at before it is imported; then open deadlines move, each with its ground, and none is left behind."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendar_imports, calendars_in_use, clocks, recounting
from portal.foundation.sla.models import CalendarChange, CalendarVersion, CalendarYear, Clock, Escalation, Kind
from portal.foundation.sla.sweep import sweep
from tests.calendar_years import (
    NOW,
    at,
    fresh,
    load,
    longer_holiday,
    midnight,
    recomputed,
    shorter_holiday,
    the_year_2026,
    the_year_2027,
)
from tests.factories import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_calendar")]


def test_ada_looks_and_nothing_changes(start: Callable[..., Clock]) -> None:
    moving = start("2026-09-30 15:00")
    start("2026-09-22 15:00")
    found = calendar_imports.preview([longer_holiday()])
    assert [(move.clock.pk, move.clock.due_at, move.plan.due_at) for move in found.moved] == [
        (moving.pk, midnight("2026-10-09"), midnight("2026-10-10"))
    ]
    assert [(change.day.isoformat(), change.before, change.after, change.name) for change in found.years[0].days] == [
        ("2026-10-08", "上班", "放假", "国庆节")
    ]
    assert fresh(moving).due_at == midnight("2026-10-09")
    assert CalendarChange.objects.count() == 1
    assert not recomputed()


def test_an_import_moves_open_deadlines_with_their_reminders_and_writes_old_new_and_ground(
    start: Callable[..., Clock], bo: Person, ling: Person, wai: Person
) -> None:
    clock = start("2026-09-30 15:00")
    old = calendars_in_use.current().version
    load(longer_holiday())
    moved = fresh(clock)
    assert (moved.due_at, moved.provisional, moved.level) == (midnight("2026-10-10"), False, 0)
    assert moved.moments[:3] == [at("2026-10-10 14:00"), midnight("2026-10-10"), midnight("2026-10-12")]
    assert moved.next_at == at("2026-10-10 14:00")
    (entry,) = recomputed()
    assert entry.case_number == clock.case_number
    assert entry.text == (
        "工作日历变更，金融机构响应时限由 10月9日（周五）24:00 改为 10月10日（周六）24:00。依据：示例发〔2026〕9号"
    )
    (fact,) = entry.data["clocks"]
    assert (fact["did"], fact["clock"], fact["reason"]) == ("recomputed", clock.pk, "示例发〔2026〕9号")
    assert datetime.fromisoformat(fact["old_due_at"]) == midnight("2026-10-09")
    assert datetime.fromisoformat(fact["due_at"]) == midnight("2026-10-10")
    assert fact["calendar"] == calendars_in_use.current().version != old
    assert [Entry.objects.readable_by(p.organisation.pk).count() for p in (bo, ling, wai)] == [1, 1, 0]


def test_a_clock_that_was_stopped_keeps_its_verdict(start: Callable[..., Clock]) -> None:
    clock = start("2026-09-29 15:00")  # due on the 8th, which becomes a day off
    with transaction.atomic():
        clocks.stop(clock.pk, now=midnight("2026-10-08"), reason="claimed")
    load(longer_holiday(), now=at("2026-10-09 09:00"))
    assert fresh(clock).due_at == midnight("2026-10-08")
    assert Clock.objects.late().get() == clock
    assert not recomputed()


def test_one_entry_a_case_however_many_clocks(start: Callable[..., Clock]) -> None:
    start("2026-09-30 15:00", case="YZD1")
    start("2026-09-30 16:00", case="YZD1")
    start("2026-09-30 16:00", kind=Kind.REGISTRATION, case="YZD2")
    load(longer_holiday())
    assert [(e.case_number, len(e.data["clocks"])) for e in recomputed()] == [("YZD1", 2), ("YZD2", 1)]


def test_every_version_of_a_year_is_kept_and_told_with_all_its_days(start: Callable[..., Clock], ada: Person) -> None:
    load(longer_holiday(), actor=ada.actor)
    load(shorter_holiday(), ground="又改", actor=ada.actor, now=NOW + timedelta(hours=1))
    versions = CalendarVersion.objects.filter(year=2026).select_related("change")
    assert [(v.change.ground, v.change.made_by, len(v.holidays)) for v in versions] == [
        ("又改", "艾示例（示例平台）", 32),
        ("示例发〔2026〕9号", "艾示例（示例平台）", 34),
        (versions[2].change.ground, "系统", 33),
    ]
    assert CalendarYear.objects.get(year=2026).digest == versions[0].digest
    told = Entry.objects.filter(verb="calendar.loaded").latest("id")
    assert (told.data["change"], told.data["ground"]) == (versions[0].change_id, "又改")
    (year,) = told.data["years"]
    assert year["holidays"] == [day.isoformat() for day in versions[0].holidays]
    assert year["names"]["2026-10-06"] == "国庆节"
    assert told.data["version"] == calendars_in_use.current().version


# --- unpublished years ------------------------------------------------------------------------------------------------


def test_a_published_year_turns_provisional_into_final_and_moves_what_it_must(start: Callable[..., Clock]) -> None:
    stays, moves = start("2026-12-30 10:00"), start("2026-12-31 10:00")
    # Without the notice: 2027-01-01 off, then Monday the 4th and Tuesday the 5th.
    assert [(c.due_at, c.provisional) for c in (stays, moves)] == [
        (midnight("2027-01-04"), True),
        (midnight("2027-01-05"), True),
    ]
    load(the_year_2027(), ground="")
    # With it: Saturday the 2nd works, Monday the 4th is off.
    assert [(fresh(c).due_at, fresh(c).provisional) for c in (stays, moves)] == [
        (midnight("2027-01-02"), False),
        (midnight("2027-01-05"), False),
    ]
    assert CalendarChange.objects.latest("pk").ground == "示例发〔2026〕1号"  # a new year rests on its own document
    assert "由暂定转为正式" in recomputed()[0].text


def test_a_published_year_needs_a_ground_to_be_changed(start: Callable[..., Clock]) -> None:
    with pytest.raises(Invalid) as refusal:
        load(longer_holiday(), ground=" ")
    assert "依据" in refusal.value.fields["ground"]
    with pytest.raises(Invalid, match="完全相同"):
        load(the_year_2026())
    assert CalendarChange.objects.count() == 1


def test_load_reference_never_writes_over_what_somebody_imported(start: Callable[..., Clock]) -> None:
    load(longer_holiday())
    out = StringIO()
    call_command("load_reference", stdout=out)
    assert calendars_in_use.current().is_workday(at("2026-10-08 00:00").date()) is False
    assert "不同" not in out.getvalue()  # the file is the version before: nobody needs to be told
    CalendarVersion.objects.filter(year=2026).exclude(change=CalendarChange.objects.latest("pk")).delete()
    call_command("load_reference", stdout=out)
    assert "2026 年的现行日历与随附文件不同，未作改动" in out.getvalue()


# --- ladders ----------------------------------------------------------------------------------------------------------


def climbed(clock: Clock, level: int) -> None:
    """As the sweep leaves a clock that has announced its first levels."""
    Clock.objects.filter(pk=clock.pk).update(
        level=level, next_at=clock.moments[level] if level < len(clock.moments) else None
    )
    for place, name in enumerate(clock.levels[:level], start=1):
        Escalation.objects.create(
            clock=clock,
            level=name,
            position=place,
            moment=clock.moments[place - 1],
            announced_at=clock.moments[place - 1],
        )


def test_a_level_that_was_announced_stays_announced_when_its_moment_moves_ahead(start: Callable[..., Clock]) -> None:
    clock = start("2026-09-30 15:00")
    climbed(clock, 2)  # «overdue» was told on the 9th at 24:00
    load(longer_holiday(), now=at("2026-10-10 09:00"))
    moved = fresh(clock)
    assert (moved.due_at, moved.level) == (midnight("2026-10-10"), 2)
    assert moved.next_at == midnight("2026-10-12")  # the regulator's level: not skipped, and «overdue» not doubled
    assert not moved.breached(now=at("2026-10-10 09:00"))  # lateness is arithmetic on the moved moment


def test_a_deadline_that_moves_into_the_past_is_announced_by_the_next_sweep(start: Callable[..., Clock]) -> None:
    clock = start("2026-09-30 15:00")  # due at the end of the 9th
    now = at("2026-10-09 08:00")
    found = calendar_imports.preview([shorter_holiday()])
    assert [move.late(now=now) for move in found.moved] == [True]
    load(shorter_holiday(), now=now)
    moved = fresh(clock)
    assert moved.due_at == midnight("2026-10-08")
    assert (moved.level, moved.next_at) == (0, at("2026-10-08 14:00"))
    assert moved.breached(now=now)


def test_the_sweep_tells_a_moved_ladder_once_and_leaves_nothing_out(start: Callable[..., Clock]) -> None:
    """In real time: a clock whose reminder was told, whose deadline moved, and that is swept afterwards."""
    clock = start("2026-09-30 15:00")
    climbed(clock, 1)
    load(longer_holiday(), now=at("2026-10-09 15:00"))
    moved = fresh(clock)
    assert (moved.level, moved.next_at) == (1, midnight("2026-10-10"))
    past = moments.now() - timedelta(days=9)
    Clock.objects.filter(pk=clock.pk).update(
        started_at=past - timedelta(days=4), due_at=past, levels=moved.levels[:3], moments=[past - timedelta(hours=10), past, past + timedelta(days=1)],
        next_at=past,
    )  # fmt: skip
    assert sweep() == 1
    assert list(Escalation.objects.order_by("id").values_list("level", flat=True)) == ["due_soon", "supervise"]
    assert Entry.objects.get(verb="clock.escalated").data["overtaken"] == ["overdue"]
    assert sweep() == 0


def test_only_the_reminders_move_when_the_day_after_the_deadline_changes(start: Callable[..., Clock]) -> None:
    clock = start("2026-09-28 15:00")  # due on the 30th; the regulator hears after the next working day
    assert clock.moments[2] == midnight("2026-10-08")
    found = load(longer_holiday())
    assert (len(found.moves), found.moved, found.reminders) == (1, [], 1)
    assert fresh(clock).due_at == midnight("2026-09-30")
    assert fresh(clock).moments[2] == midnight("2026-10-09")
    assert "提醒时刻" in recomputed()[0].text


# --- pauses -----------------------------------------------------------------------------------------------------------


def test_a_file_in_correction_gets_its_term_when_it_comes_back_and_does_not_move_now(
    start: Callable[..., Clock],
) -> None:
    clock = start("2026-09-30 15:00", kind=Kind.REGISTRATION)  # due on the 8th
    with transaction.atomic():
        clocks.pause(clock.pk, now=at("2026-09-30 17:00"), reason="补正")
    load(longer_holiday())
    assert fresh(clock).due_at == midnight("2026-10-08")
    assert not recomputed()
    with transaction.atomic():
        clocks.resume(clock.pk, now=at("2026-10-07 09:00"))
    assert fresh(clock).due_at == midnight("2026-10-09")


def test_a_file_in_correction_over_the_end_of_the_year_becomes_final(start: Callable[..., Clock]) -> None:
    clock = start("2026-12-31 10:00", kind=Kind.REGISTRATION)
    with transaction.atomic():
        clocks.pause(clock.pk, now=at("2026-12-31 11:00"), reason="补正")
    assert fresh(clock).provisional
    load(the_year_2027())
    assert (fresh(clock).due_at, fresh(clock).provisional, fresh(clock).next_at) == (
        midnight("2027-01-04"),
        False,
        None,
    )


def test_a_file_back_from_correction_is_counted_from_the_day_it_came_back(start: Callable[..., Clock]) -> None:
    clock = start("2026-09-28 15:00", kind=Kind.REGISTRATION)
    with transaction.atomic():
        clocks.pause(clock.pk, now=at("2026-09-28 17:00"), reason="补正")
        clocks.resume(clock.pk, now=at("2026-09-30 09:00"))
    assert fresh(clock).due_at == midnight("2026-10-08")
    load(longer_holiday())
    assert fresh(clock).due_at == midnight("2026-10-09")


def test_a_file_that_was_late_before_its_correction_is_counted_from_its_start(start: Callable[..., Clock]) -> None:
    clock = start("2026-09-30 15:00", kind=Kind.REGISTRATION)  # due on the 8th
    with transaction.atomic():
        clocks.pause(clock.pk, now=at("2026-10-09 08:00"), reason="补正")
        clocks.resume(clock.pk, now=at("2026-10-09 17:00"))
    load(longer_holiday(), now=at("2026-10-09 18:00"))
    assert fresh(clock).due_at == midnight("2026-10-09")  # not late any more: the 8th was a day off


# --- who, and what was seen -------------------------------------------------------------------------------------------


def test_only_the_administrator_imports(start: Callable[..., Clock], rui: Person, bo: Person, ada: Person) -> None:
    for other in (rui, bo):
        with pytest.raises(Forbidden):
            load(longer_holiday(), actor=other.actor)
    load(longer_holiday(), actor=ada.actor)


def test_what_ada_confirms_is_what_she_saw(start: Callable[..., Clock], ada: Person) -> None:
    start("2026-09-30 15:00")
    seen = calendar_imports.preview([longer_holiday()]).token
    start("2026-09-30 16:00")  # meanwhile somebody asks for money, and that deadline would move too
    with pytest.raises(WrongState, match="重新核对"):
        load(longer_holiday(), actor=ada.actor, token=seen)
    seen = calendar_imports.preview([longer_holiday()]).token
    load(the_year_2027())  # and somebody imports another year
    with pytest.raises(WrongState, match="重新核对"):
        load(longer_holiday(), actor=ada.actor, token=seen)
    load(longer_holiday(), actor=ada.actor, token=calendar_imports.preview([longer_holiday()]).token)


# --- left behind by a race --------------------------------------------------------------------------------------------


def test_a_clock_counted_with_the_calendar_before_is_found_and_counted_anew(start: Callable[..., Clock]) -> None:
    """As it stands when a submission commits after an import that it did not know of."""
    now = at("2026-09-30 15:00")
    load(longer_holiday(), now=now)
    change = CalendarChange.objects.latest("pk")
    CalendarChange.objects.filter(pk=change.pk).update(settled_at=None)
    clock = start("2026-09-30 15:00")
    right = clock.due_at
    Clock.objects.filter(pk=clock.pk).update(due_at=midnight("2026-10-09"))
    assert recounting.settle(now=now) == 1
    assert fresh(clock).due_at == right
    assert recomputed()[0].data["ground"] == change.ground
    assert recounting.settle(now=now) == 0
    change.refresh_from_db()
    assert change.settled_at == now
    with connection.execute_wrapper(_no_clocks):
        assert recounting.settle(now=now) == 0


def _no_clocks(execute: Any, sql: str, *more: Any) -> Any:
    assert "sla_clock" not in sql
    return execute(sql, *more)
