"""Public numbers people copy from certificates: 统一社会信用代码 and Chinese patent numbers.

Both carry a check digit, so a slip is caught at the field and named. Sources: GB 32100-2015 with GB 11714 for the
organisation part, and ZC 0006-2003 for patent numbers. python-stdnum is not used: it demands digits in the first eight
places and so refuses valid codes that begin with A, N or Y.
"""

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from django.db.models import TextChoices

# The full-width block is ASCII moved by a constant. NFKC would do it too, but it also turns ①, ² and Ⅹ into digits and
# letters, and a number that nobody can have printed must be refused instead of guessed.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
# str.upper() would also rewrite ß and ı; only the 26 letters are meant.
_UPPER_CASE = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_DEPARTMENTS = frozenset("123456789ANY")
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
# GB 11714 counts all 26 letters (A=10 … Z=35), also those that GB 32100 never issues.
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_LOOK_ALIKES = {"I": "1", "O": "0", "Z": "2", "S": "5", "V": "U 或 Y"}

_PATENT_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
# Document number and kind code (A, B, C, U, Y, S …). X is missing on purpose: it is a check digit, not a kind code.
_PUBLICATION = re.compile(r"((CN|ZL)?[0-9]{7,9}[ABCDEFSUY][0-9]?|CN[0-9]{7})", re.ASCII)
FIRST_PATENT_YEAR = 1985
_LONG_NUMBERS_SINCE = 2003  # 12 digits + check since October 2003; that year has both forms

DESIGN_15_YEARS_FROM = date(2021, 6, 1)


class InvalidIdentifier(ValueError):
    """The number cannot be right; str() is a Chinese sentence that says what is wrong and how to fix it."""


class PatentKind(TextChoices):
    """The three kinds of Chinese patents."""

    INVENTION = "invention", "发明专利"
    UTILITY = "utility", "实用新型专利"
    DESIGN = "design", "外观设计专利"


_KIND_DIGITS: dict[str, tuple[PatentKind, bool]] = {
    "1": (PatentKind.INVENTION, False),
    "2": (PatentKind.UTILITY, False),
    "3": (PatentKind.DESIGN, False),
    "8": (PatentKind.INVENTION, True),
    "9": (PatentKind.UTILITY, True),
}


@dataclass(frozen=True, slots=True)
class PatentNumber:
    """A checked patent or application number.

    canonical: 13 characters (9 before October 2003) with the check digit and without the dot, as CNIPA's notices print.
    pct: entered the national phase of an international application. granted: it was typed with the ZL prefix.
    """

    canonical: str
    kind: PatentKind
    pct: bool
    year: int
    granted: bool

    @property
    def dotted(self) -> str:
        """201710601862.3, as certificates print it."""
        return f"{self.canonical[:-1]}.{self.canonical[-1]}"

    @property
    def with_zl(self) -> str:
        """ZL201710601862.3, the form of a granted patent."""
        return f"ZL{self.dotted}"


def compact(text: str) -> str:
    """Half-width, upper case, without white space or invisible characters (a pasted zero-width space)."""
    plain = text.translate(_HALF_WIDTH).translate(_UPPER_CASE)
    return "".join(char for char in plain if not char.isspace() and unicodedata.category(char) != "Cf")


def parse_uscc(text: str) -> str:
    """The 18-character 统一社会信用代码 in canonical form. Raises InvalidIdentifier.

    Accepts full-width, lower case and spaces. Digits 3–8 are the registrar's division and say nothing about where a
    company is today, so they are only required to be digits.
    """
    code = compact(text)
    if not code:
        raise InvalidIdentifier("请填写统一社会信用代码，共 18 位，印在营业执照上。")
    if len(code) != 18:
        raise InvalidIdentifier(_uscc_length(code))
    for place, char in enumerate(code, start=1):
        if char in _LOOK_ALIKES:
            raise InvalidIdentifier(
                f"统一社会信用代码不使用字母 I、O、Z、S、V，第 {place} 位是“{char}”，请核对是否应为 {_LOOK_ALIKES[char]}。"
            )
        if char not in USCC_ALPHABET:
            raise InvalidIdentifier(f"统一社会信用代码只含数字和大写字母，第 {place} 位是“{char}”，请改正。")
    if code[0] not in _USCC_DEPARTMENTS:
        raise InvalidIdentifier(
            f"统一社会信用代码第 1 位是登记管理部门，只能是数字 1–9 或字母 A、N、Y，现在是“{code[0]}”。"
        )
    if not _digits(code[2:8]):
        raise InvalidIdentifier(f"统一社会信用代码第 3–8 位是登记机关的行政区划码，只能是数字，现在是“{code[2:8]}”。")
    organisation, last = organisation_check(code[8:16]), uscc_check(code[:17])
    if code[16] != organisation and code[17] != last:
        raise InvalidIdentifier("统一社会信用代码校验不符，其中至少有一位抄错，请对照营业执照逐位核对。")
    if code[16] != organisation:
        raise InvalidIdentifier(
            f"统一社会信用代码第 9–17 位（组织机构代码）校验不符：第 17 位按前面各位应为“{organisation}”，现在是“{code[16]}”，请对照营业执照核对。"
        )
    if code[17] != last:
        raise InvalidIdentifier(
            f"统一社会信用代码末位校验不符：第 18 位按前面各位应为“{last}”，现在是“{code[17]}”，请对照营业执照核对。"
        )
    return code


def uscc_check(first_17: str) -> str:
    """The 18th character for the first 17 (GB 32100-2015: weighted sum modulo 31)."""
    total = sum(weight * USCC_ALPHABET.index(char) for weight, char in zip(_USCC_WEIGHTS, first_17, strict=True))
    return USCC_ALPHABET[(31 - total % 31) % 31]


def organisation_check(first_8: str) -> str:
    """The ninth character of an organisation code (GB 11714: 11 minus the weighted sum modulo 11; 10 is X, 11 is 0)."""
    pairs = zip(_ORGANISATION_WEIGHTS, first_8, strict=True)
    return "0123456789X0"[11 - sum(weight * _ORGANISATION_ALPHABET.index(char) for weight, char in pairs) % 11]


def parse_patent_number(text: str, *, today: date) -> PatentNumber:
    """A patent or application number in any usual spelling. Raises InvalidIdentifier.

    Accepts with or without ZL or CN, dot, spaces, full-width characters and a lower-case x. Publication numbers, years
    before 1985 or after `today` (a local date), unknown kinds and wrong check digits are refused, each by name.
    """
    typed = compact(text).replace("。", ".")
    if not typed:
        raise InvalidIdentifier("请填写专利号，例如 ZL201710601862.3。")
    if _PUBLICATION.fullmatch(typed):
        raise InvalidIdentifier(
            f"“{typed}”是公开（公告）号，不是专利号。专利号印在专利证书上，共 13 位（早年 9 位），例如 ZL201710601862.3。"
        )
    granted = typed.startswith("ZL")
    bare = typed.removeprefix("ZL") if granted else typed.removeprefix("CN")
    number = _without_dot(bare)
    _require_patent_characters(number)
    _require_patent_length(number)
    year, kind_digit = _patent_year(number, today=today), number[4 if len(number) == 13 else 2]
    if kind_digit not in _KIND_DIGITS:
        raise InvalidIdentifier(
            f"专利号中年份后的一位是种类：1 发明、2 实用新型、3 外观设计、8 和 9 为 PCT 申请；现在是“{kind_digit}”，请核对。"
        )
    expected = patent_check(number[:-1])
    if number[-1] != expected:
        raise InvalidIdentifier(
            f"专利号校验位不符：末位应为“{expected}”，现在是“{number[-1]}”，请对照专利证书逐位核对。"
        )
    kind, pct = _KIND_DIGITS[kind_digit]
    return PatentNumber(canonical=number, kind=kind, pct=pct, year=year, granted=granted)


def patent_check(digits: str) -> str:
    """The check character for the 12 (or, before October 2003, 8) digits before it (ZC 0006-2003: modulo 11, 10 is X)."""
    return "0123456789X"[sum(weight * int(digit) for weight, digit in zip(_PATENT_WEIGHTS, digits, strict=False)) % 11]


def patent_life_years(kind: PatentKind, filing_date: date, *, design_15_from: date = DESIGN_15_YEARS_FROM) -> int:
    """Years a patent lives from its filing date, 专利法 article 42: invention 20, utility model 10, design 15.

    [K] Designs filed before 2021-06-01 live 10 years: a transition rule known but not seen in a source here, to be
    confirmed; `design_15_from` moves the line. Compensated terms (article 42) make a patent live longer: whoever stores
    an expiry keeps it overridable.
    """
    if kind is PatentKind.INVENTION:
        return 20
    if kind is PatentKind.UTILITY:
        return 10
    return 15 if filing_date >= design_15_from else 10


def expiry_date(kind: PatentKind, filing_date: date, *, design_15_from: date = DESIGN_15_YEARS_FROM) -> date:
    """The same day of the year in which the term is full, counted from the filing date (not the grant).

    Filed on 29 February and full in a common year: 28 February, the last day of that month (细则 article 5).
    [K] Whether the patent still lives on that very day is read differently; a debt should end before it.
    """
    year = filing_date.year + patent_life_years(kind, filing_date, design_15_from=design_15_from)
    return filing_date.replace(year=year, day=min(filing_date.day, monthrange(year, filing_date.month)[1]))


def _digits(text: str) -> bool:
    """ASCII digits only: str.isdigit also takes Arabic-Indic digits and superscripts."""
    return bool(text) and all("0" <= char <= "9" for char in text)


def _uscc_length(code: str) -> str:
    sentence = f"统一社会信用代码应为 18 位，现在是 {len(code)} 位"
    if len(code) == 15 and _digits(code):
        return f"{sentence}。15 位的是旧营业执照注册号，请填写现行营业执照上的 18 位代码。"
    if len(code) == 9:
        return f"{sentence}。9 位的是旧组织机构代码，请填写现行营业执照上的 18 位代码。"
    return f"{sentence}，请对照营业执照核对是否多写或漏写。"


def _without_dot(bare: str) -> str:
    if "." not in bare:
        return bare
    before, _, after = bare.rpartition(".")
    if "." in before or len(after) != 1:
        raise InvalidIdentifier("专利号里的小数点只写一个，在最后一位校验位之前，例如 201710601862.3。")
    return before + after


def _require_patent_characters(number: str) -> None:
    for place, char in enumerate(number, start=1):
        if _digits(char) or (char == "X" and place == len(number)):
            continue
        if char == "X":
            raise InvalidIdentifier(f"专利号里的字母 X 只能是最后一位校验位，现在出现在第 {place} 位，请核对。")
        raise InvalidIdentifier(
            f"专利号只含数字，末位可以是 X，前面可以写 ZL 或 CN；现在有“{char}”，请改正，例如 ZL201710601862.3。"
        )


def _require_patent_length(number: str) -> None:
    if len(number) in {9, 13}:
        return
    if len(number) in {8, 12} and _digits(number):
        raise InvalidIdentifier(
            f"专利号少一位：现在是 {len(number)} 位，缺最后的校验位（按前面各位应为“{patent_check(number)}”），请对照专利证书补上。"
        )
    raise InvalidIdentifier(
        f"专利号应为 13 位（2003 年 10 月以前的为 9 位），不含 ZL 和小数点；现在是 {len(number)} 位，请核对是否多写或漏写。"
    )


def _patent_year(number: str, *, today: date) -> int:
    if len(number) == 9:
        short = int(number[:2])
        if 3 < short < FIRST_PATENT_YEAR % 100:
            raise InvalidIdentifier(
                f"9 位的专利号以两位年份开头，只能是 85–99 或 00–03，现在是“{number[:2]}”。如果这是公开（公告）号，请改填专利证书上的专利号。"
            )
        return (1900 if short >= FIRST_PATENT_YEAR % 100 else 2000) + short
    year = int(number[:4])
    if year < FIRST_PATENT_YEAR:
        raise InvalidIdentifier(f"专利号前四位是申请年份，我国 1985 年起才有专利申请，现在是“{number[:4]}”，请核对。")
    if year < _LONG_NUMBERS_SINCE:
        raise InvalidIdentifier(
            f"{year} 年的专利号是 9 位，以两位年份“{number[2:4]}”开头；13 位的从 2003 年 10 月起才有，请核对。"
        )
    if year > today.year:
        raise InvalidIdentifier(f"专利号前四位是申请年份，不能晚于今年（{today.year} 年），现在是“{year}”，请核对。")
    return year
