"""The workbook of a patent list: its template, and its rows read with every fault told by its row and column.

The columns are those the contract has to state of each patent (公告第461号第八条) and what the grounds look at.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal.foundation.core.errors import WrongType
from portal.foundation.core.identifiers import InvalidIdentifier, PatentNumber, parse_patent_number
from portal.foundation.core.spreadsheets import Mark, plain, rows, workbook

MOST_ROWS = 1_000
SHEET = "质押专利"
COLUMNS = ("专利号", "专利名称", "专利权人", "申请日", "授权公告日", "年费缴至", "届满日")
_WIDTHS = (20, 44, 36, 14, 14, 14, 14)
_REQUIRED = ("专利号", "专利名称", "专利权人", "申请日", "授权公告日")
_DATES = ("申请日", "授权公告日", "年费缴至", "届满日")
_DAY = re.compile(r"(\d{4})\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})\D?", re.ASCII)
_BARE = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_ABOUT = (
    ("怎样填写", f"从第二行起每行一件，一次最多 {MOST_ROWS} 件，第一行的列名不要改。有一处错误就一行也不采用。"),
    ("专利号", "必填。证书上的号码，有没有 ZL 和小数点都可以；早年的 9 位号码照填。请把这一列设为文本，以免末位丢失。"),
    ("专利权人", "必填。登记簿上的专利权人，有几位写几位，用顿号隔开，其中应有出质人。"),
    ("申请日、授权公告日", "必填。写成 2017-07-21。"),
    ("年费缴至", "可不填。没有填写的由登记机构核对。"),
    ("届满日", "可不填，按申请日和专利类型计算；有期限补偿的照登记簿填写。"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: the row of the sheet, the column's name ("" for the whole row), and what to do."""

    row: int
    label: str
    said: str


@dataclass(frozen=True, slots=True)
class ListedPatent:
    """One row that can be read. `expires_on` None: by law."""

    row: int
    number: PatentNumber
    title: str
    patentee: str
    filing_date: date
    grant_date: date
    fee_paid_until: date | None
    expires_on: date | None


def write(patents: Iterable[Sequence[Any]] = (), *, mark: Mark | None = None) -> bytes:
    """The template, or a list of patents as it stands; each value in the order of COLUMNS, days as dates. `mark`: who takes it."""
    with workbook("质押专利清单", mark=mark) as book:
        page = book.page(SHEET)
        page.freeze(1, 1)
        page.widths(*_WIDTHS, as_text=True)
        page.heads(COLUMNS)
        for line, values in enumerate(patents, start=1):
            for number, value in enumerate(values):
                page.write(line, number, value if isinstance(value, date) else str(value or ""), as_text=True)
        book.about(_ABOUT, mark=mark)
    return book.body


def read(body: bytes, *, today: date) -> tuple[list[ListedPatent], list[Fault]]:
    """Every row of the first sheet; no query. `body` went through intake.gate.

    Raises WrongType when the headings are not the template's or nothing stands below them, TooLarge beyond the limits.
    """
    found: list[ListedPatent] = []
    faults: list[Fault] = []
    places: dict[str, int] = {}
    seen: dict[str, int] = {}
    lines = 0
    for count, (row, values) in enumerate(rows(body, most=MOST_ROWS, width=len(COLUMNS) + 5)):
        if count == 0:
            places = _places(values)
            continue
        lines += 1
        listed = _row(row, values, places, faults, today=today)
        number = _number(values, places, today=today)
        if number and number in seen:
            faults.append(Fault(row, "专利号", f"与第 {seen[number]} 行是同一件专利，请删去一行。"))
        elif number:
            seen[number] = row
        if listed is not None:
            found.append(listed)
    if not lines:
        raise WrongType("empty", "表里没有专利，请从第二行开始填写。" if places else "工作表是空的，请下载模板填写。")
    return found, sorted(faults, key=lambda fault: fault.row)


def _places(values: tuple[Any, ...]) -> dict[str, int]:
    heads = [_text(value) for value in values]
    absent = [label for label in _REQUIRED if label not in heads]
    unknown = [head for head in heads if head and head not in COLUMNS]
    if absent:
        raise WrongType("headings", f"第一行缺少列：{'、'.join(absent)}。请下载模板，不要改动列名。")
    if unknown:
        named = "、".join(head[:20] for head in unknown[:5])
        raise WrongType("headings", f"第一行有不认识的列：{named}。请按模板的列名填写。")
    named_heads = [head for head in heads if head]
    if len(set(named_heads)) < len(named_heads):
        raise WrongType("headings", "第一行有重复的列名，请按模板填写。")
    return {head: place for place, head in enumerate(heads) if head}


def _cell(values: tuple[Any, ...], places: dict[str, int], label: str) -> Any:
    place = places.get(label, len(values))
    return values[place] if place < len(values) else None


def _text(value: Any) -> str:
    """What a person sees in the cell; a number without a fraction loses its «.0»."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return plain(str(value).strip())


def _number(values: tuple[Any, ...], places: dict[str, int], *, today: date) -> str:
    """The canonical number of a row, "" when it cannot be read."""
    try:
        return parse_patent_number(_text(_cell(values, places, "专利号")), today=today).canonical
    except InvalidIdentifier:
        return ""


def _row(
    row: int, values: tuple[Any, ...], places: dict[str, int], faults: list[Fault], *, today: date
) -> ListedPatent | None:
    before = len(faults)
    words = {label: _text(_cell(values, places, label)) for label in ("专利名称", "专利权人")}
    faults.extend(Fault(row, label, "这一格必填。") for label, text in words.items() if not text)
    faults.extend(
        Fault(row, label, f"最多 200 个字，现在是 {len(t)} 个字。") for label, t in words.items() if len(t) > 200
    )
    number: PatentNumber | None = None
    raw = _cell(values, places, "专利号")
    if isinstance(raw, float) and abs(raw) >= 2**53:
        faults.append(Fault(row, "专利号", "这一格被存成了科学计数，数字可能已丢失，请设为文本后重新填写。"))
    else:
        try:
            number = parse_patent_number(_text(raw), today=today)
        except InvalidIdentifier as error:
            faults.append(Fault(row, "专利号", str(error)))
    days = {label: _day(row, label, _cell(values, places, label), faults) for label in _DATES}
    filed, granted = days["申请日"], days["授权公告日"]
    if number and filed and filed.year > number.year:  # earlier is right for divisional and international applications
        said = f"专利号是 {number.year} 年的，申请日却是 {filed:%Y-%m-%d}，请核对。"
        faults.append(Fault(row, "申请日", said))
    if filed and granted and granted < filed:
        faults.append(Fault(row, "授权公告日", "授权公告日早于申请日，请核对。"))
    if granted and granted > today:
        faults.append(Fault(row, "授权公告日", f"授权公告日晚于今天 {today:%Y-%m-%d}，尚未授权的不能质押。"))
    if filed and days["届满日"] and days["届满日"] <= filed:
        faults.append(Fault(row, "届满日", "届满日不晚于申请日，请核对。"))
    if len(faults) > before or number is None or filed is None or granted is None:
        return None
    return ListedPatent(
        row, number, words["专利名称"], words["专利权人"], filed, granted, days["年费缴至"], days["届满日"]
    )


def _day(row: int, label: str, value: Any, faults: list[Fault]) -> date | None:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value if _countable(row, label, value, faults) else None
    text = _text(value)
    if not text:
        if label in _REQUIRED:
            faults.append(Fault(row, label, "这一格必填，写成 2017-07-21。"))
        return None
    match = _DAY.fullmatch(text) or _BARE.fullmatch(text)
    try:
        day = date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        day = None
    if day is None:
        faults.append(Fault(row, label, f"“{text[:20]}”不是日期，请写成 2017-07-21。"))
        return None
    return day if _countable(row, label, day, faults) else None


def _countable(row: int, label: str, day: date, faults: list[Fault]) -> bool:
    if 1985 <= day.year <= 2199:
        return True
    faults.append(Fault(row, label, f"年份 {day.year} 不对，我国 1985 年起才有专利，请核对。"))
    return False
