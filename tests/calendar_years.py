"""Years as a notice publishes them, early and late, and an import of them; all moments are Chongqing's."""

from datetime import datetime, timedelta
from typing import Any

from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendar_imports
from portal.foundation.sla.calendar_files import CALENDARS, YearFile, parse_year
from portal.foundation.sla.models import Clock

NEXT = """
year = 2027
document = "示例发〔2026〕1号"
source = "示例"
holidays = [ { date = 2027-01-01, name = "元旦" }, { date = 2027-01-04, name = "元旦" } ]
makeup_workdays = [ { date = 2027-01-02, name = "元旦" } ]
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text.replace(' ', 'T')}+08:00")


NOW = at("2026-09-29 10:00")


def midnight(day: str) -> datetime:
    """24:00 of a day."""
    return at(f"{day} 00:00") + timedelta(days=1)


def the_year_2027() -> YearFile:
    return parse_year(NEXT, name="2027.toml")


def the_year_2026(*changes: tuple[str, str]) -> YearFile:
    """The published year with some lines written differently, as a late notice would."""
    text = (CALENDARS / "2026.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_year(text, name="2026.toml")


def longer_holiday() -> YearFile:
    """The National Day holiday is announced to last until the 8th: like May Day 2019, announced in March."""
    last = '  { date = 2026-10-07, name = "国庆节" },\n'
    return the_year_2026((last, last + '  { date = 2026-10-08, name = "国庆节" },\n'))


def shorter_holiday() -> YearFile:
    """The 7th becomes a working day again."""
    return the_year_2026(('  { date = 2026-10-07, name = "国庆节" },\n', ""))


def load(file: YearFile, *, ground: str = "示例发〔2026〕9号", now: datetime = NOW, **more: Any) -> Any:
    return calendar_imports.import_years([file], ground=ground, actor=more.pop("actor", SYSTEM), now=now, **more)


def fresh(clock: Clock) -> Clock:
    return Clock.objects.get(pk=clock.pk)


def recomputed() -> list[Entry]:
    return list(Entry.objects.filter(verb="clock.recomputed").order_by("id"))
