"""A limit that depends on a year nobody has published is called 暂定 wherever its moment is shown."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import time_machine

from applications.views.enterprise_submit import _due
from pledges.enterprise_steps import _said
from portal.foundation.core.templatetags.portal_ui import lamp
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, clocks, lamps
from portal.foundation.sla.models import CalendarYear, Kind
from portal.reports import actions
from tests.factories import Person
from tests.grounds import stated
from tests.reports.seed import Seed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    calendars_in_use.forget()
    yield
    calendars_in_use.forget()


def eve(hour: str = "10:00") -> datetime:
    """The last published day."""
    return datetime.fromisoformat(f"{CalendarYear.objects.latest('year').year}-12-31T{hour}+08:00")


def test_ling_reads_it_before_she_sends_her_request(reference: None) -> None:
    with time_machine.travel(eve(), tick=False):
        assert _due().endswith("24:00（暂定）")


def test_it_stands_beside_the_lamp_and_below_it(ling: Person, bo: Person, rui: Person) -> None:
    referral = Seed(ling).referral(bo.organisation, started=eve())
    assert referral.clock is not None
    shown = lamp(lamps.of(referral.clock, now=eve("11:00"), calendar=calendars_in_use.current()))
    assert '<span class="lamp-mark" aria-hidden="true">暂定</span>' in shown  # in a list, where the moment is a tooltip
    with time_machine.travel(eve("11:00"), tick=False):
        rui.client.force_login(rui.user)
        page = rui.client.get(stated(rui, referral.application.number)).content.decode()
        assert "24:00（暂定），剩 " in page


def test_rui_reads_it_on_the_order_and_so_does_the_bank(ling: Person, bo: Person, rui: Person) -> None:
    year = CalendarYear.objects.latest("year").year
    started = datetime.fromisoformat(f"{year}-12-21T10:00+08:00")
    clock = Seed(ling).referral(bo.organisation, started=started).clock
    assert clock is not None
    order = actions.issue(clock.pk, demand="请说明原因", reply_days=2, actor=rui.actor, now=eve())
    assert "（暂定） 前答复" in Entry.objects.get(verb="supervision.ordered").text
    with time_machine.travel(eve("12:00"), tick=False):
        bo.client.force_login(bo.user)
        assert "24:00（暂定） 之前答复" in bo.client.get(f"/orders/{order.number}/").content.decode()


def test_an_order_due_at_the_end_of_the_last_published_day_is_final(ling: Person, bo: Person, rui: Person) -> None:
    year = CalendarYear.objects.latest("year").year
    started = datetime.fromisoformat(f"{year}-12-21T10:00+08:00")
    clock = Seed(ling).referral(bo.organisation, started=started).clock
    assert clock is not None
    before = datetime.fromisoformat(f"{year}-12-30T10:00+08:00")
    order = actions.issue(clock.pk, demand="请说明原因", reply_days=1, actor=rui.actor, now=before)
    with time_machine.travel(before, tick=False):
        bo.client.force_login(bo.user)
        assert "暂定" not in bo.client.get(f"/orders/{order.number}/").content.decode()


def test_the_parties_of_a_registration_read_it(ling: Person, bo: Person, chen: Person) -> None:
    seed = Seed(ling)
    file = seed.registration(chen.organisation, bo.organisation, started=eve())
    assert file.clock is not None
    assert file.clock.provisional
    assert "24:00（暂定）。" in _said(file, eve("11:00"))


def test_every_clock_that_is_due_in_a_published_year_is_final(bo: Person) -> None:
    clock = clocks.prepare(
        Kind.RESPONSE,
        organisation_id=bo.organisation.pk,
        case_number="Y",
        subject="r:1",
        watchers=[],
        now=datetime.fromisoformat(f"{eve().year}-12-28T10:00+08:00"),
    )
    assert not clock.provisional
