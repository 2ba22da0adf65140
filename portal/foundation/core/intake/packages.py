"""ZIP packages, looked through under a cap and never unpacked to the disk. Standard library and defusedxml only.

Python's zipfile compares what a member says about its length with what comes out; so a streamed walk with a cap is safe.
"""

import io
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from .findings import Bad, Big

MOST_MEMBERS, MOST_BYTES, MOST_RATIO = 1_000, 50 * 1024 * 1024, 100
MOST_OF_A_PART = (
    2 * 1024 * 1024
)  # of a workbook, but those that hold the rows: a reader may build any other in memory whole
_ROWS = ("xl/worksheets/", "xl/sharedStrings.xml")
MOST_OF_STRINGS = (
    8 * 1024 * 1024
)  # of the shared strings, which a reader holds whole: ten thousand rows have one or two
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")  # no XML begins like this
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the two of the Open Packaging Conventions (ECMA-376-2)
_PIECE = 64 * 1024
_ENCRYPTED, _LINK = 0x1, 0o120000
_END = b"PK\x05\x06"
_MACROS = ("vbaproject.bin", "xl/macrosheets/", "xl/activex/")
# What Python's zipfile and zlib raise over broken, encrypted or lying packages.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, NotImplementedError, EOFError, ValueError, OSError,
    OverflowError,
)  # fmt: skip


def look(body: bytes, *, must: str, workbook: bool) -> None:
    """Raises Bad or Big. `must` is the member that makes the package what it says it is; `workbook` adds the rules of XLSX."""
    try:
        _ends(body)
        with zipfile.ZipFile(io.BytesIO(body)) as package:
            members = package.infolist()
            if len(members) > MOST_MEMBERS:
                raise Big("members")
            if not any(_same(member.filename, must) for member in members):
                raise Bad("kind")
            total, limit = 0, min(MOST_BYTES, max(len(body), 10_000) * MOST_RATIO)
            for member in members:
                _named(member, workbook=workbook)
                total += _walk(package, member, limit=limit - total, workbook=workbook)
    except UNREADABLE as error:
        raise Bad("broken") from error


def _ends(body: bytes) -> None:
    """A package begins at the first byte and ends with its list of contents: nothing else can be hidden before or behind."""
    end = body.rfind(_END)
    comment = struct.unpack("<H", body[end + 20 : end + 22])[0] if end >= 0 and len(body) >= end + 22 else -1
    if comment < 0:
        raise Bad("broken")
    if comment or end + 22 != len(body) or b"%PDF-" in body[:1024]:
        raise Bad("two")


def _same(name: str, wanted: str) -> bool:
    return name.lower().lstrip("/") == wanted.lower()


def _named(member: zipfile.ZipInfo, *, workbook: bool) -> None:
    """No name that would leave the folder when somebody unpacks it, no links, no passwords, no macros."""
    name = member.filename.replace("\\", "/")
    parts = PurePosixPath(name.lstrip("/")).parts
    # GB/T 33190 lets OFD packages write their paths from the root, «/Doc_0/Document.xml»; nothing is ever unpacked here.
    if ".." in parts or name.startswith("//") or (workbook and name.startswith("/")) or ":" in name or "\0" in name:
        raise Bad("path")
    if member.external_attr >> 16 & 0o170000 == _LINK:
        raise Bad("path")
    if member.flag_bits & _ENCRYPTED:
        raise Bad("encrypted")
    if member.compress_type not in _METHODS:
        raise Bad("method")
    if workbook and any(macro in name.lower() for macro in _MACROS):
        raise Bad("macro")


def _walk(package: zipfile.ZipFile, member: zipfile.ZipInfo, *, limit: int, workbook: bool) -> int:
    size, tail, picture, parser = 0, b"", False, None
    is_xml = member.filename.lower().endswith((".xml", ".rels"))
    with package.open(member) as stream:
        while piece := stream.read(_PIECE):
            picture = picture or (size == 0 and piece.startswith(_PICTURES))
            if size == 0 and is_xml and piece:
                parser = _parser()
            size += len(piece)
            if size > limit:
                raise Big("bomb")
            if workbook and size > MOST_OF_A_PART and not member.filename.startswith(_ROWS):
                raise Big("part")
            if workbook and size > MOST_OF_STRINGS and member.filename.startswith("xl/sharedStrings.xml"):
                raise Big("part")
            if not picture and _declares(tail + piece):
                raise Bad("entities")
            if parser is not None and not _fed(parser, piece):
                parser = None
            tail = piece[-32:]
    return size


class _Nothing:
    """The parser builds no tree."""

    def close(self) -> None:
        """Asked for at the end."""


def _parser() -> DefusedXMLParser:
    parser = DefusedXMLParser(target=_Nothing(), forbid_dtd=True)
    parser.parser.DefaultHandlerExpand = None  # called for every tag, to do nothing
    return parser


def _fed(parser: DefusedXMLParser, piece: bytes) -> bool:
    """Whether it is still XML; what is none is the reader's to refuse."""
    try:
        parser.feed(piece)
    except DefusedXmlException as error:
        raise Bad("entities") from error
    except ParseError:
        return False
    return True


def _declares(text: bytes) -> bool:
    """A document type is the door to entity bombs; no package of ours has one. Looked for in every part, whatever it is
    called, because the package itself says which part is read as what; and without zero bytes, as UTF-16 would write it."""
    plain = text.replace(b"\x00", b"")
    return b"<!DOCTYPE" in plain or b"<!ENTITY" in plain
