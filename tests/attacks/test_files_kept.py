"""What is kept: scanned behind the scenes, put away when something is found, and never more than an organisation may have."""

import io
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from applications.actions import drafts
from applications.models import Attachment
from portal.foundation.core import moments
from portal.foundation.core.errors import TooLarge
from portal.foundation.core.files import StoredFile
from portal.foundation.core.intake import gate
from portal.foundation.core.models import UploadTally
from portal.foundation.core.scanning import simulator
from portal.foundation.core.scanning.clamd import Clamd, NoVerdict, ScannerDown
from portal.foundation.journal import dispatcher, quarantine
from portal.foundation.journal.models import Entry, Refusal
from portal.notifications.models import Notice
from tests.factories import Person
from tests.made_files import PDF, pdf
from tests.security.conftest import _own_files, people, world  # noqa: F401 - fixtures
from tests.security.world import World

from . import files_world as hostile

pytestmark = pytest.mark.django_db


def named(name: str, body: bytes) -> SimpleUploadedFile:
    """As a hostile client sends it, past Django's own cleaning of the name."""
    made = SimpleUploadedFile("x", body)
    made._name = name
    return made


@pytest.fixture
def address(ling: Person) -> str:
    """Where Ling adds a paper to a draft."""
    return reverse("apply:attach", args=[drafts.start(actor=ling.actor, now=moments.now()).pk])


def sent(person: Person, address: str, name: str, body: bytes) -> Any:
    return person.client.post(address, {"file": named(name, body), "kind": "other"})


# --- 46: malware -----------------------------------------------------------------------------------------------------


def with_eicar() -> bytes:
    return pdf(simulator.EICAR.decode())


def test_attack_46_eicar_is_quarantined_written_down_and_told(world: World, settings: Any) -> None:  # noqa: F811
    """Ling's infected paper: Bo does not get it before the scan nor after, the journal has it, and Ling is told."""
    ling, bo = world.ling, world.bo
    page = reverse("desk-attachment", args=[world.referral(world.asked, "bo").ref, world.file.ref])
    assert bo.client.get(page).status_code == 200, "without a scanner it is served, and marked as unscanned"
    assert (
        "未查毒"
        in bo.client.get(reverse("desk-referral", args=[world.referral(world.asked, "bo").ref])).content.decode()
    )
    question = reverse("case-answer", args=[world.asked.number, world.question.pk])
    papers = [SimpleUploadedFile("报表.pdf", with_eicar()), SimpleUploadedFile("年报.pdf", PDF)]
    assert ling.client.post(question, {"answer": "见附件", "papers": papers}).status_code == 302
    bad, good = world.asked.attachments.filter(question=world.question).order_by("pk")
    urls = [reverse("desk-attachment", args=[world.referral(world.asked, "bo").ref, file.ref]) for file in (bad, good)]
    with simulator.running() as daemon:
        settings.CLAMD = daemon.address
        waiting = [bo.client.get(url) for url in urls]
        assert [answer.status_code for answer in waiting] == [409, 409]
        assert "正在查毒" in waiting[0].content.decode()
        assert ling.client.get(reverse("case-attachment", args=[world.asked.number, good.ref])).status_code == 200
        old = Path(bad.file.path)
        assert quarantine.scan_waiting(now=moments.now()) > 2
    bad.refresh_from_db()
    assert (bad.scan, bad.scan_note) == ("found", simulator.NAME)
    assert bad.file.name == f"quarantine/{bad.ref.hex}"
    assert Path(bad.file.path).exists()
    assert [bo.client.get(url).status_code for url in urls] == [409, 200]
    own = ling.client.get(reverse("case-attachment", args=[world.asked.number, bad.ref]))
    assert (own.status_code, "已经隔离" in own.content.decode()) == (409, True)
    told = Entry.objects.get(verb="file.quarantined")
    assert (told.parties, told.data["found"]) == ([ling.organisation.pk], simulator.NAME)
    dispatcher.dispatch(now=moments.now())
    assert Notice.objects.filter(membership=ling.membership, title__contains="恶意程序").exists()
    assert not Notice.objects.filter(membership=bo.membership, title__contains="恶意程序").exists()
    shown = bo.client.get(reverse("desk-referral", args=[world.referral(world.asked, "bo").ref])).content.decode()
    assert "含恶意程序，已隔离" in shown
    assert old  # unlinked at the commit, which this test never reaches


def test_attack_46_a_scanner_that_is_down_or_lies_clears_nothing(ling: Person, address: str, settings: Any) -> None:
    """No answer is not «clean»: the file keeps waiting."""
    assert sent(ling, address, "a.pdf", PDF).status_code == 302
    for address_of_none in ("tcp:127.0.0.1:1", "unix:/nowhere/clamd.ctl"):
        settings.CLAMD = address_of_none
        assert quarantine.scan_waiting(now=moments.now()) == 0
    assert Attachment.objects.get().scan == StoredFile.Scan.WAITING
    with simulator.running() as daemon:
        assert Clamd(daemon.address).scan(io.BytesIO(PDF)) == ""
        assert Clamd(daemon.address).scan(io.BytesIO(with_eicar())) == simulator.NAME
        with pytest.raises(NoVerdict):
            Clamd(daemon.address).scan(io.BytesIO(b"0" * (simulator.LONGEST + 1)))
    with pytest.raises(ScannerDown):
        Clamd("tcp:127.0.0.1:1").scan(io.BytesIO(PDF))


def test_files_about_which_the_scanner_says_nothing_keep_no_other_waiting(
    ling: Person, address: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two newest files get no verdict round after round; the older one is asked about all the same."""
    monkeypatch.setattr(quarantine, "AT_ONCE", 2)
    assert sent(ling, address, "old.pdf", pdf("old")).status_code == 302
    for name in ("b.pdf", "c.pdf"):
        assert sent(ling, address, name, PDF + b"%" * (simulator.LONGEST // 2)).status_code == 302
    monkeypatch.setattr(simulator, "LONGEST", 5_000)
    with simulator.running() as daemon:
        settings.CLAMD = daemon.address
        quarantine.scan_waiting(now=moments.now())
    assert Attachment.objects.get(name="old.pdf").scan == StoredFile.Scan.CLEAN


# --- 41: floods ------------------------------------------------------------------------------------------------------


def test_attack_41_too_many_files_a_day(ling: Person, wai: Person, address: str, settings: Any) -> None:
    """The day's allowance is the organisation's, not the person's: 429 with the time to wait, and Wai is not affected."""
    settings.UPLOAD_QUOTA = {**settings.UPLOAD_QUOTA, "day_files": 3}
    assert [sent(ling, address, "a.pdf", pdf(str(n))).status_code for n in range(5)] == [302, 302, 302, 429, 429]
    answer = sent(ling, address, "a.pdf", pdf("x"))
    assert 0 < int(answer.headers["Retry-After"]) <= 24 * 3600
    assert "请明天再上传" in answer.content.decode()
    assert Attachment.objects.count() == 3
    gate.admit(named("a.pdf", PDF), actor=wai.actor, now=moments.now())
    gate.admit(named("a.pdf", PDF), actor=ling.actor, now=moments.now() + timedelta(days=1))


def test_attack_41_ten_thousand_and_one_files_or_five_gigabytes(ling: Person, settings: Any) -> None:
    """What an organisation keeps is bounded as well, day after day; what it deletes for good makes room."""
    now = moments.now()
    yesterday = moments.local_date(now).replace(year=2020)
    tally = UploadTally.objects.create(organisation_id=ling.organisation.pk, day=yesterday, files=10_000, bytes=1)
    with pytest.raises(TooLarge) as said:
        gate.admit(named("a.pdf", PDF), actor=ling.actor, now=now)
    assert (said.value.status, said.value.code) == (413, "quota")
    UploadTally.objects.filter(pk=tally.pk).update(files=5, bytes=5 << 30)
    with pytest.raises(TooLarge):
        gate.admit(named("a.pdf", PDF), actor=ling.actor, now=now)
    UploadTally.objects.filter(pk=tally.pk).update(files=9_999, bytes=1)
    draft = drafts.start(actor=ling.actor, now=now)
    kept = drafts.attach(draft.pk, named("a.pdf", PDF), kind="other", actor=ling.actor, now=now)
    with pytest.raises(TooLarge):
        gate.admit(named("b.pdf", PDF), actor=ling.actor, now=now)
    UploadTally.objects.filter(day=moments.local_date(now)).update(files=1)
    drafts.detach(draft.pk, str(kept.ref), actor=ling.actor, now=now)
    gate.admit(named("b.pdf", PDF), actor=ling.actor, now=now)


def test_attack_22_a_form_with_too_many_files_or_fields(ling: Person, address: str) -> None:
    """A body of two thousand fields, a hundred and one files or one of 21 MB is refused before anything looks into it."""
    many = {f"f{n}": SimpleUploadedFile("a.pdf", b"x") for n in range(101)}
    begun = time.monotonic()
    assert ling.client.post(address, {**many, "kind": "other"}).status_code in (400, 413)
    assert ling.client.post(address, {f"k{n}": "1" for n in range(2_100)}).status_code in (400, 413)
    assert sent(ling, address, "a.pdf", PDF + b"0" * (20 * 1024 * 1024)).status_code == 413
    assert time.monotonic() - begun < 5
    assert Client().post(address, {"file": named("a.pdf", PDF)}).status_code == 302, "a stranger goes to the log-in"
    assert not Attachment.objects.exists()


def test_refused_uploads_leave_a_trace(ling: Person, address: str, settings: Any) -> None:
    """Attacks 41 to 45 by the door of the web: every refusal is a row that nobody can take back."""
    before = Refusal.objects.count()
    assert sent(ling, address, "a.pdf", hostile.HTML).status_code == 415
    assert sent(ling, address, "a.png", hostile.picture_bomb(6_000, 5_000)).status_code == 413
    settings.UPLOAD_QUOTA = {**settings.UPLOAD_QUOTA, "day_files": 0}
    assert sent(ling, address, "a.pdf", PDF).status_code == 429
    assert Refusal.objects.count() == before + 3
