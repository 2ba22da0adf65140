"""Amounts of money as people type and read them. Inside the portal money is a Decimal number of yuan, never a float."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Unit = Literal["yuan", "wan"]

ROUNDING = ROUND_HALF_UP  # the one rounding of the portal: half a fen goes up
FEN = Decimal("0.01")
YUAN_PER_WAN = Decimal(10_000)
MAX_YUAN = Decimal(10_000_000_000)  # above any single loan: a larger figure is a slip of the unit

_DECIMALS: dict[Unit, int] = {"yuan": 2, "wan": 6}  # one fen in either unit
_NAMES: dict[Unit, str] = {"yuan": "元", "wan": "万元"}
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_GROUPED = re.compile(r"[0-9]+([,，'’_ \u00a0\u2009\u202f\u3000][0-9]+)+(\.[0-9]+)?", re.ASCII)
_NUMBER_LIKE = re.compile(r"[0-9.,，]+")
_LONGEST = 40  # characters; longer digit strings are refused before Decimal reads them


class InvalidAmount(ValueError):
    """The typed amount cannot be used; str() is a Chinese sentence that says how to write it."""


def parse_yuan(text: str, *, unit: Unit) -> Decimal:
    """Yuan, with exactly two decimals, from a form field that is in yuan or in 万元 (10,000 yuan).

    Only half-width digits with at most one dot are taken, so that nobody's amount is guessed: "1,000" is one thousand
    to some and a slip to others. At most one fen of precision, above zero and at most MAX_YUAN. Raises InvalidAmount.
    """
    typed = text.strip()
    if not typed:
        raise InvalidAmount(f"请填写金额，单位为{_NAMES[unit]}，例如 800。")
    if not _PLAIN.fullmatch(typed):
        raise InvalidAmount(_why_not_plain(typed, unit))
    if len(typed) > _LONGEST:
        raise InvalidAmount(_too_much(unit))
    decimals = len(typed.partition(".")[2])
    if decimals > _DECIMALS[unit]:
        raise InvalidAmount(
            f"金额最小到分：单位为{_NAMES[unit]}时最多写 {_DECIMALS[unit]} 位小数，现在是 {decimals} 位。"
        )
    yuan = Decimal(typed) * (YUAN_PER_WAN if unit == "wan" else 1)
    if yuan == 0:
        raise InvalidAmount("金额必须大于 0。")
    if yuan > MAX_YUAN:
        raise InvalidAmount(_too_much(unit))
    return yuan.quantize(FEN)


def round_to_fen(yuan: Decimal) -> Decimal:
    """Yuan rounded to a whole fen, half up. Raises InvalidAmount for NaN and infinities."""
    if not yuan.is_finite():
        raise InvalidAmount("金额不是一个数。")
    return yuan.quantize(FEN, rounding=ROUNDING) + Decimal("0.00")  # the addition turns a negative zero into zero


def format_wan(yuan: Decimal) -> str:
    """Yuan as a number of 万元 without the unit: 8,005,000 → "800.5". No grouping, no trailing zeros, no float."""
    return _trimmed(round_to_fen(yuan) / YUAN_PER_WAN)


def format_yuan(yuan: Decimal) -> str:
    """Yuan without the unit: "8000000", and with fen "8000000.50". No grouping, so it can be typed back as it is."""
    rounded = round_to_fen(yuan)
    return f"{rounded:.0f}" if rounded == rounded.to_integral_value() else f"{rounded:.2f}"


def _trimmed(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _too_much(unit: Unit) -> str:
    most = format_wan(MAX_YUAN) if unit == "wan" else format_yuan(MAX_YUAN)
    return f"金额超过上限 {most} {_NAMES[unit]}，请核对单位：本栏以{_NAMES[unit]}计。"


def _why_not_plain(typed: str, unit: Unit) -> str:
    """Which kind of slip it is, most telling first; every sentence ends with how to write it."""
    name = _NAMES[unit]
    if typed[0] in "-－−–—":
        return "金额不能是负数，请写大于 0 的数，例如 800。"
    if any("０" <= char <= "９" or char in "．。" for char in typed):
        return "金额里有全角数字或全角小数点，请改用半角数字，例如 800.5。"
    if _GROUPED.fullmatch(typed):
        return f"金额里不要写千位分隔符或空格，请连着写，例如 {'1000' if unit == 'wan' else '1000000'}。"
    if typed.lower().lstrip("+") in {"nan", "inf", "infinity"}:
        return "这不是一个数，请用数字写金额，例如 800。"
    if re.fullmatch(r"[+]?[0-9.]+[eE][+-]?[0-9]+", typed):
        return "金额不能用科学计数法，请写出全部数字，例如 1000000。"
    if typed.startswith(("¥", "￥")) or typed.endswith(("元", "万", "亿")):
        return f"只写数字，不写货币符号和单位；本栏以{name}计，例如 800。"
    if _NUMBER_LIKE.fullmatch(typed.lstrip("+")):
        return "金额的写法不对：只用数字和最多一个小数点，小数点前后都要有数字，例如 0.5。"
    return f"金额里有不是数字的字符，请用半角数字填写，单位为{name}，例如 800。"
