"""Each ground both ways: what Chen's check list says about a patent, and on which evidence."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from pledges import grounds
from pledges.facts import FileFacts, PatentFacts
from pledges.grounds import Result
from pledges.models import Ground
from portal.foundation.core.identifiers import PatentKind, expiry_date

LING = "重庆示例智造有限公司"
PATENT = PatentFacts(
    number="2017106018623",
    title="示例专利",
    kind="invention",
    patentee=LING,
    status="granted",
    filing_date=date(2017, 7, 21),
    grant_date=date(2019, 6, 1),
    expires_on=date(2037, 7, 21),
    fee_paid_until=date(2028, 12, 31),
    preserved=False,
    invalidation_pending=False,
    same_day_twin="",
    checked_on=date(2026, 11, 1),
)
UTILITY = replace(
    PATENT, number="2023228654133", kind="utility", filing_date=date(2023, 10, 1), expires_on=date(2033, 10, 1)
)
FILE = FileFacts(
    today=date(2026, 11, 23),
    filing=True,
    pledgor=LING,
    debtor=LING,
    contract_number="示例质字第 1 号",
    contract_signed_on=date(2026, 11, 20),
    contract_on_file=True,
    debt_kind="working_capital",
    debt_amount=Decimal("8000000.00"),
    debt_from=date(2026, 11, 23),
    debt_to=date(2028, 11, 22),
    scope="all",
    agreement=False,
    agreement_on_file=False,
    twin_declared=False,
    invalidation_declared=False,
    patents=(PATENT, UTILITY),
)


def look(ground: Ground, facts: FileFacts = FILE, **patent: object) -> grounds.CheckResult:
    """The result of one ground, with the second patent changed."""
    if patent:
        facts = replace(facts, patents=(facts.patents[0], replace(facts.patents[1], **patent)))  # type: ignore[arg-type]
    return next(r for r in grounds.evaluate(facts) if r.ground == ground)


def test_a_sound_file_is_clear_of_eleven_grounds_and_the_twelfth_is_for_chen() -> None:
    results = grounds.evaluate(FILE)
    assert [r.ground for r in results] == list(Ground)
    assert [r.result for r in results] == [Result.CLEAR] * 11 + [Result.MANUAL]
    assert all(r.evidence.endswith("。") for r in results)


@pytest.mark.parametrize(
    ("ground", "patent", "told"),
    [
        (Ground.R01, {"patentee": "重庆另一家有限公司"}, "202322865413.3 的专利权人为“重庆另一家有限公司”"),
        (Ground.R02, {"status": "lapsed"}, "202322865413.3（已终止"),
        (Ground.R02, {"status": "invalid"}, "已宣告无效"),
        (Ground.R02, {"expires_on": date(2026, 11, 23)}, "届满日 2026年11月23日"),
        (Ground.R03, {"status": "pending", "grant_date": None}, "202322865413.3（授权公告日 未填）"),
        (Ground.R03, {"grant_date": date(2026, 12, 1)}, "授权公告日 2026年12月1日"),
        (Ground.R04, {"fee_paid_until": date(2026, 11, 22)}, "202322865413.3 缴至 2026年11月22日"),
        (Ground.R05, {"preserved": True}, "202322865413.3"),
        (Ground.R06, {"expires_on": date(2028, 11, 21)}, "202322865413.3 届满日2028年11月21日"),
        (Ground.R07, {"title": ""}, "专利 202322865413.3 的名称"),
        (Ground.R07, {"filing_date": None, "grant_date": None}, "的申请日、授权公告日"),
        (Ground.R08, {"co_owners": ("重庆示例大学",)}, "202322865413.3 缺 重庆示例大学"),
        (Ground.R09, {"pledged": True}, "202322865413.3"),
        (Ground.R09, {"pending": 1}, "正在办理：202322865413.3"),
        (Ground.R10, {"same_day_twin": "2023113456788"}, "202322865413.3 的同日申请 202311345678.8"),
        (Ground.R11, {"invalidation_pending": True}, "202322865413.3"),
    ],
)
def test_a_ground_is_found_and_names_the_patent(ground: Ground, patent: dict[str, object], told: str) -> None:
    result = look(ground, **patent)
    assert result.blocks
    assert told in result.evidence
    assert PATENT.dotted not in result.evidence
    assert result.fix
    assert result.place


@pytest.mark.parametrize(
    ("ground", "patent"),
    [
        (Ground.R01, {"patentee": ""}),
        (Ground.R03, {"grant_date": None}),
        (Ground.R04, {"fee_paid_until": None}),
        (Ground.R06, {"expires_on": None}),
        *[(g, {"checked_on": None}) for g in (Ground.R01, Ground.R02, Ground.R05, Ground.R10, Ground.R11)],
    ],
)
def test_what_nobody_knows_is_left_to_chen(ground: Ground, patent: dict[str, object]) -> None:
    assert look(ground, **patent).result == Result.MANUAL


def test_ling_may_be_one_of_several_patentees() -> None:
    assert look(Ground.R01, patentee=f"重庆示例大学；{LING}").result == Result.CLEAR
    assert look(Ground.R08, patentee=f"重庆示例大学；{LING}").blocks
    assert look(Ground.R01, patentee="重庆示例大学", co_owners=(LING,)).result == Result.CLEAR
    # Brackets and spaces are no difference.
    facts = replace(FILE, pledgor="示例（重庆）公司", patents=(replace(PATENT, patentee="示例(重庆) 公司"),))
    assert look(Ground.R01, facts).result == Result.CLEAR


def test_the_fee_may_run_out_before_the_debt_but_somebody_is_told() -> None:
    result = look(Ground.R04, fee_paid_until=date(2027, 6, 30))
    assert result.result == Result.CLEAR
    assert result.warning
    assert "2027年6月30日，早于债务到期日2028年11月22日" in result.evidence


@pytest.mark.parametrize(
    ("expires", "warned"), [(date(2028, 11, 22), True), (date(2029, 5, 21), True), (date(2029, 5, 22), False)]
)
def test_a_patent_that_ends_within_six_months_of_the_debt_is_pointed_out(expires: date, warned: bool) -> None:
    result = look(Ground.R06, expires_on=expires)
    assert result.result == Result.CLEAR
    assert result.warning is warned


@pytest.mark.parametrize(
    ("blank", "told"),
    [
        ({"contract_number": ""}, "合同编号"),
        ({"contract_signed_on": None}, "合同签订日期"),
        ({"contract_on_file": False}, "质押合同文本"),
        ({"debt_amount": None}, "被担保债权数额"),
        ({"debt_kind": ""}, "债权种类"),
        ({"debt_to": None}, "债务履行期限届满日"),
        ({"scope": ""}, "质押担保的范围"),
        ({"patents": ()}, "质押的专利"),
    ],
)
def test_the_contract_must_say_what_article_eight_wants(blank: dict[str, object], told: str) -> None:
    result = look(Ground.R07, replace(FILE, **blank))  # type: ignore[arg-type]
    assert result.blocks
    assert told in result.evidence


def test_every_co_owner_agrees_or_they_agreed_otherwise() -> None:
    shared = replace(FILE, patents=(replace(PATENT, co_owners=("重庆示例大学", "示例研究院")),))
    half = replace(FILE, patents=(replace(shared.patents[0], consents=frozenset({"重庆示例大学"})),))
    whole = replace(FILE, patents=(replace(shared.patents[0], consents=frozenset({"重庆示例大学", "示例研究院"})),))
    assert "缺 重庆示例大学、示例研究院" in look(Ground.R08, shared).evidence
    assert "缺 示例研究院" in look(Ground.R08, half).evidence
    assert look(Ground.R08, whole).result == Result.MANUAL  # the seals are for Chen to read
    assert look(Ground.R08, replace(shared, agreement=True)).blocks
    assert look(Ground.R08, replace(shared, agreement=True, agreement_on_file=True)).result == Result.MANUAL


def test_a_pending_file_elsewhere_stops_a_new_one_but_not_the_decision() -> None:
    result = look(Ground.R09, replace(FILE, filing=False), pending=1)
    assert result.result == Result.CLEAR
    assert result.warning
    assert "先予登记者有效" in result.evidence


def test_two_grounds_can_be_waived_and_no_other() -> None:
    twin = look(Ground.R10, replace(FILE, twin_declared=True), same_day_twin="2023113456788")
    attacked = look(Ground.R11, replace(FILE, invalidation_declared=True), invalidation_pending=True)
    assert twin.result == attacked.result == Result.WAIVED
    assert [g for g in Ground if look(g).waivable] == [Ground.R10, Ground.R11]
    assert look(Ground.R09, replace(FILE, twin_declared=True, invalidation_declared=True), pledged=True).blocks
    # An invention has no twin of this kind.
    assert look(Ground.R10, kind="invention", same_day_twin="2023113456788").result == Result.CLEAR


def test_edge_case_5_the_loan_must_end_before_the_shortest_lived_patent_does() -> None:
    """Bo lends for two years on three of Ling's patents: the one that ends first counts, from its filing date and kind; a
    design filed before June 2021 lives ten years, and a compensated term is what the register says."""
    old_design = replace(
        PATENT, number="2019305487215", kind="design", filing_date=date(2019, 5, 31),
        expires_on=expiry_date(PatentKind.DESIGN, date(2019, 5, 31)),
    )  # fmt: skip
    assert old_design.expires_on == date(2029, 5, 31)
    assert expiry_date(PatentKind.DESIGN, date(2021, 6, 1)) == date(2036, 6, 1)
    three = replace(FILE, patents=(PATENT, UTILITY, old_design))
    enough = look(Ground.R06, three)
    assert enough.result == Result.CLEAR
    assert f"最先届满的专利 {old_design.dotted} 届满日2029年5月31日" in enough.evidence
    # Less than six months between the debt's end and the patent's: clear, but somebody should know.
    near = look(Ground.R06, replace(three, debt_to=date(2028, 12, 1)))
    assert (near.result, near.warning) == (Result.CLEAR, True)
    assert "只晚 5 个整月" in near.evidence
    assert not look(Ground.R06, replace(three, debt_to=date(2028, 11, 30))).warning
    late = look(Ground.R06, replace(three, debt_to=date(2029, 6, 1)))
    assert late.blocks
    assert look(Ground.R06, replace(three, debt_to=date(2029, 5, 31))).result == Result.CLEAR
    compensated = replace(old_design, expires_on=date(2030, 5, 31))
    assert (
        look(Ground.R06, replace(three, patents=(PATENT, compensated), debt_to=date(2029, 6, 1))).result == Result.CLEAR
    )
