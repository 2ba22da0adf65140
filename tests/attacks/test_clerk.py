"""Attacks 66–75: somebody of the office decides what must not be decided, or touches what is kept."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from pledges import notices
from pledges.models import Notice, Registration
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.core import moments
from portal.foundation.core.pdf import engine
from portal.foundation.journal import database_roles, sealer
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import CalendarYear, Clock
from tests import factories
from tests.factories import Person
from tests.foundation.test_database_roles import kept_tables, logged_in_as, refused
from tests.pledges.conftest import examined
from tests.reports.test_calendar_pages import IMPORT, a_year_with, token_of
from tests.reports.test_calendar_pages import text_of as pasted
from tests.security.crawling import text_of
from tests.security.test_canaries import found_in
from tests.security.world import MARK, World, upload

from .guard_world import _own_files as _own_files
from .guard_world import people as people
from .guard_world import traced
from .guard_world import world as world

pytestmark = pytest.mark.django_db


@pytest.fixture
def colleague(chen: Person) -> Person:
    return factories.person("zhu", "朱示例", Role.CLERK, chen.organisation)


def test_attack_66_nothing_is_registered_before_it_was_accepted_and_read(world: World) -> None:
    """Chen presses «register» on a file that has only just come in, with nothing checked."""
    answer = world.chen.client.post(reverse("office-register", args=[world.waiting.number]), {"read": "on"})
    assert answer.status_code in (400, 409)
    forced = world.chen.client.post(reverse("office-register", args=[world.waiting.number]), {"read": "on", "sure": "1", "confirm": "on"})  # fmt: skip
    assert forced.status_code in (400, 409)
    assert Registration.objects.get(pk=world.waiting.pk).state == "submitted"
    assert not Notice.objects.filter(registration=world.waiting).exists()
    if answer.status_code == 409:
        traced(world.chen, "conflict", "office-register")


def test_attack_67_two_clerks_do_not_both_decide_one_file(world: World, colleague: Person) -> None:
    """A colleague refuses what Chen has on her desk."""
    file = examined(world.waiting, world.chen)
    before = Registration.objects.get(pk=file.pk).state
    answer = colleague.client.post(reverse("office-refuse", args=[file.number]), {"ground": "R12", "note": "不予登记"})
    assert answer.status_code in (403, 409)
    traced(colleague, "conflict" if answer.status_code == 409 else "not-allowed", "office-refuse")
    assert Registration.objects.get(pk=file.pk).state == before


def test_attack_68_a_clerk_who_sits_in_a_party_stands_aside(world: World) -> None:
    """Chen also works for Ling's company, and takes its file."""
    Membership.objects.create(user=world.chen.user, organisation=world.ling.organisation, role=Role.ENTERPRISE)
    answer = world.chen.client.post(reverse("office-accept", args=[world.waiting.number]))
    assert answer.status_code == 403
    traced(world.chen, "not-allowed", "office-accept")
    assert Registration.objects.get(pk=world.waiting.pk).clerk_id is None


def test_attack_69_the_office_reads_nothing_of_the_loan_it_does_not_need(world: World) -> None:
    """Rate, conditions, notes, files of the request and the contact stand on no page of the office."""
    for who in ("chen", "chief"):
        said = ""
        for file in (world.waiting, world.registered):
            answer = world.people[who].client.get(reverse("office-file", args=[file.number]))
            assert answer.status_code == 200, file.number
            said += text_of(answer)
        office = world.people[who].client.get("/office/")
        assert office.status_code == 200
        said += text_of(office)
        assert (
            found_in(said, [MARK[n] for n in ("rate", "conditions", "note", "phone", "contact", "answer", "decline")])
            == []
        )


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_attack_70_what_is_kept_is_out_of_reach_of_every_log_in_of_the_portal(reference: None, statement: str) -> None:
    """By SQL, as web, worker, clock and auditor: 42501 for every kept table; no page offers it."""
    database_roles.apply()
    operation = statement.split()[0]
    for role in database_roles.ROLES:
        with logged_in_as(role):
            for table, names in kept_tables().items():
                if operation in names or operation == "TRUNCATE":
                    refused(statement.format(table))


def test_attack_70_the_owner_and_the_orm_are_stopped_by_triggers(world: World) -> None:
    """Even who migrates cannot change an entry by accident or by the ORM; and there is no admin site to try it in."""
    sealer.seal(now=moments.now())
    for attempt in (Entry.objects.all().delete, lambda: Entry.objects.update(text="没有这回事")):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    assert world.chen.client.get("/admin/").status_code == 404


def test_attack_71_a_certificate_is_issued_once(world: World) -> None:
    """Chen registers again what is registered, and prints again what was printed: the same number and the same bytes."""
    file = world.registered
    before = list(file.notices.values_list("number", flat=True))
    answer = world.chen.client.post(reverse("office-register", args=[file.number]), {"read": "on", "sure": "1"})
    assert answer.status_code in (404, 409)
    assert list(file.notices.values_list("number", flat=True)) == before
    if engine.available().ok:
        first = notices.print_notice(world.notice.pk)
        body, digest = first.file.read(), first.sha256
        again = notices.print_notice(world.notice.pk)
        assert (again.number, again.sha256, again.file.read()) == (first.number, digest, body)


@pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)
def test_attack_72_one_changed_byte_of_a_certificate_is_seen(world: World) -> None:
    """Somebody changes a byte in the middle of the paper and has it verified."""
    body = bytearray(notices.print_notice(world.notice.pk).file.read())

    def said() -> str:
        upload = SimpleUploadedFile("通知书.pdf", bytes(body), content_type="application/pdf")
        return str(Client().post(reverse("pledges:verify"), {"drop": "1", "paper": upload}).content.decode())

    assert "文件一致，没有改动" in said()
    body[len(body) // 2] ^= 1
    assert "文件一致，没有改动" not in said()


def test_attack_73_nobody_moves_a_limit_without_a_ground(world: World) -> None:
    """Chen, the chief and Rui upload a calendar; and a limit written by hand is found by the replay of the journal."""
    due = list(Clock.objects.order_by("pk").values_list("pk", "due_at"))
    for who in ("chen", "chief", "rui", "bo", "ling"):
        sent = {"step": "confirm", "text": "year = 2026", "ground": "", "token": "0" * 16}
        assert world.people[who].client.post("/supervision/calendar/import/", sent).status_code == 403
        traced(world.people[who], "not-allowed")
    assert list(Clock.objects.order_by("pk").values_list("pk", "due_at")) == due
    # Ada's calendar is valid and would move a limit; it has no ground, and that alone is missing.
    clock = Clock.objects.filter(stopped_at=None, paused_at=None, due_at__gt=moments.now()).latest("due_at")
    last = moments.local_date(clock.due_at - timedelta(microseconds=1))
    while not CalendarYear.objects.filter(year=last.year).exists():
        last = last.replace(year=last.year - 1)
    looked = world.ada.client.post(IMPORT, {"step": "check", "text": a_year_with(last, last.year), "ground": ""})
    assert looked.status_code == 200
    sent = {"step": "confirm", "text": pasted(looked.content.decode()), "token": token_of(looked.content.decode())}
    refused_ = world.ada.client.post(IMPORT, {**sent, "ground": ""})
    assert refused_.status_code == 400
    assert "请填写依据的文件名称和文号" in refused_.content.decode()
    assert list(Clock.objects.order_by("pk").values_list("pk", "due_at")) == due
    # With one it moves, and the journal keeps the old moment and the new one.
    assert world.ada.client.post(IMPORT, {**sent, "ground": "示例发〔2026〕9号"}).status_code == 302
    moved = [(pk, before) for pk, before in due if Clock.objects.get(pk=pk).due_at != before]
    assert moved
    told = [entry.data for entry in Entry.objects.filter(verb="clock.recomputed")]
    for pk, before in moved:
        now_due = Clock.objects.get(pk=pk).due_at
        assert any(before.isoformat()[:19] in str(data) and now_due.isoformat()[:19] in str(data) for data in told), pk


def test_attack_74_what_is_not_in_force_is_not_released(world: World) -> None:
    """Ling asks to cancel the pledge of a file that is still with the office; of the registered one the same form is taken."""
    form = {"end_ground": "performed"}
    of_waiting = reverse("pledges:matter-start", args=[world.waiting.number, "cancellation"])
    assert world.ling.client.post(of_waiting, {**form, "papers": upload("结清证明.pdf")}).status_code == 409
    assert not world.waiting.matters.exists()
    traced(world.ling, "conflict")
    number = world.registered.number
    of_registered = reverse("pledges:matter-start", args=[number, "cancellation"])
    taken = world.ling.client.post(of_registered, {**form, "papers": upload("结清证明.pdf")})
    assert taken.status_code == 302, taken.content.decode()


def test_attack_75_no_file_goes_to_somebody_who_cannot_log_in(world: World, colleague: Person) -> None:
    """The chief hands Chen's files to a colleague; after the colleague has left, none goes there."""
    assign = reverse("office-assign", args=[world.waiting.number])
    assert world.chief.client.post(assign, {"clerk": colleague.user.pk}).status_code == 302
    assert Registration.objects.get(pk=world.waiting.pk).clerk_id == colleague.user.pk
    assert world.chief.client.post(assign, {"clerk": world.chen.user.pk}).status_code == 302
    Membership.objects.filter(pk=colleague.membership.pk).update(active=False)
    url = reverse("office-reassign", args=[world.chen.user.pk])
    assert world.chief.client.post(url, {"clerk": colleague.user.pk}).status_code == 400
    assert world.chief.client.post(assign, {"clerk": colleague.user.pk}).status_code == 400
    assert Registration.objects.get(pk=world.waiting.pk).clerk_id == world.chen.user.pk


def test_the_world_stays_whole_for_the_attacks(world: World) -> None:
    """Were the world empty, every attack above would pass: it holds what they reach for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM journal_entry")
        assert cursor.fetchone()[0] > 50
