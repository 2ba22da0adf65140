"""Workbooks that are none: whatever somebody sends, Bo's upload ends in a sentence and never in a fault of ours."""

import io
import random
import struct
import zipfile
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.errors import DomainError, TooLarge, WrongType
from portal.foundation.core.intake.gate import admit
from portal.foundation.core.intake.kinds import WORKBOOK
from portal.foundation.core.intake.packages import MOST_OF_A_PART
from tests.factories import Person

BOOK = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}
DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><x>&a;</x>'


def package(parts: Mapping[str, bytes] = MappingProxyType({}), method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A workbook's package with further parts by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, body in {**BOOK, **parts}.items():
            made.writestr(name, body)
    return out.getvalue()


def broken(name: str, body: bytes, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A package in which the bytes of one part, as they are packed, are not what its method writes."""
    whole = bytearray(package({name: body}, method))
    at = whole.index(name.encode())  # the part's own header; the list of contents comes at the end
    extra = struct.unpack("<H", whole[at - 2 : at])[0]
    start = at + len(name) + extra
    for place in range(start, start + 40):
        whole[place] = 0xFF
    return bytes(whole)


NOISE = random.Random(4).randbytes(5_000)
REFUSED = {
    "deflated bytes that are no deflate": (broken("xl/styles.xml", NOISE), WrongType),
    "LZMA bytes that are no LZMA": (broken("xl/styles.xml", NOISE, method=zipfile.ZIP_LZMA), WrongType),
    "LZMA, which Excel never writes": (package(method=zipfile.ZIP_LZMA), WrongType),
    "bzip2, which Excel never writes": (package(method=zipfile.ZIP_BZIP2), WrongType),
    "entities in a part with a capital ending": (package({"xl/styles.XML": DOCTYPE.encode()}), WrongType),
    "entities in a part without an ending": (package({"xl/theme": DOCTYPE.encode()}), WrongType),
    "entities in a part that is called a picture": (package({"xl/media/image1.png": DOCTYPE.encode()}), WrongType),
    "entities in UTF-16": (package({"xl/styles.bin": DOCTYPE.encode("utf-16")}), WrongType),
    "entities after the first pieces": (package({"xl/styles.xml": b" " * 65_530 + DOCTYPE.encode()}), WrongType),
    "entities in UTF-16 across two pieces": (
        package({"xl/styles.xml": (" " * 32_763 + DOCTYPE).encode("utf-16-le")}), WrongType,
    ),
    "a style sheet of more than 2 MB": (package({"xl/styles.xml": NOISE * 500}), TooLarge),
    "rows under another name": (package({"XL/worksheets.xml": NOISE * 500}), TooLarge),
}  # fmt: skip


def check_workbook(body: bytes) -> None:
    admit(SimpleUploadedFile("a.xlsx", body), kinds=WORKBOOK, actor=SYSTEM, now=moments.now())


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_workbook_is_refused_in_words(what: str) -> None:
    body, refusal = REFUSED[what]
    with pytest.raises(refusal) as said:
        check_workbook(body)
    assert isinstance(said.value, DomainError)


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["deflated bytes that are no deflate", "LZMA bytes that are no LZMA"])
def test_bo_reads_that_his_file_is_broken(bo: Person, what: str) -> None:
    """It was an internal error: Bo saw «系统出错» and did not know that it was his file."""
    file = SimpleUploadedFile("产品.xlsx", REFUSED[what][0])
    answer = bo.client.post("/products/import/", {"file": file})
    assert answer.status_code == 415
    assert "另存" in answer.content.decode()


def test_what_excel_writes_passes() -> None:
    """Printer settings are full of zero bytes, pictures of anything, and ten thousand rows are more than 2 MB."""
    check_workbook(
        package(
            {
                "xl/printerSettings/printerSettings1.bin": "打印机 \\\\server".encode("utf-16") + b"\x00" * 900,
                "xl/media/image1.png": b"\x89PNG\r\n\x1a\n" + NOISE + b"<!DOCTYPE",
                "xl/media/image2.jpeg": b"\xff\xd8\xff\xe0" + NOISE,
                "xl/worksheets/sheet1.xml": NOISE * 500,
                "xl/sharedStrings.xml": NOISE * 500,
            }
        )
    )
    assert len(NOISE) * 500 > MOST_OF_A_PART
