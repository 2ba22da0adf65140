"""Codes that are read from paper and typed: eleven random characters and one that tells a mistyped code from an unknown one.

The twelfth character is a checksum over GF(32): any one wrong character and any two swapped ones are seen, because every
place has a weight of its own. Codes issued before there was a checksum look the same and stay valid: ask the register
first, and this module only when the register does not know the code.
"""

import re
import secrets

from .identifiers import compact

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0, 1, I, O: a code is read from paper
LENGTH = 12  # 55 random bits: cannot be guessed, slow-down or not
_POLYNOMIAL = 0b100101  # x^5 + x^2 + 1, primitive: the powers of x are 31 different weights
_LOOK_ALIKES = {"0": "字母 D 或 Q", "O": "字母 D 或 Q", "1": "字母 L 或 J", "I": "字母 L 或 J"}


def make() -> str:
    """A new code in capitals, without blanks."""
    body = "".join(secrets.choice(LETTERS) for _ in range(LENGTH - 1))
    return body + LETTERS[_weighted(body)]


def normalise(text: str) -> str:
    """As stored: capitals and digits without blanks and dashes, at most 40 characters; full-width signs become ASCII."""
    return re.sub(r"[-–—‐]", "", compact(text))[:40]


def spaced(code: str) -> str:
    """K7PM-3QXR-9TWA, for reading aloud."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def is_sound(code: str) -> bool:
    """Whether a normalised code has its checksum."""
    return len(code) == LENGTH and not set(code) - set(LETTERS) and LETTERS[_weighted(code[:-1])] == code[-1]


def mistake(code: str) -> str:
    """What is wrong with a normalised code that the register does not know, as a sentence; "" when it could be right."""
    for place, letter in enumerate(code, start=1):
        if letter in _LOOK_ALIKES:
            return f"核验码不含“{letter}”，第 {place} 位可能是{_LOOK_ALIKES[letter]}，请对照文书核对。"
        if letter not in LETTERS:
            return f"核验码只含数字和大写字母，第 {place} 位是“{letter}”，请对照文书核对。"
    if len(code) != LENGTH:
        return f"核验码共 {LENGTH} 位，现在是 {len(code)} 位，请核对是否多写或漏写。"
    return "" if is_sound(code) else "核验码的校验位不符，其中至少有一位抄错或两位写颠倒，请对照文书逐位核对。"


def _weighted(body: str) -> int:
    """Σ xⁱ·vᵢ in GF(32), the last character of the body having the weight x (the check character has 1)."""
    total = 0
    for letter in body:  # Horner's rule: each step multiplies what is there by x
        total = _times_x(total ^ LETTERS.index(letter))
    return total


def _times_x(value: int) -> int:
    value <<= 1
    return value ^ _POLYNOMIAL if value & 32 else value
