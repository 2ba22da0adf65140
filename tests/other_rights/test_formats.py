"""Numbers and lives of trademarks and copyrights: an odd form is a warning, an end before the debt's is told."""

from datetime import date

import pytest

from pledges.other_rights.formats import RightKind, classes_warning, life_warning, lives_until, number_warning


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (RightKind.TRADEMARK, "12345678"),
        (RightKind.TRADEMARK, "1234567A"),
        (RightKind.TRADEMARK, "１２３４５"),
        (RightKind.COPYRIGHT, "国作登字-2021-L-00268255"),
        (RightKind.COPYRIGHT, "渝作登字-2017-F-00123456"),
        (RightKind.SOFTWARE, "软著登字第0671096号"),
        (RightKind.SOFTWARE, "2014SR001852"),
        (RightKind.RECEIVABLE, "什么都行"),
        (RightKind.DATA, ""),
    ],
)
def test_usual_numbers_need_no_word(kind: str, number: str) -> None:
    assert number_warning(kind, number) == ""


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (RightKind.TRADEMARK, "123456789"),
        (RightKind.TRADEMARK, "ABC"),
        (RightKind.COPYRIGHT, "国作登字-2021-Z-00268255"),
        (RightKind.SOFTWARE, "软著登字第1号"),
    ],
)
def test_an_odd_number_is_told_as_unconfirmed(kind: str, number: str) -> None:
    assert "待确认" in number_warning(kind, number)


def test_classes_go_from_1_to_45() -> None:
    assert classes_warning("9,42") == ""
    assert classes_warning("") == ""
    assert "46" in classes_warning("9，46")
    assert "0" in classes_warning("0")


def test_a_trademark_lives_ten_years_and_a_work_fifty() -> None:
    assert lives_until(RightKind.TRADEMARK, registered_on=date(2017, 3, 14), published_on=None) == date(2027, 3, 13)
    assert lives_until(RightKind.TRADEMARK, registered_on=date(2016, 2, 29), published_on=None) == date(2026, 2, 27)
    assert lives_until(RightKind.SOFTWARE, registered_on=None, published_on=date(2020, 1, 2)) == date(2070, 12, 31)
    assert lives_until(RightKind.DATA, registered_on=date(2020, 1, 1), published_on=date(2020, 1, 1)) is None


@pytest.mark.parametrize(
    ("today", "debt_to", "said"),
    [
        (date(2025, 1, 1), date(2026, 1, 1), ""),
        (date(2025, 1, 1), date(2028, 1, 1), "早于债务到期日"),
        (date(2025, 1, 1), date(2027, 1, 1), "不到半年"),
        (date(2026, 3, 13), date(2026, 6, 1), "现在可以续展"),
        (date(2027, 3, 14), None, "宽展期到 2027年9月13日"),
        (date(2027, 9, 13), None, "宽展期到"),
        (date(2027, 9, 14), None, "已于 2027年9月13日结束"),
    ],
)
def test_renewal_window_and_grace_of_a_trademark(today: date, debt_to: date | None, said: str) -> None:
    found = life_warning(RightKind.TRADEMARK, date(2027, 3, 13), debt_to=debt_to, today=today)
    assert said in found
    assert bool(found) == bool(said)


def test_a_copyright_that_ends_before_the_debt_is_told() -> None:
    assert "早于" in life_warning(
        RightKind.COPYRIGHT, date(2026, 12, 31), debt_to=date(2027, 1, 1), today=date(2026, 1, 1)
    )
    assert life_warning(RightKind.COPYRIGHT, date(2070, 12, 31), debt_to=date(2027, 1, 1), today=date(2026, 1, 1)) == ""
