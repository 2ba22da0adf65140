"""A book as a file: CSV and XLSX for counting on, PDF for filing. Words stay words: no cell of ours is ever a formula."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from django.conf import settings

from portal.foundation.core import spreadsheets
from portal.foundation.core.pdf import engine
from portal.foundation.core.spreadsheets import Mark

from .books import Book, Cell, moment_text

_IN_NUMBER = ("期间", "数据时刻")  # stands below the title and in every footer


class Writer(Protocol):
    """Writes a book; `mark` says who takes it out."""

    def __call__(self, book: Book, *, mark: Mark | None = None) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a book."""

    ending: str
    media_type: str
    write: Writer


def _plain(cell: Cell) -> str:
    """A value as text: amounts and rates with their decimals, moments on a Chongqing clock, nothing as nothing."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return moment_text(cell)
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return str(cell)


def to_csv(book: Book, *, mark: Mark | None = None) -> bytes:
    """One table after the other."""

    def lines() -> Iterator[Sequence[str]]:
        yield [book.title]
        yield from book.facts
        for sheet in book.sheets:
            yield from ([], [sheet.title], sheet.columns)
            yield from ([_plain(cell) for cell in row] for row in sheet.rows)
        yield from ([], ["指标", "口径"], *book.notes)

    return spreadsheets.table(lines(), mark=mark)


def to_xlsx(book: Book, *, mark: Mark | None = None) -> bytes:
    """A sheet a table and one that says what the figures mean."""
    with spreadsheets.workbook(book.title, mark=mark, created=book.at) as file:
        for number, sheet in enumerate(book.sheets, start=1):
            page = file.page(f"{number} {sheet.title}")
            page.freeze(1, sheet.texts)
            page.widths(*[22] * max(sheet.texts, 1), *[14] * (len(sheet.columns) - sheet.texts))
            page.heads(sheet.columns)
            for line, row in enumerate(sheet.rows, start=1):
                for place, cell in enumerate(row):
                    page.write(line, place, cell)
        file.about([("报表", book.title), *book.facts, ("", ""), *book.notes], mark=mark, widths=(16, 90))
    return file.body


def to_pdf(book: Book, *, mark: Mark | None = None) -> bytes:
    """A report on A4. Raises PdfUnavailable without Pango, TooLarge (413) for thousands of rows."""
    context = {
        "title": book.title,
        "number": "；".join(f"{name}：{text}" for name, text in book.facts if name in _IN_NUMBER),
        "demo": settings.DEMO,
        "paragraphs": ["；".join(f"{name}：{text}" for name, text in book.facts if name not in _IN_NUMBER) + "。"],
        "tables": [
            {
                "caption": sheet.title,
                "columns": list(sheet.columns),
                "rows": [[_printed(cell) for cell in row] for row in sheet.rows],
                "texts": sheet.texts,
            }
            for sheet in book.sheets
        ],
        "note": "口径：" + "".join(f"{term}：{text}" for term, text in book.notes),
        "mark": "：".join(mark.line) if mark else "",
    }
    return engine.render_template("pdf/report_sla.html", context, created=book.at)


def _printed(cell: Cell) -> str:
    if cell is None:
        return "—"
    return cell if isinstance(cell, str) else _plain(cell)


FORMATS: dict[str, Format] = {
    "csv": Format("csv", spreadsheets.CSV, to_csv),
    "xlsx": Format("xlsx", spreadsheets.XLSX, to_xlsx),
    "pdf": Format("pdf", "application/pdf", to_pdf),
}


def endings(*, paper: bool = True) -> Sequence[str]:
    """What a page can offer here; without Pango there is no PDF, and the browser prints instead."""
    return [name for name in FORMATS if name != "pdf" or (paper and engine.available().ok)]
