"""Papers: what Ling and Bo hold in their hands, and what nobody may smuggle into them.

Text extraction alone proves nothing: a PDF whose glyphs are blank still yields its text. So the pages are rasterised
and their ink is counted.
"""

import base64
import http.server
import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
import pytest
import segno
from django.template.loader import render_to_string
from PIL import Image, ImageChops, ImageDraw, ImageFont

from benchmarks import line_b9, papers
from portal.foundation.core import qr
from portal.foundation.core.errors import TooLarge
from portal.foundation.core.pdf import engine, fonts, libs

pytestmark = pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)

CREATED = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
NOTICE = "pdf/notice_registration.html"


def words(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def picture(pdf: bytes, page: int = 0) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return document[page].render(scale=2, grayscale=True).to_pil().convert("L")
    finally:
        document.close()


def darkness(image: Image.Image) -> float:
    return sum((255 - grey) * count for grey, count in enumerate(image.histogram())) / 255


def sheet(body: str) -> str:
    return f"<html lang='zh-CN'><head><title>样张</title></head><body>{body}</body></html>"


def embedded_fonts(pdf: bytes) -> list[Any]:
    used = [font for page in pypdf.PdfReader(io.BytesIO(pdf)).pages for font in page["/Resources"]["/Font"].values()]
    return [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in used]


def contains(pdf: bytes, secret: bytes) -> bool:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    objects = [reader.get_object(number) for number in range(1, int(reader.trailer["/Size"]))]
    streams = [item.get_data() for item in objects if isinstance(item, pypdf.generic.StreamObject)]
    assert streams
    return any(secret in stream for stream in streams)


def test_ling_reads_every_patent_and_amount_in_her_notice() -> None:
    context = papers.registration(4)
    (text,) = words(engine.render_template(NOTICE, context))
    for patent in context["patents"]:
        assert patent["number"] in text
        assert len(patent["number"]) == 13
    assert "人民币8,000,000.00元（800万元）" in text
    assert "本件由重庆代办处（示例）按授权受理。" in text
    assert "演示数据，不具法律效力" in text
    assert "登记机关登记号" not in text


def test_the_national_registrars_number_is_a_row_of_its_own_once_it_is_known() -> None:
    (text,) = words(engine.render_template(NOTICE, papers.registration() | {"registrar_number": "Y2026500000123"}))
    assert "登记机关登记号" in text
    assert "Y2026500000123" in text


def test_a_real_notice_does_not_call_itself_a_demonstration() -> None:
    (text,) = words(engine.render_template(NOTICE, papers.registration() | {"demo": False}))
    assert "演示" not in text


def test_sixty_patents_run_over_pages_with_head_number_and_page_count_on_each() -> None:
    context = papers.registration(60)
    pages = words(engine.render_template(NOTICE, context))
    assert len(pages) > 2
    whole = "".join(pages)
    assert all(whole.count(patent["number"]) == 1 for patent in context["patents"])
    assert all("授权公告日" in page for page in pages if "20211" in page)
    for number, page in enumerate(pages, 1):
        assert f"第{number}页／共{len(pages)}页" in page
        assert context["number"] in page


def test_a_refusal_lists_every_ground_and_a_correction_every_defect() -> None:
    common = papers.registration() | {"application_number": "ZY-2026-000345"}
    grounds = [{"code": f"R{n:02}", "text": f"情形{n}", "detail": ""} for n in range(1, 13)]
    refusal = "".join(words(engine.render_template("pdf/notice_refusal.html", common | {"grounds": grounds})))
    assert all(ground["code"] in refusal and ground["text"] in refusal for ground in grounds)
    defects = [{"material": f"材料{n}", "problem": "缺页", "fix": f"补齐第{n}页"} for n in range(1, 16)]
    correction = "".join(words(engine.render_template("pdf/notice_correction.html", common | {"defects": defects})))
    assert all(defect["fix"] in correction for defect in defects)
    assert "共15项" in correction


def test_rui_gets_a_report_with_a_repeated_head_and_all_rows() -> None:
    rows = [[f"示例银行{n}", "响应", str(n), "95.0%"] for n in range(1, 61)]
    table = {"caption": "按机构", "columns": ["机构", "环节", "件数", "达成率"], "texts": 2, "rows": rows}
    context = {"title": "2026年11月时限达成月报", "number": "渝知融月报〔2026〕11号", "tables": [table]}
    pages = words(engine.render_template("pdf/report_sla.html", context))
    assert len(pages) > 1
    assert all("达成率" in page for page in pages)
    assert all(row[0] in "".join(pages) for row in rows)


def test_the_ink_of_a_notice_is_that_of_the_complete_typefaces() -> None:
    html = render_to_string(NOTICE, papers.registration())
    ours = line_b9.ink(engine.render(html))
    default = line_b9.ink(line_b9.default_weasyprint(html, line_b9.complete_styles()))
    assert ours == pytest.approx(default, rel=0.05)
    assert ours > 0.01


@pytest.mark.parametrize("character", [*"押渝9Ａ（铖堃喆祎", *"㛃𬭎龘䶮𫖯"])
def test_common_and_rare_characters_are_drawn_as_in_the_source_typeface(character: str) -> None:
    html = sheet(f"<p style='font-size:200pt;line-height:1.2'>{character}</p>")
    printed = picture(engine.render(html)).crop((0, 0, 1190, 1500))  # without the page number
    source = ImageFont.truetype(str(fonts.FACES[0].path), 400, layout_engine=ImageFont.Layout.BASIC)
    drawn = Image.new("L", (1190, 1500), 255)
    ImageDraw.Draw(drawn).text((100, 100), character, font=source, fill=0)
    assert darkness(drawn) > 1000
    assert darkness(printed) == pytest.approx(darkness(drawn), rel=0.03)


def test_bold_heads_have_mainland_shapes_although_their_source_is_japanese() -> None:
    def heading(language: str) -> str:
        return f"<html lang='{language}'><title>字形</title><h1>直骨令关复述户门与海每遍</h1></html>"

    ours = picture(engine.render(heading("zh-CN")))
    mainland, japanese = (
        picture(line_b9.default_weasyprint(heading(language), line_b9.complete_styles()))
        for language in ("zh-CN", "ja")
    )
    same, other = (darkness(ImageChops.invert(ImageChops.difference(ours, page))) for page in (mainland, japanese))
    assert other > 5 * same


def test_every_embedded_font_is_truetype_because_readers_draw_blanks_for_the_cid_keyed_kind() -> None:
    rare = papers.registration() | {"issuer": "㛃𬭎（示例）"}
    faces = embedded_fonts(engine.render_template(NOTICE, rare))
    assert len(faces) >= 4
    assert all("/FontFile2" in face and "/FontFile3" not in face for face in faces)


def test_the_notice_is_small_enough_to_mail_by_the_thousand() -> None:
    assert len(engine.render_template(NOTICE, papers.registration())) <= 80_000


def test_a_screen_reader_finds_language_title_table_heads_and_the_words_for_the_qr_code() -> None:
    reader = pypdf.PdfReader(io.BytesIO(engine.render_template(NOTICE, papers.registration(), created=CREATED)))
    catalog: Any = reader.trailer["/Root"]
    assert catalog["/Lang"] == "zh-CN"
    assert catalog["/MarkInfo"]["/Marked"]
    assert catalog["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b'pdfuaid:part="1"' in catalog["/Metadata"].get_data()
    assert reader.metadata is not None
    assert reader.metadata.title == "专利权质押登记通知书 渝质登〔2026〕000128号"
    assert reader.metadata.creation_date == CREATED
    kinds, pictures = [], []

    def walk(element: Any) -> None:
        element = element.get_object()
        if isinstance(element, pypdf.generic.ArrayObject):
            for child in element:
                walk(child)
        elif isinstance(element, pypdf.generic.DictionaryObject):
            kinds.append(element.get("/S"))
            if element.get("/S") == "/Figure":
                pictures.append(element.get("/Alt"))
            if "/K" in element:
                walk(element["/K"])

    walk(catalog["/StructTreeRoot"]["/K"])
    assert {"/H1", "/Table", "/TH", "/TD", "/P"} <= set(kinds)
    assert pictures == [f"核验二维码，内容为核验地址 {papers.ADDRESS}"]


def test_the_same_notice_printed_again_is_the_same_file_to_the_byte(settings: Any) -> None:
    """A certificate records the digest of its file: another process, with other hash seeds, must agree."""
    here = engine.render_template(NOTICE, papers.registration() | {"issuer": "㛃（示例）"}, created=CREATED)
    program = (
        "import sys, hashlib, django; django.setup()\n"
        "from datetime import UTC, datetime\n"
        "from benchmarks import papers\n"
        "from portal.foundation.core.pdf import engine\n"
        "context = papers.registration() | {'issuer': '㛃（示例）'}\n"
        "engine.render('<html><title>a</title>先印别的</html>')\n"
        f"paper = engine.render_template({NOTICE!r}, context, created=datetime(2026, 11, 23, 2, 30, tzinfo=UTC))\n"
        "sys.stdout.buffer.write(paper)"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "PORTAL_DATA": str(settings.DATA_DIR)}
    environment["DJANGO_SETTINGS_MODULE"] = os.environ.get("DJANGO_SETTINGS_MODULE", "portal.settings")
    there = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env=environment, cwd=settings.BASE_DIR
    )
    assert there.stdout == here
    assert engine.render_template(NOTICE, papers.registration() | {"issuer": "㛄（示例）"}, created=CREATED) != here


def test_six_officers_printing_at_once_get_the_same_pages() -> None:
    html = render_to_string(NOTICE, papers.registration())
    wanted = engine.render(html)
    printed: list[bytes] = []
    threads = [threading.Thread(target=lambda: printed.append(engine.render(html))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert printed == [wanted] * 6


class _Listener(http.server.BaseHTTPRequestHandler):
    hits: list[str] = []

    def do_GET(self) -> None:
        self.hits.append(self.path)
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "/redirected")
        else:
            self.send_response(200)
            self.send_header("Content-Type", "text/css" if self.path.endswith("css") else "image/png")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def listener() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def _svg(inner: str) -> str:
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">{inner}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(drawing.encode()).decode()


CHANNELS = {
    "img": "<img src='{0}/a.png'>",
    "style sheet": "<link rel=stylesheet href='{0}/a.css'>",
    "import": "<style>@import url({0}/b.css);</style>",
    "font": "<style>@font-face{{font-family:'Portal Serif';src:url({0}/f.ttf)}}</style>",
    "background": "<p style='background:url({0}/c.png)'>x</p>",
    "object": "<object data='{0}/d.png'></object>",
    "embed": "<embed src='{0}/e.png'>",
    "attachment": "<link rel=attachment href='{0}/g.png'>",
    "attachment link": "<a rel=attachment href='{0}/h.png'>x</a>",
    "redirect": "<img src='{0}/redirect.png'>",
    "list style": "<ul style='list-style-image:url({0}/i.png)'><li>x</ul>",
    "content": "<style>p::before{{content:url({0}/j.png)}}</style><p>x</p>",
    "border image": "<p style='border:9px solid;border-image:url({0}/o.png) 3'>x</p>",
    "base": "<base href='{0}/'><img src='k.png'>",
    "svg element": "<svg viewBox='0 0 9 9' width=9 height=9><image href='{0}/l.png' width=9 height=9 /></svg>",
}


@pytest.mark.parametrize("channel", CHANNELS)
def test_wai_cannot_make_a_paper_call_home(channel: str, listener: str) -> None:
    html = sheet(CHANNELS[channel].format(listener))
    _Listener.hits.clear()
    line_b9.default_weasyprint(html, "")
    assert _Listener.hits, "an unlocked WeasyPrint does call: the channel is real"
    _Listener.hits.clear()
    engine.render(html)
    assert _Listener.hits == []


@pytest.mark.parametrize(
    "inner",
    ["<image href='{0}/m.png' width='9' height='9'/>", "<style>@font-face{{font-family:x;src:url({0}/n.ttf)}}</style>"],
    ids=["image", "font"],
)
def test_wai_cannot_call_home_from_inside_a_drawing(inner: str, listener: str) -> None:
    html = sheet(f"<img alt=x src='{_svg(inner.format(listener))}'>")
    _Listener.hits.clear()
    line_b9.default_weasyprint(html, "")
    assert _Listener.hits
    _Listener.hits.clear()
    engine.render(html)
    assert _Listener.hits == []


@pytest.mark.parametrize("channel", ["attachment", "attachment link", "img", "object"])
def test_wai_cannot_carry_a_file_of_the_server_out_in_a_paper(channel: str, tmp_path: Path) -> None:
    for name in "adgh":
        (tmp_path / f"{name}.png").write_bytes(b"the keys of the house")
    html = sheet(CHANNELS[channel].format(tmp_path.as_uri()))
    if "attachment" in channel:
        assert contains(line_b9.default_weasyprint(html, ""), b"the keys of the house"), "the channel is real"
    assert not contains(engine.render(html), b"the keys of the house")


def test_a_paper_cannot_change_the_typeface_of_the_next_one() -> None:
    clean = engine.render(sheet("<p>甲乙丙</p>"))
    engine.render(sheet("<style>@font-face{font-family:'Portal Serif';src:local('DejaVu Sans')}</style><p>甲</p>"))
    assert engine.render(sheet("<p>甲乙丙</p>")) == clean


def test_markup_in_a_company_name_is_printed_as_text(listener: str) -> None:
    context = papers.registration()
    context["parties"][0]["name"] = f"<img src={listener}/p.png>"
    _Listener.hits.clear()
    (text,) = words(engine.render_template(NOTICE, context))
    assert "<img src=" in text
    assert _Listener.hits == []


def test_the_qr_code_on_paper_is_the_address_module_by_module() -> None:
    matrix = [list(row) for row in segno.make(papers.ADDRESS, error="m", micro=False).matrix_iter(border=4)]
    size = len(matrix)
    html = sheet(f"<img alt='码' style='display:block;width:{size * 3}mm' src='{qr.data_uri(papers.ADDRESS)}'>")
    page = picture(engine.render(html))
    millimetre = page.width / 210
    left, top = 24 * millimetre, 24 * millimetre
    seen = [
        [
            page.getpixel((int(left + (3 * x + 1.5) * millimetre), int(top + (3 * y + 1.5) * millimetre))) < 128
            for x in range(size)
        ]
        for y in range(size)
    ]
    assert seen == [[bool(module) for module in row] for row in matrix]


def test_the_qr_code_on_a_page_passes_the_strict_content_security_policy() -> None:
    drawing = qr.svg(papers.ADDRESS)
    assert drawing.startswith("<svg")
    assert "style" not in drawing
    assert "script" not in drawing


def test_a_paper_without_a_title_or_with_a_naive_date_is_refused() -> None:
    with pytest.raises(ValueError, match="title"):
        engine.render("<html lang='zh-CN'><p>无题</p></html>")
    with pytest.raises(ValueError, match="aware"):
        engine.render(sheet("x"), created=CREATED.replace(tzinfo=None))
    with pytest.raises(TooLarge):
        engine.render(sheet("字" * engine.LONGEST_HTML))


def test_a_machine_without_pango_says_what_to_install_instead_of_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libs, "LIBRARIES", (*libs.LIBRARIES, "libnot-there.so.0"))
    engine.available.cache_clear()
    try:
        answer = engine.available()
        assert not answer.ok
        assert "libnot-there.so.0" in answer.reason
        assert "apt-get install" in answer.reason
        with pytest.raises(engine.PdfUnavailable) as refusal:
            engine.render(sheet("x"))
        assert refusal.value.status == 503
    finally:
        engine.available.cache_clear()


def test_fetching_pango_without_apt_fails_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(libs.LibrariesMissing, match="没有 apt-get"):
        libs.fetch_private(tmp_path / "libs", status=tmp_path / "status")


def test_the_templates_are_written_in_everyday_characters() -> None:
    for template in Path(engine.__file__).parents[4].joinpath("templates/pdf").glob("*.html"):
        assert not fonts.rare_characters(template.read_text("utf-8")), template.name


def test_a_cut_font_directory_owned_by_a_stranger_is_refused(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a directory away")
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(PermissionError, match="属于其他用户"):
        fonts.prepare(tmp_path)
