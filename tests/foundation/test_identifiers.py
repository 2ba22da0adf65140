"""Ling copies numbers from her licence and her certificates; a slip is named at once, a right number is never refused."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.core.identifiers import (
    USCC_ALPHABET,
    InvalidIdentifier,
    PatentKind,
    expiry_date,
    organisation_check,
    parse_patent_number,
    parse_uscc,
    patent_check,
    patent_life_years,
    uscc_check,
)

TODAY = date(2026, 11, 23)

REAL_CODES = [
    "91110000600037341L",
    "914403001922038216",
    "9144030071526726XG",
    "91330100799655058B",
    "9150000020286320X6",
    "91500000676129728J",
    "91500000202869177Y",
    "91110000802100433B",
    "91440300708461136T",
]

REAL_PATENTS = [
    ("201710601862.3", PatentKind.INVENTION, 2017),
    ("95115608.X", PatentKind.INVENTION, 1995),
    ("97101765.4", PatentKind.INVENTION, 1997),
    ("201080063196.9", PatentKind.INVENTION, 2010),
    ("201410362077.3", PatentKind.INVENTION, 2014),
    ("ZL201510958772.0", PatentKind.INVENTION, 2015),
    ("ZL202010566088.9", PatentKind.INVENTION, 2020),
    ("ZL201811564288.X", PatentKind.INVENTION, 2018),
    ("ZL201910603565.1", PatentKind.INVENTION, 2019),
    ("ZL202110049384.6", PatentKind.INVENTION, 2021),
    ("ZL202322865413.3", PatentKind.UTILITY, 2023),
    ("ZL201330496875.1", PatentKind.DESIGN, 2013),
    ("ZL200510096239.4", PatentKind.INVENTION, 2005),
]


def why_not_uscc(text: str) -> str:
    with pytest.raises(InvalidIdentifier) as refusal:
        parse_uscc(text)
    return str(refusal.value)


def why_not_patent(text: str) -> str:
    with pytest.raises(InvalidIdentifier) as refusal:
        parse_patent_number(text, today=TODAY)
    return str(refusal.value)


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in text)


def code_from(first: str, division: str, organisation: str) -> str:
    """A credit code with right check digits."""
    body = f"{first}1{division}{organisation}{organisation_check(organisation)}"
    return body + uscc_check(body)


@pytest.mark.parametrize("code", REAL_CODES)
def test_ling_may_type_a_real_code_in_any_usual_way(code: str) -> None:
    for spelling in (code, code.lower(), f" {code[:6]} {code[6:]}\n", full_width(code), f"\u200b{code}\u3000"):
        assert parse_uscc(spelling) == code


@pytest.mark.parametrize("code", ["91500000202802372B", "A1110000600037341L"])
def test_a_code_with_a_wrong_check_digit_is_refused(code: str) -> None:
    assert "校验不符" in why_not_uscc(code)


@pytest.mark.parametrize("first", ["N", "Y", "A"])
def test_a_farm_or_another_body_whose_code_begins_with_a_letter_may_register(first: str) -> None:
    code = code_from(first, "500112", "MA5U0K7R")
    assert parse_uscc(code) == code


def test_each_wrong_check_digit_of_a_code_is_named_with_the_expected_one() -> None:
    assert "第 18 位按前面各位应为“L”，现在是“B”" in why_not_uscc("91110000600037341B")
    wrong_organisation = "9111000060003734" + "2"
    sentence = why_not_uscc(wrong_organisation + uscc_check(wrong_organisation))
    assert "第 17 位按前面各位应为“1”，现在是“2”" in sentence


@pytest.mark.parametrize("letter", "IOZSV")
def test_letters_that_no_code_uses_are_named_with_their_place(letter: str) -> None:
    sentence = why_not_uscc(f"9111000060003734{letter}L")
    assert f"第 17 位是“{letter}”" in sentence
    assert "I、O、Z、S、V" in sentence


def test_a_code_of_the_wrong_length_tells_how_many_places_were_counted() -> None:
    assert "现在是 17 位" in why_not_uscc("91110000600037341")
    assert "现在是 19 位" in why_not_uscc("91110000600037341LL")
    assert "旧营业执照注册号" in why_not_uscc("500000400012345")
    assert "组织机构代码" in why_not_uscc("600037341")
    assert "请填写" in why_not_uscc("  ")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("B1110000600037341L", "第 1 位"),
        ("91A10000600037341L", "第 3–8 位"),
        ("9111000060003734-L", "第 17 位是“-”"),
        ("9111000060003734①L", "第 17 位是“①”"),
        ("9111000060003734٣L", "第 17 位是“٣”"),
    ],
)
def test_a_character_that_cannot_be_there_is_named(text: str, named: str) -> None:
    assert named in why_not_uscc(text)


@given(place=st.integers(0, 17), char=st.sampled_from(USCC_ALPHABET), code=st.sampled_from(REAL_CODES))
def test_no_single_slip_in_a_code_goes_unnoticed(place: int, char: str, code: str) -> None:
    slipped = code[:place] + char + code[place + 1 :]
    if slipped == code:
        assert parse_uscc(slipped) == code
    else:
        assert why_not_uscc(slipped)


@pytest.mark.parametrize(("typed", "kind", "year"), REAL_PATENTS)
def test_ling_may_type_a_real_patent_number_in_any_usual_way(typed: str, kind: PatentKind, year: int) -> None:
    dotted = typed.removeprefix("ZL")
    plain = dotted.replace(".", "")
    spaced = f"{dotted[:4]} {dotted[4]} {dotted[5:]}"
    for spelling in (
        dotted,
        plain,
        plain.lower(),
        spaced,
        full_width(dotted),
        f"CN{dotted}",
        f"zl {plain}",
        f"ＺＬ{dotted}",
    ):
        number = parse_patent_number(spelling, today=TODAY)
        assert (number.canonical, number.kind, number.year) == (plain, kind, year)
        assert number.dotted == dotted
        assert number.with_zl == f"ZL{dotted}"
        assert number.granted is spelling.upper().startswith(("ZL", "ＺＬ"))


def test_a_patent_from_an_international_application_is_recognised() -> None:
    assert parse_patent_number("201080063196.9", today=TODAY).pct
    assert not parse_patent_number("201710601862.3", today=TODAY).pct
    digits = "201090000123"
    utility = parse_patent_number(digits + patent_check(digits), today=TODAY)
    assert (utility.kind, utility.pct) == (PatentKind.UTILITY, True)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("202310123456.7", "6"), ("202410123456.7", "0"), ("202110689234.5", "1"), ("202410588219.8", "1")],
)
def test_a_wrong_check_digit_names_the_right_one(typed: str, expected: str) -> None:
    assert f"末位应为“{expected}”，现在是“{typed[-1]}”" in why_not_patent(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "CN101765438B",
        "CN1234567A",
        "cn 107312049 a",
        "CN210123456U",
        "CN301234567S",
        "ＣＮ１０１７６５４３８Ｂ",
        "101765438B",
        "CN112345678B2",
    ],
)
def test_a_publication_number_is_recognised_and_the_right_number_described(typed: str) -> None:
    sentence = why_not_patent(typed)
    assert "公开（公告）号" in sentence
    assert "专利证书" in sentence


def test_a_publication_number_without_its_letter_is_explained_too() -> None:
    assert "公开（公告）号" in why_not_patent("CN101765438")


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("", "请填写专利号"),
        ("202710601862.3", "不能晚于今年（2026 年）"),
        ("198410601862.3", "1985 年起"),
        ("199510601862.3", "9 位，以两位年份“95”开头"),
        ("84115608.X", "只能是 85–99 或 00–03"),
        ("201740601862.3", "现在是“4”"),
        ("201710601862", "缺最后的校验位（按前面各位应为“3”）"),
        ("95115608", "缺最后的校验位（按前面各位应为“X”）"),
        ("2017106018623456", "现在是 16 位"),
        ("2017.10601862.3", "小数点"),
        ("20171060186.23", "小数点"),
        ("2017X0601862.3", "只能是最后一位"),
        ("2017Q0601862.3", "现在有“Q”"),
        ("ZL2017-10601862.3", "现在有“-”"),
        ("٢٠١٧106018623", "现在有“٢”"),
    ],
)
def test_every_other_slip_in_a_patent_number_is_named(typed: str, named: str) -> None:
    assert named in why_not_patent(typed)


@given(place=st.integers(0, 12), char=st.sampled_from("0123456789"), real=st.sampled_from(REAL_PATENTS))
def test_no_single_slip_in_a_patent_number_goes_unnoticed(
    place: int, char: str, real: tuple[str, object, object]
) -> None:
    number = real[0].removeprefix("ZL").replace(".", "")
    slipped = number[:place] + char + number[place + 1 :]
    if slipped != number and place < len(number):
        assert why_not_patent(slipped)


@given(st.text(max_size=30))
def test_whatever_is_pasted_is_either_right_or_answered_with_a_sentence(text: str) -> None:
    for parse in (parse_uscc, lambda typed: parse_patent_number(typed, today=TODAY)):
        sentence = "。"
        try:
            parse(text)
        except InvalidIdentifier as refusal:
            sentence = str(refusal)
        assert sentence.endswith("。")


@pytest.mark.parametrize(
    ("kind", "filed", "full"),
    [
        (PatentKind.INVENTION, date(2017, 7, 21), date(2037, 7, 21)),
        (PatentKind.UTILITY, date(2023, 10, 25), date(2033, 10, 25)),
        (PatentKind.DESIGN, date(2021, 5, 31), date(2031, 5, 31)),
        (PatentKind.DESIGN, date(2021, 6, 1), date(2036, 6, 1)),
        (PatentKind.INVENTION, date(2004, 2, 29), date(2024, 2, 29)),
        (PatentKind.UTILITY, date(2020, 2, 29), date(2030, 2, 28)),
    ],
)
def test_a_patent_lives_from_its_filing_date(kind: PatentKind, filed: date, full: date) -> None:
    assert expiry_date(kind, filed) == full


def test_the_design_transition_is_movable_because_it_is_not_confirmed() -> None:
    filed = date(2019, 3, 1)
    assert patent_life_years(PatentKind.DESIGN, filed) == 10
    assert patent_life_years(PatentKind.DESIGN, filed, design_15_from=date(2019, 1, 1)) == 15
    assert expiry_date(PatentKind.DESIGN, filed, design_15_from=date(2019, 1, 1)) == date(2034, 3, 1)


def identify(*words: str) -> str:
    out = StringIO()
    call_command("identify", *words, stdout=out)
    return out.getvalue().strip()


def test_the_identify_command_prints_kind_and_canonical_form() -> None:
    assert identify("zl 2017 1 0601862.3") == "发明专利 invention 2017106018623 201710601862.3"
    assert identify("ZL", "201330496875.1").startswith("外观设计专利 design 2013304968751")
    assert identify("201080063196.9").startswith("发明专利（PCT） invention")
    assert identify("９１１１００００６０００３７３４１ｌ") == "统一社会信用代码 uscc 91110000600037341L"


@pytest.mark.parametrize(
    ("number", "named"),
    [
        ("CN101765438B", "公开（公告）号"),
        ("91500000202802372B", "校验不符"),
        ("202310123456.7", "应为“6”"),
        ("9111", "9 位"),
    ],
)
def test_the_identify_command_says_why_a_number_is_wrong(number: str, named: str) -> None:
    with pytest.raises(CommandError, match=named) as refusal:
        identify(number)
    assert refusal.value.returncode == 1
