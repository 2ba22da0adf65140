"""The calendars that come with the portal say the same as two independent libraries, day by day."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays as holidays_package
import pytest

from portal.foundation.sla.calendar_files import BadCalendarFile, all_years, build, packaged_calendar, parse_year

REFERENCE = Path(__file__).parents[2] / "portal/foundation/accounts/reference"

# The 2006 notice made this Saturday a workday for the New Year of 2006; chinesecalendar missed it.
KNOWN_DIFFERENCE = date(2005, 12, 31)

MAKEUP_2025_2026 = """
    2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11
    2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10
"""


def every_day(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def test_the_two_libraries_differ_on_one_single_day_of_2004_to_2026() -> None:
    other = holidays_package.country_holidays("CN", years=range(2004, 2027))
    differing = [
        day
        for day in every_day(date(2004, 1, 1), date(2026, 12, 31))
        if chinese_calendar.is_workday(day) != other.is_working_day(day)
    ]
    assert differing == [KNOWN_DIFFERENCE]
    assert other.is_working_day(KNOWN_DIFFERENCE)


def test_our_calendar_agrees_with_both_libraries_on_every_day_of_2010_to_2026() -> None:
    ours = packaged_calendar()
    other = holidays_package.country_holidays("CN", years=range(2010, 2027))
    for day in every_day(date(2010, 1, 1), date(2026, 12, 31)):
        assert ours.is_workday(day) == chinese_calendar.is_workday(day) == other.is_working_day(day), day


def test_one_file_a_year_from_2010_to_2026_without_a_gap() -> None:
    assert [calendar.year for calendar in all_years()] == list(range(2010, 2027))
    calendar = packaged_calendar()
    assert (calendar.first_day, calendar.last_published) == (date(2010, 1, 1), date(2026, 12, 31))


def test_the_make_up_days_of_2025_and_2026_are_the_published_ones() -> None:
    published = [date.fromisoformat(text) for text in MAKEUP_2025_2026.split()]
    ours = [day for calendar in all_years() if calendar.year >= 2025 for day in calendar.makeup_workdays]
    assert ours == published


def test_every_named_day_has_a_chinese_name_and_every_file_says_where_it_comes_from() -> None:
    for calendar in all_years():
        assert calendar.source
        assert set(calendar.names) == {*calendar.holidays, *calendar.makeup_workdays}
        assert all(name and not name.isascii() for name in calendar.names.values())
    names = {day: name for calendar in all_years() for day, name in calendar.names.items()}
    assert names[date(2025, 10, 6)] == "中秋节"
    assert names[date(2026, 9, 20)] == "国庆节"


def test_a_notice_may_name_a_day_of_the_december_before() -> None:
    assert date(2011, 12, 31) in next(each for each in all_years() if each.year == 2012).makeup_workdays
    assert packaged_calendar().is_workday(date(2011, 12, 31))
    assert not packaged_calendar().is_workday(date(2018, 12, 31))


def test_the_version_names_the_days_it_was_built_from() -> None:
    years = all_years()
    assert build(years).version == packaged_calendar().version
    assert build(years, closures=frozenset({date(2026, 11, 23)})).version != packaged_calendar().version
    assert years[-1].digest != years[-2].digest
    assert len(years[-1].digest) == 64


def test_a_year_missing_in_between_is_refused() -> None:
    years = [calendar for calendar in all_years() if calendar.year != 2020]
    with pytest.raises(BadCalendarFile, match="逐年连续"):
        build(years)
    with pytest.raises(BadCalendarFile, match="没有任何"):
        build([])


GOOD = """
year = 2027
document = ""
source = "示例"
holidays = [{ date = 2027-01-01, name = "元旦" }]
makeup_workdays = []
"""


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("year = 2027", 'year = "2027"', "缺少年份"),
        ("year = 2027", "year = ", "不是有效的 TOML"),
        ('source = "示例"', "source = 1", "source 应为文字"),
        ("makeup_workdays = []", "", "缺少 makeup_workdays"),
        ("2027-01-01", "2028-01-01", "不属于 2027 年"),
        ("2027-01-01", "2026-11-30", "不属于 2027 年"),
        ("2027-01-01", '"元旦"', "应写成"),
        ("2027-01-01", "2027-01-01T00:00:00", "应写成"),
        ('name = "元旦"', 'name = ""', "应写成"),
        ("makeup_workdays = []", 'makeup_workdays = [{ date = 2027-01-01, name = "元旦" }]', "出现了两次"),
        ("makeup_workdays = []", 'makeup_workdays = [{ date = 2027-01-04, name = "元旦" }]', "不是周末"),
    ],
)
def test_a_slip_in_a_calendar_file_is_named_with_the_file(old: str, new: str, named: str) -> None:
    assert parse_year(GOOD, name="2027.toml").year == 2027
    with pytest.raises(BadCalendarFile, match=named) as refusal:
        parse_year(GOOD.replace(old, new), name="2027.toml")
    assert str(refusal.value).startswith("2027.toml：")


def test_a_file_whose_name_is_another_year_is_refused(tmp_path: Path) -> None:
    (tmp_path / "2028.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(BadCalendarFile, match=r"文件名应为 2027\.toml"):
        all_years(tmp_path)


def test_the_districts_are_todays_37_and_two_zones_and_old_codes_stay_readable() -> None:
    with (REFERENCE / "districts.csv").open(encoding="utf-8") as file:
        current = [row["code"] for row in csv.DictReader(file)]
    with (REFERENCE / "districts_full.csv").open(encoding="utf-8") as file:
        full = list(csv.DictReader(file))
    assert sum(code.startswith("50") for code in current) == 37
    assert {code for code in current if not code.isdigit()} == {"X50001", "X50002"}
    assert {row["code"]: row["successor"] for row in full if row["status"] == "abolished"} == {
        "500105": "500157",
        "500112": "500157",
    }
    assert [row["code"] for row in full if row["status"] == "current"] == current
    with (REFERENCE / "industries.csv").open(encoding="utf-8") as file:
        assert [row["letter"] for row in csv.DictReader(file)] == list("ABCDEFGHIJKLMNOPQRST")
