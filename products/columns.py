"""The columns of the product workbook: one label, one way to write a term into a cell and one way to read it back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from portal.foundation.assets.models import IPKind
from portal.foundation.core.money import InvalidAmount, format_wan, parse_yuan
from portal.foundation.core.spreadsheets import plain

from .models import LprTerm, Mode, Product, Repayment

INSTITUTION, SOURCE, NOTE, VERSION = "institution", "source", "note", "version"  # columns that are no terms
VERSION_LABEL = "版本"
_YES, _NO = ("是", "支持", "可以", "y", "yes", "1", "true"), ("否", "不支持", "不可以", "n", "no", "0", "false")


class Unreadable(ValueError):
    """A cell that cannot be read; str() is a Chinese sentence that says what to write."""


@dataclass(frozen=True, slots=True)
class Column:
    """`read` takes a cell's value (never empty) and the district codes by name; `write` takes a product."""

    name: str
    label: str
    read: Callable[[Any, Mapping[str, str]], Any]
    write: Callable[[Product, Mapping[str, str]], Any]
    required: bool = False
    empty: Any = None  # what an empty cell means
    width: int = 14
    hint: str = ""


def text_of(value: Any) -> str:
    """A cell as typed text: 36.0 is «36», moments are days, a text of ours loses its guarding apostrophe."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return f"{Decimal(repr(value)).normalize():f}"
    return plain(str(value)).strip()


def version_of(value: Any) -> int:
    """The number of «第 3 版», as the export writes it, or of a bare «3»."""
    text = text_of(value).removeprefix("第").removesuffix("版").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Unreadable("请保留导出时的写法，例如“第 3 版”；新增的产品留空。")
    return int(text)


def _words(most: int) -> Callable[[Any, Mapping[str, str]], str]:
    def read(value: Any, _: Mapping[str, str]) -> str:
        text = text_of(value)
        if len(text) > most:
            raise Unreadable(f"最多 {most} 个字，现在是 {len(text)} 个字，请删减。")
        if not all(char.isprintable() or char == "\n" for char in text):
            raise Unreadable("有看不见的控制字符，请删去后重新填写。")
        return text

    return read


def _amount(value: Any, _: Mapping[str, str]) -> Decimal:
    try:
        return parse_yuan(text_of(value), unit="wan")
    except InvalidAmount as error:
        raise Unreadable(str(error)) from error


def _whole(value: Any, _: Mapping[str, str], *, least: int, most: int) -> int:
    text = text_of(value)
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit() or len(text) > 6:
        raise Unreadable("请填写整数，例如 36。")
    if not least <= int(text) <= most:
        raise Unreadable(f"应在 {least} 到 {most} 之间。")
    return int(text)


def _percent(value: Any, _: Mapping[str, str], *, most: int, places: int) -> Decimal:
    text = text_of(value).removesuffix("%").strip()
    try:
        number = Decimal(text) if len(text) <= 20 and text.isascii() else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Unreadable("请填写数字，例如 3.45；不写百分号也按百分数算。")
    if not 0 <= number <= most:
        raise Unreadable(f"应在 0 到 {most} 之间，单位是 %。")
    if -int(number.as_tuple().exponent) > places and number != round(number, places):
        raise Unreadable(f"最多写 {places} 位小数。")
    return number.quantize(Decimal(1).scaleb(-places))


def _day(value: Any, _: Mapping[str, str]) -> date:
    return day_of(value)


def day_of(value: Any) -> date:
    """A cell as a day, typed or as the spreadsheet's own. Raises Unreadable."""
    if isinstance(value, datetime):
        found = value.date()
    elif isinstance(value, date):
        found = value
    else:
        text = text_of(value).replace("/", "-").replace(".", "-")
        try:
            found = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 — a day has no zone
        except ValueError as error:
            raise Unreadable("日期的写法不对，应像 2026-11-23。") from error
    if not 1990 <= found.year <= 2199:
        raise Unreadable("年份应在 1990 到 2199 之间，请核对。")
    return found


def _flag(value: Any, _: Mapping[str, str]) -> bool:
    text = text_of(value).lower()
    if text not in (*_YES, *_NO):
        raise Unreadable("请填写“是”或“否”。")
    return text in _YES


def _one(options: Sequence[tuple[str, str]], value: Any, _: Mapping[str, str]) -> str:
    text = text_of(value)
    for code, label in options:
        if text in (code, label, label.replace("＋", "+")):
            return code
    raise Unreadable(f"应为下列之一：{'、'.join(label for _, label in options)}。")


def _several(options: Sequence[tuple[str, str]], value: Any, names: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(_one(options, part, names) for part in _parts(value)))


def _parts(value: Any) -> list[str]:
    text = text_of(value)
    for mark in "，,;；\n":
        text = text.replace(mark, "、")
    return [part.strip() for part in text.split("、") if part.strip()]


def _districts(value: Any, names: Mapping[str, str]) -> list[str]:
    if text_of(value) == "全市":
        return []
    found = []
    for part in _parts(value):
        code = part if part in names.values() else names.get(part)
        if code is None:
            raise Unreadable(f"没有“{part[:12]}”这个区县，请写全称，例如 渝北区；全市留空。")
        found.append(code)
    return list(dict.fromkeys(found))


def _documents(value: Any, _: Mapping[str, str]) -> list[str]:
    found = [part.strip() for part in text_of(value).replace("；", "\n").replace(";", "\n").split("\n") if part.strip()]
    if len(found) > 20:
        raise Unreadable(f"最多 20 项，现在是 {len(found)} 项。")
    if any(len(part) > 80 for part in found):
        raise Unreadable("每项最多 80 个字，请缩短。")
    return found


def _rates(value: Any, names: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for part in _parts(value):
        label, _, number = part.replace("：", " ").replace(":", " ").rpartition(" ")
        if not label:
            raise Unreadable("写成“发明专利 40；实用新型专利 30”，类型和数字之间空一格。")
        kind = _one(IPKind.choices, label.strip(), names)
        found[kind] = f"{_percent(number, names, most=100, places=2):.2f}"
    return found


def _labels(options: Sequence[tuple[str, str]], codes: Sequence[str]) -> str:
    known = dict(options)
    return "、".join(str(known.get(code, code)) for code in codes)


def _wan(name: str, product: Product, _: Mapping[str, str]) -> str | None:
    value = getattr(product, name)
    return None if value is None else format_wan(value)


def _plain(name: str, product: Product, _: Mapping[str, str]) -> Any:
    value = getattr(product, name)
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value


def _term(name: str, label: str, read: Callable[..., Any], **more: Any) -> Column:
    return Column(name, label, read, more.pop("write", partial(_plain, name)), **more)


_RATE, _SHARE = partial(_percent, most=36, places=3), partial(_percent, most=100, places=2)
_MONTHS = partial(_whole, least=1, most=360)

TERMS: tuple[Column, ...] = (
    _term("name", "产品名称", _words(80), required=True, width=26),
    _term("mode", "模式", partial(_one, Mode.choices), required=True, width=22,
          write=lambda p, _: str(Mode(p.mode).label), hint="、".join(str(label) for label in Mode.labels)),
    _term("summary", "一句话介绍", _words(200), required=True, width=40),
    _term("ip_kinds", "可质押的知识产权", partial(_several, IPKind.choices), empty=(), width=26,
          write=lambda p, _: _labels(IPKind.choices, p.ip_kinds), hint="、".join(str(label) for label in IPKind.labels)),
    _term("combined", "可组合质押", _flag, empty=False, hint="是或否"),
    _term("pledge_rate", "质押率上限（%）", _SHARE),
    _term("pledge_rates", "各类质押率（%）", _rates, empty=(), width=26, hint="发明专利 40；实用新型专利 30",
          write=lambda p, _: "；".join(f"{IPKind(k).label} {v}" for k, v in sorted(p.pledge_rates.items()))),
    _term("amount_min", "最低金额（万元）", _amount, write=partial(_wan, "amount_min")),
    _term("amount_max", "最高金额（万元）", _amount, write=partial(_wan, "amount_max")),
    _term("term_min", "最短期限（月）", _MONTHS),
    _term("term_max", "最长期限（月）", _MONTHS),
    _term("rate_from", "最低年利率或费率（%）", _RATE),
    _term("rate_to", "最高年利率或费率（%）", _RATE),
    _term("lpr_term", "LPR 期限品种", partial(_one, LprTerm.choices), empty="",
          write=lambda p, _: str(LprTerm(p.lpr_term).label) if p.lpr_term else "", hint="1 年期、5 年期以上"),
    _term("lpr_rate", "LPR 报价（%）", _RATE),
    _term("lpr_spread", "LPR 加点（基点）", partial(_whole, least=-500, most=2000)),
    _term("lpr_date", "LPR 报价日期", _day),
    _term("rate_note", "利率说明", _words(120), empty=""),
    _term("repayment", "还款方式", partial(_several, Repayment.choices), empty=(), width=26,
          write=lambda p, _: _labels(Repayment.choices, p.repayment), hint="、".join(str(label) for label in Repayment.labels)),
    _term("online", "线上办理", _flag, empty=False, hint="是或否"),
    _term("districts", "适用区县", _districts, empty=(), hint="全市留空",
          write=lambda p, names: "、".join(names.get(code, code) for code in p.districts)),
    _term("conditions", "适用条件", _words(300), empty="", width=40),
    _term("documents", "所需材料", _documents, empty=(), width=40, write=lambda p, _: "；".join(p.documents), hint="用分号隔开"),
    _term("valid_from", "有效期自", _day),
    _term("valid_until", "有效期至", _day),
)  # fmt: skip
LEADING = Column(
    INSTITUTION, "机构", _words(120), lambda p, _: p.institution.organisation.name, required=True, width=26
)
TRAILING = (
    Column(NOTE, "修改说明", _words(200), lambda p, _: "", empty="", width=26, hint="随新版本公开"),
    Column(SOURCE, "事实来源", _words(200), lambda p, _: p.source, empty="", width=26),
)


def of(*, regulator: bool) -> list[Column]:
    """The columns of a workbook: the regulator's names institutions and sources, an institution's is about itself."""
    return [LEADING, *TERMS, *TRAILING] if regulator else [*TERMS, TRAILING[0]]
