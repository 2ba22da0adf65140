"""Hostile files, made when they are needed: none of them lies in the repository."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from PIL import Image

from tests.made_files import PDF

Name, Dictionary = pikepdf.Name, pikepdf.Dictionary
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
EXE = b"MZ\x90\x00" + b"\0" * 60
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (n, b"&%c;" % (n - 1) * 10) for n in range(ord("b"), ord("j"))
)
XXE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


def pdf(change: Callable[[pikepdf.Pdf], None] = lambda made: None, *, packed: bool = True, **options: Any) -> bytes:
    """A PDF of one page with something in it; `packed` hides it in an object stream, where no search for words sees it."""
    with pikepdf.new() as made:
        made.add_blank_page()
        change(made)
        out = io.BytesIO()
        mode = pikepdf.ObjectStreamMode.generate if packed else pikepdf.ObjectStreamMode.disable
        made.save(out, object_stream_mode=mode, **options)
    return out.getvalue()


def _script() -> pikepdf.Dictionary:
    return Dictionary(S=Name.JavaScript, JS="app.alert(1)")


def _set(key: str, value: Callable[[pikepdf.Pdf], Any]) -> Callable[[pikepdf.Pdf], None]:
    return lambda made: made.Root.__setitem__(key, value(made))


def _on_page(key: str, value: Callable[[pikepdf.Pdf], Any]) -> Callable[[pikepdf.Pdf], None]:
    return lambda made: made.pages[0].obj.__setitem__(key, value(made))


def _attach(made: pikepdf.Pdf) -> None:
    made.attachments["run.exe"] = EXE


def _unreferenced(made: pikepdf.Pdf) -> None:
    """JavaScript that nothing points to; qpdf would drop it, so a page keeps an unknown key that does."""
    made.pages[0].obj["/Unknown"] = made.make_indirect(_script())


def _nested(made: pikepdf.Pdf) -> None:
    deep: Any = _script()
    for _ in range(20):
        deep = Dictionary(A=pikepdf.Array([deep]))
    made.Root["/PieceInfo"] = deep


def hostile_pdfs() -> dict[str, bytes]:
    """What a PDF may carry, by name; every one opens in a reader."""
    note = Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=[0, 0, 9, 9])
    form = Dictionary(Fields=pikepdf.Array([]), XFA="<xdp/>")
    made: dict[str, bytes] = {}
    for name, change in {
        "a script when it opens": _set("/OpenAction", lambda p: p.make_indirect(_script())),
        "a script by name": _set("/Names", lambda p: Dictionary(JavaScript=Dictionary(Names=["x", _script()]))),
        "a script in a strange place": _unreferenced,
        "a script twenty dictionaries deep": _nested,
        "an action of a page": _on_page("/AA", lambda p: Dictionary(O=_script())),
        "a program to launch": _set("/OpenAction", lambda p: Dictionary(S=Name.Launch, F="cmd.exe")),
        "a link that launches": _on_page(
            "/Annots", lambda p: [Dictionary(Subtype=Name.Link, A=Dictionary(S=Name.Launch, F="cmd.exe"))]
        ),
        "a form that is sent away": _on_page(
            "/Annots", lambda p: [Dictionary(Subtype=Name.Widget, A=Dictionary(S=Name.SubmitForm, F="http://x"))]
        ),
        "another file inside": _attach,
        "a file as a note": _on_page("/Annots", lambda p: [note]),
        "a film": _on_page("/Annots", lambda p: [Dictionary(Subtype=Name.RichMedia)]),
        "a dynamic form": _set("/AcroForm", lambda p: form),
    }.items():
        made[name] = pdf(change)
        made[f"{name}, unpacked"] = pdf(change, packed=False)
    made["a password"] = pdf(encryption=pikepdf.Encryption(owner="x", user="y"))
    made["an owner's password"] = pdf(encryption=pikepdf.Encryption(owner="x", user=""))
    made["a name written with #"] = PDF.replace(
        b"/Type/Catalog", b"/Type/Catalog/OpenAction<</S/J#61vaScript/J#53(app.alert(1))>>"
    )
    made["an earlier revision with a script"] = PDF.replace(b"/MediaBox", b"/X<</S/JavaScript/JS(a)>>/MediaBox") + (
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    return made


def two_in_one() -> dict[str, bytes]:
    """Files that are two kinds at once."""
    package = workbook({})
    return {
        "a page, then a PDF": HTML + PDF,
        "a PDF after a space": b" " + PDF,
        "a PDF with a page in its head": b"%PDF-1.4\n<html><script>alert(1)</script>\n" + PDF,
        "a PDF with PHP in its head": b"%PDF-1.4\n%<?php system($_GET[0]); ?>\n" + PDF,
        "a PDF and a ZIP": PDF + package,
        "a PDF in a ZIP's comment": PDF + package[:-2] + struct.pack("<H", 20) + b"%%EOF" + b" " * 15,
    }


def workbook(parts: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, body in {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>", **parts}.items():
            made.writestr(name, body)
    return out.getvalue()


def ofd(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in {"OFD.xml": b"<ofd/>", **parts}.items():
            made.writestr(name, body)
    return out.getvalue()


def picture_bomb(width: int = 20_000, height: int = 20_000) -> bytes:
    """A PNG of 400 million black pixels in a megabyte."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))

    packer, line = zlib.compressobj(9), b"\0" * (width * 3 + 1)
    packed = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def document_bomb() -> bytes:
    """A PDF whose object stream unpacks to 600 MB."""
    packer = zlib.compressobj(9)
    body = packer.compress(b"1 0 ") + b"".join(packer.compress(b" " * 10_000_000) for _ in range(60)) + packer.flush()
    out = b"%PDF-1.5\n"
    first = len(out)
    out += b"5 0 obj<</Type/ObjStm/N 1/First 4/Length %d/Filter/FlateDecode>>stream\n" % len(body) + body
    out += b"\nendstream endobj\n"
    table = len(out)
    rows = [(0, 0, 65535), (2, 5, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), (1, first, 0), (1, table, 0)]
    packed = b"".join(struct.pack("!BIH", *row) for row in rows)
    out += b"6 0 obj<</Type/XRef/Size 7/W[1 4 2]/Root 1 0 R/Length %d>>stream\n" % len(packed) + packed
    return out + b"\nendstream endobj\nstartxref\n%d\n%%%%EOF\n" % table


def bombs() -> dict[str, tuple[str, bytes]]:
    """Small files that grow: name and bytes."""
    nested = workbook({"inner.zip": workbook({"x.xml": b" " * 30_000_000})})
    return {
        "rows of blanks": ("a.xlsx", workbook({"xl/worksheets/sheet1.xml": b"<x>" + b" " * 150_000_000})),
        "a thousand and one parts": ("a.xlsx", workbook({f"xl/{n}.xml": b"<x/>" for n in range(1_001)})),
        "one large part": ("a.xlsx", workbook({"xl/theme/theme1.xml": random.Random(5).randbytes(2_200_000)})),
        "an invoice of blanks": ("a.ofd", ofd({"Doc_0/Document.xml": b"<x>" + b" " * 150_000_000})),
        "a package in a package": ("a.ofd", ofd({"Doc_0/Res/a.zip": nested, "Doc_0/b.xml": b" " * 60_000_000})),
        "a picture of 400 megapixels": ("a.png", picture_bomb()),
        "a picture of 26 megapixels": ("a.png", picture_bomb(5_200, 5_000)),
    }


def with_place() -> bytes:
    """A photo with the place and the camera in its EXIF, a comment, a colour profile, and a page behind its end."""
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAMERA"
    exif[0x0112] = 6  # held upright
    exif.get_ifd(0x8825).update({1: "N", 2: (29.0, 33.0, 0.0), 3: "E", 4: (106.0, 34.0, 0.0)})
    out = io.BytesIO()
    photo = Image.new("RGB", (40, 30), (10, 120, 200))
    photo.save(out, "JPEG", exif=exif.tobytes(), comment=b"SECRETNOTE", icc_profile=b"SECRETPROFILE" * 20)
    return out.getvalue() + HTML
