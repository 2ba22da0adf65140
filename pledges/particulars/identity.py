"""The 18-character number of a resident identity card, with its check character (GB 11643-1999, ISO 7064 MOD 11-2)."""

from datetime import date

from portal.foundation.core.identifiers import InvalidIdentifier, compact

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity_check(first_17: str) -> str:
    """The last character for the 17 digits before it."""
    return "10X98765432"[sum(w * int(d) for w, d in zip(_WEIGHTS, first_17, strict=True)) % 11]


def parse_identity_card(text: str, *, today: date) -> str:
    """The number in canonical form. Raises InvalidIdentifier with a sentence that does not repeat the number."""
    number = compact(text)
    if len(number) != 18:
        raise InvalidIdentifier(f"居民身份证号码应为 18 位，现在是 {len(number)} 位，请核对。")
    if not (number[:17].isascii() and number[:17].isdigit()) or number[17] not in "0123456789X":
        raise InvalidIdentifier("居民身份证号码前 17 位是数字，末位是数字或 X，请核对。")
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise InvalidIdentifier("居民身份证号码第 7–14 位应是出生日期，请核对。") from error
    if born.year < 1900 or born > today:
        raise InvalidIdentifier("居民身份证号码第 7–14 位应是出生日期，请核对。")
    if number[17] != identity_check(number[:17]):
        raise InvalidIdentifier("居民身份证号码末位校验不符，请对照证件逐位核对。")
    return number
