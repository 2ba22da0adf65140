"""Ling follows her request: what to do now, who answers when, offers, withdrawal. Wai sees nothing of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications.actions import choices, drafts, responses
from applications.models import Application, Attachment, Offer
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from portal.foundation.sla.sweep import sweep
from products.models import Product
from tests import factories
from tests.by_hand import by_hand
from tests.factories import Person
from tests.made_files import PDF

from .stages import decline, get, offer_of, question_of, referral_of

pytestmark = pytest.mark.django_db
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-00000000", "next_step": "明天上午上门尽调"}


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
    with by_hand():
        Application.objects.filter(pk=case.pk).update(state="disbursed", working_days=6, closed_at=moments.now())
    html = get(ling, "case", case.number)
    assert "从提交到放款用了 6 个工作日" in html
    assert "由 15 天压缩到 7 天" in html


# --- questions -------------------------------------------------------------------------------------------------------


def pdf(name: str = "报表.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, PDF, "application/pdf")


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
