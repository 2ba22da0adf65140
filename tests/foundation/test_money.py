"""Ling types an amount; nobody ever guesses what she meant, and no fen is lost."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.core.money import (
    FEN,
    MAX_YUAN,
    InvalidAmount,
    Unit,
    format_wan,
    format_yuan,
    parse_yuan,
    round_to_fen,
)


def why_not(text: str, unit: Unit = "yuan") -> str:
    with pytest.raises(InvalidAmount) as refusal:
        parse_yuan(text, unit=unit)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("text", "unit", "yuan"),
    [
        ("800", "yuan", "800"),
        (" 800.5 ", "yuan", "800.50"),
        ("0.01", "yuan", "0.01"),
        ("800", "wan", "8000000"),
        ("800.5", "wan", "8005000"),
        ("0.000001", "wan", "0.01"),
        ("1000000", "wan", "10000000000"),
        ("10000000000", "yuan", "10000000000"),
    ],
)
def test_a_plain_amount_is_read_exactly(text: str, unit: Unit, yuan: str) -> None:
    amount = parse_yuan(text, unit=unit)
    assert amount == Decimal(yuan)
    assert amount.as_tuple().exponent == -2


@pytest.mark.parametrize(
    ("text", "unit", "named"),
    [
        ("", "yuan", "请填写金额"),
        ("   ", "wan", "单位为万元"),
        ("0.005", "yuan", "最多写 2 位小数，现在是 3 位"),
        ("1.0000001", "wan", "最多写 6 位小数，现在是 7 位"),
        ("８００", "yuan", "全角数字"),
        ("８００．５", "yuan", "全角数字"),
        ("800。5", "yuan", "全角小数点"),
        ("1,000", "yuan", "千位分隔符"),
        ("1，000", "wan", "千位分隔符"),
        ("1 000 000", "yuan", "千位分隔符"),
        ("1'000.50", "yuan", "千位分隔符"),
        ("1_000", "yuan", "千位分隔符"),
        ("NaN", "yuan", "不是一个数"),
        ("Infinity", "yuan", "不是一个数"),
        ("inf", "wan", "不是一个数"),
        ("-5", "yuan", "不能是负数"),
        ("-Infinity", "yuan", "不能是负数"),
        ("－5", "yuan", "不能是负数"),
        ("−5", "yuan", "不能是负数"),
        ("1e5", "yuan", "科学计数法"),
        ("1E+400", "yuan", "科学计数法"),
        ("0", "yuan", "大于 0"),
        ("0.00", "wan", "大于 0"),
        ("10000000000.01", "yuan", "超过上限 10000000000 元"),
        ("1000000.01", "wan", "超过上限 1000000 万元"),
        ("9" * 5000, "yuan", "超过上限"),
        ("800万", "wan", "不写货币符号和单位"),
        ("￥800", "yuan", "不写货币符号和单位"),
        (".5", "yuan", "例如 0.5"),
        ("5.", "yuan", "例如 0.5"),
        ("1.2.3", "yuan", "最多一个小数点"),
        ("+5", "yuan", "最多一个小数点"),
        ("八百", "yuan", "不是数字的字符"),
        ("٨٠٠", "yuan", "不是数字的字符"),
        ("0x10", "yuan", "不是数字的字符"),
    ],
)
def test_every_other_spelling_is_refused_with_how_to_write_it(text: str, unit: Unit, named: str) -> None:
    assert named in why_not(text, unit)


@given(st.text(max_size=40))
def test_whatever_is_pasted_is_either_a_usable_amount_or_answered_with_a_sentence(text: str) -> None:
    amount, sentence = FEN, "。"
    try:
        amount = parse_yuan(text, unit="wan")
    except InvalidAmount as refusal:
        sentence = str(refusal)
    assert 0 < amount <= MAX_YUAN
    assert sentence.endswith("。")


@given(st.decimals(min_value="0.01", max_value=MAX_YUAN, places=2))
def test_what_is_shown_can_be_typed_back_without_losing_a_fen(yuan: Decimal) -> None:
    assert parse_yuan(format_wan(yuan), unit="wan") == yuan
    assert parse_yuan(format_yuan(yuan), unit="yuan") == yuan


@pytest.mark.parametrize(
    ("yuan", "wan", "plain"),
    [
        ("8000000", "800", "8000000"),
        ("8005000", "800.5", "8005000"),
        ("10000000000", "1000000", "10000000000"),
        ("0.01", "0.000001", "0.01"),
        ("123.40", "0.01234", "123.40"),
        ("0", "0", "0"),
        ("-0.00", "0", "0"),
        ("0.005", "0.000001", "0.01"),
    ],
)
def test_amounts_are_shown_without_grouping_and_without_trailing_zeros(yuan: str, wan: str, plain: str) -> None:
    assert format_wan(Decimal(yuan)) == wan
    assert format_yuan(Decimal(yuan)) == plain


def test_half_a_fen_goes_up_and_what_is_no_number_is_refused() -> None:
    assert round_to_fen(Decimal("1.005")) == Decimal("1.01")
    assert round_to_fen(Decimal("1.015")) == Decimal("1.02")
    for text in ("NaN", "Infinity"):
        with pytest.raises(InvalidAmount):
            round_to_fen(Decimal(text))
