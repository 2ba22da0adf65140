"""A register extract as a workbook: for an office without a connection. Read as a whole, every fault told by its row."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal.foundation.core.errors import WrongType
from portal.foundation.core.identifiers import InvalidIdentifier, parse_patent_number
from portal.foundation.core.spreadsheets import plain, rows, workbook

from .interface import LABELS, LONGEST_NAME, MOST_PATENTEES, STATUS_LABELS, Extract

MOST_ROWS = 1_000
SHEET = "登记簿摘录"
COLUMNS: dict[str, str] = {"number": "专利号", **LABELS}  # field → heading, in this order
REQUIRED = ("number", "patentees", "status")
_APART = re.compile(r"[;；、\n]")
_STATUS = {label: code for code, label in STATUS_LABELS.items()} | {
    "申请中": "pending",
    "终止": "lapsed",
    "无效": "invalid",
}
_YES = {"是": True, "有": True, "否": False, "无": False, "": False}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: row number in the sheet, heading, and how to put it right."""

    row: int
    heading: str
    said: str

    @property
    def sentence(self) -> str:
        return f"第 {self.row} 行“{self.heading}”：{self.said}"


class _Bad(ValueError):
    """str() is the sentence for people."""


def template() -> bytes:
    """The empty workbook with its explanation."""
    with workbook(SHEET) as book:
        page = book.page(SHEET)
        page.freeze(1, 1)
        page.widths(*[18] * len(COLUMNS), as_text=True)
        page.heads(list(COLUMNS.values()))
        book.about(_about(), widths=(20, 90))
    return book.body


def _about() -> list[tuple[str, str]]:
    return [
        ("怎样填写", f"每行一件专利，第一行的列名不要改，一次最多 {MOST_ROWS} 件；有一处错误就一件也不采用。"),
        ("必填", "、".join(COLUMNS[name] for name in REQUIRED)),
        (COLUMNS["patentees"], "登记簿上的全部专利权人，多人用“；”隔开"),
        (COLUMNS["status"], "、".join(STATUS_LABELS.values())),
        ("日期", "写成 2026-11-23，没有的留空"),
        ("是否", "中止、保全、无效宣告程序：写“是”或“否”，留空为否"),
        (COLUMNS["ended_on"], "已终止的写权利终止之日（欠费终止为应缴之日），已宣告无效的写决定日"),
    ]


def read(body: bytes, *, today: date) -> tuple[list[tuple[int, Extract]], list[Fault]]:
    """Every row as (row number, extract), or the faults. `body` went through intake.gate. No query.

    Raises WrongType when the headings are not the template's, TooLarge beyond MOST_ROWS.
    """
    found: dict[str, tuple[int, Extract]] = {}
    faults: list[Fault] = []
    places: dict[str, int] = {}
    for count, (row, values) in enumerate(rows(body, most=MOST_ROWS, width=len(COLUMNS) + 10)):
        if count == 0:
            places = _places(values)
            continue
        extract = _row(row, {name: values[at] for name, at in places.items()}, faults, today=today)
        if extract is None:
            continue
        if before := found.get(extract.number):
            faults.append(Fault(row, COLUMNS["number"], f"与第 {before[0]} 行是同一件专利，请删去一行。"))
        else:
            found[extract.number] = (row, extract)
    if not found and not faults:
        faults.append(Fault(2, COLUMNS["number"], "表里没有专利，请从第二行开始填写。"))
    return list(found.values()), faults


def _places(values: tuple[Any, ...]) -> dict[str, int]:
    headings = [str(v).strip() if v is not None else "" for v in values]
    missing = [COLUMNS[name] for name in REQUIRED if COLUMNS[name] not in headings]
    if missing:
        raise WrongType("headings", f"第一行缺少列“{'、'.join(missing)}”。请用模板填写，列名不要改。")
    return {name: headings.index(heading) for name, heading in COLUMNS.items() if heading in headings}


def _row(row: int, cells: dict[str, Any], faults: list[Fault], *, today: date) -> Extract | None:
    values: dict[str, Any] = {}
    before = len(faults)
    for name in COLUMNS:
        reader: Callable[[Any, date], Any] = _READERS.get(name, _day)
        try:
            values[name] = reader(cells.get(name), today)
        except _Bad as error:
            faults.append(Fault(row, COLUMNS[name], str(error)))
    return Extract(**values) if len(faults) == before else None


def _said(cell: Any) -> str:
    """Text as typed, numbers without the «.0» of a spreadsheet."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else plain(str(cell)).strip()


def _number(cell: Any, today: date) -> str:
    try:
        return parse_patent_number(_said(cell), today=today).canonical
    except InvalidIdentifier as error:
        raise _Bad(str(error)) from error


def _names(cell: Any, today: date) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(n.strip() for n in _APART.split(_said(cell)) if n.strip()))
    if not names:
        raise _Bad("填写登记簿上的专利权人。")
    if len(names) > MOST_PATENTEES or any(len(n) > LONGEST_NAME for n in names):
        raise _Bad(f"最多 {MOST_PATENTEES} 人，每个名称不超过 {LONGEST_NAME} 字。")
    return names


def _status(cell: Any, today: date) -> str:
    said = _said(cell)
    if said not in _STATUS:
        raise _Bad(f"写成“{'”“'.join(STATUS_LABELS.values())}”之一。")
    return _STATUS[said]


def _day(cell: Any, today: date) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    said = _said(cell)
    if not said:
        return None
    match = re.fullmatch(r"(\d{4})[-./年]?(\d{1,2})[-./月]?(\d{1,2})日?", said, re.ASCII)
    try:
        if match is None:
            raise ValueError
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        raise _Bad("日期写成 2026-11-23 这样的格式。") from error


def _flag(cell: Any, today: date) -> bool:
    said = _said(cell)
    if said not in _YES:
        raise _Bad("写“是”或“否”。")
    return _YES[said]


def _twin(cell: Any, today: date) -> str:
    return _number(cell, today) if _said(cell) else ""


def _pledge(cell: Any, today: date) -> str:
    said = _said(cell)
    if len(said) > 40:
        raise _Bad("不超过 40 个字符。")
    return said


_READERS: dict[str, Callable[[Any, date], Any]] = {
    "number": _number,
    "patentees": _names,
    "status": _status,
    "suspended": _flag,
    "preserved": _flag,
    "invalidation_pending": _flag,
    "pledge": _pledge,
    "same_day_twin": _twin,
}
