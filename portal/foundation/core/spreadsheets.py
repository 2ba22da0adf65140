"""Spreadsheets in and out: words stay words on the way out, and a workbook is looked at before it is opened on the way in."""

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from .errors import TooLarge, WrongType

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONE = {"-", "—", "–"}  # a dash that says «nothing»
MOST_MEMBERS, MOST_BYTES, MOST_RATIO = 1_000, 50 * 1024 * 1024, 100
MOST_OF_A_PART = 2 * 1024 * 1024  # but those that hold the rows: a reader may build any other in memory whole
_LARGE = ("xl/worksheets/", "xl/sharedStrings.xml")
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")  # no XML begins like this
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the two of the Open Packaging Conventions (ECMA-376-2)
_PIECE = 64 * 1024


def neutral(text: str) -> str:
    """Text that no spreadsheet takes for a formula: one that would begin as such gets an apostrophe before it.

    Judged after NFKC and strip and without invisible characters, because a spreadsheet may fold a full-width «＝» or skip
    what nobody sees before it (CWE-1236).
    """
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")  # zero-width and direction marks
    folded = unicodedata.normalize("NFKC", seen).strip()
    hidden = text[:1] in _STARTS_A_FORMULA
    if folded not in _LONE and (folded.startswith(_STARTS_A_FORMULA) or hidden):
        return f"'{text}"
    return text


def plain(text: str) -> str:
    """What `neutral` made of it, taken back: a workbook of ours can be read again."""
    return text[1:] if text[:1] == "'" and neutral(text[1:]) == text else text


# What Python's zipfile and zlib raise over broken, encrypted or lying packages.
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, NotImplementedError, EOFError, ValueError, OSError,
    OverflowError,
)  # fmt: skip


def check_workbook(body: bytes) -> None:
    """Unpack an XLSX once under a cap before any library does. Raises WrongType (415) for what is none, TooLarge (413)
    for a bomb: more than 1,000 members, 50 MB unpacked, a hundred times its size (Python's zipfile checks lengths), or a
    part beside the rows of more than 2 MB."""
    if not body.startswith(b"PK\x03\x04"):
        raise WrongType("xlsx", "这不是 XLSX 文件。请用模板填写，另存为“Excel 工作簿（.xlsx）”后上传。")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as package:
            names = package.namelist()
            if len(names) > MOST_MEMBERS:
                raise TooLarge("members", "文件内部的部件太多，请用模板重新填写。")
            if "xl/workbook.xml" not in names:
                raise WrongType("xlsx", "这个压缩包不是 XLSX 工作簿，请用模板填写后上传。")
            total = 0
            for member in package.infolist():
                total = _walk(package, member, total, limit=min(MOST_BYTES, max(len(body), 10_000) * MOST_RATIO))
    except _UNREADABLE as error:
        raise WrongType("broken", "文件打不开，可能已损坏或加了密码。请另存一份后再上传。") from error


def _walk(package: zipfile.ZipFile, member: zipfile.ZipInfo, total: int, *, limit: int) -> int:
    if member.compress_type not in _METHODS:
        raise WrongType("method", "文件的压缩方式不是 Excel 用的，请另存为“Excel 工作簿（.xlsx）”后上传。")
    size, tail, picture = 0, b"", False
    with package.open(member) as stream:
        while piece := stream.read(_PIECE):
            picture = picture or (size == 0 and piece.startswith(_PICTURES))
            size += len(piece)
            if total + size > limit:
                raise TooLarge("bomb", "文件展开后过大，请删去图片和多余的工作表，每次最多 10000 行。")
            if size > MOST_OF_A_PART and not member.filename.startswith(_LARGE):
                raise TooLarge("part", "文件里有过大的图片或其他内容，请只保留数据后再上传。")
            if not picture and _declares(tail + piece):
                raise WrongType("entities", "文件里有不允许的内容（实体声明），请用模板重新填写。")
            tail = piece[-32:]
    return total + size


def _declares(text: bytes) -> bool:
    """A document type is the door to entity bombs; workbooks have none. Looked for in every part, whatever it is called,
    because the package itself says which part is read as what; and without zero bytes, as UTF-16 would write it."""
    plain_text = text.replace(b"\x00", b"")
    return b"<!DOCTYPE" in plain_text or b"<!ENTITY" in plain_text


def rows(body: bytes, *, most: int, width: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The first sheet's rows that are not empty, as (row number in the sheet, values of the first `width` columns).

    Values are str, int, float, bool, datetime or None, formulas as their last result. Raises TooLarge beyond `most` rows
    (the heading not counted), WrongType for a workbook that cannot be read. `check_workbook` comes first.
    """
    # Loaded only here: few processes ever read a workbook.
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says about its own size is not believed
        found = 0
        for number, cells in enumerate(sheet.iter_rows(max_col=width, values_only=True), start=1):
            if number > most * 2 + 1000:
                raise TooLarge("rows", f"工作表里的行太多，每次最多 {most} 行，请删去空行或分批导入。")
            values = tuple(cells)
            if any(value not in (None, "") for value in values):
                found += 1
                if found > most + 1:
                    raise TooLarge("rows", f"一次最多导入 {most} 行，请分批导入。")
                yield number, values
        book.close()
    except (KeyError, ValueError, IndexError, TypeError, AttributeError, SyntaxError) as error:
        raise WrongType("broken", "工作表读不出来，请用模板重新填写后上传。") from error
