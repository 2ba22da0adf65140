"""Case numbers: `YZD20261123` + serial of the day + a check letter that catches a mistyped or swapped character."""

import re
import unicodedata
from datetime import date

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I and O: they look like 1 and 0
_PATTERN = re.compile(r"^([A-Z]{3,4})(\d{8})(\d{4,7})([A-HJ-NP-Z])$", re.ASCII)


def check_letter(body: str) -> str:
    """The letter for a number without its last character; weights differ by place, so swaps are seen."""
    total = sum((i + 2) * (int(c) if c.isdigit() else ord(c) - 55) for i, c in enumerate(body))
    return LETTERS[total % 23]  # 23 is prime: one wrong digit always changes the letter


def compose(prefix: str, day: date, serial: int) -> str:
    """E.g. compose("YZD", date(2026, 11, 23), 1) -> 'YZD202611230001' + letter."""
    body = f"{prefix}{day:%Y%m%d}{serial:04d}"
    return body + check_letter(body)


def normalise(text: str) -> str | None:
    """The canonical number, or None when the shape or the check letter is wrong. Full-width signs are what an IME types."""
    number = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()
    match = _PATTERN.match(number)
    return number if match and check_letter(number[:-1]) == number[-1] else None
