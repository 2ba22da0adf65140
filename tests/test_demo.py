"""The demonstration gives everybody something to do, on any day and at any hour it is started."""

from datetime import datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from applications.models import Application, Draft, NextRound, Referral
from pledges.models import Registration
from portal.demo.people import LOGINS, PASSWORD
from portal.demo.story import Story
from portal.foundation.accounts.models import Membership, Organisation, User
from portal.foundation.core import moments
from portal.foundation.journal.models import Delivery, Entry, Outbox, Unsealed
from portal.foundation.journal.sealer import broken_links
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.models import Clock, Kind
from portal.notifications.models import Notice
from portal.reports.models import SupervisionOrder
from products.models import Product

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace(" ", "T") + "+08:00")


@pytest.fixture(autouse=True)
def _files_of_its_own(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_everybody_who_logs_in_finds_something_to_do(reference: None, settings: Any) -> None:
    call_command("demo", verbosity=0)
    now = moments.now()
    settings.DEMO = True
    for username in LOGINS:
        browser = Client()
        answer = browser.post("/login/", {"login": username, "password": PASSWORD}, follow=True)
        assert answer.status_code == 200, username
        assert answer.redirect_chain, username
        if code := answer.context.get("shown"):  # step two, with the demonstration's code on the page
            answer = browser.post("/login/second/", {"code": code}, follow=True)
            assert answer.status_code == 200, username
        page = answer.content.decode()
        assert "登录" not in page.partition("<h1")[2].partition("</h1>")[0], username
        seat = Membership.objects.get(user__username=username)
        if username not in ("admin", "security", "audit"):
            assert Notice.objects.filter(membership=seat).exists(), username
    lit = [lamps.of(c, now=now, calendar=calendars_in_use.current()).code for c in Clock.objects.all()]
    assert set(lit) >= {"g", "r", "p", "done", "off"}
    own = Clock.objects.filter(organisation__memberships__user__username="officer", kind=Kind.RESPONSE)
    assert own.overdue(now=now).count() >= 1
    assert own.running().filter(due_at__gt=now).count() >= 2
    office = Clock.objects.filter(kind=Kind.REGISTRATION)
    assert office.overdue(now=now).count() >= 1
    assert office.running().exclude(paused_at=None).count() >= 1
    assert office.running().filter(paused_at=None, due_at__gt=now).count() >= 1
    assert Draft.objects.filter(organisation__memberships__user__username="enterprise").exists()
    assert SupervisionOrder.objects.exists()
    assert Application.objects.filter(state="disbursed").exists()
    assert Referral.objects.filter(state="offered").exists()
    assert Registration.objects.filter(state="refused").exists()
    assert Referral.objects.filter(state="lapsed").exists()
    assert {"owed", "offered"} <= set(NextRound.objects.values_list("state", flat=True))
    assert Notice.objects.filter(entry_id=None, membership__user__username="regulator").exists()  # a digest
    with pytest.raises(CommandError, match="已经有用户"):
        call_command("demo")


def test_it_never_touches_a_portal_with_people(reference: None, ling: Any) -> None:
    with pytest.raises(CommandError, match="已经有用户"):
        call_command("demo")
    assert User.objects.count() == 1
    assert not Application.objects.exists()


def test_production_refuses_it(reference: None, settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="生产环境"):
        call_command("demo")
    assert not Organisation.objects.exists()


@pytest.mark.parametrize(
    "now",
    [
        "2026-11-21 11:00",  # a Saturday
        "2026-12-31 23:30",  # the last half hour of the last published year
        "2027-01-02 10:00",  # a year whose festivals nobody has announced
        "2026-11-24 00:10",  # just after midnight
        "2026-10-03 15:00",  # during National Day
        "2026-10-10 08:00",  # a make-up Saturday, before the office opens
        "2028-02-29 12:00",  # a day that few years have
        "2028-06-15 14:00",  # two years on: patents, fees and rules must still carry it
    ],
)
def test_it_can_be_told_on_any_day(reference: None, now: str) -> None:
    moment = at(now)
    Story(moment).tell()
    everything = Clock.objects.all()
    assert everything.count() > 30
    calendar = calendars_in_use.current()
    for clock in everything.select_related("policy"):
        assert clock.started_at <= moment
        assert clock.stopped_at is None or clock.started_at <= clock.stopped_at <= moment
        if not clock.pauses.exists():
            due = calendar.deadline(clock.started_at, days=clock.policy.days)
            assert (clock.due_at, clock.provisional) == (due.due_at, due.provisional)
    assert everything.overdue(now=moment).filter(kind=Kind.RESPONSE).exists()
    assert everything.overdue(now=moment).filter(kind=Kind.REGISTRATION).exists()
    assert everything.running().filter(paused_at=None, due_at__gt=moment).exists()
    assert everything.running().exclude(paused_at=None).exists()
    assert SupervisionOrder.objects.count() == 1
    told = Entry.objects.exclude(verb="clock.escalated")
    assert not told.filter(at__gt=moment).exists()
    assert not Outbox.objects.exists()
    assert not Unsealed.objects.exists()
    assert list(broken_links()) == []
    assert not Delivery.objects.exclude(last_error="").exists()


def test_nobody_in_it_is_real(reference: None) -> None:
    Story(moments.now()).tell()
    # Real institutions stand in the product matrix with their published products; nobody of the story sits or acts there.
    assert all("示例" in m.organisation.name for m in Membership.objects.select_related("organisation"))
    assert all("示例" in c.organisation.name for c in Clock.objects.select_related("organisation"))
    assert all("示例" in u.name for u in User.objects.all())
    assert all(u.email.endswith("@example.invalid") for u in User.objects.all())
    asked = Product.objects.filter(pk__in=Referral.objects.exclude(product=None).values("product"))
    assert all(p.institution.example for p in asked)
