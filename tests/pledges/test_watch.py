"""Rui registers nothing and Chen changes nothing: what happens to a pledged patent is told to Ling and to Bo, once each."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from pledges.actions import examination
from pledges.models import Alert, Notice, PledgedPatent, Registration, WatchRound
from pledges.watch import actions, daily
from portal.foundation.assets.models import RegisterLookup
from portal.foundation.assets.register import actions as register
from portal.foundation.core import moments
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Entry
from portal.notifications.models import Notice as Message
from tests.factories import Person
from tests.registers import GRANTED, Says

pytestmark = pytest.mark.django_db


def noon(day: date) -> datetime:
    return moments.midnight_after(day - timedelta(days=1)) + timedelta(hours=12)


def today() -> date:
    return moments.local_date(moments.now())


def kinds(**but: Any) -> list[str]:
    return list(Alert.objects.filter(ended_at=None, **but).order_by("kind").values_list("kind", flat=True))


def state(file: Registration) -> tuple[str, bool]:
    """What must never change by itself: the state, and that the pledge stands."""
    fresh = Registration.objects.get(pk=file.pk)
    return fresh.state, all(p.effective.upper is None for p in fresh.patents.all())


@pytest.fixture(autouse=True)
def _nothing_changes_by_itself(request: pytest.FixtureRequest) -> Iterator[None]:
    file = request.getfixturevalue("registered") if "registered" in request.fixturenames else None
    yield
    if file is not None:
        assert state(file) == ("registered", True)


def test_edge_case_6_a_fee_is_told_when_due_each_month_after_and_as_retroactive_lapse(
    register_says: Says, registered: Registration, ling: Person
) -> None:
    """Ling forgets the annual fee: she and Bo hear of it before, on the day, every month of grace, and when the right is
    gone from the day the fee was due."""
    due = today() + timedelta(days=40)
    register_says(replace(GRANTED, fee_paid_until=due, fee_next_due=due))
    daily.run(now=moments.now())
    assert kinds() == []
    day = today()
    told = []
    while day < due + timedelta(days=200):
        day += timedelta(days=1)
        daily.run(now=noon(day))
        if (new := Entry.objects.filter(verb="pledge.alert").order_by("id").last()) and new.data["kind"] not in [
            k for k, _ in told
        ]:
            told.append((new.data["kind"], day))
    assert [k for k, _ in told] == [
        "fee_soon", "fee_due", *(f"fee_late_{n}" for n in range(1, 7)), "fee_lapsed",
    ]  # fmt: skip
    assert dict(told)["fee_due"] == due
    lapsed = Alert.objects.get(kind="fee_lapsed")
    assert lapsed.on == due
    assert f"且自 {due.year}年{due.month}月{due.day}日 起算" in lapsed.text
    assert kinds() == ["fee_lapsed"]  # one stage at a time
    assert Entry.objects.filter(verb="pledge.alert").count() == 9
    # The register says so at last: from the day the fee was due, months ago.
    register_says(replace(GRANTED, status="lapsed", ended_on=due, fee_next_due=due))
    daily.run(now=noon(day + timedelta(days=1)))
    assert kinds() == ["lapsed"]
    assert Alert.objects.get(kind="lapsed").on == due


def test_a_fee_that_is_paid_ends_the_alert_and_both_hear_of_it(register_says: Says, registered: Registration) -> None:
    late = today() - timedelta(days=40)
    register_says(replace(GRANTED, fee_paid_until=late, fee_next_due=late))
    daily.run(now=moments.now())
    assert kinds() == ["fee_late_1"]  # the stages before are not told afterwards
    paid = today() + timedelta(days=300)
    register_says(replace(GRANTED, fee_paid_until=paid, fee_next_due=paid))
    daily.run(now=moments.now() + timedelta(days=1))
    assert kinds() == []
    assert Entry.objects.get(verb="pledge.alert_ended").text == "提醒消除：年费逾期满 1 个月"


def test_edge_case_8_invalidation_after_registration_is_a_flag_and_no_cancellation(
    register_says: Says, registered: Registration, ling: Person, bo: Person, wai: Person, chen: Person
) -> None:
    """Somebody attacks Ling's patent when it is pledged: Ling and Bo are told, the pledge stands."""
    register_says(replace(GRANTED, invalidation_pending=True))
    daily.run(now=moments.now())
    assert kinds() == ["invalidation"]
    alert = Alert.objects.get()
    assert "质押继续有效，质押登记的状态没有改变" in alert.text
    assert alert.lookup is not None
    while dispatcher.dispatch(now=moments.now()):
        pass
    for party in (ling, bo):
        assert (
            Message.objects.filter(membership=party.membership, title="质押提醒：专利权被提起无效宣告请求").count() == 1
        )
        assert alert.text in party.client.get(reverse("pledges:alerts")).content.decode()
    assert not Message.objects.filter(membership=wai.membership).exists()
    assert alert.text not in wai.client.get(reverse("pledges:alerts")).content.decode()
    assert alert.text in chen.client.get(reverse("pledges:alerts")).content.decode()
    # It goes on for a year and is told once; it ends, and another begins.
    for days in (1, 30, 365):
        daily.run(now=moments.now() + timedelta(days=days))
    assert Alert.objects.filter(kind="invalidation").count() == 1
    register_says(GRANTED)
    daily.run(now=moments.now() + timedelta(days=400))
    assert "invalidation" not in kinds()
    register_says(replace(GRANTED, invalidation_pending=True))
    daily.run(now=moments.now() + timedelta(days=402))
    assert Alert.objects.filter(kind="invalidation").count() == 2


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ({"preserved": True}, "preserved", "被采取保全"),
        ({"suspended": True}, "preserved", "中止程序"),
        ({"status": "invalid"}, "invalid", "已宣告无效"),
        ({"patentees": ("重庆示例新名有限公司",)}, "owner", "与出质人“重庆示例智造有限公司”不一致"),
        ({"transferred_on": date(2099, 1, 1)}, "transferred", "转让须经质权人同意"),
    ],
)
def test_what_the_register_says_is_told(
    register_says: Says, registered: Registration, said: dict[str, Any], kind: str, words: str
) -> None:
    register_says(replace(GRANTED, **said))
    daily.run(now=moments.now())
    assert kinds() == [kind]
    assert words in Alert.objects.get().text


def test_a_transfer_before_the_pledge_is_no_news(register_says: Says, registered: Registration) -> None:
    register_says(replace(GRANTED, transferred_on=date(2020, 1, 1)))
    daily.run(now=moments.now())
    assert kinds() == []


def test_a_patent_that_ends_before_the_debt_and_one_that_ends_soon(
    register_says: Says, registered: Registration
) -> None:
    assert registered.debt_to is not None
    ends = registered.debt_to - timedelta(days=1)
    register_says(replace(GRANTED, expires_on=ends))
    daily.run(now=moments.now())
    assert kinds() == ["expires_first"]
    daily.run(now=noon(ends - timedelta(days=30)))
    assert {"expires_first", "expires_soon"} <= set(kinds())
    daily.run(now=noon(ends))
    assert "expired" in kinds()
    assert "expires_soon" not in kinds()


def test_a_party_that_is_called_otherwise_than_on_the_notice(registered: Registration, ling: Person) -> None:
    assert Notice.objects.filter(registration=registered).exists()
    ling.organisation.name = "重庆示例智能制造有限公司"
    ling.organisation.save()
    daily.run(now=moments.now())
    assert kinds(number="") == ["party"]
    assert "出质人由“重庆示例智造有限公司”改为“重庆示例智能制造有限公司”" in Alert.objects.get(kind="party").text


def test_without_a_register_the_watch_goes_by_lings_entry_and_says_so(registered: Registration, ling: Person) -> None:
    late = today() - timedelta(days=1)
    ling.organisation.patents.update(fee_paid_until=late)
    daily.run(now=moments.now())
    assert kinds() == ["fee_due"]
    assert "（企业填报，核对于2026年11月1日）" in Alert.objects.get().text


def test_however_often_it_runs_each_alert_is_told_once(register_says: Says, registered: Registration) -> None:
    register_says(replace(GRANTED, preserved=True, invalidation_pending=True))
    assert daily.run(now=moments.now()) == 2
    for _ in range(3):
        assert daily.run(now=moments.now()) == 0
    WatchRound.objects.update(finished_at=None)  # the process died before it had said that it was through
    assert daily.run(now=moments.now()) == 0
    assert (Alert.objects.count(), Entry.objects.filter(verb="pledge.alert").count()) == (2, 2)


def test_the_register_is_asked_once_a_day_and_after_a_failure_again_in_two_hours(
    register_says: Says, settings: Any, registered: Registration
) -> None:
    now = moments.now()
    address = register_says(GRANTED)
    assert daily.ask(now=now) == 1
    assert daily.ask(now=now + timedelta(hours=19)) == 0
    settings.PATENT_REGISTER_URL = "http://127.0.0.1:9"
    assert daily.ask(now=now + timedelta(hours=21)) == 1
    assert daily.ask(now=now + timedelta(hours=22)) == 0
    settings.PATENT_REGISTER_URL = address
    assert daily.ask(now=now + timedelta(hours=24)) == 1
    assert list(RegisterLookup.objects.order_by("pk").values_list("outcome", flat=True)) == ["found", "failed", "found"]


def test_what_chen_looks_up_at_noon_is_told_in_the_next_half_hour(
    register_says: Says, registered: Registration, chen: Person
) -> None:
    register_says(GRANTED)
    now = moments.now()
    daily.run(now=now)
    register_says(replace(GRANTED, preserved=True))
    register.refresh([GRANTED.number], actor=chen.actor, now=now + timedelta(minutes=5))
    assert daily.run(now=now + timedelta(minutes=30)) == 1
    assert kinds() == ["preserved"]


def test_ling_and_bo_take_note_each_for_themselves_once(
    register_says: Says, registered: Registration, ling: Person, bo: Person, wai: Person, rui: Person
) -> None:
    register_says(replace(GRANTED, preserved=True))
    daily.run(now=moments.now())
    alert = Alert.objects.get()
    address = reverse("pledges:alert-note", args=[alert.pk])
    assert wai.client.post(address).status_code == 404
    assert rui.client.post(address).status_code == 403
    assert '<button class="btn small">知悉<' in ling.client.get(reverse("pledges:alerts")).content.decode()
    for _ in range(2):
        assert ling.client.post(address).status_code == 302
    assert [s.organisation for s in alert.seen.all()] == [ling.organisation]
    assert Entry.objects.filter(verb="pledge.alert_noted").count() == 1
    assert alert.text not in ling.client.get(reverse("pledges:alerts")).content.decode()
    assert alert.text in ling.client.get(reverse("pledges:alerts") + "?tab=open").content.decode()
    assert alert.text in bo.client.get(reverse("pledges:alerts")).content.decode()
    assert alert.text in rui.client.get(reverse("pledges:alerts")).content.decode()
    assert actions.note(alert.pk, actor=bo.actor, now=moments.now()).seen.count() == 2


def test_alerts_of_a_pledge_that_is_over_are_over(register_says: Says, ready: Registration, chen: Person) -> None:
    examination.register(ready.pk, actor=chen.actor, now=moments.now())
    register_says(replace(GRANTED, preserved=True))
    daily.run(now=moments.now())
    later = moments.now() + timedelta(hours=1)
    for row in PledgedPatent.objects.filter(registration=ready):
        row.effective = (row.effective.lower, later)
        row.save(update_fields=["effective"])
    daily.run(now=later + timedelta(days=1))
    assert kinds() == []
    assert Alert.objects.get().ended_text == "质押已结束"
