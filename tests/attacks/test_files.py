"""What Wai may not bring in as a file, and what happens to Ling's own: every hostile file is made here, byte by byte."""

import io
import os
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from applications.actions import drafts
from applications.models import Attachment
from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.errors import DomainError, TooLarge
from portal.foundation.core.files import StoredFile
from portal.foundation.core.intake import gate
from portal.foundation.core.intake.kinds import PAPERS, WORKBOOK, Kind
from portal.foundation.core.models import UploadTally
from portal.foundation.core.scanning import simulator
from portal.foundation.core.scanning.clamd import Clamd, NoVerdict, ScannerDown
from portal.foundation.journal import dispatcher, quarantine
from portal.foundation.journal.models import Entry
from portal.notifications.models import Notice
from tests.factories import Person
from tests.made_files import JPG, OFD, PDF, PNG, pdf
from tests.security.conftest import _own_files, people, world  # noqa: F401 - fixtures
from tests.security.world import World

from . import files_world as hostile

pytestmark = pytest.mark.django_db


def named(name: str, body: bytes) -> SimpleUploadedFile:
    """As a hostile client sends it, past Django's own cleaning of the name."""
    made = SimpleUploadedFile("x", body)
    made._name = name
    return made


def refused(name: str, body: bytes, kinds: tuple[Kind, ...] = PAPERS) -> DomainError:
    with pytest.raises(DomainError) as said:
        gate.admit(named(name, body), kinds=kinds, actor=SYSTEM, now=moments.now())
    assert said.value.reason.endswith("。")
    return said.value


def admitted(name: str, body: bytes, kinds: tuple[Kind, ...] = PAPERS) -> gate.Checked:
    return gate.admit(named(name, body), kinds=kinds, actor=SYSTEM, now=moments.now())


@pytest.fixture
def address(ling: Person) -> str:
    """Where Ling adds a paper to a draft."""
    return reverse("apply:attach", args=[drafts.start(actor=ling.actor, now=moments.now()).pk])


def sent(person: Person, address: str, name: str, body: bytes) -> Any:
    return person.client.post(address, {"file": named(name, body), "kind": "other"})


# --- 42, 47: names and kinds -----------------------------------------------------------------------------------------


def test_honest_files_of_every_kind_are_taken() -> None:
    """Otherwise every refusal below would prove nothing."""
    for name, body in (("合同.pdf", PDF), ("a.JPEG", JPG), ("a.png", PNG), ("a.ofd", OFD), ("b.pdf", hostile.pdf())):
        assert admitted(name, body).size > 0
    assert admitted("a.xlsx", hostile.workbook({}), WORKBOOK).media_type == "application/zip"


@pytest.mark.parametrize("body", [hostile.HTML, hostile.SVG, hostile.EXE, b"<?php ?>", OFD], ids=range(5))
def test_attack_42_a_pdf_that_is_something_else(ling: Person, address: str, body: bytes) -> None:
    """Wai's page, drawing, program or package called «.pdf» is refused with 415, and nothing of it is kept."""
    answer = sent(ling, address, "合同.pdf", body)
    assert answer.status_code == 415
    assert "文件内容不是 PDF" in answer.content.decode()
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(
    "name", ["合同.php.pdf", "合同.PHTML.pdf", "合同.pdf.exe", "a.jsp .pdf", "a.html.png", "a.svg", "a"]
)
def test_attack_42_a_name_with_a_program_in_it(ling: Person, address: str, name: str) -> None:
    """A server that looks at any ending, or a desktop that hides the last, must find no program."""
    assert sent(ling, address, name, PDF).status_code == 415


@pytest.mark.parametrize("what", hostile.two_in_one())
def test_attack_42_a_polyglot(what: str) -> None:
    """A file that one program takes for a PDF and another for a page or a package is neither here."""
    assert refused("合同.pdf", hostile.two_in_one()[what]).status == 415


def test_attack_42_a_package_before_or_behind_another(ling: Person) -> None:
    """Bytes before or behind a package are somebody's second file."""
    book = hostile.workbook({})
    for body in (
        PDF + book,
        book + b"MZ",
        book[:-2] + b"\x05\x00HELLO",
        book.replace(b"PK\x03\x04", b"PK\x03\x04", 1) + PDF,
    ):
        assert refused("a.xlsx", body, WORKBOOK).status == 415


LONG = "长" * 300 + ".pdf"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("../../../etc/passwd.pdf", "passwd.pdf"), ("C:\\Windows\\a.pdf", "a.pdf"), ("合同\x00.pdf", "合同.pdf"),
        ("合同\u202efdp.pdf", "合同fdp.pdf"), ("a%0d%0aSet-Cookie: x.pdf", "a%0d%0aSet-Cookie: x.pdf"), ("\ufeff\u200b合同\u2069.pdf", "合同.pdf"),
        (LONG, LONG[-120:]), ("\u2028a\u2029.pdf", "a.pdf"), ("\U000e0041a.pdf", "a.pdf"),
    ],
)  # fmt: skip
def test_attack_47_names_that_climb_hide_or_flood(ling: Person, address: str, raw: str, shown: str) -> None:
    """Whatever Wai calls a file, it lies under a random name, is shown without tricks, and comes back as an attachment."""
    assert sent(ling, address, raw, PDF).status_code == 302
    kept = Attachment.objects.get()
    assert kept.name == shown
    assert Path(kept.file.name).name.isalnum()
    assert Path(kept.file.path).is_relative_to(kept.file.storage.location)
    answer = kept.file.open("rb").read()
    assert answer == PDF


@pytest.mark.parametrize("name", ["../x.xml", "a/../../x.xml", "/etc/passwd", "C:x.xml", "..\\..\\x.xml", "//host/x"])
def test_attack_47_zip_slip(name: str) -> None:
    """A package that would write outside its folder is refused, although nothing is ever unpacked here."""
    assert refused("a.xlsx", hostile.workbook({name: b"<x/>"}), WORKBOOK).code == "path"


def test_attack_47_a_link_in_a_package() -> None:
    out = io.BytesIO(hostile.workbook({}))
    with zipfile.ZipFile(out, "a") as made:
        link = zipfile.ZipInfo("xl/link.xml")
        link.external_attr = 0o120777 << 16
        made.writestr(link, "/etc/passwd")
    assert refused("a.xlsx", out.getvalue(), WORKBOOK).code == "path"


# --- 43: bombs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", hostile.bombs())
def test_attack_43_a_bomb_is_answered_in_two_seconds(what: str) -> None:
    """Wai's small file that grows to gigabytes costs him a refusal and us two seconds of a child at most."""
    name, body = hostile.bombs()[what]
    admitted("warm.pdf", PDF)
    begun = time.monotonic()
    said = refused(name, body, WORKBOOK if name.endswith("xlsx") else PAPERS)
    spent = time.monotonic() - begun
    assert (said.status, spent < 2) == (413, True), (said.code, spent)
    assert admitted("next.pdf", PDF).size == len(PDF), "the next one is served"


def test_attack_43_a_pdf_bomb_and_a_bomb_through_the_browser(bo: Person) -> None:
    """The web worker answers, and goes on answering."""
    assert refused("a.pdf", hostile.document_bomb()).status in (413, 415)
    _, body = hostile.bombs()["rows of blanks"]
    process = os.getpid()
    answer = bo.client.post("/products/import/", {"file": SimpleUploadedFile("a.xlsx", body)})
    assert (answer.status_code, os.getpid()) == (413, process)
    assert "展开后过大" in answer.content.decode()
    assert bo.client.get("/products/import/").status_code == 200


# --- 44, 45: what acts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [hostile.XXE, hostile.LAUGHS, hostile.XXE.decode().encode("utf-16")], ids=["xxe", "laughs", "utf16"]
)
@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/media/image1.png", "customXml/item1"])
def test_attack_44_entities_in_a_workbook(body: bytes, part: str) -> None:
    """No part of a package, whatever it is called, may declare entities: neither a file of ours nor a billion laughs."""
    assert refused("a.xlsx", hostile.workbook({part: body}), WORKBOOK).code == "entities"


def test_attack_44_entities_in_an_invoice_or_a_drawing(ling: Person, address: str) -> None:
    assert refused("a.ofd", hostile.ofd({"Doc_0/Document.xml": hostile.LAUGHS})).code == "entities"
    assert sent(ling, address, "图.svg", hostile.XXE).status_code == 415


@pytest.mark.parametrize("what", hostile.hostile_pdfs())
def test_attack_45_a_pdf_that_acts_or_hides(what: str) -> None:
    """Scripts, programs, other files, films, passwords: refused, also where no search for words would find them."""
    said = refused("合同.pdf", hostile.hostile_pdfs()[what])
    assert (said.status, said.code != "broken") == (415, True), said.code


def test_attack_45_what_word_processors_write_is_taken() -> None:
    """The first view of a document is an OpenAction as well, and a link to an address is none of ours to forbid."""

    def harmless(made: Any) -> None:
        page = made.pages[0].obj
        made.Root["/OpenAction"] = hostile.Dictionary(S=hostile.Name.GoTo, D=[page, hostile.Name.Fit])
        link = hostile.Dictionary(Subtype=hostile.Name.Link, A=hostile.Dictionary(S=hostile.Name.URI, URI="https://x"))
        page["/Annots"] = [link]

    assert admitted("合同.pdf", hostile.pdf(harmless)).size


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


# --- 48: places ------------------------------------------------------------------------------------------------------


def test_attack_48_a_photo_loses_its_place_and_keeps_its_sight(ling: Person, address: str) -> None:
    """Where and with what Ling took the photo is nobody's business; upright it stays."""
    photo = hostile.with_place()
    assert b"SECRETCAMERA" in photo
    assert sent(ling, address, "车间.jpg", photo).status_code == 302
    with Attachment.objects.get().file.open("rb") as stream:
        kept = stream.read()
    for secret in (b"SECRETCAMERA", b"SECRETNOTE", b"SECRETPROFILE", b"Exif", b"<script>"):
        assert secret not in kept
    drawn = Image.open(io.BytesIO(kept))
    assert (drawn.size, dict(drawn.getexif()), drawn.info.get("icc_profile")) == ((30, 40), {}, None)
    colour = drawn.convert("RGB").getpixel((15, 20))
    assert isinstance(colour, tuple)
    assert max(abs(a - b) for a, b in zip(colour, (10, 120, 200), strict=True)) < 8


def test_attack_48_a_png_loses_its_words_too() -> None:
    words = PngInfo()
    words.add_text("Location", "29.56N 106.57E")
    out = io.BytesIO()
    Image.new("RGBA", (9, 9), (1, 2, 3, 4)).save(out, "PNG", pnginfo=words, icc_profile=b"SECRETPROFILE")
    drawn = admitted("a.png", out.getvalue()).read()
    assert b"29.56N" in out.getvalue()
    assert b"29.56N" not in drawn
    assert b"SECRETPROFILE" not in drawn
    assert Image.open(io.BytesIO(drawn)).getpixel((4, 4)) == (1, 2, 3, 4)


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
