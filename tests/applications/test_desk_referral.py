"""Bo reads one request and answers it; every refusal is a sentence and keeps what was typed."""

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from applications.actions import choices, claiming, responses
from applications.models import Application, Attachment, InformationRequest, Offer, Referral
from banks.models import Institution
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock
from products.models import Product
from tests import factories
from tests.budget import asked
from tests.factories import Person
from tests.made_files import PDF

pytestmark = pytest.mark.django_db
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}
TERMS = {
    "amount": "500",
    "term_months": "24",
    "annual_rate": "3.45",
    "other_fees": "2000",
    "repayment": "按月付息，到期还本",
    "conditions": "",
    "valid_until": "2099-01-01",
}


@pytest.fixture
def referral(ling: Person, bo: Person, product: Product) -> Referral:
    return factories.application(ling, product).referrals.get()


def url(name: str, referral: Referral, *more: Any) -> str:
    return reverse(name, args=[referral.ref, *more])


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_bo_reads_the_request_but_the_phone_only_after_claiming(bo: Person, referral: Referral) -> None:
    Application.objects.filter(pk=referral.application_id).update(contact_phone="13912345678")
    page = text(bo.client.get(url("desk-referral", referral)))
    for said in ("800 万元", "24 个月", "201710601862.3", "139****5678", "提交融资需求", "林**"):
        assert said in page
    assert "13912345678" not in page
    assert 'value="薄示例"' in page
    assert 'value="13800000000"' in page
    done = bo.client.post(url("desk-claim", referral), CONTACT, follow=True)
    assert done.redirect_chain[0] == (url("desk-referral", referral), 302)
    assert "13912345678" in text(done)
    assert "已接单，响应时限停止" in text(done)
    referral.refresh_from_db()
    assert (referral.state, referral.officer_id, referral.contact_phone) == ("claimed", bo.user.pk, "023-67961234")


def test_a_slip_stays_on_the_page_with_its_sentence(bo: Person, referral: Referral) -> None:
    answer = bo.client.post(url("desk-claim", referral), {**CONTACT, "contact_phone": "1391234", "next_step": "周四见"})
    assert answer.status_code == 400
    assert "周四见" in text(answer)
    assert 'value="1391234"' in text(answer)
    assert "错误：" in text(answer)
    referral.refresh_from_db()
    assert referral.state == Referral.State.WAITING


def test_a_colleague_was_first_and_the_typed_text_is_kept(bo: Person, bo_manager: Person, referral: Referral) -> None:
    claiming.claim_this(referral.pk, **CONTACT, actor=bo_manager.actor, now=moments.now())
    answer = bo.client.post(url("desk-claim", referral), {**CONTACT, "next_step": "我写了很长的一段"})
    assert answer.status_code == 409
    assert "这一件已由本机构同事接单" in text(answer)
    assert "我写了很长的一段" in text(answer)
    assert Entry.objects.filter(verb="referral.claimed").count() == 1


def test_the_enterprise_withdrew_meanwhile_so_only_number_and_state_are_left(
    ling: Person, bo: Person, referral: Referral
) -> None:
    choices.withdraw(referral.application_id, reason="", actor=ling.actor, now=moments.now())
    answer = bo.client.post(url("desk-claim", referral), {**CONTACT, "next_step": "我写了很长的一段"})
    assert answer.status_code == 409
    assert "企业已撤回这笔需求" in text(answer)
    assert "我写了很长的一段" in text(answer)
    for page in (text(answer), text(bo.client.get(url("desk-referral", referral)))):
        assert referral.application.number in page
        for gone in (referral.application.organisation_name, "800 万元", "201710601862", "13800000000", "提交融资需求"):
            assert gone not in page.replace('value="13800000000"', "")
    for verb, body in (
        ("desk-ask", {"question": "报表"}),
        ("desk-offer", TERMS),
        ("desk-decline", {"code": "amount", "confirmed": "on"}),
    ):
        assert bo.client.post(url(verb, referral), body).status_code == 409


def test_bo_asks_and_the_answer_comes_back_to_bo_only(
    ling: Person, bo: Person, cui: Person, product: Product, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    case = factories.application(ling, product, factories.product(cui.organisation))
    mine, theirs = (
        case.referrals.get(institution_id=bo.organisation.pk),
        case.referrals.get(institution_id=cui.organisation.pk),
    )
    page = bo.client.post(url("desk-ask", mine), {"question": "请补充审计报告"}, follow=True)
    assert "请补充审计报告" in text(page)
    assert "等企业答复" in text(page)
    assert Clock.objects.get(pk=mine.clock_id).stop_reason == "asked"
    upload = ContentFile(PDF, name="audit.pdf")
    question = InformationRequest.objects.get()
    choices.answer(question.pk, text="见附件", uploads=[upload], actor=ling.actor, now=moments.now())
    page = bo.client.get(url("desk-referral", mine))
    assert "audit.pdf" in text(page)
    assert "见附件" in text(page)
    assert "audit.pdf" not in text(cui.client.get(url("desk-referral", theirs)))
    file = Attachment.objects.get()
    assert bo.client.get(url("desk-attachment", mine, file.ref)).status_code == 200
    assert cui.client.get(url("desk-attachment", theirs, file.ref)).status_code == 404
    assert bo.client.post(url("desk-ask", mine), {"question": " "}).status_code == 400


def test_bo_tries_the_cost_out_then_sends_the_offer_and_a_better_one(bo: Person, referral: Referral) -> None:
    tried = bo.client.post(url("desk-offer", referral), {**TERMS, "preview": "1"})
    assert "企业首年成本 17.45 万元" in text(tried)  # 500 × 3.45 % + 0.2
    assert "24 个月合计 34.7 万元，占金额 6.94%" in text(tried)
    assert 'value="3.45"' in text(tried)
    assert Offer.objects.count() == 0
    live = bo.client.post(url("desk-offer", referral) + "?preview=1", TERMS, headers={"HX-Request": "true"})
    assert "企业首年成本" in text(live)
    assert "<html" not in text(live)
    assert "融资方案已发给企业" in text(bo.client.post(url("desk-offer", referral), TERMS, follow=True))
    bo.client.post(url("desk-offer", referral), {**TERMS, "annual_rate": "3.2"})
    assert list(Offer.objects.order_by("version").values_list("state", "annual_rate")) == [
        ("replaced", Decimal("3.450")),
        ("open", Decimal("3.200")),
    ]
    page = text(bo.client.get(url("desk-referral", referral)))
    assert "第 2 版" in page
    assert 'value="3.2"' in page


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("amount", "１００", "全角"),
        ("amount", "1,000", "千位分隔符"),
        ("annual_rate", "NaN", "请填写数字"),
        ("annual_rate", "0", "不能小于"),
        ("annual_rate", "345", "不能大于 36"),
        ("annual_rate", "", "请填写年利率，例如 3.45"),
        ("term_months", "361", "不能大于 360"),
        ("term_months", "两年", "请填写整数"),
        ("other_fees", "0.005", "金额最小到分"),
        ("valid_until", "2020-01-01", "有效期不能早于今天"),
    ],
)
def test_a_wrong_figure_in_an_offer_says_how_to_write_it(
    bo: Person, referral: Referral, field: str, typed: str, said: str
) -> None:
    answer = bo.client.post(url("desk-offer", referral), {**TERMS, field: typed})
    assert answer.status_code == 400
    assert said in text(answer)
    assert Offer.objects.count() == 0


def test_gu_the_guarantor_speaks_of_a_guarantee_and_names_a_fee(ling: Person, gu: Person) -> None:
    referral = factories.application(ling, factories.product(gu.organisation)).referrals.get()
    page = text(gu.client.get(url("desk-referral", referral)))
    assert "出具担保意向" in page
    assert "担保费率" in page
    assert "年利率" not in page
    body = {"amount": "500", "term_months": "24", "fee_rate": "0.8", "valid_until": "2099-01-01"}
    assert "担保意向已发给企业" in text(gu.client.post(url("desk-offer", referral), body, follow=True))
    assert Offer.objects.get().fee_rate == Decimal("0.8")
    assert Offer.objects.get().annual_rate is None


def test_bo_declines_with_a_reason_and_only_when_sure(bo: Person, referral: Referral) -> None:
    body = {"code": "other", "note": "", "confirmed": "on"}
    assert bo.client.post(url("desk-decline", referral), {"code": "amount"}).status_code == 400
    answer = bo.client.post(url("desk-decline", referral), body)
    assert answer.status_code == 400
    assert "请写明原因" in text(answer)
    assert "已婉拒" in text(
        bo.client.post(url("desk-decline", referral), {**body, "note": "本行没有额度"}, follow=True)
    )
    assert bo.client.post(url("desk-decline", referral), {**body, "code": "amount"}).status_code == 409
    page = text(bo.client.get(url("desk-referral", referral)))
    assert "婉拒原因：其他（须说明），本行没有额度" in page
    assert "材料不再可读" in page


def test_files_open_only_through_the_own_open_referral(
    ling: Person, wai: Person, bo: Person, cui: Person, referral: Referral, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    case = referral.application
    file = Attachment.objects.create(
        application=case, kind="financials", name="报表.pdf", media_type="application/pdf", size=8, sha256="0" * 64,
        uploaded_by="林示例", uploaded_at=moments.now(), file=ContentFile(b"%PDF-1.4", name="x.pdf"),
    )  # fmt: skip
    where = url("desk-attachment", referral, file.ref)
    download = bo.client.get(where)
    assert download.status_code == 200
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert bo.client.get(where + "?view=1").headers["Content-Disposition"].startswith("inline")
    assert cui.client.get(where).status_code == 404
    assert wai.client.get(where).status_code == 403
    other = factories.person(
        "other", "欧示例", Role.ENTERPRISE, factories.organisation(OrganisationKind.ENTERPRISE, "别家")
    )
    foreign = Attachment.objects.create(
        application=factories.application(other, factories.product(cui.organisation)), kind="other", name="别家.pdf",
        media_type="application/pdf", size=8, sha256="0" * 64, uploaded_by="欧示例", uploaded_at=moments.now(),
        file=ContentFile(b"%PDF-1.4", name="y.pdf"),
    )  # fmt: skip
    assert bo.client.get(url("desk-attachment", referral, foreign.ref)).status_code == 404
    responses.decline(referral.pk, code="amount", note="", actor=bo.actor, now=moments.now())
    assert bo.client.get(where).status_code == 404


def test_others_get_the_same_answer_for_bos_referral_as_for_none(
    ling: Person, wai: Person, bo: Person, cui: Person, rui: Person, referral: Referral
) -> None:
    assert cui.client.get(url("desk-referral", referral)).status_code == 404
    assert cui.client.get(reverse("desk-referral", args=[uuid4()])).status_code == 404
    for verb in ("desk-claim", "desk-ask", "desk-offer", "desk-decline", "desk-dispatch"):
        assert cui.client.post(url(verb, referral), CONTACT).status_code == 404
        assert wai.client.post(url(verb, referral), CONTACT).status_code == 403
        assert bo.client.get(url(verb, referral)).status_code == 405
    assert rui.client.get(url("desk-referral", referral)).status_code == 403
    assert bo.client.post(url("desk-assign", referral), {"officer": bo.user.pk}).status_code == 403
    referral.refresh_from_db()
    assert referral.state == Referral.State.WAITING


def test_the_manager_hands_it_to_bo_but_not_to_another_bank(
    bo: Person, bo_manager: Person, cui: Person, referral: Referral
) -> None:
    page = bo_manager.client.get(url("desk-referral", referral))
    assert "转派给" in text(page)
    assert cui.user.name not in text(page)
    assert bo_manager.client.post(url("desk-assign", referral), {"officer": cui.user.pk}).status_code == 400
    done = bo_manager.client.post(url("desk-assign", referral), {"officer": bo.user.pk}, follow=True)
    assert "经办人：薄示例" in text(done)
    assert Clock.objects.get(pk=referral.clock_id).stopped_at is None


def test_the_dispatcher_hands_on_to_the_best_match_first(ling: Person, bo: Person, cui: Person) -> None:
    org = factories.organisation(OrganisationKind.BANK, "示例调度台")
    org.institution.dispatcher = True
    org.institution.save()
    desk_person = factories.person("di", "狄示例", Role.MANAGER, org)
    case = factories.application(ling, open_call=True)  # nobody offers a product yet
    referral = case.referrals.get()
    assert referral.institution_id == org.pk
    factories.product(cui.organisation, "示例匹配贷")
    desk_person.client.get(
        url("desk-referral", referral)
    )  # the session and the calendar are there from the second page on
    with CaptureQueriesContext(connection) as seen:
        page = text(desk_person.client.get(url("desk-referral", referral)))
    assert len(asked(seen)) <= 15  # two of them rank the library, one counts whose requests were opened today
    assert re.findall(r"匹配度 \d+|没有匹配的产品", page)[0].startswith("匹配度")
    assert page.index("示例乙银行") < page.index("示例甲银行")
    assert "出方案" not in re.sub(r"<dialog.*?</dialog>", "", page, flags=re.S)
    assert desk_person.client.post(url("desk-dispatch", referral), {}).status_code == 400
    body = {"institutions": [str(cui.organisation.pk), str(bo.organisation.pk)]}
    assert "已分派" in text(desk_person.client.post(url("desk-dispatch", referral), body, follow=True))
    made = case.referrals.get(institution_id=cui.organisation.pk)
    assert (made.origin, made.product.name if made.product else "", made.score > 0) == ("dispatch", "示例匹配贷", True)
    assert desk_person.client.post(url("desk-dispatch", referral), body).status_code in (400, 409)
    assert Clock.objects.get(pk=referral.clock_id).stop_reason == "dispatched"


def test_a_desk_that_belongs_to_the_platform_works_like_any_other(ling: Person, bo: Person) -> None:
    """As on a real installation: the dispatcher's desk is no bank, guarantor or insurer."""
    org = factories.organisation(OrganisationKind.PLATFORM, "示例调度台")
    Institution.objects.create(organisation=org, dispatcher=True)
    person = factories.person("di", "狄示例", Role.OFFICER, org)
    referral = factories.application(ling, open_call=True).referrals.get()
    assert "分派给" in text(person.client.get(url("desk-referral", referral)))
    refused = person.client.post(url("desk-dispatch", referral), {})
    assert refused.status_code == 400
    assert "请至少勾选一家机构" in text(refused)
    offered = person.client.post(url("desk-offer", referral), TERMS)
    assert offered.status_code == 409
    assert "调度台不出方案" in text(offered)
    body = {"institutions": [str(bo.organisation.pk)]}
    assert person.client.post(url("desk-dispatch", referral), body).status_code == 302
    assert "已改派" in text(person.client.get(url("desk-referral", referral)))


def test_a_wrong_form_costs_no_second_reading(bo: Person, referral: Referral) -> None:
    bo.client.get(url("desk-referral", referral))
    with CaptureQueriesContext(connection) as seen:
        assert bo.client.post(url("desk-offer", referral), {**TERMS, "annual_rate": "345"}).status_code == 400
    assert len(asked(seen)) <= 12


def test_a_full_page_stays_within_twelve_queries(
    ling: Person, bo: Person, bo_manager: Person, referral: Referral
) -> None:
    responses.ask(referral.pk, question="报表", actor=bo.actor, now=moments.now())
    choices.answer(InformationRequest.objects.get().pk, text="有", actor=ling.actor, now=moments.now())
    terms = responses.Terms(
        amount=Decimal(8_000_000), term_months=24, annual_rate=Decimal("3.45"), valid_until=date(2099, 1, 1)
    )
    responses.offer(referral.pk, terms, actor=bo.actor, now=moments.now() + timedelta(seconds=1))
    for person in (bo, bo_manager):
        person.client.get(url("desk-referral", referral))
        with CaptureQueriesContext(connection) as seen:
            page = person.client.get(url("desk-referral", referral))
        assert page.status_code == 200
        assert len(asked(seen)) <= 12, [sql[:90] for sql in asked(seen)]
        assert len(page.content) < 120_000
