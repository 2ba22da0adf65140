"""Ling follows her request: what to do now, who answers when, offers, withdrawal. Wai sees nothing of it."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pytest_django import Settings

from applications.actions import choices, drafts, responses
from applications.models import Application, Attachment, Offer, Referral
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla.sweep import sweep
from portal.notifications.catalogue import letters
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-00000000", "next_step": "明天上午上门尽调"}
FAR = date(2099, 1, 1)


@pytest.fixture
def case(ling: Person, product: Product) -> Application:
    return factories.application(ling, product)


def referral_of(case: Application, person: Person) -> Referral:
    return case.referrals.get(institution_id=person.organisation.pk)


def offer_of(case: Application, person: Person, amount: int = 8_000_000, rate: str = "3.45", **terms: Any) -> Offer:
    fields: dict[str, Any] = {"term_months": 24, "valid_until": FAR, "annual_rate": Decimal(rate), **terms}
    return responses.offer(
        referral_of(case, person).pk,
        responses.Terms(amount=Decimal(amount), **fields),
        actor=person.actor,
        now=moments.now(),
    )


def question_of(case: Application, person: Person) -> Any:
    return responses.ask(
        referral_of(case, person).pk, question="请补充近两年财务报表", actor=person.actor, now=moments.now()
    )


def decline(case: Application, person: Person) -> None:
    responses.decline(referral_of(case, person).pk, code="amount", note="", actor=person.actor, now=moments.now())


def long_ago(case: Application, minutes: int = 11) -> None:
    Application.objects.filter(pk=case.pk).update(submitted_at=moments.now() - timedelta(minutes=minutes))


def get(person: Person, name: str, *args: Any) -> str:
    response = person.client.get(reverse(name, args=args))
    assert response.status_code == 200, response.status_code
    return response.content.decode()


# --- home ------------------------------------------------------------------------------------------------------------


def test_an_empty_home_offers_one_next_step(ling: Person) -> None:
    html = get(ling, "case-list")
    assert "还没有办件" in html
    assert html.count("btn primary") == 1


def test_home_says_what_to_do_first(ling: Person, bo: Person, cui: Person, case: Application) -> None:
    assert "没有要您办的事" in get(ling, "case-list")
    question_of(case, bo)
    html = get(ling, "case-list")
    assert "答复 示例甲银行 的问题" in html
    assert html.index("现在该做什么") < html.index("在办（1 件）")
    choices.answer(
        referral_of(case, bo).questions.get().pk, text="见附件", uploads=[], actor=ling.actor, now=moments.now()
    )
    offer_of(case, bo)
    html = get(ling, "case-list")
    assert "查看并选择方案" in html
    assert "答复 示例甲银行" not in html


def test_when_everybody_declined_home_offers_the_next_lenders(
    ling: Person, bo: Person, cui: Person, case: Application
) -> None:
    other = factories.product(cui.organisation)
    decline(case, bo)
    assert "选择其他机构" in get(ling, "case-list")
    html = get(ling, "case-extend", case.number)
    assert "示例乙银行" in html
    assert "示例甲银行" not in html.split("<form")[-1]
    url = reverse("case-extend", args=[case.number])
    refused = ling.client.post(url, {"products": [other.pk]})
    assert refused.status_code == 400
    assert "请勾选对 示例乙银行 的授权" in refused.content.decode()
    assert ling.client.post(url, {"products": [other.pk], "consents": [other.institution_id]}).status_code == 302
    fresh = referral_of(case, cui)
    assert fresh.clock is not None
    assert case.consents.filter(institution_id=cui.organisation.pk).exists()
    again = ling.client.post(url, {"products": [other.pk], "consents": [other.institution_id]})
    assert again.status_code == 400


def test_finished_cases_come_page_by_page(ling: Person, product: Product) -> None:
    for _ in range(22):
        made = factories.application(ling, product)
        choices.withdraw(made.pk, reason="", actor=ling.actor, now=moments.now())
    html = get(ling, "case-list")
    assert html.count("已撤回</span>") == 20
    cursor = html.split("?after=")[1].split('"')[0]
    older = ling.client.get(reverse("case-list"), {"after": cursor}).content.decode()
    assert older.count("已撤回</span>") == 2
    assert ling.client.get(reverse("case-list"), {"after": "无"}).status_code == 200


# --- the case --------------------------------------------------------------------------------------------------------


def test_the_case_page_tells_the_whole_story(ling: Person, bo: Person, case: Application) -> None:
    responses.claim(referral_of(case, bo).pk, **CONTACT, actor=bo.actor, now=moments.now())
    html = get(ling, "case", case.number)
    for said in ("融资 800 万元", case.number, "产品选择", "获得贷款", "明天上午上门尽调", "按时响应", "提交融资需求"):
        assert said in html, said
    assert "10 分钟内可撤回" in html
    assert "谁能看到这笔需求" in html
    assert 'data-poll="20"' in html


def test_the_refresh_answers_not_modified_until_something_happens(
    ling: Person, bo: Person, case: Application, django_assert_max_num_queries: Any
) -> None:
    url = reverse("case", args=[case.number]) + "?part=live"
    first = ling.client.get(url)
    assert "<html" not in first.content.decode()
    with django_assert_max_num_queries(8):
        again = ling.client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    offer_of(case, bo)
    changed = ling.client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "3.45%" in changed.content.decode()


def test_a_late_bank_stands_in_red_and_in_the_story(ling: Person, bo: Person, case: Application) -> None:
    clock = referral_of(case, bo).clock
    assert clock is not None
    late = moments.now() - timedelta(minutes=1)
    clock.started_at, clock.due_at, clock.next_at = late - timedelta(days=4), late, late
    clock.levels, clock.moments = ["overdue"], [late]
    clock.save()
    sweep()
    html = get(ling, "case", case.number)
    assert "示例甲银行超过时限，已通知其负责人" in html
    assert "红灯" in html
    assert "红灯" in get(ling, "case-list")


def test_a_disbursed_case_is_measured_against_the_promise(ling: Person, case: Application) -> None:
    Application.objects.filter(pk=case.pk).update(state="disbursed", working_days=6, closed_at=moments.now())
    html = get(ling, "case", case.number)
    assert "从提交到放款用了 6 个工作日" in html
    assert "由 15 天压缩到 7 天" in html


# --- questions -------------------------------------------------------------------------------------------------------


def pdf(name: str = "报表.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"%PDF-1.7\n" + b"0" * 200, "application/pdf")


def test_ling_answers_with_two_papers_and_may_read_them_again(
    ling: Person, wai: Person, bo: Person, case: Application
) -> None:
    question = question_of(case, bo)
    url = reverse("case-answer", args=[case.number, question.pk])
    assert "请补充近两年财务报表" in get(ling, "case-answer", case.number, question.pk)
    assert ling.client.post(url, {"answer": "见附件", "papers": [pdf(), pdf("二.pdf")]}).status_code == 302
    assert Attachment.objects.filter(question=question).count() == 2
    paper = Attachment.objects.filter(question=question).first()
    assert paper is not None
    sent = ling.client.get(reverse("case-attachment", args=[case.number, paper.ref]))
    assert sent.status_code == 200
    assert "attachment" in sent.headers["Content-Disposition"]
    assert wai.client.get(reverse("case-attachment", args=[case.number, paper.ref])).status_code == 404
    assert "见附件" in get(ling, "case", case.number)


def test_an_empty_or_refused_answer_keeps_the_words(ling: Person, bo: Person, case: Application) -> None:
    question = question_of(case, bo)
    url = reverse("case-answer", args=[case.number, question.pk])
    empty = ling.client.post(url, {"answer": " "})
    assert empty.status_code == 400
    assert "写明答复" in empty.content.decode()
    liar = SimpleUploadedFile("图.pdf", b"GIF89a" + b"0" * 99)
    lied = ling.client.post(url, {"answer": "写了很久的答复", "papers": [pdf(), liar]})
    assert lied.status_code == 415
    assert "写了很久的答复" in lied.content.decode()
    assert not Attachment.objects.exists()
    assert ling.client.post(url, {"answer": "长" * 1001}).status_code == 400


def test_two_colleagues_answer_one_question_and_the_second_is_told(ling: Person, bo: Person, case: Application) -> None:
    question = question_of(case, bo)
    url = reverse("case-answer", args=[case.number, question.pk])
    assert ling.client.post(url, {"answer": "第一份"}).status_code == 302
    second = ling.client.post(url, {"answer": "第二份"})
    assert second.status_code == 409
    assert "第二份" in second.content.decode()
    assert "答复" in second.content.decode()
    question.refresh_from_db()
    assert question.answer == "第一份"
    question_of(case, bo)
    with pytest.raises(WrongState, match="林示例"):
        choices.answer(question.pk, text="第三份", uploads=[], actor=ling.actor, now=moments.now())


# --- offers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(ling: Person, bo: Person, cui: Person, product: Product) -> Application:
    """A request with offers of two banks."""
    found = factories.application(ling, product, factories.product(cui.organisation))
    offer_of(found, bo, 8_000_000, "3.45")
    offer_of(found, cui, 6_000_000, "3.10")
    return found


def test_offers_stand_side_by_side_with_the_best_in_words(ling: Person, two: Application) -> None:
    html = get(ling, "case-offers", two.number)
    assert "本行最高" in html
    assert "本行最低" in html
    assert html.index("<b>800 万元</b>") < html.index("本行最高")
    assert "55.2 万元" in html  # 8,000,000 at 3.45 % for two years
    assert html.count("<b>3.1%</b>") == 2  # interest, and nothing comes on top of it


def test_ling_confirms_knowing_what_it_means(ling: Person, bo: Person, cui: Person, two: Application) -> None:
    offer = Offer.objects.get(referral=referral_of(two, bo))
    html = get(ling, "case-accept", two.number, offer.pk)
    assert "示例乙银行 会收到“未选中”通知" in html
    assert two.state == Application.State.OPEN
    url = reverse("case-accept", args=[two.number, offer.pk])
    assert ling.client.post(url).status_code == 302
    two.refresh_from_db()
    assert two.state == Application.State.ACCEPTED
    assert referral_of(two, cui).state == Referral.State.NOT_SELECTED
    assert Entry.objects.filter(verb="referral.not_selected").exists()
    again = ling.client.post(url)
    assert again.status_code == 409
    assert "已选定方案" in again.content.decode()
    assert "未选中" in get(ling, "case-offers", two.number)


def test_an_offer_replaced_meanwhile_is_not_accepted_unseen(ling: Person, bo: Person, two: Application) -> None:
    old = Offer.objects.get(referral=referral_of(two, bo))
    offer_of(two, bo, 8_000_000, "4.20")
    for response in (
        ling.client.get(reverse("case-accept", args=[two.number, old.pk])),
        ling.client.post(reverse("case-accept", args=[two.number, old.pk])),
    ):
        assert response.status_code == 409
        assert "新方案替代" in response.content.decode()
    two.refresh_from_db()
    assert two.state == Application.State.OPEN


def test_an_expired_offer_says_so(ling: Person, bo: Person, two: Application) -> None:
    offer = Offer.objects.get(referral=referral_of(two, bo))
    Offer.objects.filter(pk=offer.pk).update(valid_until=date(2020, 1, 1))
    assert "已过有效期" in get(ling, "case-offers", two.number)
    response = ling.client.post(reverse("case-accept", args=[two.number, offer.pk]))
    assert response.status_code == 409
    assert "有效期" in response.content.decode()


def test_a_guarantors_offer_joins_and_does_not_settle(ling: Person, bo: Person, gu: Person, product: Product) -> None:
    found = factories.application(ling, product, factories.product(gu.organisation, "示例担保产品"))
    offer_of(found, bo)
    carried = offer_of(found, gu, annual_rate=None, fee_rate=Decimal("0.8"))
    html = get(ling, "case-offers", found.number)
    assert "担保、保险方案" in html
    assert "银行的方案仍由您另行选择" in get(ling, "case-accept", found.number, carried.pk)
    assert ling.client.post(reverse("case-accept", args=[found.number, carried.pk])).status_code == 302
    found.refresh_from_db()
    assert found.state == Application.State.OPEN
    assert referral_of(found, bo).state == Referral.State.OFFERED


# --- taking back -----------------------------------------------------------------------------------------------------


def test_ten_minutes_without_a_reason_later_with_one(ling: Person, bo: Person, case: Application) -> None:
    url = reverse("case-withdraw", args=[case.number])
    assert "不用说明原因" in get(ling, "case-withdraw", case.number)
    long_ago(case)
    refused = ling.client.post(url, {"note": "写好的说明"})
    assert refused.status_code == 400
    assert "请选择原因" in refused.content.decode()
    assert "写好的说明" in refused.content.decode()
    assert ling.client.post(url, {"reason": "other"}).status_code == 400
    assert ling.client.post(url, {"reason": "need"}).status_code == 302
    case.refresh_from_db()
    assert case.state == Application.State.WITHDRAWN
    assert case.close_reason == "资金需求有变化"
    clock = referral_of(case, bo).clock
    assert clock is not None
    assert clock.excused
    assert not case.consents.filter(revoked_at=None).exists()
    assert ling.client.post(url, {"reason": "need"}).status_code == 409


def test_within_ten_minutes_one_click_is_enough(ling: Person, case: Application) -> None:
    assert ling.client.post(reverse("case-withdraw", args=[case.number])).status_code == 302
    case.refresh_from_db()
    assert case.state == Application.State.WITHDRAWN


def test_a_request_nobody_works_on_can_be_ended_and_only_then(ling: Person, bo: Person, case: Application) -> None:
    url = reverse("case-close", args=[case.number])
    busy = ling.client.post(url, {"reason": "elsewhere"})
    assert busy.status_code == 409
    assert "还有机构在办理" in busy.content.decode()
    decline(case, bo)
    assert ling.client.post(url, {"reason": "elsewhere"}).status_code == 302
    case.refresh_from_db()
    assert case.state == Application.State.UNMET
    assert ling.client.post(url, {"reason": "elsewhere"}).status_code == 409
    html = get(ling, "case", case.number)
    assert "金额超出可办理范围" in html
    assert "已停止" in html


def test_an_accepted_request_is_not_closed_as_unmet(ling: Person, bo: Person, case: Application) -> None:
    choices.accept(offer_of(case, bo).pk, actor=ling.actor, now=moments.now())
    with pytest.raises(WrongState, match="已选定方案"):
        choices.close_unmet(case.pk, reason="", actor=ling.actor, now=moments.now())


def test_one_authorisation_is_taken_back_and_the_other_bank_goes_on(
    ling: Person, bo: Person, cui: Person, two: Application
) -> None:
    referral = referral_of(two, bo)
    assert "示例甲银行 停止办理" in get(ling, "case-revoke", two.number, referral.ref)
    url = reverse("case-revoke", args=[two.number, referral.ref])
    assert ling.client.post(url).status_code == 302
    assert referral_of(two, bo).state == Referral.State.WITHDRAWN
    assert Offer.objects.get(referral=referral).state == Offer.State.CLOSED
    assert two.consents.get(institution_id=bo.organisation.pk).revoked_at is not None
    assert referral_of(two, cui).state == Referral.State.OFFERED
    assert Entry.objects.filter(verb="consent.revoked", parties__contains=[bo.organisation.pk]).exists()
    assert ling.client.post(url).status_code == 409


def test_a_bank_that_was_shut_out_is_told_keeps_number_and_state_and_cannot_come_back(
    ling: Person, bo: Person, cui: Person, product: Product, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    case = factories.application(ling, open_call=True)
    referral = referral_of(case, bo)
    paper = Attachment.objects.create(
        application=case,
        name="营业执照.pdf",
        file=ContentFile(b"%PDF-1.4", name="x.pdf"),
        size=8,
        sha256="0" * 64,
        media_type="application/pdf",
        uploaded_by="林示例",
        uploaded_at=moments.now(),
    )
    file_url = reverse("desk-attachment", args=[referral.ref, paper.ref])
    assert bo.client.get(file_url).status_code == 200
    choices.revoke(referral.pk, actor=ling.actor, now=moments.now())
    page = get(bo, "desk-referral", referral.ref)
    assert case.number in page
    assert "企业已撤回" in page
    for gone in (case.organisation_name, "800 万元", "201710601862", "林示例", "营业执照"):
        assert gone not in page
    assert bo.client.get(file_url).status_code == 404
    entry = Entry.objects.get(verb="consent.revoked")
    assert [(letter.organisations, letter.url) for letter in letters(entry)] == [
        ([bo.organisation.pk], reverse("desk-referral", args=[referral.ref]))
    ]
    contact = {**CONTACT, "contact_phone": "023-67961234"}
    again = bo.client.post(reverse("desk-pool-claim", args=[case.number]), contact)
    assert again.status_code == 409
    assert "企业已收回对本机构的授权" in again.content.decode()
    assert "已在本机构名下" not in again.content.decode()
    assert case.organisation_name not in again.content.decode()
    assert not case.consents.filter(institution_id=bo.organisation.pk, revoked_at=None).exists()
    assert cui.client.post(reverse("desk-pool-claim", args=[case.number]), contact).status_code == 302


def test_whoever_offers_without_claiming_can_still_be_called(ling: Person, bo: Person, case: Application) -> None:
    offer = offer_of(case, bo)
    assert 'tel:13800000000">13800000000' in get(ling, "case", case.number)
    choices.accept(offer.pk, actor=ling.actor, now=moments.now())
    assert "薄示例，" in get(ling, "case", case.number)


def test_the_story_names_the_bank_that_was_not_chosen(ling: Person, bo: Person, cui: Person, two: Application) -> None:
    choices.accept(Offer.objects.get(referral=referral_of(two, cui)).pk, actor=ling.actor, now=moments.now())
    html = get(ling, "case", two.number)
    assert "示例甲银行 未选中，停止办理" in html
    assert "企业已选定其他机构的方案" not in html
    assert "其他办理" not in html  # nothing is left to do there within the ten minutes


def test_only_the_first_reply_is_said_to_stop_the_clock(ling: Person, bo: Person, case: Application) -> None:
    responses.claim(referral_of(case, bo).pk, **CONTACT, actor=bo.actor, now=moments.now())
    offer_of(case, bo)
    assert get(ling, "case", case.number).count("这家机构的响应时限停止") == 1
    choices.revoke(referral_of(case, bo).pk, actor=ling.actor, now=moments.now())
    assert "对这家机构的时限停止" not in get(ling, "case", case.number)


# --- strangers -------------------------------------------------------------------------------------------------------


def test_wai_and_the_bank_find_nothing_at_lings_addresses(
    ling: Person, wai: Person, bo: Person, case: Application
) -> None:
    question = question_of(case, bo)
    offer = offer_of(case, bo)
    referral = referral_of(case, bo)
    addresses = [
        reverse("case", args=[case.number]),
        reverse("case", args=[case.number]) + "?part=live",
        reverse("case-offers", args=[case.number]),
        reverse("case-accept", args=[case.number, offer.pk]),
        reverse("case-answer", args=[case.number, question.pk]),
        reverse("case-withdraw", args=[case.number]),
        reverse("case-extend", args=[case.number]),
        reverse("case-close", args=[case.number]),
        reverse("case-revoke", args=[case.number, referral.ref]),
    ]
    for address in addresses:
        assert wai.client.get(address).status_code == 404, address
        assert wai.client.post(address, {"reason": "need", "answer": "假"}).status_code in (404, 405), address
        assert bo.client.get(address).status_code == 403, address
    assert case.number not in get(wai, "case-list")
    case.refresh_from_db()
    assert case.state == Application.State.OPEN


def test_a_foreign_question_or_offer_under_ones_own_case_is_not_found(
    ling: Person, wai: Person, bo: Person, product: Product, case: Application
) -> None:
    own = factories.application(wai, product)
    question, offer = question_of(case, bo), offer_of(case, bo)
    assert wai.client.post(reverse("case-answer", args=[own.number, question.pk]), {"answer": "假"}).status_code == 404
    assert wai.client.post(reverse("case-accept", args=[own.number, offer.pk])).status_code == 404
    referral = referral_of(case, bo)
    assert wai.client.post(reverse("case-revoke", args=[own.number, referral.ref])).status_code == 404


# --- weight ----------------------------------------------------------------------------------------------------------


def test_every_page_of_a_busy_case_is_light(
    ling: Person, bo: Person, cui: Person, two: Application, django_assert_max_num_queries: Any
) -> None:
    question = question_of(factories.application(ling, bo.organisation.institution.products.get()), bo)
    drafts.start(actor=ling.actor, now=moments.now())
    offer = Offer.objects.filter(referral__application=two).first()
    assert offer is not None
    number = question.referral.application.number
    urls = [
        reverse("case-list"),
        reverse("case", args=[two.number]),
        reverse("case", args=[number]),
        reverse("case-offers", args=[two.number]),
        reverse("case-accept", args=[two.number, offer.pk]),
        reverse("case-answer", args=[number, question.pk]),
        reverse("case-withdraw", args=[two.number]),
        reverse("case-extend", args=[two.number]),
        reverse("case-revoke", args=[two.number, referral_of(two, bo).ref]),
    ]
    ling.client.get(reverse("case-withdraw", args=[number]))  # the first page of a session also stores the chair
    for url in urls:
        with django_assert_max_num_queries(12):
            response = ling.client.get(url)
        assert response.status_code == 200, url
        assert len(response.content) < 120_000
