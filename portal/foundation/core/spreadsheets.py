"""Spreadsheets in and out. Out: the only writer of XLSX and CSV there is, and every word that leaves it stays a word. In: rows.

A house test fails when anything else writes one (tests/attacks/test_files.py).
"""

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .confined.crew import Crew, Lost
from .errors import TooLarge, Unready, WrongType
from .moments import local

READING = 20.0  # seconds for one workbook; ten thousand rows take two
_HEAVY = "工作簿过于复杂，在限定时间内没有读完。请用模板重新填写，或分批导入。"
_readers = Crew("portal.foundation.core.intake.reader", size=1, memory=768, retire=50)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONE = {"-", "—", "–"}  # a dash that says «nothing»
_LONGEST_CELL = 32_767  # characters, ECMA-376

Cell = str | int | Decimal | date | datetime | None


# --- out -------------------------------------------------------------------------------------------------------------


def neutral(text: str) -> str:
    """Text that no spreadsheet takes for a formula: one that would begin as such gets an apostrophe before it.

    Judged after NFKC and strip and without invisible characters, because a spreadsheet may fold a full-width «＝» or skip
    what nobody sees before it (CWE-1236). A quotation mark before it does not help: «"=1» is judged as «=1».
    """
    seen = "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Cc") or char in "\t\r\n")
    folded = unicodedata.normalize("NFKC", seen).strip()
    bare = folded.lstrip("\"'").strip()
    hidden = text.startswith(_STARTS_A_FORMULA)
    if folded not in _LONE and (bare.startswith(_STARTS_A_FORMULA) or hidden) and not _is_ours(folded):
        return f"'{text}"
    return text


def _is_ours(folded: str) -> bool:
    """Already made neutral: a second pass adds no second apostrophe."""
    return folded.startswith("'") and not folded.startswith("''")


def plain(text: str) -> str:
    """What `neutral` made of it, taken back: a workbook of ours can be read again."""
    return text[1:] if text[:1] == "'" and neutral(text[1:]) == text else text


@dataclass(frozen=True, slots=True)
class Mark:
    """Who made an export and when: the last line of a CSV, the last lines of a workbook's explanation and its properties."""

    who: str
    when: datetime

    @property
    def line(self) -> tuple[str, str]:
        return "导出", f"{self.who}，{local(self.when):%Y-%m-%d %H:%M:%S}。仅供办理业务使用，外传可以追溯到导出人。"


class Page:
    """One sheet; every word is written as a string and made neutral first."""

    def __init__(self, sheet: Any, book: "Book") -> None:
        self._sheet, self._book = sheet, book

    def widths(self, *widths: int, as_text: bool = False) -> None:
        """Widths of the columns from the first, in characters; `as_text` keeps what is typed into them as it is typed."""
        for place, width in enumerate(widths):
            self._sheet.set_column(place, place, width, self._book.styles["text"] if as_text else None)

    def freeze(self, rows: int, columns: int) -> None:
        self._sheet.freeze_panes(rows, columns)

    def heads(self, labels: Sequence[str], *, line: int = 0) -> None:
        for place, label in enumerate(labels):
            self._sheet.write_string(line, place, neutral(label), self._book.styles["head"])

    def write(self, line: int, place: int, value: Cell, *, as_text: bool = False) -> None:
        """One cell; nothing for None and "". Decimals keep their decimals, moments stand on a Chongqing clock."""
        style = self._book.styles
        if value is None or value == "":
            return
        if isinstance(value, str):
            self._sheet.write_string(line, place, neutral(value)[:_LONGEST_CELL], style["text"] if as_text else None)
        elif isinstance(value, datetime):
            self._sheet.write_datetime(line, place, local(value).replace(tzinfo=None), style["moment"])
        elif isinstance(value, date):
            self._sheet.write_string(line, place, value.isoformat(), style["text"] if as_text else None)
        elif isinstance(value, Decimal):
            # A spreadsheet knows binary fractions only; one or two decimals survive the way there and back exactly.
            tenth = -int(value.as_tuple().exponent) == 1
            self._sheet.write_number(line, place, float(value), style["tenth" if tenth else "fen"])
        else:
            self._sheet.write_number(line, place, int(value))


class Book:
    """A workbook being written; `body` afterwards."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.body = b""
        head = {"bold": True, "bg_color": "#EEF4FD", "bottom": 1, "text_wrap": True, "valign": "top"}
        kinds = {
            "head": head,
            "text": {"num_format": "@"},
            "moment": {"num_format": "yyyy-mm-dd hh:mm"},
            "fen": {"num_format": "#,##0.00"},
            "tenth": {"num_format": "0.0"},
        }
        self.styles = {name: file.add_format(how) for name, how in kinds.items()}

    def page(self, name: str) -> Page:
        """A new sheet. Of its name at most 31 characters stay, and none that Excel forbids."""
        allowed = "".join("、" if char in "[]:*?/\\" else char for char in _visible(name))
        return Page(self._file.add_worksheet(allowed[:31].strip("'") or None), self)

    def about(
        self, lines: Sequence[tuple[str, str]], *, mark: Mark | None = None, widths: tuple[int, int] = (24, 90)
    ) -> None:
        """The sheet that explains, with who exported it at its end."""
        page = self.page("说明")
        page.widths(*widths)
        marked = [("", ""), mark.line] if mark else []
        for line, (name, text) in enumerate([*lines, *marked]):
            page.write(line, 0, name)
            page.write(line, 1, text)


def _visible(text: str) -> str:
    """Without control characters, which no XML may hold; cells are escaped by the library, names and properties are not."""
    return "".join(char for char in text if unicodedata.category(char) != "Cc")


@contextmanager
def workbook(title: str, *, mark: Mark | None = None, created: datetime | None = None) -> Iterator[Book]:
    """Write a workbook row by row in constant memory; its bytes are `.body` after the block."""
    import xlsxwriter  # loaded only here: 14 MB that most processes never need

    out = io.BytesIO()
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(out, options) as file:
        about: dict[str, Any] = {"title": _visible(title), "company": ""}
        if mark is not None:
            about |= {"author": _visible(mark.who), "comments": _visible("：".join(mark.line))}
        if moment := created or (mark.when if mark else None):
            about["created"] = local(moment).replace(tzinfo=None, microsecond=0)
        file.set_properties(about)
        book = Book(file)
        yield book
    book.body = out.getvalue()


def table(lines: Iterator[Sequence[str]] | Sequence[Sequence[str]], *, mark: Mark | None = None) -> bytes:
    """CSV in UTF-8 with a byte order mark (Excel in Chinese needs it) and CRLF; every cell made neutral."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([neutral(cell) for cell in line] for line in lines)
    if mark is not None:
        writer.writerows([[], [neutral(cell) for cell in mark.line]])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


# --- in --------------------------------------------------------------------------------------------------------------


def rows(body: bytes, *, most: int, width: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The first sheet's rows that are not empty, as (row number in the sheet, values of the first `width` columns).

    Values are str, int, float, bool, datetime or None, formulas as their last result. Read in a confined child. Raises TooLarge
    beyond `most` rows (the heading not counted) and for what takes too long, WrongType for a workbook that cannot be read,
    Unready (503) when no child is free. It went through intake.gate.admit.
    """
    try:
        answer, found = _readers.ask("rows", body, seconds=READING, patience=6, most=most, width=width)
    except Lost as lost:
        if lost.why == "busy":
            raise Unready("busy", "正在读取的工作簿较多，请稍后再上传一次。") from lost
        raise TooLarge("time", _HEAVY) from lost
    if code := answer.get("big"):
        said = {"blank": f"工作表里的行太多，每次最多 {most} 行，请删去空行或分批导入。"}
        raise TooLarge("rows", said.get(code, f"一次最多导入 {most} 行，请分批导入。"))
    if failed := answer.get("failed"):
        if failed in ("MemoryError", "RecursionError"):
            raise TooLarge("bomb", _HEAVY)
        raise WrongType("broken", "工作表读不出来，请用模板重新填写后上传。")
    for number, values in json.loads(found):
        yield number, tuple(_value(value) for value in values)


def _value(value: Any) -> Any:
    return datetime.fromisoformat(value["moment"]) if isinstance(value, dict) else value
