"""Change, cancellation and partial release: asked by one, agreed by the other, decided by Chen; the register keeps old and new."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from applications.actions.submit import add_months
from applications.models import Application
from pledges import notices
from pledges.actions import examination as files
from pledges.actions import filing as file_form
from pledges.actions import joining
from pledges.after import examination, filing
from pledges.after.filing import Wish
from pledges.after.kinds import MatterKind
from pledges.after.models import Matter
from pledges.models import Notice, Registration
from pledges.particulars.entries import MaximumEntry
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.assets.models import CoOwner, Patent
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.core.pdf import engine
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Kind
from tests.factories import Person

from .after_steps import PAID, amount, asked, clock_of, decided, fresh, handed_in, in_hand, longer, now, until
from .conftest import examined, filled, paper

pytestmark = pytest.mark.django_db
CHANGE, CANCEL, RELEASE = MatterKind.CHANGE, MatterKind.CANCELLATION, MatterKind.RELEASE


# --- change -----------------------------------------------------------------------------------------------------------


def test_bo_asks_for_a_longer_term_ling_agrees_and_chen_registers_the_change(
    registered: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    was, wish = registered.debt_to, longer(registered)
    matter = in_hand(registered, CHANGE, wish, bo, ling, chen)
    clock = clock_of(matter)
    assert (clock.kind, clock.days, clock.organisation_id) == (Kind.AMENDMENT, 1, chen.organisation.pk)
    notice = examination.approve(matter.pk, version=0, actor=chen.actor, now=now())
    file = fresh(registered)
    assert (file.state, file.debt_to) == (Registration.State.REGISTERED, wish.changes["debt_to"])
    matter.refresh_from_db()
    assert [line["field"] for line in matter.kept] == ["debt_to"]
    assert was is not None
    assert f"{was.year}年" in matter.kept[0]["old"]
    assert matter.kept == notice.facts["lines"]
    assert notice.kind == Notice.Kind.CHANGED
    assert clock_of(matter).stop_reason == "approved"
    assert Entry.objects.filter(verb="pledge.changed", case_number=file.application.number).count() == 1


@pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)
@pytest.mark.parametrize("kind", [CHANGE, CANCEL])
def test_the_paper_can_be_printed(
    registered: Registration, bo: Person, ling: Person, chen: Person, kind: MatterKind
) -> None:
    wish = longer(registered) if kind == CHANGE else PAID
    notice = decided(registered, kind, wish, bo, ling, chen)
    assert notices.print_notice(notice.pk).size > 1000


def test_only_the_other_side_can_agree_and_only_to_what_it_has_read(
    registered: Registration, bo: Person, ling: Person, cui: Person
) -> None:
    matter = asked(registered, CHANGE, longer(registered), bo)
    with pytest.raises(Forbidden, match="须由对方确认"):
        filing.confirm(matter.pk, version=0, actor=bo.actor, now=now())
    with pytest.raises(Forbidden):
        filing.confirm(matter.pk, version=0, actor=cui.actor, now=now())
    filing.send_back(matter.pk, note="展期太短", actor=ling.actor, now=now())
    filing.revise(matter.pk, longer(registered, 180), version=0, actor=bo.actor, now=now())
    with pytest.raises(WrongState, match="刚刚修改"):
        filing.confirm(matter.pk, version=0, actor=ling.actor, now=now())
    assert filing.confirm(matter.pk, version=1, actor=ling.actor, now=now()).state == Matter.State.SUBMITTED


def test_a_change_wants_a_difference_and_a_proof(registered: Registration, bo: Person) -> None:
    same = Wish(changes={"debt_to": registered.debt_to, "scope": registered.scope})
    with pytest.raises(Invalid, match="没有与登记不同"):
        asked(registered, CHANGE, same, bo)
    with pytest.raises(Invalid) as refusal:
        filing.start(registered.pk, CHANGE, longer(registered), actor=bo.actor, now=now())
    assert set(refusal.value.fields) == {"papers"}
    with pytest.raises(Invalid) as refusal:
        asked(registered, CHANGE, until(date(2020, 1, 1)), bo)
    assert set(refusal.value.fields) == {"debt_to"}


def test_a_term_beyond_the_patents_life_is_refused_when_asked_and_again_when_decided(
    registered: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    """R06 matters again for a new term; and the patent may lose its years between application and decision."""
    with pytest.raises(Invalid, match="R06") as refusal:
        asked(registered, CHANGE, until(date(2038, 1, 1)), bo)
    assert set(refusal.value.fields) == {"debt_to"}
    matter = in_hand(registered, CHANGE, longer(registered), bo, ling, chen)
    Patent.objects.update(expires_on=registered.debt_to)
    with pytest.raises(WrongState, match="R06"):
        examination.approve(matter.pk, version=0, actor=chen.actor, now=now())
    assert fresh(registered).debt_to == registered.debt_to
    notice = examination.refuse(matter.pk, ground="R06", note="债务期限超过专利有效期", actor=chen.actor, now=now())
    assert notice.kind == Notice.Kind.NOT_DONE
    matter.refresh_from_db()
    assert (matter.state, matter.refusal_ground) == (Matter.State.REFUSED, "R06")
    assert clock_of(matter).stop_reason == "refused"


def test_a_preserved_patent_does_not_carry_a_greater_debt(registered: Registration, bo: Person) -> None:
    Patent.objects.update(preserved=True)
    with pytest.raises(Invalid, match="R05"):
        asked(registered, CHANGE, amount(9_000_000), bo)
    with pytest.raises(Invalid, match="R05"):
        asked(registered, CHANGE, longer(registered), bo)
    less = Wish(changes={"pledgee_address": "重庆市示例路 1 号", "debt_amount": Decimal(5_000_000)})
    assert asked(registered, CHANGE, less, bo).state == Matter.State.CONFIRMING  # a smaller debt burdens nothing anew


def test_edge_case_1_a_greater_debt_wants_the_co_owner_again(
    registered: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    """The university agreed to eight million: for nine, Chen is told to look for its consent among the new papers."""
    CoOwner.objects.create(patent=Patent.objects.get(), name="重庆示例大学")
    more = in_hand(registered, CHANGE, amount(9_000_000), bo, ling, chen)
    (shared,) = [c for c in more.checks if c["ground"] == "R08"]
    assert (shared["result"], "共有人对变更的同意" in shared["evidence"]) == ("manual", True)
    filing.withdraw(more.pk, reason="", actor=ling.actor, now=now())
    less = in_hand(registered, CHANGE, amount(7_000_000), bo, ling, chen)
    assert not [c for c in less.checks if c["ground"] == "R08"]


def test_a_changed_amount_leaves_what_was_published(
    registered: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    decided(registered, CHANGE, amount(5_000_000), bo, ling, chen)
    decided(registered, CHANGE, amount(4_000_000), ling, bo, chen)
    file = fresh(registered)
    assert (file.debt_amount, file.first_amount) == (Decimal(4_000_000), Decimal(8_000_000))


def test_a_refusal_says_why(registered: Registration, bo: Person, ling: Person, chen: Person) -> None:
    matter = in_hand(registered, CHANGE, longer(registered), bo, ling, chen)
    with pytest.raises(Invalid) as refusal:
        examination.refuse(matter.pk, ground="", note=" ", actor=chen.actor, now=now())
    assert set(refusal.value.fields) == {"ground", "note"}


def test_a_withdrawn_change_leaves_the_register_as_it_is(
    registered: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    matter = in_hand(registered, CHANGE, longer(registered), bo, ling, chen)
    filing.withdraw(matter.pk, reason="另行协商", actor=ling.actor, now=now())
    clock = clock_of(matter)
    assert (clock.stop_reason, clock.excused) == ("withdrawn", True)
    assert fresh(registered).debt_to == registered.debt_to
    with pytest.raises(WrongState):
        examination.approve(matter.pk, version=0, actor=chen.actor, now=now())
    asked(registered, CHANGE, longer(registered), bo)  # and it can be asked anew


def test_a_correction_pauses_the_clock_and_the_answer_gives_the_full_term(
    registered: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    matter = in_hand(registered, CHANGE, longer(registered), bo, ling, chen)
    letter = examination.ask_correction(matter.pk, ["协议缺少签章。", " ", "期限有误。"], actor=chen.actor, now=now())
    assert (letter.kind, len(letter.facts["defects"])) == (Notice.Kind.TO_CORRECT, 2)
    assert clock_of(matter).paused_at is not None
    with pytest.raises(Invalid):
        examination.answer(matter.pk, text=" ", actor=bo.actor, now=now())
    later = now() + timedelta(days=4)
    wish = longer(registered, 120)
    after = examination.answer(
        matter.pk, text="已补签", changes=wish.changes, uploads=[paper("补签.pdf")], actor=ling.actor, now=later
    )
    # What Ling now applies for is not what Bo agreed to: Bo agrees first, and the clock waits.
    assert (after.state, after.version) == (Matter.State.CONFIRMING, 1)
    assert clock_of(matter).paused_at is not None
    assert matter.number in chen.client.get("/office/after/").content.decode()
    with pytest.raises(Forbidden, match="由本方提出"):
        filing.confirm(matter.pk, version=1, actor=ling.actor, now=later)
    with pytest.raises(WrongState, match="刚刚修改"):
        filing.confirm(matter.pk, version=0, actor=bo.actor, now=later)
    after = filing.confirm(matter.pk, version=1, actor=bo.actor, now=later)
    assert after.state == Matter.State.EXAMINING
    clock = clock_of(matter)
    assert clock.paused_at is None
    assert clock.due_at > later
    with pytest.raises(WrongState, match="刚刚有改动"):
        examination.approve(matter.pk, version=0, actor=chen.actor, now=later)
    examination.approve(matter.pk, version=1, actor=chen.actor, now=later)
    assert fresh(registered).debt_to == wish.changes["debt_to"]


def test_a_clerk_who_also_works_for_a_party_stands_aside(
    registered: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    matter = handed_in(registered, CHANGE, longer(registered), bo, ling)
    Membership.objects.create(user=chen.user, organisation=bo.organisation, role=Role.OFFICER)
    with pytest.raises(Forbidden, match="应当回避"):
        examination.accept(matter.pk, actor=chen.actor, now=now())


def test_a_colleague_takes_over_from_who_is_absent(
    registered: Registration, bo: Person, ling: Person, chen: Person, chief: Person
) -> None:
    matter = in_hand(registered, CHANGE, longer(registered), bo, ling, chen)
    with pytest.raises(WrongState, match="正在办理"):
        examination.approve(matter.pk, version=0, actor=chief.actor, now=now())
    with pytest.raises(WrongState, match="重新确认是否接手"):  # the page she read named another colleague
        examination.take_over(matter.pk, from_clerk_id=chief.user.pk, actor=chief.actor, now=now())
    examination.take_over(matter.pk, from_clerk_id=chen.user.pk, actor=chief.actor, now=now())
    examination.approve(matter.pk, version=0, actor=chief.actor, now=now())


@pytest.fixture
def maximum(case: Application, ling: Person, bo: Person, chen: Person) -> Registration:
    """Ling's registered maximum-amount pledge: debts of one year, each of twelve months at most."""
    file = file_form.start(case.pk, actor=bo.actor, now=now())
    assert file.debt_from is not None
    entry = MaximumEntry(file.debt_from, file.debt_from + timedelta(days=365), 12)
    filled(case, bo, maximum=entry)
    joining.propose(file.pk, actor=bo.actor, now=now())
    file = fresh(file)
    joining.confirm(file.pk, version=file.version, actor=ling.actor, now=now())
    files.register(examined(file, chen).pk, actor=chen.actor, now=now())
    return fresh(file)


def test_edge_case_4_the_period_of_a_maximum_pledge_is_changed_as_a_period(
    maximum: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    """Edge case 4: Bo and Ling prolong the time in which debts arise; the last day follows, and R06 is about that day."""
    form = bo.client.get(f"/pledges/{maximum.number}/after/change/").content.decode()
    assert 'name="determined_to"' in form
    assert 'name="debt_to"' not in form
    held = maximum.maximum
    # The last day alone is nobody's to say: it follows from the period.
    with pytest.raises(Invalid, match="没有与登记不同"):
        asked(maximum, CHANGE, longer(maximum), bo)
    with pytest.raises(Invalid) as refusal:
        asked(maximum, CHANGE, Wish(changes={"determined_to": held.determined_from}), bo)
    assert set(refusal.value.fields) == {"determined_to"}
    with pytest.raises(Invalid, match=r"R06.*单笔债务最长期限 300 个月") as refusal:
        asked(maximum, CHANGE, Wish(changes={"term_months": 300}), bo)
    assert set(refusal.value.fields) == {"term_months"}
    ends = held.determined_to + timedelta(days=100)
    notice = decided(maximum, CHANGE, Wish(changes={"determined_to": ends, "term_months": 6}), bo, ling, chen)
    file = fresh(maximum)
    assert (file.maximum.determined_to, file.maximum.term_months) == (ends, 6)
    assert file.debt_to == add_months(ends, 6)
    assert [line["label"] for line in notice.facts["lines"]] == ["债权确定期间至", "单笔债务最长期限"]
    assert f"{ends.year}年{ends.month}月{ends.day}日" in notice.facts["debt_kind"]


def test_edge_case_19_exactly_ten_million_wants_no_report_a_cent_more_does(
    registered: Registration, bo: Person, ling: Person, chen: Person, settings: Any
) -> None:
    """Edge case 19: 单笔 1000 万元以下 includes the number; the cent above it is Chen's to look for a valuation report."""
    settings.VALUATION_REPORT_BEYOND = True
    border = in_hand(registered, CHANGE, Wish(changes={"debt_amount": Decimal("10000000.00")}), bo, ling, chen)
    assert not [c for c in border.checks if c["ground"] == "R12"]
    filing.withdraw(border.pk, reason="", actor=bo.actor, now=now())
    above = in_hand(registered, CHANGE, Wish(changes={"debt_amount": Decimal("10000000.01")}), bo, ling, chen)
    (proof,) = [c for c in above.checks if c["ground"] == "R12"]
    assert proof["result"] == "manual"
    assert "没有资产评估报告" in proof["evidence"]


def test_a_change_that_was_sent_back_after_a_correction_comes_back_to_its_clerk(
    registered: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    """Bo does not agree to what Ling's answer changed; she writes it again, and one clock counts from beginning to end."""
    matter = in_hand(registered, CHANGE, longer(registered), bo, ling, chen)
    examination.ask_correction(matter.pk, ["期限有误。"], actor=chen.actor, now=now())
    examination.answer(matter.pk, text="", changes=longer(registered, 300).changes, actor=ling.actor, now=now())
    filing.send_back(matter.pk, note="只同意 120 天", actor=bo.actor, now=now())
    assert clock_of(matter).paused_at is not None
    wish = longer(registered, 120)
    made = filing.revise(matter.pk, wish, version=1, actor=ling.actor, now=now())
    after = filing.confirm(matter.pk, version=made.version, actor=bo.actor, now=now())
    assert (after.state, after.clerk_id, clock_of(matter).paused_at) == (Matter.State.EXAMINING, chen.user.pk, None)
    examination.approve(matter.pk, version=made.version, actor=chen.actor, now=now())
    assert fresh(registered).debt_to == wish.changes["debt_to"]


# --- names ------------------------------------------------------------------------------------------------------------


def test_edge_case_7_a_renamed_pledgor_no_longer_matches_until_the_change_is_registered(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    """Ling's firm takes a new name: the flag stands on the page until Chen has registered it, and the patent register goes first."""
    hub = f"/pledges/{registered.number}/after/"
    assert "名称与登记不一致" not in ling.client.get(hub).content.decode()
    ling.organisation.name = "重庆示例新名有限公司"
    ling.organisation.save()
    assert "名称与登记不一致" in ling.client.get(hub).content.decode()
    wish = Wish(changes={"pledgor_name": "重庆示例新名有限公司"})
    with pytest.raises(Invalid, match="R01"):  # the patentee in the register is still the old name
        asked(registered, CHANGE, wish, ling)
    Patent.objects.update(patentee="重庆示例新名有限公司")
    notice = decided(registered, CHANGE, wish, ling, bo, chen)
    assert notice.facts["lines"][0]["old"] == "重庆示例智造有限公司"
    assert "名称与登记不一致" not in ling.client.get(hub).content.decode()


def test_edge_case_20_a_renamed_bank_is_told_to_register_the_change(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    """Bo's bank merges and is called otherwise: the pledge stays its own, the name in the register is the old one until changed."""
    bo.organisation.name = "示例甲银行重庆分行"
    bo.organisation.save()
    page = bo.client.get(f"/pledges/{registered.number}/after/").content.decode()
    assert "登记为“示例甲银行”" in page
    decided(registered, CHANGE, Wish(changes={"pledgee_name": "示例甲银行重庆分行"}), bo, ling, chen)
    assert fresh(registered).pledgee_name == "示例甲银行重庆分行"
