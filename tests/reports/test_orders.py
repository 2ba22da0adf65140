"""Rui asks why a promise was broken; the bank or the office answers once; nobody else sees it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection

from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, Forbidden, Invalid, WrongState
from portal.foundation.core.moments import local
from portal.foundation.core.numbering import normalise
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use
from portal.foundation.sla.models import Clock
from portal.notifications.models import Notice
from portal.reports import actions, red
from portal.reports.models import SupervisionOrder
from portal.reports.reminders import remind
from tests import factories
from tests.factories import Person
from tests.reports.seed import Seed, at
from tests.threads import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def overdue(ling: Person, bo: Person) -> Clock:
    """A request that Bo's bank has left unanswered for a week."""
    clock = Seed(ling).referral(bo.organisation, started=moments.now() - timedelta(days=20)).clock
    assert clock is not None
    return clock


def test_rui_asks_and_the_bank_answers_once(overdue: Clock, rui: Person, bo: Person, bo_manager: Person) -> None:
    friday = at("2026-11-20 16:00")
    order = actions.issue(overdue.pk, demand=" 请说明原因。 ", reply_days=1, actor=rui.actor, now=friday)
    assert normalise(order.number) == order.number
    assert order.demand == "请说明原因。"
    assert local(order.reply_due) == at("2026-11-24 00:00")  # Monday 24:00
    told = Entry.objects.get(verb="supervision.ordered")
    assert told.parties == sorted([rui.organisation.pk, bo.organisation.pk])
    assert told.case_number == overdue.case_number
    assert told.data["organisation"] == bo.organisation.pk
    actions.reply(order.pk, text="系统切换，已安排专人。", actor=bo.actor, now=at("2026-11-23 09:00"))
    answered = Entry.objects.get(verb="supervision.replied")
    assert rui.organisation.pk in answered.parties
    assert answered.data["late"] is False
    with pytest.raises(WrongState, match="已由 薄示例"):
        actions.reply(order.pk, text="再答一次", actor=bo_manager.actor, now=at("2026-11-23 09:01"))
    order.refresh_from_db()
    assert order.reply == "系统切换，已安排专人。"


def test_an_answer_at_midnight_is_late_and_marked(overdue: Clock, rui: Person, bo: Person) -> None:
    order = actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=at("2026-11-20 16:00"))
    assert not order.late(now=order.reply_due - timedelta(microseconds=1))
    assert order.late(now=order.reply_due)
    assert list(SupervisionOrder.objects.overdue(now=order.reply_due)) == [order]
    actions.reply(order.pk, text="迟了", actor=bo.actor, now=order.reply_due)
    assert Entry.objects.get(verb="supervision.replied").data["late"] is True
    assert "逾期答复" in rui.client.get("/orders/").content.decode()


def test_only_what_is_overdue_now_can_be_asked_about(ling: Person, bo: Person, chen: Person, rui: Person) -> None:
    seed, now = Seed(ling), moments.now()
    fresh = seed.referral(bo.organisation, started=now)
    answered = seed.referral(bo.organisation, started=now - timedelta(days=20), stopped=now)
    paused = seed.registration(
        chen.organisation, bo.organisation, started=now - timedelta(days=20), paused=now - timedelta(days=20)
    )
    for owner, said in ((fresh, "还没有超期"), (answered, "刚刚办结"), (paused, "时限已暂停")):
        with pytest.raises(WrongState, match=said):
            actions.issue(owner.clock_id or 0, demand="请说明。", reply_days=1, actor=rui.actor, now=now)
    assert not SupervisionOrder.objects.exists()


def test_a_second_order_waits_for_the_first_answer(overdue: Clock, rui: Person, bo: Person) -> None:
    now = moments.now()
    first = actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=now)
    with pytest.raises(WrongState, match=first.number):
        actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=now)
    actions.reply(first.pk, text="已安排。", actor=bo.actor, now=now)
    second = actions.issue(overdue.pk, demand="仍未办结。", reply_days=2, actor=rui.actor, now=now)
    assert second.number != first.number


def test_nobody_but_a_regulator_asks_and_nobody_but_the_asked_answers(
    overdue: Clock, rui: Person, bo: Person, cui: Person, ling: Person
) -> None:
    now = moments.now()
    with pytest.raises(Forbidden):
        actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=bo.actor, now=now)
    order = actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=now)
    for stranger in (cui, ling, rui):
        with pytest.raises(Forbidden):
            actions.reply(order.pk, text="我来答", actor=stranger.actor, now=now)


@pytest.mark.parametrize(
    ("demand", "days", "field"),
    [("  ", 1, "demand"), ("字" * 1001, 1, "demand"), ("好", 0, "reply_days"), ("好", 11, "reply_days")],
)
def test_an_empty_or_endless_order_is_refused_at_its_field(
    overdue: Clock, rui: Person, demand: str, days: int, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        actions.issue(overdue.pk, demand=demand, reply_days=days, actor=rui.actor, now=moments.now())
    assert set(refusal.value.fields) == {field}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_two_regulators_one_issues_the_order(overdue: Clock, rui: Person) -> None:
    second = factories.person("rui2", "任示例", Role.REGULATOR, rui.organisation)
    now, together = moments.now(), Barrier(2)

    def press(person: Person) -> str:
        try:
            together.wait()
            return actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=person.actor, now=now).number
        except DomainError as error:
            return error.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(press, [rui, second]))
    made = SupervisionOrder.objects.get()
    assert sorted(made.number == answer for answer in said) == [False, True]
    assert any("尚待答复" in answer and made.number in answer for answer in said)
    assert Entry.objects.filter(verb="supervision.ordered").count() == 1


def test_the_second_day_begins_when_a_whole_working_day_has_passed(reference: None) -> None:
    calendar = calendars_in_use.current()

    def second(due: str, now: str) -> bool:
        return at(due) <= red.second_day(now=at(now), calendar=calendar)

    assert not second("2026-11-20 00:00", "2026-11-20 23:59")  # due Thursday 24:00: all of Friday is the first day
    assert second("2026-11-20 00:00", "2026-11-21 00:00")
    assert not second("2026-11-21 00:00", "2026-11-23 23:59")  # due Friday 24:00: the weekend is no working day
    assert second("2026-11-21 00:00", "2026-11-24 00:00")
    assert not second("2026-10-01 00:00", "2026-10-08 12:00")  # due on the eve of the holiday: the 8th is the first day
    assert second("2026-10-01 00:00", "2026-10-09 00:00")
    assert second("2026-11-19 18:00", "2026-11-21 00:00")  # a limit that closes at 18:00 on Thursday


def test_rui_issues_an_order_in_the_browser_after_a_last_look(overdue: Clock, rui: Person, bo: Person) -> None:
    page = f"/supervision/lamps/{overdue.pk}/order/"
    assert page in rui.client.get("/supervision/lamps/").content.decode()
    looked = rui.client.post(page, {"demand": "请说明原因。", "reply_days": "1", "step": "check"})
    assert "确认发出" in looked.content.decode()
    assert not SupervisionOrder.objects.exists()
    sent = rui.client.post(page, {"demand": "请说明原因。", "reply_days": "1", "step": "confirm"})
    assert sent.status_code == 302
    again = rui.client.post(page, {"demand": "请说明原因。", "reply_days": "1", "step": "confirm"})
    assert again.status_code == 409
    assert "尚待答复" in again.content.decode()
    order = SupervisionOrder.objects.get()
    assert order.number in bo.client.get("/orders/").content.decode()
    answer = f"/orders/{order.number}/"
    assert bo.client.post(answer, {"reply": "", "step": "check"}).status_code == 400
    assert "确认答复" in bo.client.post(answer, {"reply": "已安排。", "step": "check"}).content.decode()
    assert bo.client.post(answer, {"reply": "已安排。", "step": "confirm"}).status_code == 302
    late = bo.client.post(answer, {"reply": "另一种说法", "step": "confirm"})
    assert late.status_code == 409
    assert "另一种说法" in late.content.decode()  # nothing typed is lost
    assert "已安排。" in rui.client.get(answer).content.decode()


def test_strangers_find_no_order(
    overdue: Clock, rui: Person, cui: Person, ling: Person, wai: Person, chen: Person
) -> None:
    order = actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=moments.now())
    for stranger, status in ((cui, 404), (chen, 404), (ling, 403), (wai, 403)):
        assert stranger.client.get(f"/orders/{order.number}/").status_code == status
        assert stranger.client.post(f"/orders/{order.number}/", {"reply": "x", "step": "confirm"}).status_code == status
    for other in (cui, chen):
        assert order.number not in other.client.get("/orders/").content.decode()
    order.refresh_from_db()
    assert order.replied_at is None


def test_the_clerk_answers_for_the_office(ling: Person, bo: Person, chen: Person, chief: Person, rui: Person) -> None:
    late = Seed(ling).registration(chen.organisation, bo.organisation, started=moments.now() - timedelta(days=20))
    order = actions.issue(late.clock_id or 0, demand="请说明。", reply_days=1, actor=rui.actor, now=moments.now())
    assert order.number in chief.client.get("/orders/").content.decode()
    shown = chen.client.get(f"/orders/{order.number}/").content.decode()
    assert f"/office/{late.number}/" in shown  # one step from the question to the file
    assert (
        f"/supervision/cases/{late.application.number}/" in rui.client.get(f"/orders/{order.number}/").content.decode()
    )
    assert actions.reply(order.pk, text="已办理。", actor=chen.actor, now=moments.now()).replier_label.startswith(
        "陈示例"
    )


def test_the_lamp_list_has_what_is_red_and_leaves_out_what_is_paused(
    overdue: Clock, ling: Person, bo: Person, chen: Person, rui: Person
) -> None:
    seed, now = Seed(ling, serial=50), moments.now()
    seed.registration(
        chen.organisation, bo.organisation, started=now - timedelta(days=20), paused=now - timedelta(days=20)
    )
    late = seed.registration(chen.organisation, bo.organisation, started=now - timedelta(days=19))
    assert late.clock is not None
    rows = red.listed(red.Choice(), place=red.Place(), now=now).rows
    assert [row.clock.pk for row in rows] == [overdue.pk, late.clock.pk]  # the longest overdue first
    assert red.counts(red.Choice(), now=now) == {"overdue": 2, "second": 2, "soon": 0, "ordered": 0}
    actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=now)
    assert [row.clock.pk for row in red.listed(red.Choice(show="ordered"), place=red.Place(), now=now).rows] == [
        overdue.pk
    ]
    only = red.Choice(kind="registration", institution=chen.organisation.pk)
    assert [row.clock.pk for row in red.listed(only, place=red.Place(), now=now).rows] == [late.clock.pk]
    first = red.listed(red.Choice(), place=red.Place(), now=now, size=1)
    second = red.listed(red.Choice(), place=red.Place.of(before="", after=first.after), now=now, size=1)
    assert [row.clock.pk for row in (*first.rows, *second.rows)] == [overdue.pk, late.clock.pk]


# --- the time to answer -------------------------------------------------------------------------------------------------


def running_out(order: SupervisionOrder, left: timedelta) -> None:
    """So much time is left to answer (negative: it is over)."""
    due = moments.now() + left
    SupervisionOrder.objects.filter(pk=order.pk).update(issued_at=due - timedelta(days=3), reply_due=due)


def heard(who: Person) -> list[str]:
    while dispatch(now=moments.now()):
        pass
    return list(Notice.objects.filter(membership=who.membership, kind="deadline").values_list("title", flat=True))


def test_a_late_answer_is_asked_for_once_on_both_sides(overdue: Clock, rui: Person, bo: Person, wai: Person) -> None:
    order = actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=moments.now())
    assert remind() == 0
    running_out(order, timedelta(seconds=-1))
    assert [remind(), remind()] == [1, 0]
    assert heard(bo) == ["督办单已过答复时限，请立即答复"]
    assert heard(rui) == ["督办单逾期未答复"]
    assert heard(wai) == []
    actions.reply(order.pk, text="已办理。", actor=bo.actor, now=moments.now())
    assert remind() == 0


def test_who_has_answered_is_not_asked_again(overdue: Clock, rui: Person, bo: Person) -> None:
    order = actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=moments.now())
    actions.reply(order.pk, text="已办理。", actor=bo.actor, now=moments.now())
    running_out(order, timedelta(seconds=-1))
    assert remind() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_six_callers_remind_of_an_order_once(overdue: Clock, rui: Person) -> None:
    order = actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=moments.now())
    running_out(order, timedelta(seconds=-1))
    assert sum(together(*[remind] * 6)) == 1
    assert Entry.objects.filter(verb="supervision.overdue").count() == 1


def test_the_lamp_of_an_order_turns_yellow_half_a_working_day_before(overdue: Clock, rui: Person, bo: Person) -> None:
    order = actions.issue(overdue.pk, demand="请说明。", reply_days=1, actor=rui.actor, now=at("2026-11-20 16:00"))
    for moment, code in (("2026-11-23 13:59", "g"), ("2026-11-23 14:00", "y"), ("2026-11-24 00:00", "r")):
        with time_machine.travel(at(moment), tick=False):
            bo.client.force_login(bo.user)
            page = bo.client.get("/orders/").content.decode()
        assert f'class="lamp {code}"' in page, moment
    assert order.reminded_at is None
