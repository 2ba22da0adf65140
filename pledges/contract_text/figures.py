"""Amounts and days as contracts write them: 8,000,000.00 元, 800万元, 捌佰万元整; 2026-11-23, 2026年11月23日, 二〇二六年十一月二十三日."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar

T = TypeVar("T")
_DIGITS = {
    c: i
    for i, row in enumerate(("零〇", "一壹", "二贰两貳", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖"))
    for c in row
}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_GREAT = {"亿": 100_000_000, "億": 100_000_000, "万": 10_000, "萬": 10_000}  # the greatest first
_WORD = "".join(_DIGITS) + "".join(_TENS) + "".join(_GREAT)
_UNITS = {"元": 1, "圆": 1, "千元": 1000, "万元": 10_000, "万圆": 10_000, "百万元": 1_000_000, "亿元": 100_000_000}
_FIGURES = re.compile(
    r"(?<![\d.])(\d{1,3}(?:[,，]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:（)?(百万元|千元|万元|万圆|亿元|元|圆)", re.ASCII
)
_WORDS = re.compile(f"([{_WORD}]{{1,30}})[元圆](?:([{''.join(_DIGITS)}])角)?(?:([{''.join(_DIGITS)}])分)?")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", re.ASCII)
_SOLID = re.compile(r"(?<!\d)((?:19|20)\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII)
_WORDED_DAY = re.compile(
    "([零〇一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})日"
)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    value: T
    start: int
    end: int


def amounts(flat: str) -> "Iterator[Found[Decimal]]":
    """Every sum of money in yuan, in figures or in words, by place."""
    found = []
    for match in _FIGURES.finditer(flat):
        try:
            value = Decimal(match[1].replace(",", "").replace("，", "")) * _UNITS[match[2]]
        except InvalidOperation:
            continue
        found.append(Found(value, match.start(), match.end()))
    for match in _WORDS.finditer(flat):
        whole = worded(match[1])
        if whole is not None:
            parts = Decimal(_DIGITS.get(match[2] or "零", 0)) / 10 + Decimal(_DIGITS.get(match[3] or "零", 0)) / 100
            found.append(Found(whole + parts, match.start(), match.end()))
    yield from sorted(found, key=lambda f: f.start)


def worded(text: str) -> Decimal | None:
    """捌佰万 → 8000000; None for what is no number in words (二〇二六 is a year, not a sum)."""
    for great, times in _GREAT.items():
        if great in text:
            left, _, right = text.rpartition(great)
            above, below = worded(left), worded(right) if right else Decimal(0)
            return None if above is None or below is None else above * times + below
    total, digit, seen, last_digit = 0, 0, False, False
    for char in text:
        if char in "零〇":
            digit, last_digit, seen = 0, False, True
        elif char in _DIGITS:
            if last_digit:
                return None
            digit, last_digit, seen = _DIGITS[char], True, True
        elif char in _TENS:
            total, digit, last_digit, seen = total + (digit or 1) * _TENS[char], 0, False, True
        else:
            return None
    return Decimal(total + digit) if seen else None


def days(flat: str) -> "Iterator[Found[date]]":
    """Every day, by place; what is no day of the calendar is passed over."""
    found: list[Found[date]] = []
    for pattern in (_DAY, _SOLID):
        found += [
            Found(day, match.start(), match.end())
            for match in pattern.finditer(flat)
            if (day := _day(int(match[1]), int(match[2]), int(match[3])))
        ]
    for match in _WORDED_DAY.finditer(flat):
        year = int("".join(str(_DIGITS[c]) for c in match[1]))
        if day := _day(year, int(worded(match[2]) or 0), int(worded(match[3]) or 0)):
            found.append(Found(day, match.start(), match.end()))
    yield from sorted(found, key=lambda f: f.start)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
