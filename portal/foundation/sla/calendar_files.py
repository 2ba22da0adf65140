"""The published calendars: one TOML a year, as the State Council's notice for that year names the days.

A file is a notice, so it may name days in December of the year before (the 2012 notice made 2011-12-31 a workday).
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType

from portal.foundation.sla.workdays import WorkCalendar

CALENDARS = Path(__file__).parent / "calendars"


class BadCalendarFile(ValueError):
    """The file cannot be used; str() is a Chinese sentence naming the file, the entry and what to change."""


@dataclass(frozen=True, slots=True)
class YearFile:
    """One year's notice. document: its number, empty when not confirmed; source: where the days come from.

    names: the Chinese name of the festival for every holiday and make-up workday.
    """

    year: int
    document: str
    source: str
    holidays: tuple[date, ...]
    makeup_workdays: tuple[date, ...]
    names: Mapping[date, str]

    @property
    def digest(self) -> str:
        """SHA-256 (64 hexadecimal digits) of all the file says, whatever its layout."""
        named = [(day.isoformat(), day in self.holidays, name) for day, name in sorted(self.names.items())]
        return hashlib.sha256(repr((self.year, self.document, self.source, named)).encode()).hexdigest()


def parse_year(text: str, *, name: str) -> YearFile:
    """One calendar from TOML text; `name` is the file's name for messages. Raises BadCalendarFile."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadCalendarFile(f"{name}：不是有效的 TOML 文件（{error}）。") from error
    year = table.get("year")
    if not isinstance(year, int) or isinstance(year, bool) or not 1992 <= year <= 9000:
        raise BadCalendarFile(f"{name}：缺少年份，请写 year = 2027 这样的一行。")
    holidays = _days(table, "holidays", year=year, name=name)
    makeup_workdays = _days(table, "makeup_workdays", year=year, name=name)
    _require_consistent(holidays, makeup_workdays, name=name)
    return YearFile(
        year=year,
        document=_text(table, "document", longest=60, name=name),
        source=_text(table, "source", longest=200, name=name),
        holidays=tuple(sorted(day for day, _ in holidays)),
        makeup_workdays=tuple(sorted(day for day, _ in makeup_workdays)),
        names=MappingProxyType(dict(sorted(holidays + makeup_workdays))),
    )


def all_years(folder: Path = CALENDARS) -> list[YearFile]:
    """Every calendar of a folder in order of years. Raises BadCalendarFile when a file's name is not its year."""
    years = []
    for path in sorted(folder.glob("*.toml")):
        calendar = parse_year(path.read_text(encoding="utf-8"), name=path.name)
        if path.stem != str(calendar.year):
            raise BadCalendarFile(f"{path.name}：文件名应为 {calendar.year}.toml，与其中的 year 一致。")
        years.append(calendar)
    return years


def build(years: Iterable[YearFile], *, closures: frozenset[date] = frozenset()) -> WorkCalendar:
    """One WorkCalendar from notices of consecutive years and local days off.

    Its version is "first-last-digest", the same for the same days. Raises BadCalendarFile when a year is missing.
    """
    ordered = sorted(years, key=lambda calendar: calendar.year)
    if not ordered:
        raise BadCalendarFile("没有任何年度日历。")
    first, last = ordered[0].year, ordered[-1].year
    if [calendar.year for calendar in ordered] != list(range(first, last + 1)):
        raise BadCalendarFile(f"年度日历必须逐年连续且不重复：现有 {'、'.join(str(each.year) for each in ordered)}。")
    holidays = frozenset(day for calendar in ordered for day in calendar.holidays)
    makeup_workdays = frozenset(day for calendar in ordered for day in calendar.makeup_workdays)
    return WorkCalendar(
        holidays=holidays,
        makeup_workdays=makeup_workdays,
        closures=closures,
        first_day=date(first, 1, 1),
        last_published=date(last, 12, 31),
        version=f"{first}-{last}-{_digest(holidays, makeup_workdays, closures)}",
    )


@cache
def packaged_calendar() -> WorkCalendar:
    """The calendar of the files that come with the portal, read once per process."""
    return build(all_years())


def _digest(*groups: frozenset[date]) -> str:
    text = "|".join(",".join(day.isoformat() for day in sorted(group)) for group in groups)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _text(table: Mapping[str, object], key: str, *, longest: int, name: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise BadCalendarFile(f"{name}：{key} 应为文字，请加引号。")
    if len(value) > longest or not value.isprintable():
        raise BadCalendarFile(f"{name}：{key} 应为一行、最多 {longest} 个字的文字，请改短。")
    return value


def _days(table: Mapping[str, object], key: str, *, year: int, name: str) -> list[tuple[date, str]]:
    entries = table.get(key)
    if not isinstance(entries, list):
        raise BadCalendarFile(f"{name}：缺少 {key} 列表；没有日期时请写 {key} = []。")
    return [_day(entry, key=key, year=year, name=name) for entry in entries]


def _day(entry: object, *, key: str, year: int, name: str) -> tuple[date, str]:
    day = entry.get("date") if isinstance(entry, dict) else None
    label = entry.get("name") if isinstance(entry, dict) else None
    named = isinstance(label, str) and 0 < len(label) <= 40 and label.isprintable()
    if not isinstance(day, date) or isinstance(day, datetime) or not isinstance(label, str) or not named:
        raise BadCalendarFile(f'{name}：{key} 的每一项应写成 {{ date = {year}-01-01, name = "元旦" }}，现有 {entry}。')
    if day.year != year and (day.year, day.month) != (year - 1, 12):
        raise BadCalendarFile(f"{name}：{key} 里的 {day} 不属于 {year} 年，也不在上一年 12 月，请改正日期。")
    return day, label


def _require_consistent(
    holidays: list[tuple[date, str]], makeup_workdays: list[tuple[date, str]], *, name: str
) -> None:
    """A day is named once, and only a Saturday or Sunday can be a make-up workday."""
    seen: set[date] = set()
    for day, _ in holidays + makeup_workdays:
        if day in seen:
            raise BadCalendarFile(f"{name}：{day} 出现了两次，请只保留一处。")
        seen.add(day)
    for day, _ in makeup_workdays:
        if day.weekday() < 5:
            raise BadCalendarFile(f"{name}：{day} 不是周末，不能作为调休上班日，请核对日期。")
