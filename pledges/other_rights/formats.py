"""Numbers and lives of trademarks and copyrights. A number of an unusual form is a warning, never a refusal. Pure.

Forms [K]: known, not seen in a source of ours; hence «待确认» and no refusal. Lives: 商标法 39–40, 著作权法 23.
"""

import re
from calendar import monthrange
from datetime import date, timedelta

from django.db import models

from portal.foundation.core.identifiers import compact


class RightKind(models.TextChoices):
    """What is pledged beside the patents."""

    TRADEMARK = "trademark", "注册商标"
    COPYRIGHT = "copyright", "作品著作权"
    SOFTWARE = "software", "软件著作权"
    DATA = "data", "数据知识产权"
    RECEIVABLE = "receivable", "许可收益权（应收账款）"


REGISTRARS: dict[str, str] = {
    RightKind.TRADEMARK: "国家知识产权局（商标）",
    RightKind.COPYRIGHT: "著作权登记机构",
    RightKind.SOFTWARE: "著作权登记机构",
    RightKind.DATA: "中登网（动产融资统一登记公示系统）",
    RightKind.RECEIVABLE: "中登网（动产融资统一登记公示系统）",
}
NO_PROMISE = "1 个工作日的登记目标只适用于专利质押；其他权利由各自的登记机构办理，本平台只跟踪进度，没有办结承诺。"

TRADEMARK_YEARS = 10  # from registration (商标法 39)
RENEWAL_MONTHS, GRACE_MONTHS = 12, 6  # before and after the end (商标法 40)
COPYRIGHT_YEARS = 50  # of a legal person's work, to 31 December of the fiftieth year after first publication
EARLY = timedelta(days=183)  # a debt that ends this close before the right does is worth a word

_TRADEMARK = re.compile(r"[0-9]{1,8}[A-Z]?", re.ASCII)
_WORK = re.compile(r"(国|渝|[\u4e00-\u9fff]{1,2})作登字-?[0-9]{4}-?[A-L]-?[0-9]{6,8}")
_SOFTWARE = re.compile(r"(软著登字第[0-9]{7,8}号|[0-9]{4}SR[0-9]{6,7})")


def normal(text: str) -> str:
    """Half-width, upper case, no spaces."""
    return compact(text)


def number_warning(kind: str, number: str) -> str:
    """A sentence when the number has an unusual form, empty when it has a usual one or the kind has none."""
    typed = normal(number).replace("－", "-")
    if not typed:
        return ""
    if kind == RightKind.TRADEMARK and not _TRADEMARK.fullmatch(typed):
        return "商标注册号通常是 1 到 8 位数字，有的带一位字母后缀（格式待确认），请对照注册证核对。"
    if kind == RightKind.COPYRIGHT and not _WORK.fullmatch(typed):
        return "作品登记号通常像“国作登字-2021-L-00268255”（格式待确认），请对照登记证书核对。"
    if kind == RightKind.SOFTWARE and not _SOFTWARE.fullmatch(typed):
        return "软件著作权通常像“软著登字第0671096号”或“2014SR001852”（格式待确认），请对照登记证书核对。"
    return ""


def classes_warning(text: str) -> str:
    """A sentence when a class is not one of 1–45 (Nice); classes are separated by commas or spaces."""
    parts = [part for part in re.split(r"[\s,，、;；]+", text.strip()) if part]
    odd = [part for part in parts if not (part.isascii() and part.isdigit() and 1 <= int(part[:4]) <= 45)]
    return f"商标类别通常是 1 到 45（待确认），请核对：{'、'.join(odd)[:60]}。" if odd else ""


def add_months(day: date, months: int) -> date:
    """The same day so many months later (or earlier), or the last day of a shorter month."""
    at = day.year * 12 + day.month - 1 + months
    year, month = divmod(at, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def lives_until(kind: str, *, registered_on: date | None, published_on: date | None) -> date | None:
    """The last day the right lives by itself, without renewal; None where the kind has none or a day is not known."""
    if kind == RightKind.TRADEMARK and registered_on is not None:
        return add_months(registered_on, TRADEMARK_YEARS * 12) - timedelta(days=1)
    if kind in (RightKind.COPYRIGHT, RightKind.SOFTWARE) and published_on is not None:
        return date(published_on.year + COPYRIGHT_YEARS, 12, 31)
    return None


def life_warning(kind: str, until: date | None, *, debt_to: date | None, today: date) -> str:
    """What to say about the end of the right against today and the debt's last day; empty when all is well."""
    if until is None:
        return ""
    if kind == RightKind.TRADEMARK:
        window, grace = add_months(until, -RENEWAL_MONTHS), add_months(until, GRACE_MONTHS)
        if today > grace:
            return f"商标已于 {_said(until)}期满，宽展期也已于 {_said(grace)}结束，请核对是否已续展。"
        if today > until:
            return f"商标已于 {_said(until)}期满，宽展期到 {_said(grace)}，请尽快续展。"
        if today >= window:
            return f"商标 {_said(until)}期满，现在可以续展（期满前 12 个月内），请在期满前办理。"
        if debt_to is not None and debt_to > until:
            return f"商标 {_said(until)}期满，早于债务到期日 {_said(debt_to)}，{_said(window)}起可以续展。"
        if debt_to is not None and debt_to > until - EARLY:
            return f"商标 {_said(until)}期满，离债务到期日 {_said(debt_to)}不到半年，请留意续展。"
        return ""
    if today > until:
        return f"权利已于 {_said(until)}期满，请核对。"
    if debt_to is not None and debt_to > until:
        return f"权利 {_said(until)}期满，早于债务到期日 {_said(debt_to)}。"
    return ""


def _said(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
