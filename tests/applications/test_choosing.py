"""Ling chooses among offers, takes back a request or an authorisation, and everybody concerned is told."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from pytest_django import Settings

from applications.actions import choices, responses
from applications.models import Application, Attachment, Offer, Referral
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.models import Entry
from portal.notifications.catalogue import letters
from products.models import Product
from tests import factories
from tests.factories import Person

from .stages import decline, get, long_ago, offer_of, referral_of

pytestmark = pytest.mark.django_db
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-00000000", "next_step": "明天上午上门尽调"}


# --- offers ----------------------------------------------------------------------------------------------------------


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


def test_a_guarantors_offer_is_for_reading_and_joins_a_loan_only_as_a_cover(
    ling: Person, bo: Person, gu: Person, product: Product
) -> None:
    """Only a cover counts to the household's limit and says who carries a loss; Ling is led to it."""
    found = factories.application(ling, product, factories.product(gu.organisation, "示例担保产品"))
    offer_of(found, bo)
    carried = offer_of(found, gu, annual_rate=None, fee_rate=Decimal("0.8"))
    html = get(ling, "case-offers", found.number)
    assert "担保、保险方案" in html
    ask = f"{reverse('case-cover-ask', args=[found.number])}?institution={gu.organisation.pk}"
    assert ask in html
    assert f'value="{gu.organisation.pk}" selected' in ling.client.get(ask).content.decode()
    refused = ling.client.post(reverse("case-accept", args=[found.number, carried.pk]))
    assert refused.status_code == 409
    assert "连同银行方案一并选定" in refused.content.decode()
    found.refresh_from_db()
    assert found.state == Application.State.OPEN


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
