"""After the registration in the browser: Ling asks, Bo agrees, Chen decides, the chief revokes, Rui sees, Wai sees nothing."""

import pytest
from django.test import Client
from django.urls import reverse

from pledges.after import forms
from pledges.after.kinds import MatterKind
from pledges.after.models import Matter, Revocation, UseConsent
from pledges.models import Notice, Registration
from tests import factories
from tests.budget import budget
from tests.factories import Person
from tests.grounds import stated

from .after_steps import asked, fresh, handed_in, in_hand, longer, proposed
from .conftest import paper

pytestmark = pytest.mark.django_db


def page(client: Client, name: str, *args: object, status: int = 200) -> str:
    with budget():
        answer = client.get(reverse(name, args=args))
    assert answer.status_code == status, answer.content.decode()[:500]
    return answer.content.decode()


def send(client: Client, name: str, *args: object, status: int = 302, **data: object) -> str:
    answer = client.post(reverse(name, args=args), data)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def test_a_cancellation_from_the_first_page_to_the_paper(
    registered: Registration, ling: Person, bo: Person, chen: Person, rui: Person, wai: Person
) -> None:
    number = registered.number
    assert reverse("pledges:after", args=[number]) in page(ling.client, "pledges:detail", number)
    assert "申请注销" in page(ling.client, "pledges:after", number)
    assert "证明材料" in page(ling.client, "pledges:matter-start", number, "cancellation")
    send(ling.client, "pledges:matter-start", number, "nonsense", status=404)
    said = send(ling.client, "pledges:matter-start", number, "cancellation", end_ground="performed", status=400)
    assert "上传结清证明或还款凭证" in said
    proof = paper("结清证明.pdf")
    send(ling.client, "pledges:matter-start", number, "cancellation", end_ground="performed", papers=proof)
    matter = Matter.objects.get()
    assert "等待对方确认" in page(ling.client, "pledges:matter", matter.number)
    assert "确认并提交" in page(bo.client, "pledges:matter", matter.number)
    page(rui.client, "pledges:matter", matter.number, status=404)  # not handed in yet
    send(bo.client, "pledges:matter-confirm", matter.number, version=0, status=400)
    send(bo.client, "pledges:matter-confirm", matter.number, version=0, read="on")
    assert "注销登记" in page(chen.client, "office-after")
    send(chen.client, "office-matter-accept", matter.number)
    assert "准予注销" in page(chen.client, "office-matter", matter.number)
    send(chen.client, "office-matter-approve", matter.number, version=0, status=400)
    send(chen.client, "office-matter-approve", matter.number, version=0, read="on")
    assert fresh(registered).state == Registration.State.CANCELLED
    notice = Notice.objects.get(kind="cancelled")
    assert "质权的效力自注销之日起终止" in page(ling.client, "pledges:notice", number, notice.pk)
    assert "质押登记已注销" in page(Client(), "pledges:verify", notice.verify_code)
    assert "质押登记已失效" in page(Client(), "pledges:verify", Notice.objects.get(kind="registered").verify_code)
    assert "已办结" in page(rui.client, "pledges:matter", matter.number)
    assert "已注销" in page(ling.client, "pledges:detail", number)
    page(ling.client, "pledges:after", number)
    for name, args in (("pledges:after", [number]), ("pledges:matter", [matter.number])):
        page(wai.client, name, *args, status=404)


def test_a_change_sent_back_revised_corrected_and_refused(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    number = registered.number
    assert "现登记为" in page(bo.client, "pledges:matter-start", number, "change")
    same = {"debt_amount": "800", "debt_from": str(registered.debt_from), "debt_to": str(registered.debt_to)}
    said = send(bo.client, "pledges:matter-start", number, "change", papers=paper(), status=400, **same)
    assert "没有与登记不同的内容" in said
    send(bo.client, "pledges:matter-start", number, "change", papers=paper(), **{**same, "debt_amount": "700"})
    matter = Matter.objects.get()
    assert "700 万元" in page(ling.client, "pledges:matter", matter.number)
    send(ling.client, "pledges:matter-send-back", matter.number, note="", status=400)
    send(ling.client, "pledges:matter-send-back", matter.number, note="应为 750 万元")
    assert "应为 750 万元" in page(bo.client, "pledges:matter-revise", matter.number)
    send(bo.client, "pledges:matter-revise", matter.number, version=0, **{**same, "debt_amount": "750"})
    send(ling.client, "pledges:matter-confirm", matter.number, version=1, read="on")
    send(chen.client, "office-matter-accept", matter.number)
    send(chen.client, "office-matter-correct", matter.number, defects=" ", status=400)
    send(chen.client, "office-matter-correct", matter.number, defects="协议缺少签章。\n金额大小写不一致。")
    assert "协议缺少签章" in page(bo.client, "pledges:matter-answer", matter.number)
    send(bo.client, "pledges:matter-answer", matter.number, text="已补签", **{**same, "debt_amount": "750"})
    letter = Notice.objects.get(kind="to_correct")
    assert "金额大小写不一致" in page(bo.client, "pledges:notice", number, letter.pk)
    send(chen.client, "office-matter-refuse", matter.number, ground="", note="", status=400)
    send(chen.client, "office-matter-refuse", matter.number, ground="R12", note="协议未经授权")
    assert "协议未经授权" in page(ling.client, "pledges:matter", matter.number)
    assert fresh(registered).first_amount is None


def test_ling_withdraws_her_application(registered: Registration, ling: Person, bo: Person) -> None:
    matter = asked(registered, MatterKind.CHANGE, longer(registered), ling)
    page(ling.client, "pledges:matter-withdraw", matter.number)
    send(ling.client, "pledges:matter-withdraw", matter.number, reason="另行协商")
    assert "撤回" in page(bo.client, "pledges:matter", matter.number)


def test_a_lost_race_is_a_sentence_on_the_page(
    registered: Registration, ling: Person, bo: Person, chen: Person, chief: Person
) -> None:
    matter = in_hand(registered, MatterKind.CHANGE, longer(registered), bo, ling, chen)
    said = send(chief.client, "office-matter-approve", matter.number, version=0, read="on", status=409)
    assert "正在办理，如需由您办理，请先接手" in said
    send(chief.client, "office-matter-take-over", matter.number, status=409)  # without the name of who was shown
    send(chief.client, "office-matter-take-over", matter.number, **{"from": str(chen.user.pk)})
    assert "不在待受理" in send(chief.client, "office-matter-accept", matter.number, status=409)


def test_chen_proposes_and_the_chief_revokes(
    registered: Registration, ling: Person, bo: Person, chen: Person, chief: Person
) -> None:
    number = registered.number
    assert reverse("office-revoke", args=[number]) in chen.client.get(f"/office/{number}/").content.decode()
    page(chen.client, "office-revoke", number)
    send(chen.client, "office-revoke", number, propose="1", ground="existed", found="保全在先", status=400)
    send(
        chen.client, "office-revoke", number,
        propose="1", ground="existed", refusal_ground="R05", found="保全在先", papers=paper("裁定.pdf"),
    )  # fmt: skip
    assert "撤销登记由登记处负责人决定" in page(chen.client, "office-revoke", number)
    assert number in page(chief.client, "office-after")
    proof = Revocation.objects.get().papers.get()
    assert chief.client.get(reverse("pledges:after-paper", args=[number, proof.ref])).status_code == 200
    assert ling.client.get(reverse("pledges:after-paper", args=[number, proof.ref])).status_code == 404
    assert "拟撤销" not in page(ling.client, "pledges:after", number)
    send(chief.client, "office-revoke", number, revoke="1", status=400)
    assert "请先告知当事人" in send(chief.client, "office-revoke", number, revoke="1", read="on", status=409)
    send(chief.client, "office-revoke", number, tell="1")
    send(chief.client, "office-revoke", number, tell="1", status=409)
    assert "期满或者双方都已陈述后再决定" in page(chief.client, "office-revoke", number)
    assert "登记机构拟撤销这件质押登记" in page(ling.client, "pledges:after", number)
    send(ling.client, "pledges:revocation-state", number, text=" ", status=400)
    for party in (ling, bo):
        send(party.client, "pledges:revocation-state", number, text=f"{party.organisation.name}：保全已解除")
    assert f"{bo.organisation.name}：保全已解除" in page(chief.client, "office-revoke", number)
    send(chief.client, "office-revoke", number, revoke="1", read="on")
    assert fresh(registered).state == Registration.State.REVOKED
    notice = Notice.objects.get(kind="revoked")
    assert "保全在先" in page(ling.client, "pledges:notice", number, notice.pk)
    assert "自始无效" in page(Client(), "pledges:verify", notice.verify_code)
    assert "登记自始无效" in page(ling.client, "pledges:detail", number)
    send(chief.client, "office-revoke", number, revoke="1", read="on", status=409)


def test_the_chief_drops_a_proposal(registered: Registration, chen: Person, chief: Person) -> None:
    proposed(registered, chen)
    send(chief.client, "office-revoke", registered.number, drop="1", note="", status=400)
    send(chief.client, "office-revoke", registered.number, drop="1", note="证据不足")
    assert "证据不足" in page(chen.client, "office-revoke", registered.number)


def test_consent_is_asked_and_answered(registered: Registration, ling: Person, bo: Person, chen: Person) -> None:
    number = registered.number
    page(ling.client, "pledges:consent-ask", number)
    wish = {"use": "transfer", "numbers": [factories.INVENTION], "counterparty": "重庆示例受让有限公司", "price": "300"}
    send(ling.client, "pledges:consent-ask", number, status=400, **{**wish, "counterparty": ""})
    send(ling.client, "pledges:consent-ask", number, **wish)
    consent = UseConsent.objects.get()
    assert "提交答复" in page(bo.client, "pledges:consent", consent.ref)
    page(chen.client, "pledges:consent", consent.ref)
    send(bo.client, "pledges:consent", consent.ref, answer="agree", status=400)
    send(bo.client, "pledges:consent", consent.ref, answer="agree", proceeds="prepay", terms="到账后三日内清偿")
    assert "到账后三日内清偿" in page(ling.client, "pledges:consent", consent.ref)
    assert "质权人已同意" in page(ling.client, "pledges:after", number)


def test_of_many_patents_the_numbers_are_pasted(
    registered: Registration, ling: Person, bo: Person, chen: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand boxes are no page: beyond what a page carries, Ling pastes the numbers as they stand in her list."""
    monkeypatch.setattr(forms, "MOST_PATENTS", 0)
    form = page(ling.client, "pledges:consent-ask", registered.number)
    assert '<textarea name="numbers"' in form
    wish = {"use": "abandonment", "price": ""}
    said = send(
        ling.client, "pledges:consent-ask", registered.number, status=400, numbers="ZL123 " + factories.UTILITY, **wish
    )
    assert f"不是这件登记里仍在质押的专利：ZL123、{factories.UTILITY}" in said
    dotted = registered.patents.get().dotted
    send(ling.client, "pledges:consent-ask", registered.number, numbers=f" ZL{dotted}，\r\n{dotted}", **wish)
    assert UseConsent.objects.get().numbers == [factories.INVENTION]


def test_ling_takes_her_question_back(registered: Registration, ling: Person) -> None:
    send(ling.client, "pledges:consent-ask", registered.number, use="abandonment", numbers=[factories.INVENTION])
    consent = UseConsent.objects.get()
    send(ling.client, "pledges:consent", consent.ref, withdraw="1")
    assert "已撤回" in page(ling.client, "pledges:consent", consent.ref)


def test_the_record_of_the_promise_can_be_read(
    registered: Registration, ling: Person, bo: Person, chen: Person, rui: Person, wai: Person
) -> None:
    matter = handed_in(registered, MatterKind.CHANGE, longer(registered), bo, ling)
    for who in (ling, bo, chen, rui):
        assert matter.number in page(who.client, "evidence", matter.clock_id)
    page(wai.client, "evidence", matter.clock_id, status=404)
    report = rui.client.get("/supervision/report/?kind=amendment").content.decode()
    assert "质押变更、注销 1 个工作日办结" in report
    stated(rui, registered.application.number)
    assert matter.number in page(rui.client, "supervision-case", registered.application.number)
