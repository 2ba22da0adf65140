"""An incident has four hours by the clock on the wall, nights and holidays included, and cannot be forgotten."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Entry
from portal.notifications.models import Notice
from portal.oversight import incidents
from portal.oversight.models import Incident
from tests.factories import Person

pytestmark = pytest.mark.django_db


def opened(by: Person, *, hours: float = 0) -> Incident:
    now = moments.now()
    return incidents.open_incident(
        kind="leak", what="示例", affected="", found_at=now - timedelta(hours=hours), actor=by.actor, now=now
    )


def test_ada_records_sena_reports_and_closes(ada: Person, sena: Person, audi: Person) -> None:
    found = moments.local(moments.now() - timedelta(minutes=30))
    sent = {"kind": "leak", "what": "示例泄露", "found_at": f"{found:%Y-%m-%dT%H:%M}"}
    assert ada.client.post(reverse("incidents"), sent).status_code == 302
    made = Incident.objects.get()
    assert made.due_at - made.found_at == timedelta(hours=4)
    page = reverse("incident", args=[made.pk])
    assert audi.client.get(page).status_code == 200
    assert audi.client.post(page, {"to": "x"}).status_code == 403
    assert sena.client.post(page, {"to": ""}).status_code == 400
    assert sena.client.post(page, {"to": "市网信部门"}).status_code == 302
    assert sena.client.post(page, {"conclusion": "已修复"}).status_code == 302
    made.refresh_from_db()
    assert (made.reported_to, made.conclusion, made.late(now=moments.now())) == ("市网信部门", "已修复", False)
    verbs = list(Entry.objects.filter(subject=made.subject).order_by("id").values_list("verb", flat=True))
    assert verbs == ["incident.opened", "incident.reported", "incident.closed"]


def test_the_administrators_are_told_an_hour_before_and_when_it_is_over_once_each(ada: Person, sena: Person) -> None:
    made = opened(ada)
    now = made.due_at
    assert incidents.watch(now=now - timedelta(minutes=61)) == 0
    for _ in range(3):
        incidents.watch(now=now - timedelta(minutes=40))
    for _ in range(3):
        incidents.watch(now=now)
    verbs = list(Entry.objects.filter(subject=made.subject).order_by("id").values_list("verb", flat=True))
    assert verbs == ["incident.opened", "incident.due_soon", "incident.overdue"]
    dispatcher.dispatch(now=moments.now())
    for who in (ada, sena):
        assert Notice.objects.filter(membership=who.membership, title__contains="超过 4 小时").exists()


def test_a_late_report_stays_late(ada: Person) -> None:
    made = opened(ada, hours=5)
    assert incidents.watch(now=moments.now()) == 1
    done = incidents.report(made.pk, to="市网信部门", actor=ada.actor, now=moments.now())
    assert done.late(now=moments.now())
    assert "已超过 4 小时" in Entry.objects.get(verb="incident.reported").text
    assert incidents.watch(now=moments.now() + timedelta(days=9)) == 0


def test_what_cannot_be_is_refused(ada: Person, rui: Person) -> None:
    now = moments.now()
    with pytest.raises(Forbidden):
        opened(rui)
    with pytest.raises(Invalid, match="不能晚于现在"):
        opened(ada, hours=-1)
    made = opened(ada)
    with pytest.raises(WrongState, match="先报告"):
        incidents.close(made.pk, conclusion="x", actor=ada.actor, now=now)
    incidents.report(made.pk, to="x", actor=ada.actor, now=now)
    with pytest.raises(WrongState, match="已经报告过"):
        incidents.report(made.pk, to="x", actor=ada.actor, now=now)


def test_the_database_keeps_the_four_hours_and_the_row(ada: Person) -> None:
    made = opened(ada)
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.filter(pk=made.pk).update(due_at=made.due_at + timedelta(days=1))
    with pytest.raises(DatabaseError), transaction.atomic():
        made.delete()
