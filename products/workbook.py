"""Workbooks of products: written for everybody's own list, read into rows with every fault told by its cell."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from portal.foundation.accounts.models import District
from portal.foundation.core import spreadsheets
from portal.foundation.core.errors import WrongType
from portal.foundation.core.spreadsheets import rows

from . import columns, forms_edit
from .columns import Column
from .models import Product

MOST_ROWS = 10_000
# Written for reading. An import passes them over, but for the version: it says what the row was exported from.
_EXTRA = ("状态", columns.VERSION_LABEL, "更新日期")
SHEET = "产品"


@dataclass(slots=True)
class Fault:
    """One thing wrong, as the row report tells it."""

    row: int
    cell: str
    label: str
    said: str

    def as_list(self) -> list[Any]:
        return [self.row, self.cell, self.label, self.said]


@dataclass(slots=True)
class Read:
    """One row that can be read: terms as the model has them, and what stands beside them."""

    row: int
    values: dict[str, Any]
    institution: str = ""
    source: str = ""
    note: str = ""
    version: int | None = None  # the public version it was exported from
    cells: dict[str, str] = field(default_factory=dict)  # column name → cell, for faults found later

    def fault(self, name: str, label: str, said: str) -> Fault:
        return Fault(self.row, self.cells.get(name, f"第 {self.row} 行"), label, said)


def district_codes() -> dict[str, str]:
    """Codes of today's districts by name."""
    return dict(District.objects.filter(current=True).values_list("name", "code"))


def write(
    products: Iterable[Product], *, regulator: bool, title: str, today: date, mark: spreadsheets.Mark | None = None
) -> bytes:
    """An XLSX that can be changed and imported again; with no products it is the template. `mark`: who takes it out."""
    used = columns.of(regulator=regulator)
    names = {code: name for name, code in district_codes().items()}
    with spreadsheets.workbook(title, mark=mark) as book:
        page = book.page(SHEET)
        page.freeze(1, 1)
        page.widths(*(column.width for column in used))
        page.heads([*(column.label for column in used), *_EXTRA])
        for line, product in enumerate(products, start=1):
            version = f"第 {product.current.number} 版" if product.current else ""
            extra = (product.get_state_display(), version, product.updated_on.isoformat())
            for number, value in enumerate([*(column.write(product, names) for column in used), *extra]):
                whole = isinstance(value, int) and not isinstance(value, bool)
                page.write(line, number, value if whole else "" if value is None else str(value))
        book.about(_about(used, title=title, today=today), mark=mark)
    return book.body


def _about(used: list[Column], *, title: str, today: date) -> list[tuple[str, str]]:
    rules = [
        (column.label, "；".join(part for part in ("必填" if column.required else "可不填", column.hint) if part))
        for column in used
    ]
    return [
        ("表格", title),
        ("生成日期", today.isoformat()),
        (
            "怎样导入",
            f"在“{SHEET}”表里修改或添加行，第一行的列名不要改，一次最多 {MOST_ROWS} 行；有一处错误就一行也不导入。",
        ),
        ("同名产品", "同一机构已有同名产品的，导入为它的新版本；内容没有变化的不动。"),
        ("不导入的列", "、".join(label for label in _EXTRA if label != columns.VERSION_LABEL)),
        (columns.VERSION_LABEL, "用来核对导出以后产品有没有变动，不要改；新增的产品留空。"),
        ("", ""),
        *rules,
    ]


Progress = Callable[[int], None]


def read(
    body: bytes, *, regulator: bool, codes: Mapping[str, str], progress: Progress = lambda done: None
) -> tuple[list[Read], list[Fault]]:
    """Every row of the first sheet: those that can be read, and every fault by its cell. No query.

    Raises WrongType when the headings are not the template's, TooLarge beyond the limits.
    """
    used = columns.of(regulator=regulator)
    places: dict[int, Column] = {}
    version: int | None = None
    found: list[Read] = []
    faults: list[Fault] = []
    for count, (number, values) in enumerate(rows(body, most=MOST_ROWS, width=len(used) + len(_EXTRA) + 10)):
        if count == 0:
            places, version = _places(values, used)
            continue
        row = _row(number, values, places, version, codes, faults)
        if row is not None:
            found.append(row)
        if count % 200 == 0:
            progress(count)
    if not places:
        raise WrongType("empty", "工作表是空的，请下载模板填写。")
    return found, faults


def _places(values: tuple[Any, ...], used: list[Column]) -> tuple[dict[int, Column], int | None]:
    """Which column stands where, and where the version does, if it is there."""
    by_label = {column.label: column for column in used}
    heads = [columns.text_of(value) if value is not None else "" for value in values]
    unknown = [head for head in heads if head and head not in by_label and head not in _EXTRA]
    absent = [column.label for column in used if column.required and column.label not in heads]
    if absent:
        raise WrongType("headings", f"第一行缺少列：{'、'.join(absent)}。请下载模板，不要改动列名。")
    if unknown:
        raise WrongType(
            "headings", f"第一行有不认识的列：{'、'.join(head[:20] for head in unknown[:5])}。请按模板的列名填写。"
        )
    if len(set(filter(None, heads))) < len(list(filter(None, heads))):
        raise WrongType("headings", "第一行有重复的列名，请按模板填写。")
    version = heads.index(columns.VERSION_LABEL) if columns.VERSION_LABEL in heads else None
    return {place: by_label[head] for place, head in enumerate(heads) if head in by_label}, version


def _row(
    number: int,
    values: tuple[Any, ...],
    places: Mapping[int, Column],
    version: int | None,
    codes: Mapping[str, str],
    faults: list[Fault],
) -> Read | None:
    before = len(faults)
    typed: dict[str, Any] = {}
    cells: dict[str, str] = {}
    for place, column in places.items():
        cell = cells[column.name] = f"{_letter(place)}{number}"
        value = values[place] if place < len(values) else None
        if value is None or (isinstance(value, str) and not value.strip()):
            typed[column.name] = _empty(column)
            if column.required:
                faults.append(Fault(number, cell, column.label, "这一格必填。"))
            continue
        try:
            typed[column.name] = column.read(value, codes)
        except columns.Unreadable as error:
            faults.append(Fault(number, cell, column.label, str(error)))
    exported = _exported(number, values, version, cells, faults)
    if len(faults) == before:
        labels = {column.name: column.label for column in places.values()}
        faults.extend(
            Fault(number, cells.get(name, f"第 {number} 行"), labels.get(name, ""), said)
            for name, said in forms_edit.contradictions(typed).items()
        )
    if len(faults) > before:
        return None
    return Read(
        number,
        institution=typed.pop(columns.INSTITUTION, ""),
        source=typed.pop(columns.SOURCE, ""),
        note=typed.pop(columns.NOTE, ""),
        version=exported,
        values=forms_edit.with_floating_rate(typed),
        cells=cells,
    )


def _exported(
    number: int, values: tuple[Any, ...], place: int | None, cells: dict[str, str], faults: list[Fault]
) -> int | None:
    """The version that the row says it was exported from; None when the cell is empty."""
    if place is None:
        return None
    cell = cells[columns.VERSION] = f"{_letter(place)}{number}"
    value = values[place] if place < len(values) else None
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        return columns.version_of(value)
    except columns.Unreadable as error:
        faults.append(Fault(number, cell, columns.VERSION_LABEL, str(error)))
        return None


def _empty(column: Column) -> Any:
    if column.empty == ():
        return {} if column.name == "pledge_rates" else []
    return column.empty


def _letter(place: int) -> str:
    """0 → A, 26 → AA."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text
