"""A workbook of enterprises by tier: its template, and reading one with every fault told by its cell."""

from collections.abc import Callable
from typing import Any

from portal.foundation.core.errors import WrongType
from portal.foundation.core.identifiers import parse_uscc
from portal.foundation.core.spreadsheets import rows, workbook
from products.columns import Unreadable, day_of, text_of
from products.workbook import Fault

from .listing import Slip, Wish
from .shares import Tier

MOST_ROWS = 500
MOST_BYTES = 2 * 1024 * 1024
HEADS = ("统一社会信用代码", "分档", "有效期自", "有效期至")
PLACES = {"uscc": 0, "tier": 1, "since": 2, "until": 3}
TIERS = {Tier(tier).short: tier for tier in Tier.values}


def template() -> bytes:
    """The empty workbook with its headings and, on a second sheet, what goes where."""
    told = [
        ("统一社会信用代码", "必填，企业要已在本平台注册"),
        ("分档", f"必填：{'、'.join(TIERS)}"),
        ("有效期自", "必填，例如 2026-11-23"),
        ("有效期至", "可不填，不填表示没有止日"),
        ("怎样导入", f"一次最多 {MOST_ROWS} 行；有一处错误就一行也不导入"),
    ]
    with workbook("分档名单") as book:
        page = book.page("分档名单")
        page.freeze(1, 0)
        page.widths(*[24] * len(HEADS), as_text=True)
        page.heads(HEADS)
        book.about(told, widths=(40, 40))
    return book.body


def read(body: bytes) -> tuple[list[tuple[int, Wish]], list[Fault]]:
    """Rows that can be read as (row number, wish), and every fault. `body` went through intake.gate. Raises WrongType, TooLarge."""
    found: list[tuple[int, Wish]] = []
    faults: list[Fault] = []
    first = True
    for number, values in rows(body, most=MOST_ROWS, width=len(HEADS)):
        if first:
            first = False
            heads = tuple(text_of(value) if value is not None else "" for value in values)
            if heads != HEADS:
                raise WrongType("headings", f"第一行应依次是：{'、'.join(HEADS)}。请下载模板，不要改动列名。")
            continue
        wish = _wish(number, values, faults)
        if wish is not None:
            found.append((number, wish))
    if not found and not faults:
        faults.append(Fault(1, "", "", "表里没有企业，请从第二行开始填写。"))
    return found, faults


def told(slips: list[Slip], numbers: list[int]) -> list[Fault]:
    """What the lists say against the wishes, by the cells they were read from."""
    return [fault(numbers[slip.index], slip.part, slip.said) for slip in slips]


def fault(number: int, part: str, said: str) -> Fault:
    place = PLACES[part]
    return Fault(number, f"{'ABCD'[place]}{number}", HEADS[place], said)


def _wish(number: int, values: tuple[Any, ...], faults: list[Fault]) -> Wish | None:
    before = len(faults)
    typed: dict[str, Any] = {}
    for part, place in PLACES.items():
        value = values[place] if place < len(values) else None
        try:
            typed[part] = _value(part, value)
        except (Unreadable, ValueError) as error:
            faults.append(fault(number, part, str(error)))
    return Wish(**typed) if len(faults) == before else None


def _value(part: str, cell: Any) -> Any:
    """What stands in a cell; None for an empty one that may be. Raises Unreadable, InvalidIdentifier."""
    if cell is None or not text_of(cell):
        if part == "until":
            return None
        raise Unreadable("这一格必填。")
    return _READ[part](cell)


def _tier(value: Any) -> str:
    text = text_of(value).partition("（")[0].partition("(")[0].strip()
    if text not in TIERS:
        raise Unreadable("请填写一档、二档或三档。")
    return TIERS[text]


_READ: dict[str, Callable[[Any], Any]] = {
    "uscc": lambda value: parse_uscc(text_of(value)),
    "tier": _tier,
    "since": day_of,
    "until": day_of,
}
