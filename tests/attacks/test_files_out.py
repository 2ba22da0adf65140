"""What leaves as a file: nobody's but one's own, marked with who took it, and nothing in it that runs or fetches."""

import csv
import http.server
import io
import threading
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from applications.actions import choices
from portal.foundation.accounts.models import Organisation
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.pdf import engine
from portal.foundation.core.spreadsheets import Mark, neutral, plain, table, workbook
from portal.foundation.journal.models import Entry
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.security.conftest import _own_files, people, world  # noqa: F401 - fixtures
from tests.security.crawling import text_of
from tests.security.world import World

pytestmark = pytest.mark.django_db
needs_pango = pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)


# --- 30: other people's files ----------------------------------------------------------------------------------------


def test_attack_30_bos_file_by_guessed_address_or_hash(world: World) -> None:  # noqa: F811
    """Wai guesses: the storage's path, the digest, another reference, another case's address. All are missing alike."""
    stored, wai = world.file, world.wai.client
    referral = world.referral(world.asked, "bo")
    guesses = [
        f"/{stored.file.name}", f"/media/{stored.file.name}", f"/files/{stored.file.name}", f"/files/{stored.sha256}",
        f"/static/../files/{stored.file.name}", f"/files/{stored.ref}", f"/{stored.sha256}.pdf",
        reverse("case-attachment", args=[world.asked.number, stored.ref]),
        reverse("case-attachment", args=[world.asked.number, uuid.uuid4()]),
        reverse("desk-attachment", args=[referral.ref, stored.ref]),
        reverse("pledges:document", args=[world.begun.number, world.paper.ref]),
    ]  # fmt: skip
    for client in (wai, Client()):
        answers = {url: client.get(url).status_code for url in guesses}
        assert set(answers.values()) <= {302, 403, 404}, answers
        for url in guesses[:7]:
            assert answers[url] == 404, url
    missing = wai.get(reverse("case-attachment", args=[world.asked.number, uuid.uuid4()]))
    foreign = wai.get(reverse("case-attachment", args=[world.asked.number, stored.ref]))
    assert (missing.status_code, foreign.status_code) == (404, 404)


def test_attack_30_an_address_that_has_expired(world: World) -> None:  # noqa: F811
    """Bo kept the address of Ling's paper; when she takes her authorisation back, it leads nowhere any more."""
    referral = world.referral(world.asked, "bo")
    url = reverse("desk-attachment", args=[referral.ref, world.file.ref])
    answer = world.bo.client.get(url)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    choices.revoke(referral.pk, actor=world.ling.actor, now=moments.now())
    assert world.bo.client.get(url).status_code == 404


# --- 49: papers that call home -----------------------------------------------------------------------------------------


class _Listener(http.server.BaseHTTPRequestHandler):
    hits: list[str] = []

    def do_GET(self) -> None:
        self.hits.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def listener() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


FETCHES = (
    "<img src={0}/a>", "<link rel=attachment href={0}/b>", "<link rel=stylesheet href={0}/c>", "<object data={0}/d></object>",
    "<style>@import '{0}/e'</style>", "<embed src={0}/f>", "<a rel=attachment href=file:///etc/passwd>x</a>", "<base href={0}/>",
    "<img src=file:///etc/passwd>", "<svg><image href={0}/g /></svg>", "<p style='background:url({0}/h)'>x</p>",
)  # fmt: skip


@needs_pango
@pytest.mark.parametrize("markup", FETCHES)
def test_attack_49_markup_in_any_field_of_a_printed_paper(markup: str, listener: str) -> None:
    """Wai's company name, address and patent title with addresses in them are printed as words; nothing is fetched."""
    from benchmarks import papers

    text = markup.format(listener)
    context = papers.registration()
    for party in context["parties"]:
        party["name"] = text
    context["patents"][0]["title"] = text
    _Listener.hits.clear()
    paper = engine.render_template("pdf/notice_registration.html", context)
    assert _Listener.hits == []
    reader = pypdf.PdfReader(io.BytesIO(paper))
    words = "".join(page.extract_text() for page in reader.pages)
    assert "".join(text.split())[:20] in "".join(words.split())
    assert reader.attachments == {}


@needs_pango
def test_attack_49_through_the_browser(world: World, listener: str) -> None:  # noqa: F811
    """The same through the portal: Ling's names are hostile, Bo prints the application form."""
    text = f"<img src={listener}/x>"
    Organisation.objects.filter(pk=world.ling.organisation.pk).update(name=text, address=text)
    Patent.objects.filter(organisation=world.ling.organisation).update(title=text)
    _Listener.hits.clear()
    answer = world.bo.client.get(reverse("pledges:application-pdf", args=[world.waiting.number]))
    assert answer.status_code == 200
    assert _Listener.hits == []


# --- 50: formulas ------------------------------------------------------------------------------------------------------

FORMULAS = (
    "=1+1", "＝1+1", " =1+1", '"=1+1', "'=1", "\u200b=1", "\ufeff=1", "\u2066=1\u2069", "\t=1", "\r=1", "\n=1", "+86", "-2+3",
    "@SUM(A1)", "＠x", "﹣1", "＋1", "\u00ad=1", '=HYPERLINK("http://127.0.0.1")', "=cmd|' /C calc'!A0", "\u3000=1", "\x0b=1",
)  # fmt: skip


def _harmless(cell: str) -> bool:
    """What a spreadsheet would not take for a formula, judged by other means than `neutral`."""
    import unicodedata

    seen = "".join(c for c in cell if unicodedata.category(c) not in ("Cf", "Cc"))
    bare = unicodedata.normalize("NFKC", seen).strip()
    return bare.startswith("'") or not bare.lstrip('"').startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("text", FORMULAS)
def test_attack_50_a_formula_in_a_cell(text: str) -> None:
    """The writers' own guard, in both formats, and taken back when a workbook of ours is read again."""
    assert _harmless(neutral(text))
    assert neutral(neutral(text)) == neutral(text)
    (line,) = csv.reader(io.StringIO(table([[text, "甲"]]).decode("utf-8-sig"), newline=""))
    assert _harmless(line[0])
    with workbook(text, mark=Mark(text, moments.now())) as book:
        page = book.page(text)
        page.heads([text])
        page.write(1, 0, text)
        book.about([(text, text)], mark=Mark(text, moments.now()))
    with zipfile.ZipFile(io.BytesIO(book.body)) as package:
        sheets = [package.read(name).decode() for name in package.namelist() if "worksheets/" in name]
    assert all("<f>" not in sheet and "<hyperlink" not in sheet for sheet in sheets)
    for sheet in openpyxl.load_workbook(io.BytesIO(book.body)).worksheets:
        for row in sheet.iter_rows(values_only=True):
            assert all(_harmless(str(cell)) for cell in row if cell is not None), row
    if not text.startswith("'"):
        assert plain(neutral(text)) == text


@pytest.mark.parametrize("text", ["示例银行", "—", "-", "3-5 年", "2026-11-23", "a=b", "", "（=）"])
def test_ordinary_words_stay(text: str) -> None:
    assert neutral(text) == text


def test_attack_50_in_every_export_of_the_portal(world: World) -> None:  # noqa: F811
    """Names that are formulas, in every file that Rui, Bo and Ling can take out."""
    for text in FORMULAS[:12]:
        Organisation.objects.update(name=text[:100], short_name="")
        Patent.objects.update(title=text, patentee=text)
        Product.objects.update(summary=text, conditions=text)
        for client, url, data in _exports(world):
            answer = client.post(url, data)
            assert answer.status_code == 200, url
            if answer.headers["Content-Type"].startswith("text/csv"):
                lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
                cells = [cell for line in lines for cell in line]
            else:
                books = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets
                cells = [
                    str(cell) for page in books for row in page.iter_rows(values_only=True) for cell in row if cell
                ]
            assert all(_harmless(cell) for cell in cells), (url, text)


def _exports(world: World) -> list[tuple[Client, str, dict[str, str]]]:  # noqa: F811
    supervision = "/supervision/export/"
    return [
        *((world.rui.client, supervision, {"format": kind, "what": "report"}) for kind in ("csv", "xlsx")),
        (world.rui.client, f"{supervision}?measure=addressed", {"format": "csv", "what": "cases"}),
        (world.bo.client, reverse("products:export"), {}),
        (world.ling.client, reverse("pledges:patent-template", args=[world.begun.number]), {}),
    ]


# --- 62, 65: Bo's products ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<style>*{display:none}</style>",
        "<a href='javascript:alert(1)'>x</a>",
        "<img src=x onerror=a>",
    ],
)
def test_attack_62_markup_in_a_product(world: World, text: str) -> None:  # noqa: F811
    """Bo writes markup into his product: visitors read it as words, the product's paper prints it as words."""
    Product.objects.filter(pk=world.product.pk).update(name=text[:40], summary=text, conditions=text)
    page = Client().get(reverse("products:detail", args=[world.product.pk])).content.decode()
    assert text not in page
    assert text[:6].replace("<", "&lt;") in page
    assert "<script>" not in page
    assert text not in Client().get(reverse("products:list")).content.decode()
    if engine.available().ok:
        assert "".join(text.split())[:8] in "".join(text_of(Client().get(reverse("products:paper"))).split())


def test_attack_65_an_export_has_own_rows_only_and_says_who_took_it(world: World) -> None:  # noqa: F811
    """Bo's workbook lists his bank's products and no others, names him, and the journal has its digest; a look changes nothing."""
    mine = set(Product.objects.filter(institution_id=world.bo.organisation.pk).values_list("name", flat=True))
    theirs = factories.product(world.cui.organisation, "暗号别家产品")
    url = reverse("products:export")
    assert world.bo.client.get(url).status_code == 405
    answer = world.bo.client.post(url)
    body = answer.content
    said = text_of(answer)
    assert theirs.name not in said
    names = {
        row[0] for row in openpyxl.load_workbook(io.BytesIO(body)).worksheets[0].iter_rows(min_row=2, values_only=True)
    }
    assert names
    assert names <= mine
    assert world.bo.actor.label in said
    assert f"{moments.local_date(moments.now()):%Y-%m-%d}" in said
    note = Entry.objects.get(verb="records.exported")
    assert (note.actor_label, note.data["rows"], note.parties) == (
        world.bo.actor.label,
        len(names),
        [world.bo.organisation.pk],
    )
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == (
        "private, no-store",
        "nosniff",
    )
    assert world.wai.client.post(url).status_code == 403
    assert Entry.objects.filter(verb="records.exported").count() == 1


@needs_pango
def test_attack_65_the_supervisors_exports_are_marked_in_every_format(world: World) -> None:  # noqa: F811
    """CSV, workbook and PDF all say that it was Rui."""
    for kind in ("csv", "xlsx", "pdf"):
        answer = world.rui.client.post("/supervision/export/", {"format": kind, "what": "report"})
        assert world.rui.actor.label in "".join(text_of(answer).split("\n")), kind
    assert Entry.objects.filter(verb="report.exported").count() == 3


# --- 72 ------------------------------------------------------------------------------------------------------------------


@needs_pango
def test_attack_72_one_byte_of_a_notice_is_changed(world: World) -> None:  # noqa: F811
    """Wai changes one byte of Ling's notice and shows it to Bo: the portal says from which byte on it differs."""
    url = reverse("pledges:notice-pdf", args=[world.registered.number, world.notice.pk])
    body = bytearray(b"".join(world.ling.client.get(url).streaming_content))  # type: ignore[arg-type]
    drop = reverse("pledges:verify", args=[world.notice.verify_code])
    right = Client().post(drop, {"paper": SimpleUploadedFile("a.pdf", bytes(body))}).content.decode()
    assert "文件一致" in right
    place = len(body) // 2
    body[place] ^= 1
    wrong = Client().post(drop, {"paper": SimpleUploadedFile("a.pdf", bytes(body))}).content.decode()
    assert "文件不一致" in wrong
    assert f"第 {place + 1} 个字节" in wrong


def test_a_template_is_everybodys_and_not_logged(bo: Person) -> None:
    assert bo.client.get(reverse("products:import-template")).status_code == 200
    assert not Entry.objects.filter(verb="records.exported").exists()
