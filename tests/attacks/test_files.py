"""What Wai may not bring in as a file, and what happens to Ling's own: every hostile file is made here, byte by byte."""

import io
import os
import random
import resource
import time
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from applications.actions import drafts
from applications.models import Attachment
from portal.foundation.core import moments, rates, spreadsheets
from portal.foundation.core.actor import SYSTEM, Actor
from portal.foundation.core.errors import DomainError, TooLarge
from portal.foundation.core.intake import gate
from portal.foundation.core.intake.kinds import PAPERS, WORKBOOK, Kind
from tests.factories import Person
from tests.made_files import JPG, OFD, PDF, PNG
from tests.security.conftest import _own_files, people, world  # noqa: F401 - fixtures

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
    """Ling sends a workbook with a symbolic link to a file of the server; nothing follows it."""
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


def heavy(part: str, body: bytes) -> bytes:
    """A workbook of ours with one part exchanged, and enough noise beside it that it does not look like a bomb."""
    with spreadsheets.workbook("示例") as book:
        book.page("示例").write(0, 0, "甲")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book.body)) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name in made.namelist():
            if name != part:
                package.writestr(name, made.read(name))
        package.writestr(part, body)
        package.writestr("xl/media/image1.png", random.Random(7).randbytes(900_000))
    return out.getvalue()


_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">%s</row></sheetData></worksheet>'


def test_attack_43_a_workbook_of_a_few_million_cells_burns_no_web_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate lets it in, for its bytes are few; whoever reads it is a child with limits, and the next one is read."""
    body = heavy("xl/worksheets/sheet1.xml", _SHEET % (b"<c/>" * 8_000_000))
    admitted("a.xlsx", body, WORKBOOK)
    monkeypatch.setattr(spreadsheets, "READING", 4.0)
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    with pytest.raises(TooLarge) as said:
        list(spreadsheets.rows(body, most=1000, width=5))
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert said.value.status == 413
    assert time.monotonic() - begun < 12
    assert after.ru_utime - before.ru_utime < 1, "our own process did not read it"
    with spreadsheets.workbook("示例") as book:
        book.page("示例").write(0, 0, "甲")
    assert list(spreadsheets.rows(book.body, most=5, width=1)) == [(1, ("甲",))]


def test_attack_43_shared_strings_without_end_are_refused_at_the_gate() -> None:
    """Wai's workbook with six hundred thousand shared strings is refused before anybody reads it."""
    body = heavy("xl/sharedStrings.xml", b"<sst>" + b"<si><t>x</t></si>" * 600_000 + b"</sst>")
    assert refused("a.xlsx", body, WORKBOOK).code == "part"


def test_attack_43_refused_files_count_too(bo: Person, settings: Any) -> None:
    """Bo sends one broken file after the other: from a number on he is told to wait, before anybody looks at them."""
    settings.RATE_FACTOR = 1
    rates.forget()
    codes = set()
    for _ in range(gate.ATTEMPTS.number + 1):
        with pytest.raises(DomainError) as said:
            gate.admit(SimpleUploadedFile("a.pdf", b"nothing"), actor=bo.actor, now=moments.now())
        codes.add(said.value.status)
    assert codes == {415, 429}
    rates.forget()


@pytest.mark.django_db(transaction=True)
def test_a_file_is_looked_at_before_anything_is_locked(bo: Person) -> None:
    """Looking inside a transaction is our fault and says so; what was looked at before is only counted inside."""
    paper = SimpleUploadedFile("a.pdf", PDF)
    with pytest.raises(RuntimeError), transaction.atomic():
        gate.admit(paper, actor=bo.actor, now=moments.now())

    @gate.looked_at("papers")
    @transaction.atomic(durable=True)
    def keep(papers: list[SimpleUploadedFile], *, actor: Actor, now: datetime) -> int:
        return sum(gate.admit(one, actor=actor, now=now).size for one in papers)

    assert keep([paper], actor=bo.actor, now=moments.now()) == len(PDF)


# --- 44, 45: what acts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [hostile.XXE, hostile.LAUGHS, hostile.XXE.decode().encode("utf-16")], ids=["xxe", "laughs", "utf16"]
)
@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/media/image1.png", "customXml/item1"])
def test_attack_44_entities_in_a_workbook(body: bytes, part: str) -> None:
    """No part of a package, whatever it is called, may declare entities: neither a file of ours nor a billion laughs."""
    assert refused("a.xlsx", hostile.workbook({part: body}), WORKBOOK).code == "entities"


def test_attack_44_entities_in_an_invoice_or_a_drawing(ling: Person, address: str) -> None:
    """Ling sends an XML invoice and a drawing whose entities name a file of the server, or grow without end: refused."""
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
    """Ling photographs a paper; the place that the picture tells of is gone before anybody reads it."""
    words = PngInfo()
    words.add_text("Location", "29.56N 106.57E")
    out = io.BytesIO()
    Image.new("RGBA", (9, 9), (1, 2, 3, 4)).save(out, "PNG", pnginfo=words, icc_profile=b"SECRETPROFILE")
    drawn = admitted("a.png", out.getvalue()).read()
    assert b"29.56N" in out.getvalue()
    assert b"29.56N" not in drawn
    assert b"SECRETPROFILE" not in drawn
    assert Image.open(io.BytesIO(drawn)).getpixel((4, 4)) == (1, 2, 3, 4)
