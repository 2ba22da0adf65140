"""How dates, moments, amounts and people's names are written for readers: pure functions, used by templates, notices and mail.

Nothing here reads the clock: a caller passes `today`, because a date of another year is written with its year.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from . import moments, money

_WEEKDAYS = "一二三四五六日"
NOTHING = "—"
_PERSON_NAME_MAX = 4  # characters; a longer name is an organisation's


def date_cn(day: date, *, today: date) -> str:
    """11月26日（周四）; 2027年1月4日（周一） when the year is not that of `today`."""
    year = "" if day.year == today.year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日（周{_WEEKDAYS[day.weekday()]}）"


def moment_cn(moment: datetime, *, today: date) -> str:
    """11月26日（周四）18:00 on a Chongqing clock.

    Midnight is written as 24:00 of the day before: a limit of working days ends there, and "26日 00:00" is read by many
    people as the end of the 26th. Raises ValueError for a naive moment.
    """
    local = moments.local(moment)
    if local.time() == time():
        return f"{date_cn(local.date() - timedelta(days=1), today=today)}24:00"
    return f"{date_cn(local.date(), today=today)}{local:%H:%M}"


def full_date_cn(day: date) -> str:
    """2026年11月26日, for documents that outlive the year."""
    return f"{day.year}年{day.month}月{day.day}日"


def money_wan(yuan: Decimal | None) -> str:
    """Decimal yuan as "800 万元"; an unknown amount as a dash. Never rounds above one fen."""
    return NOTHING if yuan is None else f"{money.format_wan(yuan)} 万元"


def mask_phone(phone: str) -> str:
    """138****0012; of a landline only the last four digits stay. Enough to recognise one's own, useless to a stranger."""
    digits = [char for char in phone if char.isdigit()]
    if len(digits) < 7:
        return "****"
    tail = "".join(digits[-4:])
    return f"{''.join(digits[:3])}****{tail}" if len(digits) == 11 and digits[0] == "1" else f"****{tail}"


def mask_name(name: str) -> str:
    """李* or 王**: a person by the family name; a longer (organisation's) name by its first two and last four characters."""
    plain = name.strip()
    if len(plain) <= _PERSON_NAME_MAX:
        return plain[:1] + "*" * (len(plain) - 1)
    hidden = max(1, len(plain) - 6)
    return f"{plain[:2]}{'*' * hidden}{plain[2 + hidden :]}"
