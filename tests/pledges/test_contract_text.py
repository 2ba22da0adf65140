"""The contract's words: what article 8 wants is found by name with its line, a forfeiture is quoted, silence asks a person."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pledges.contract_text import figures, forfeiture, items
from pledges.contract_text.words import Text

PLEDGOR, PLEDGEE = "重庆示例智造有限公司", "示例甲银行"
PATENT = items.Wanted("2017106018623", "一种示例装置", date(2017, 7, 21), date(2019, 6, 1))
SECOND = items.Wanted("2023228654133", "一种示例支架", date(2023, 10, 25), date(2024, 5, 7))
FORM = items.Expected(PLEDGOR, PLEDGEE, Decimal(8_000_000), date(2026, 11, 23), date(2028, 11, 23), [PATENT, SECOND])
WHOLE = """专利权质押合同
合同编号：示例质字 1 号
出质人（甲方）：重庆示例智造有限公司
住所：重庆市两江新区示例路 1 号
法定代表人：林示例
质权人（乙方）：示例甲银行
住所：重庆市渝中区示例街 2 号
第一条 主债权的种类为流动资金借款，本金数额为人民币 8,000,000.00 元。
第二条 债务履行期限自 2026 年 11 月 23 日起至 2028 年 11 月 23 日止。
第三条 甲方以下列专利权出质，共计 2 件：
序号 专利名称 专利号 申请日 授权公告日
1 一种示例装置 ZL201710601862.3 2017-07-21 2019-06-01
2 一种示例支架 ZL202322865413.3 2023年10月25日 2024年5月7日
第四条 质押担保的范围包括主债权本金、利息、违约金和实现质权的费用。
第五条 债务人不履行到期债务的，乙方有权就上述专利权折价，或者以拍卖、变卖所得的价款优先受偿。
"""


def found(raw: str, form: items.Expected = FORM) -> dict[str, items.Item]:
    return {item.code: item for item in items.look(Text.of(raw), form)}


def test_a_whole_contract_has_every_item_with_the_line_that_shows_it() -> None:
    seen = found(WHOLE)
    assert {code for code, item in seen.items() if item.state != items.FOUND} == set()
    assert seen["amount"].line == "第一条 主债权的种类为流动资金借款，本金数额为人民币 8,000,000.00 元。"
    assert seen["pledgor_address"].line == "住所：重庆市两江新区示例路 1 号"
    assert seen["number"].said == "2 件都找到了。"


# What a contract loses, line by line, and the item that is then not found.
LOSSES = [
    ("住所：重庆市两江新区示例路 1 号\n", "", "pledgor_address"),
    ("住所：重庆市渝中区示例街 2 号\n", "", "pledgee_address"),
    ("质权人（乙方）：示例甲银行", "质权人（乙方）：示例丁银行", "pledgee"),
    ("主债权的种类为流动资金借款，", "", "kind"),
    ("本金数额为人民币 8,000,000.00 元", "", "amount"),
    ("第二条 债务履行期限自 2026 年 11 月 23 日起至 2028 年 11 月 23 日止。\n", "", "term"),
    ("，共计 2 件：", "：", "pieces"),
    ("一种示例支架", "某支架", "title"),
    ("202322865413.3", "202322865413.4", "number"),
    ("2023年10月25日", "", "filed"),
    ("2019-06-01", "", "granted"),
    ("质押担保的范围包括主债权本金、利息、违约金和实现质权的费用", "双方另行商定", "scope"),
]


@pytest.mark.parametrize(("there", "instead", "code"), LOSSES, ids=[row[2] for row in LOSSES])
def test_what_is_taken_out_is_told_by_name_and_nothing_else_is(there: str, instead: str, code: str) -> None:
    assert there in WHOLE
    seen = found(WHOLE.replace(there, instead))
    assert seen[code].state == items.MISSING
    assert "人工查看" in seen[code].said
    others = {"number": {"filed", "granted"}, "pledgee": {"pledgee_address"}}.get(code, set())
    assert {c for c, item in seen.items() if item.state != items.FOUND} <= {code} | others


def test_an_empty_label_is_no_address() -> None:
    """«住所：» with nothing behind it, the next line being another label, proves nothing."""
    seen = found(WHOLE.replace("住所：重庆市两江新区示例路 1 号", "住所："))
    assert seen["pledgor_address"].state == items.MISSING
    seen = found(WHOLE.replace("住所：重庆市两江新区示例路 1 号", "住所：________"))
    assert seen["pledgor_address"].state == items.MISSING


def test_another_amount_day_or_count_than_the_forms_is_said_with_both() -> None:
    seen = found(
        WHOLE.replace("8,000,000.00", "7,800,000.00").replace("2028 年", "2029 年").replace("共计 2 件", "共计 3 件")
    )
    assert seen["amount"].said == "合同写的是 780 万元，申请表是 800 万元，请核对。"
    assert (seen["term"].state, seen["pieces"].state) == (items.DIFFERS, items.DIFFERS)
    assert "3 件" in seen["pieces"].said


AMOUNTS = [
    "8,000,000.00元",
    "8000000 元",
    "800万元",
    "８００万元",
    "捌佰万元整",
    "八百万元",
    "0.08亿元",
    "8，000，000元",
]


@pytest.mark.parametrize("written", AMOUNTS)
def test_edge_case_19_one_amount_however_it_is_written_is_the_same_to_the_yuan(written: str) -> None:
    """Edge case 19: Bo's contract says 捌佰万元整, the form 800 万元; Ling is not told that they differ."""
    assert found(WHOLE.replace("人民币 8,000,000.00 元", f"人民币{written}"))["amount"].state == items.FOUND


def test_edge_case_19_wan_and_yuan_are_never_taken_for_each_other() -> None:
    """Edge case 19: 800 元 beside a form of 800 万元 is told, not passed over."""
    seen = found(WHOLE.replace("人民币 8,000,000.00 元", "人民币 800 元"))
    assert seen["amount"].state == items.DIFFERS
    assert "0.08 万元" in seen["amount"].said


NUMBERS = [
    "ZL201710601862.3",
    "２０１７１０６０１８６２．３",
    "2017106018623",
    "ZL 2017 1 0601862.3",
    "201710601862 . 3",
]


@pytest.mark.parametrize("written", NUMBERS)
def test_edge_case_28_a_patent_number_is_found_in_every_spelling(written: str) -> None:
    """Edge case 28: dotless from the notice, full-width from a form, spaced from a certificate."""
    assert found(WHOLE.replace("ZL201710601862.3", written))["number"].state == items.FOUND


def test_edge_case_28_a_nine_character_number_with_x_is_found_too() -> None:
    """Edge case 28: a patent of before October 2003, with X for its check digit."""
    old = items.Wanted("98123456X", "一种旧装置", date(1998, 10, 1), date(2003, 1, 1))
    raw = "专利 一种旧装置 ZL98123456.X 1998年10月1日 2003.1.1"
    seen = found(raw, items.Expected(PLEDGOR, PLEDGEE, Decimal(1), None, None, [old]))
    assert {seen[c].state for c in ("title", "number", "filed", "granted")} == {items.FOUND}


def test_a_text_broken_anywhere_says_the_same() -> None:
    """A PDF gives lines where the page had them, often in the middle of a word."""
    whole = found(WHOLE)
    for step in (7, 11, 23):
        broken = "\n".join(WHOLE.replace("\n", "")[i : i + step] for i in range(0, len(WHOLE), step))
        assert {c: i.state for c, i in found(broken).items()} == {c: i.state for c, i in whole.items()}


@given(st.text(max_size=400))
def test_any_text_is_read_without_a_stumble_and_never_invented(raw: str) -> None:
    for item in items.look(Text.of(raw), FORM):
        assert item.state == items.MISSING or item.line
    for clause in forfeiture.find(Text.of(raw)):
        assert clause.sentence in Text.of(raw).flat


UPPER = "零壹贰叁肆伍陆柒捌玖"


def in_words(number: int) -> str:
    """A sum as a bank writes it."""
    if number >= 10_000:
        above, below = divmod(number, 10_000)
        zero = "零" if 0 < below < 1000 else ""
        return in_words(above) + "万" + zero + (in_words(below) if below else "")
    said, digits = "", f"{number:04d}"
    for place, digit in enumerate(digits):
        if digit != "0":
            said += UPPER[int(digit)] + ("仟", "佰", "拾", "")[place]
        elif said and not said.endswith("零") and int(digits[place:]):
            said += "零"
    return said


@given(st.integers(1, 99_999_999))
def test_a_sum_in_words_is_read_as_it_was_written(number: int) -> None:
    sums = list(figures.amounts(f"本金人民币{in_words(number)}元整"))
    assert [f.value for f in sums] == [Decimal(number)]


@given(st.integers(1, 10**12), st.sampled_from(["元", "万元"]))
def test_a_sum_in_figures_is_read_with_and_without_commas(number: int, unit: str) -> None:
    times = 10_000 if unit == "万元" else 1
    for written in (f"{number:,}{unit}", f"{number}{unit}", f"{number}.00{unit}"):
        assert [f.value for f in figures.amounts(f"金额{written}。")] == [Decimal(number) * times]


@given(st.dates(date(1990, 1, 1), date(2099, 12, 31)))
def test_a_day_is_read_in_every_usual_form(day: date) -> None:
    for written in (f"{day:%Y-%m-%d}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y.%m.%d}", f"{day:%Y%m%d}"):
        assert [f.value for f in figures.days(f"自{written}起")] == [day]


HEAD = "出质人（甲方）：重庆示例智造有限公司 质权人（乙方）：示例甲银行。\n"
FORFEITS = [
    "债务人到期不履行债务的，上述专利权归质权人所有。",
    "甲方逾期不还，专利即归乙方。",
    "借款期限届满未清偿的，出质专利自动转归乙方所有，甲方不得提出异议。",
    "债务人违约的，专利权直接转移至质权人名下，双方配合办理著录项目变更。",
    "如甲方不能按期偿还，视为甲方同意将专利权无偿转让给乙方。",
    "到期未还的，乙方有权直接取得该专利权，无需另行通知。",
    "甲方未按约还款的，乙方自动成为专利权人。",
    "债务到期未清偿，甲方以上述专利权直接抵偿全部债务。",
    "发生违约时，质押的专利权全部抵作借款本息。",
    "甲方逾期三十日的，即丧失上述专利权，由乙方处置。",
    "逾期的，乙方可将专利权过户至自己名下。",
    "不履行债务时，本合同项下专利权属于示例甲银行享有。".replace("示例甲银行", "银行"),
    "债务人不能清偿到期债务时，质\n押 财 产 归 乙 方 所\n有。",
    "甲方不得拒绝：到期不还，专利权归乙方所有。",
]
FINE = [
    "债务人不履行到期债务的，乙方有权就上述专利权折价或者拍卖、变卖所得的价款优先受偿。",
    "质押期间，专利证书原件由质权人保管。",
    "未经乙方同意，甲方不得将专利权转让给第三人或者许可他人使用。",
    "甲方转让专利权所得的价款应当向乙方提前清偿债务或者提存。",
    "债务清偿后质权消灭，乙方应当协助甲方办理注销登记。",
    "专利年费由甲方缴纳；甲方未缴的，乙方可以代缴，费用由甲方承担。",
    "甲方保证上述专利权归甲方所有，没有权属争议。",
    "本合同一式四份，甲方、乙方各执一份。",
]
FORBIDS = [
    "双方不得约定债务人不履行到期债务时专利权归质权人所有。",
    "双方不得在债务履行期限届满前，约定债务人不履行到期债务时质押财产归质权人所有。",
    "债务人违约的，专利权不归质权人所有，乙方只能依法就其价款优先受偿。",
    "约定到期不还专利权归乙方所有的，该约定无效。",
    "债务到期后，经双方协商，可以将专利权折价转让给乙方。",
]


@pytest.mark.parametrize("sentence", FORFEITS)
def test_a_forfeiture_in_other_words_is_still_found_and_quoted(sentence: str) -> None:
    clauses = forfeiture.find(Text.of(HEAD + WHOLE + "第六条 " + sentence))
    assert [c.forfeits for c in clauses] == [True]
    assert "".join(sentence.split()).rstrip("。") in "".join(clauses[0].sentence.split())
    assert clauses[0].line


@pytest.mark.parametrize("sentence", FINE)
def test_an_honest_clause_is_not_called_a_forfeiture(sentence: str) -> None:
    assert [c for c in forfeiture.find(Text.of(HEAD + sentence)) if c.forfeits] == []


@pytest.mark.parametrize("sentence", FORBIDS)
def test_a_clause_that_forbids_it_is_shown_for_reading_not_accused(sentence: str) -> None:
    clauses = forfeiture.find(Text.of(HEAD + sentence))
    assert [c.forfeits for c in clauses] == [False], "shown, and left to a person"


def test_who_is_meant_by_jia_and_yi_follows_from_the_contract() -> None:
    """Where the bank is 甲方, «归甲方所有» gives it the patent; where the company is, it keeps what it has."""
    bank_first = "质权人（甲方）：示例甲银行 出质人（乙方）：重庆示例智造有限公司。到期不还，专利权归甲方所有。"
    assert [c.forfeits for c in forfeiture.find(Text.of(bank_first))] == [True]
    assert forfeiture.find(Text.of(HEAD + "债务清偿后，专利权仍归甲方所有。")) == []
    unnamed = "到期不还，专利权归甲方所有。"  # nobody said who that is: a person looks
    assert [c.forfeits for c in forfeiture.find(Text.of(unnamed))] == [True]


@given(st.sampled_from(FORFEITS), st.data())
def test_a_forfeiture_stays_found_however_the_page_breaks_it(sentence: str, data: st.DataObject) -> None:
    chars = list(sentence)
    for _ in range(data.draw(st.integers(0, 6))):
        chars.insert(data.draw(st.integers(0, len(chars))), data.draw(st.sampled_from([" ", "\n", "\u3000", "\u200b"])))
    assert [c.forfeits for c in forfeiture.find(Text.of(HEAD + "".join(chars)))] == [True]
