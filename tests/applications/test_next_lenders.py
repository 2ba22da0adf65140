"""A bank says no or nothing at all, and Ling is offered others; nothing leaves before she has said yes to that very one."""

import pytest

from applications.actions import next_lenders
from applications.models import Application, Consent
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock, Kind
from tests import factories
from tests.factories import Person
from tests.grounds import stated

from .asking_on import again, declines, deliver, of, told

pytestmark = pytest.mark.django_db
now = moments.now
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}


# --- everybody declined -----------------------------------------------------------------------------------------------


def test_the_last_no_starts_the_promise_and_the_portal_keeps_it_at_once(
    case: Application, bo: Person, cui: Person, gu: Person, duan: Person
) -> None:
    second = factories.product(cui.organisation, name="示例乙贷")
    factories.product(gu.organisation, name="示例担保", mode="guarantee")
    declines(bo, case)
    owed = case.next_rounds.get()
    assert owed.state == "owed"
    assert owed.clock is not None
    assert (owed.clock.kind, owed.clock.organisation_id, owed.clock.days) == (
        Kind.NEXT_LENDERS,
        duan.organisation.pk,
        1,
    )
    deliver()
    owed.refresh_from_db()
    assert (owed.state, owed.reasons) == ("offered", [{"label": "金额超出可办理范围", "count": 1}])
    assert [lender.institution_id for lender in owed.lenders.order_by("pk")] == [
        cui.organisation.pk,
        gu.organisation.pk,
    ]
    assert owed.lenders.first().product == second  # type: ignore[union-attr]
    clock = Clock.objects.get(pk=owed.clock_id)
    assert clock.stop_reason == "offered"
    assert clock in Clock.objects.on_time()
    facts = [
        f["did"] for e in Entry.objects.order_by("pk") for f in e.data.get("clocks", []) if f["kind"] == "next_lenders"
    ]
    assert facts == ["started", "stopped"]


def test_heard_twice_it_is_offered_once(case: Application, bo: Person, cui: Person, duan: Person, ling: Person) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    declines(bo, case)
    deliver()
    again()
    assert case.next_rounds.get().lenders.count() == 1
    assert told(ling).count("机构婉拒或未答复，为您推荐 1 家，请授权") == 1


def test_nothing_is_sent_anywhere_before_ling_says_yes_and_one_click_is_one_bank(
    case: Application, bo: Person, cui: Person, gu: Person, ling: Person, duan: Person
) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    factories.product(gu.organisation, name="示例担保", mode="guarantee")
    declines(bo, case)
    deliver()
    assert case.referrals.count() == 1
    assert not Consent.objects.filter(institution_id__in=[cui.organisation.pk, gu.organisation.pk]).exists()
    page = ling.client.get(f"/cases/{case.number}/").content.decode()
    assert "1 家婉拒（金额超出可办理范围），可改选以下机构" in page
    assert page.count("授权并发送<span") == 2
    answer = ling.client.post(f"/cases/{case.number}/next/{cui.organisation.pk}/", follow=True)
    assert "已授权并发给 示例乙银行" in answer.content.decode()
    fresh = of(case, cui)
    assert (fresh.state, fresh.origin) == ("waiting", "next")
    assert fresh.clock is not None
    assert fresh.clock.days == 2
    assert Consent.objects.get(institution_id=cui.organisation.pk).granted_by == ling.actor.label
    assert not case.referrals.filter(institution_id=gu.organisation.pk).exists()
    twice = ling.client.post(f"/cases/{case.number}/next/{cui.organisation.pk}/")
    assert twice.status_code == 409
    assert "已收到这笔需求" in twice.content.decode()
    assert "已授权：示例乙银行" in ling.client.get(f"/cases/{case.number}/").content.decode()


def test_wai_and_the_banks_cannot_say_yes_for_ling(
    case: Application, bo: Person, cui: Person, wai: Person, duan: Person
) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    declines(bo, case)
    deliver()
    url = f"/cases/{case.number}/next/{cui.organisation.pk}/"
    assert (wai.client.post(url).status_code, cui.client.post(url).status_code) == (404, 403)
    with pytest.raises(Application.DoesNotExist):
        next_lenders.take(case.pk, institution_id=cui.organisation.pk, actor=wai.actor, now=now())


def test_a_second_no_offers_whoever_is_left_and_says_both_reasons(
    case: Application, bo: Person, cui: Person, gu: Person, ling: Person, duan: Person
) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    factories.product(gu.organisation, name="示例担保", mode="guarantee")
    declines(bo, case)
    deliver()
    next_lenders.take(case.pk, institution_id=cui.organisation.pk, actor=ling.actor, now=now())
    declines(cui, case, "industry")
    deliver()
    first, second = case.next_rounds.order_by("position")
    assert (first.state, first.outcome) == ("closed", "replaced")
    assert [lender.institution_id for lender in second.lenders.all()] == [gu.organisation.pk]
    page = ling.client.get(f"/cases/{case.number}/").content.decode()
    assert "2 家婉拒（金额超出可办理范围 1、行业不在支持范围 1）" in page


# --- nobody matches: the desk -----------------------------------------------------------------------------------------


def test_when_nobody_matches_the_desk_owes_an_answer_and_gives_one(
    case: Application, bo: Person, cui: Person, ling: Person, duan: Person, rui: Person
) -> None:
    declines(bo, case)
    deliver()
    again()
    owed = case.next_rounds.get()
    assert owed.state == "owed"
    assert told(duan) == ["没有匹配的下一家机构，请在下一工作日结束前答复企业"]
    assert "调度台正在为您联系" in ling.client.get(f"/cases/{case.number}/").content.decode()
    desk = duan.client.get("/desk/").content.decode()
    assert "待推荐下一家（1）" in desk
    assert "没有待响应的需求" in desk  # what is owed is not counted among the requests to answer
    url = f"/desk/owed/{owed.pk}/"
    assert cui.client.get(url).status_code == 404
    assert "示例乙银行" in duan.client.get(url).content.decode()
    missing = duan.client.post(url, {"step": "propose"})
    assert (missing.status_code, "请至少勾选一家机构" in missing.content.decode()) == (400, True)
    assert duan.client.post(url, {"step": "propose", "institutions": [cui.organisation.pk]}).status_code == 302
    deliver()
    assert told(ling)[-1] == "机构婉拒或未答复，为您推荐 1 家，请授权"
    assert duan.client.post(url, {"step": "none", "note": "已询问"}).status_code == 409
    ling.client.post(f"/cases/{case.number}/next/{cui.organisation.pk}/")
    assert of(case, cui).product is None
    report = rui.client.get("/supervision/report/?kind=next_lenders").content.decode()
    assert "示例调度台" in report
    assert "企业改选" in report
    assert "第 1 轮" in rui.client.get(stated(rui, case.number)).content.decode()


def test_the_desk_may_answer_that_there_is_nobody_and_ling_reads_why(
    case: Application, bo: Person, ling: Person, duan: Person
) -> None:
    declines(bo, case)
    deliver()
    owed = case.next_rounds.get()
    url = f"/desk/owed/{owed.pk}/"
    assert duan.client.post(url, {"step": "none", "note": " "}).status_code == 400
    assert duan.client.post(url, {"step": "none", "note": "金额调到 500 万元以内可重新提交。"}).status_code == 302
    owed.refresh_from_db()
    clock = Clock.objects.get(pk=owed.clock_id)
    assert (owed.outcome, clock.stop_reason, clock.excused) == ("none_left", "none_left", False)
    deliver()
    assert told(ling)[-1].startswith("调度台答复：暂无其他机构")
    page = ling.client.get(f"/cases/{case.number}/").content.decode()
    assert "金额调到 500 万元以内可重新提交" in page
    assert "换一批机构" in page  # or she looks herself
    with pytest.raises(WrongState):
        next_lenders.propose(owed.pk, institution_ids=[bo.organisation.pk], actor=duan.actor, now=now())


def test_only_the_desk_that_owes_it_answers_and_not_with_who_was_asked(
    case: Application, bo: Person, cui: Person, duan: Person
) -> None:
    declines(bo, case)
    owed = case.next_rounds.get()
    with pytest.raises(Forbidden):
        next_lenders.propose(owed.pk, institution_ids=[cui.organisation.pk], actor=cui.actor, now=now())
    with pytest.raises(Invalid):
        next_lenders.propose(owed.pk, institution_ids=[bo.organisation.pk], actor=duan.actor, now=now())


def test_without_a_desk_the_operator_of_the_platform_is_responsible_and_without_anybody_matches_still_come(
    case: Application, bo: Person, cui: Person, ada: Person
) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    assert next_lenders.responsible() == ada.organisation.pk
    ada.organisation.active = False
    ada.organisation.save(update_fields=["active"])
    declines(bo, case)
    assert not case.next_rounds.exists()  # nobody to promise it
    deliver()
    again()
    offered = case.next_rounds.get()
    assert (offered.state, offered.clock_id, offered.lenders.count()) == ("offered", None, 1)
