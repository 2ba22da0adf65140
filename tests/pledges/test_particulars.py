"""Maximum amounts, agents, co-owners: what each asks for, who has to sign, and what every page then says."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from applications.models import Application
from pledges.actions import examination, filing, joining
from pledges.models import Agent, Document, Ground, MaximumDebt, Registration
from pledges.particulars import rules as particulars
from pledges.particulars import storing
from pledges.particulars.entries import PledgorEntry
from pledges.particulars.identity import parse_identity_card
from pledges.particulars.models import IdentityKind, Power, Side
from portal.foundation.assets.models import CoOwner, Patent
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from tests.budget import budget
from tests.factories import Person

from .conftest import content, examined, filled, paper
from .particulars_steps import AGENT, CARD, TODAY, maximum, result, save
from .test_pages import typed, url

pytestmark = pytest.mark.django_db


# --- maximum amount ---------------------------------------------------------------------------------------------------


def test_edge_case_4_the_last_debt_of_the_period_is_what_the_patent_must_outlive(
    draft: Registration, bo: Person, ling: Person
) -> None:
    """Edge case 4: Bo's maximum pledge ends in a year; a debt of its last day falls due two years later, and that day
    is compared with the end of Ling's patent."""
    entry = maximum(draft, months=24)
    file = save(draft, bo, maximum=entry)
    assert file.debt_to == storing.last_due(entry)
    assert MaximumDebt.objects.get().term_months == 24
    Patent.objects.update(expires_on=entry.determined_to + timedelta(days=30))  # outlives the period, not the debts
    found = result(file, Ground.R06)
    assert found.blocks
    assert "债权确定期间届满日" in found.evidence
    assert "单笔债务最长期限 24 个月" in found.evidence
    Patent.objects.update(expires_on=storing.last_due(entry) + timedelta(days=400))
    assert not result(file, Ground.R06).blocks


def test_edge_case_4_the_cap_and_the_period_stand_on_every_page_and_paper(
    case: Application, bo: Person, ling: Person, chen: Person
) -> None:
    """Edge case 4: Chen registers the cap, and the notice says that it is one."""
    file = filled(case, bo)
    save(file, bo, maximum=maximum(file))
    file.refresh_from_db()
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    page = ling.client.get(url("confirm", file)).content.decode()
    assert "最高债权额 800 万元" in page
    assert "债权确定期间" in page
    joining.confirm(file.pk, version=file.version, actor=ling.actor, now=moments.now())
    examined(file, chen)
    notice = examination.register(file.pk, actor=chen.actor, now=moments.now())
    assert "最高额质押，下列数额为最高债权额；债权确定期间" in notice.facts["debt_kind"]


def test_a_period_that_ends_before_it_begins_is_refused_by_the_database(draft: Registration) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        MaximumDebt.objects.create(registration=draft, determined_from=TODAY, determined_to=TODAY, term_months=1)


def test_no_longer_maximum_is_an_ordinary_debt_again(draft: Registration, bo: Person) -> None:
    file = save(draft, bo, maximum=maximum(draft))
    save(file, bo, maximum=None)
    assert not MaximumDebt.objects.exists()
    assert "债务到期日" in result(file, Ground.R06).evidence


# --- agents -----------------------------------------------------------------------------------------------------------


def test_a_foreign_party_needs_an_agency_with_a_stated_mandate(draft: Registration, bo: Person, ling: Person) -> None:
    Patent.objects.update(patentee="Example Holdings Ltd.")
    foreign = PledgorEntry(IdentityKind.FOREIGN, "Example Holdings Ltd.", "HK 1234567", "香港示例道 1 号")
    file = save(draft, bo, Document.Kind.PLEDGOR, pledgor=foreign)
    assert particulars.missing(Registration.objects.get(pk=file.pk)) == [
        "境外出质人在境内没有经常居所或者营业所的，须委托专利代理机构办理，请填写“委托代理”。"
    ]
    file = save(file, bo, pledgor=foreign, agent=AGENT)
    said = particulars.missing(Registration.objects.get(pk=file.pk))
    assert said == ["请上传写明代理权限的专利代理委托书。", "请上传代理人的身份证明。"]
    file = save(file, bo, Document.Kind.MANDATE, Document.Kind.AGENT, pledgor=foreign, agent=AGENT)
    assert particulars.missing(Registration.objects.get(pk=file.pk)) == []
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    page = ling.client.get(url("detail", file)).content.decode()
    assert "重庆示例专利代理事务所" in page
    assert "提交登记申请、答复补正" in page
    assert CARD not in page


def test_an_agency_for_the_wrong_side_or_without_the_power_to_file_will_not_do(draft: Registration, bo: Person) -> None:
    wrong = replace(AGENT, abroad=Side.PLEDGEE, powers=[Power.RECEIVE])
    file = save(draft, bo, Document.Kind.MANDATE, Document.Kind.AGENT, agent=wrong)
    said = particulars.missing(Registration.objects.get(pk=file.pk))
    assert len(said) == 2
    assert "质权人在境内没有" in said[0]
    assert "代理权限没有“提交登记申请”" in said[1]
    with pytest.raises(WrongState, match=r"共 2 项"):
        joining.propose(file.pk, actor=bo.actor, now=moments.now())


def test_a_domestic_party_may_have_an_agent_and_need_not(draft: Registration, bo: Person) -> None:
    assert particulars.missing(draft) == []
    save(draft, bo, Document.Kind.MANDATE, Document.Kind.AGENT, agent=AGENT)
    assert particulars.missing(Registration.objects.get(pk=draft.pk)) == []
    save(draft, bo, agent=None)
    assert not Agent.objects.exists()


# --- co-owners --------------------------------------------------------------------------------------------------------


def test_edge_case_1_each_co_owner_consents_by_a_paper_of_its_own(draft: Registration, bo: Person) -> None:
    """Edge case 1: two co-owners; one consent is not two, and the waiving agreement wants its proof."""
    patent = Patent.objects.get()
    for name in ("示例共有甲公司", "示例共有乙公司"):
        CoOwner.objects.create(patent=patent, name=name)
    with pytest.raises(joining.GroundsFound, match="示例共有甲公司、示例共有乙公司"):
        joining.propose(draft.pk, actor=bo.actor, now=moments.now())

    def consent(of: str) -> Registration:
        upload = filing.Upload(Document.Kind.CO_OWNER, paper(f"{of}.pdf"), "consent_1", of, patent.number)
        file = Registration.objects.get(pk=draft.pk)
        return filing.save(
            file.pk, typed={}, content=content(file), uploads=[upload], version=file.version, actor=bo.actor, now=moments.now()
        )  # fmt: skip

    consent("示例共有甲公司")
    with pytest.raises(joining.GroundsFound, match="缺 示例共有乙公司"):
        joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    consent("示例共有乙公司")
    assert not result(draft, Ground.R08).blocks
    file = save(draft, bo, co_owner_agreement=True)
    assert result(file, Ground.R08).blocks, "the agreement is declared, its proof is not there"
    save(file, bo, Document.Kind.AGREEMENT, co_owner_agreement=True)
    assert not result(file, Ground.R08).blocks


# --- the form ---------------------------------------------------------------------------------------------------------


def test_the_extra_parts_appear_only_when_chosen_and_without_javascript(draft: Registration, bo: Person) -> None:
    page = bo.client.get(url("edit", draft)).content.decode()
    assert "单笔债务最长期限" not in page
    shown = bo.client.post(url("edit", draft), {**typed(draft), "special": ["maximum", "third", "agent"], "show": "1"})
    assert shown.headers["Location"] == url("edit", draft) + "#special"
    with budget():
        page = bo.client.get(url("edit", draft)).content.decode()
    for label in ("债权确定期间至", "单笔债务最长期限", "出质人证件号码", "专利代理机构", "代理权限"):
        assert label in page
    assert 'name="debt_to"' not in page
    assert "示例质字 1 号" in page, "what was typed is still there"
    assert re.search(r'name="term_months" value="24"', page), "the offer's term stands there already"
    assert re.search(r'name="agent_powers" value="file"[^>]*checked', page)


def test_the_form_checks_the_parts_and_keeps_what_is_typed(draft: Registration, bo: Person) -> None:
    sent = {
        **typed(draft), "special": ["maximum", "third", "agent"],
        "determined_from": "2026-12-01", "determined_to": "2026-12-01", "term_months": "0",
        "pledgor_kind": "person", "pledgor_name": "程发明", "pledgor_identity": CARD[:-1] + "?", "pledgor_address": "路",
        "agent_acts_for": "pledgor", "agent_agency": "示例所", "agent_person": "戴", "agent_identity": "123",
    }  # fmt: skip
    answer = bo.client.post(url("edit", draft), sent)
    page = answer.content.decode()
    assert answer.status_code == 400
    for said in ("届满日要晚于起始日", "不能小于 1", "末位是数字或 X", "应为 18 位，现在是 3 位", "请选择代理权限"):
        assert said in page
    assert 'value="程发明"' in page


def test_the_whole_form_with_a_maximum_and_a_third_party_is_saved(draft: Registration, bo: Person, wai: Person) -> None:
    sent = {
        **typed(draft), "special": ["maximum", "third"],
        "determined_from": "2026-12-01", "determined_to": "2027-11-30", "term_months": "12",
        "pledgor_kind": "company", "pledgor_name": wai.organisation.name, "pledgor_identity": wai.organisation.uscc or "",
        "pledgor_address": "重庆市示例路 9 号",
    }  # fmt: skip
    assert bo.client.post(url("edit", draft), sent).headers["Location"] == url("precheck", draft)
    draft.refresh_from_db()
    assert (draft.debt_from, draft.debt_to) == (date(2026, 12, 1), date(2028, 11, 30))
    assert draft.pledgor_id == wai.organisation.pk
    page = bo.client.get(url("edit", draft)).content.decode()
    assert 'value="2027-11-30"' in page


def test_identity_cards_are_checked_without_being_repeated() -> None:
    assert parse_identity_card(CARD.lower(), today=TODAY) == CARD
    for wrong in (
        CARD[:-1],
        "5" * 18,
        CARD[:6] + "20991301" + CARD[14:],
        CARD[:-1] + ("1" if CARD[-1] != "1" else "2"),
    ):
        with pytest.raises(ValueError) as said:
            parse_identity_card(wrong, today=TODAY)
        assert wrong not in str(said.value)


def test_the_period_of_a_maximum_pledge_is_corrected_by_its_own_fields(
    case: Application, bo: Person, ling: Person, chen: Person
) -> None:
    """Chen asks for another period; Bo corrects the period in which debts arise, and the last due day follows."""
    file = filled(case, bo)
    file = save(file, bo, maximum=maximum(file))
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    joining.confirm(file.pk, version=file.version, actor=ling.actor, now=moments.now())
    examined(file, chen)
    defect = examination.Defect("debt_period", "债权确定期间与合同不一致。")
    examination.ask_correction(file.pk, [defect], actor=chen.actor, now=moments.now())
    row = file.corrections.get()
    page = bo.client.get(url("correct", file)).content.decode()
    assert "c1-determined_to" in page
    assert "c1-debt_to" not in page
    sent = {
        "correction": row.pk,
        "c1-determined_from": "2026-12-01",
        "c1-determined_to": "2027-05-31",
        "c1-term_months": "6",
    }
    assert bo.client.post(url("correct", file), sent).status_code == 302
    file = Registration.objects.get(pk=file.pk)
    assert (file.debt_from, file.debt_to) == (date(2026, 12, 1), date(2027, 11, 30))
    assert file.maximum.term_months == 6
    row.refresh_from_db()
    assert "债权确定期间改为2026年12月1日至2027年5月31日" in row.answer
