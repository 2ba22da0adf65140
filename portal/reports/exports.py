"""A book as a file: CSV and XLSX for counting on, PDF for filing. Words stay words: no cell of ours is ever a formula."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from portal.foundation.core.moments import local
from portal.foundation.core.pdf import engine
from portal.foundation.core.spreadsheets import neutral as neutral

from .books import Book, Cell, Sheet, moment_text

_IN_NUMBER = ("期间", "数据时刻")  # stands below the title and in every footer


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a book."""

    ending: str
    media_type: str
    write: Callable[[Book], bytes]


def _plain(cell: Cell) -> str:
    """A value as text: amounts and rates with their decimals, moments on a Chongqing clock, nothing as nothing."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return moment_text(cell)
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return neutral(cell) if isinstance(cell, str) else str(cell)


def to_csv(book: Book) -> bytes:
    """UTF-8 with a byte order mark (Excel in Chinese needs it), CRLF, one table after the other."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([neutral(book.title)])
    writer.writerows([neutral(name), neutral(text)] for name, text in book.facts)
    for sheet in book.sheets:
        writer.writerow([])
        writer.writerow([neutral(sheet.title)])
        writer.writerow([neutral(label) for label in sheet.columns])
        writer.writerows([_plain(cell) for cell in row] for row in sheet.rows)
    writer.writerow([])
    writer.writerow(["指标", "口径"])
    writer.writerows([neutral(term), neutral(text)] for term, text in book.notes)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def to_xlsx(book: Book) -> bytes:
    """A workbook written row by row in constant memory: a sheet a table and one that says what the figures mean."""
    # Loaded only here: 14 MB that beat, clock and most web processes never need.
    import xlsxwriter

    out = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as workbook:
        workbook.set_properties(
            {"title": book.title, "company": "", "created": local(book.at).replace(tzinfo=None, microsecond=0)}
        )
        head = workbook.add_format(
            {"bold": True, "bg_color": "#EEF4FD", "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        styles = {
            "tenth": workbook.add_format({"num_format": "0.0"}),
            "fen": workbook.add_format({"num_format": "#,##0.00"}),
            "moment": workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        }
        for number, sheet in enumerate(book.sheets, start=1):
            page = workbook.add_worksheet(_sheet_name(sheet, number))
            page.freeze_panes(1, sheet.texts)
            page.set_column(0, max(sheet.texts - 1, 0), 22)
            page.set_column(sheet.texts, len(sheet.columns), 14)
            for column, label in enumerate(sheet.columns):
                page.write_string(0, column, neutral(label), head)
            for line, row in enumerate(sheet.rows, start=1):
                for column, cell in enumerate(row):
                    _write(page, line, column, cell, styles)
        about = workbook.add_worksheet("说明")
        about.set_column(0, 0, 16)
        about.set_column(1, 1, 90)
        for line, (name, text) in enumerate([("报表", book.title), *book.facts, ("", ""), *book.notes]):
            about.write_string(line, 0, neutral(name))
            about.write_string(line, 1, neutral(text))
    return out.getvalue()


def _sheet_name(sheet: Sheet, number: int) -> str:
    """At most 31 characters, none of those Excel forbids."""
    name = "".join("、" if char in "[]:*?/\\" else char for char in sheet.title)
    return f"{number} {name}"[:31]


def _write(page: Any, line: int, column: int, cell: Cell, styles: dict[str, Any]) -> None:
    """Words only ever as strings, so nothing is read as a formula, a link or a number."""
    if cell is None:
        return
    if isinstance(cell, str):
        page.write_string(line, column, neutral(cell))
    elif isinstance(cell, datetime):
        page.write_datetime(line, column, local(cell).replace(tzinfo=None), styles["moment"])
    elif isinstance(cell, Decimal):
        # A spreadsheet knows binary fractions only; one or two decimals survive the way there and back exactly.
        whole = -int(cell.as_tuple().exponent) == 1
        page.write_number(line, column, float(cell), styles["tenth" if whole else "fen"])
    else:
        page.write_number(line, column, cell)


def to_pdf(book: Book) -> bytes:
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
    }
    return engine.render_template("pdf/report_sla.html", context, created=book.at)


def _printed(cell: Cell) -> str:
    if cell is None:
        return "—"
    return cell if isinstance(cell, str) else _plain(cell)


FORMATS: dict[str, Format] = {
    "csv": Format("csv", "text/csv; charset=utf-8", to_csv),
    "xlsx": Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", to_xlsx),
    "pdf": Format("pdf", "application/pdf", to_pdf),
}


def endings(*, paper: bool = True) -> Sequence[str]:
    """What a page can offer here; without Pango there is no PDF, and the browser prints instead."""
    return [name for name in FORMATS if name != "pdf" or (paper and engine.available().ok)]
