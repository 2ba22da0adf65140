"""Ling fills in a request on her phone; nothing she types is lost, whatever goes wrong."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from applications.actions import drafts
from applications.models import Application, Attachment, Consent, Draft, Referral
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.sla.models import Clock
from products.models import Product
from tests import factories
from tests.factories import Person

from .wizard_steps import NEED, filled, hidden, page_of, pdf, reach_of, send, stored, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def patent(ling: Person) -> Patent:
    return factories.patent(ling.organisation)


@pytest.fixture
def draft(ling: Person) -> Draft:
    return drafts.start(actor=ling.actor, now=moments.now())


# --- the way through -------------------------------------------------------------------------------------------------


def test_looking_makes_no_draft_and_a_double_click_makes_one(ling: Person, product: Product) -> None:
    html = ling.client.get(reverse("apply:start"), {"product": product.pk}).content.decode()
    assert product.name in html
    assert not Draft.objects.exists()
    sent = {"token": hidden(html, "token"), "product": product.pk}
    first = ling.client.post(reverse("apply:start"), sent)
    second = ling.client.post(reverse("apply:start"), sent)
    assert first.url == second.url
    draft = Draft.objects.get()
    assert draft.data["reach"]["products"] == [str(product.pk)]


def test_ling_takes_a_request_from_the_first_step_to_a_case(
    ling: Person, draft: Draft, patent: Patent, product: Product
) -> None:
    filled(ling, draft, patent, product)
    review = ling.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    assert "800 万元" in review
    assert patent.dotted in review
    assert str(product.institution) in review
    assert "没有填好" not in review
    response = submit(ling, draft)
    case = Application.objects.get()
    assert response.url == reverse("case", args=[case.number])
    assert case.amount == Decimal("8000000.00")
    assert case.contact_phone == "13800000000"
    assert case.referrals.get().institution_id == product.institution_id
    assert Consent.objects.filter(application=case, institution_id=product.institution_id).exists()


def test_a_double_click_and_a_late_click_find_the_same_case(
    ling: Person, draft: Draft, patent: Patent, product: Product
) -> None:
    filled(ling, draft, patent, product)
    html = ling.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    sent = {name: hidden(html, name) for name in ("version", "token")}
    url = reverse("apply:submit", args=[draft.pk])
    first, second = ling.client.post(url, sent), ling.client.post(url, sent)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first.url == second.url
    assert Application.objects.count() == 1
    assert Clock.objects.count() == 1


def test_an_open_call_goes_to_the_best_and_needs_its_own_consent(
    ling: Person, draft: Draft, patent: Patent, product: Product
) -> None:
    send(ling, draft, "company", patents=[patent.pk])
    send(ling, draft, "need", **NEED)
    contact = {"contact_name": "林示例", "contact_phone": "13800000000"}
    refused = send(ling, draft, "reach", reach="open", **contact)
    assert refused.status_code == 400
    assert "公开征集需要您的授权" in refused.content.decode()
    assert send(ling, draft, "reach", reach="open", consent_open="on", **contact).status_code == 302
    submit(ling, draft)
    case = Application.objects.get()
    assert case.open_call
    assert case.referrals.get().origin == Referral.Origin.OPEN_CALL
    assert case.consents.filter(institution=None).exists()


def test_an_open_call_asks_lenders_before_those_who_only_carry_risk(
    ling: Person, product: Product, cui: Person, gu: Person
) -> None:
    factories.product(gu.organisation, "示例担保计划", online=True)  # scores higher than either bank
    factories.product(cui.organisation)
    asked = [r.institution_id for r in factories.application(ling, open_call=True).referrals.order_by("pk")]
    assert set(asked[:2]) == {product.institution_id, cui.organisation.pk}
    assert asked[2:] == [gu.organisation.pk]


def test_a_guarantors_fee_is_not_called_an_interest_rate(
    ling: Person, draft: Draft, patent: Patent, product: Product, gu: Person
) -> None:
    factories.product(gu.organisation, "示例担保计划", rate_from=Decimal("0.5"))
    send(ling, draft, "company", patents=[patent.pk])
    send(ling, draft, "need", **NEED)
    page = ling.client.get(reverse("apply:step", args=[draft.pk, "reach"])).content.decode()
    assert "年担保费率 0.5% 起" in page
    assert "年利率 0.5%" not in page


def test_each_institution_needs_its_own_consent(
    ling: Person, draft: Draft, patent: Patent, product: Product, cui: Person
) -> None:
    other = factories.product(cui.organisation)
    send(ling, draft, "company", patents=[patent.pk])
    send(ling, draft, "need", **NEED)
    refused = send(ling, draft, "reach", **reach_of(product, other, consents=[product.institution_id]))
    assert refused.status_code == 400
    assert "请勾选对 示例乙银行 的授权" in refused.content.decode()
    assert set(stored(draft, "reach")["products"]) == {str(product.pk), str(other.pk)}


def test_ling_adds_a_patent_on_the_way_and_comes_back_to_what_she_ticked(
    ling: Person, draft: Draft, patent: Patent
) -> None:
    response = send(ling, draft, "company", patents=[patent.pk], go="patent")
    assert response.status_code == 302
    assert reverse("apply:step", args=[draft.pk, "company"]) in response.url
    assert stored(draft, "company")["patents"] == [str(patent.pk)]
    assert re.search(rf'value="{patent.pk}"[^>]*checked', page_of(ling, draft, "company"))
    new = {
        "number": "ZL201510958772.0",
        "filing_date": "2015-12-18",
        "grant_date": "2018-05-01",
        "title": "示例压铸方法",
        "patentee": ling.organisation.name,
        "status": "granted",
        "co-TOTAL_FORMS": "0",
        "co-INITIAL_FORMS": "0",
    }
    added = ling.client.post(response.url, new)
    assert added.status_code == 302
    assert added.headers["Location"] == reverse("apply:step", args=[draft.pk, "company"])
    assert "201510958772.0" in page_of(ling, draft, "company")


def test_later_and_back_keep_what_is_half_done(ling: Person, draft: Draft) -> None:
    later = send(ling, draft, "need", amount="八百", go="later")
    assert later.url == reverse("case-list")
    assert stored(draft, "need")["amount"] == "八百"
    assert 'value="八百"' in page_of(ling, draft, "need")
    assert send(ling, draft, "need", amount="九百", go="back").url == reverse("apply:step", args=[draft.pk, "company"])
    assert "继续填写" in ling.client.get(reverse("case-list")).content.decode()


# --- saving ----------------------------------------------------------------------------------------------------------


def test_every_change_is_saved_and_the_page_says_when(ling: Person, draft: Draft) -> None:
    html = page_of(ling, draft, "need")
    sent = {"version": hidden(html, "version"), "page": hidden(html, "page")}
    url = reverse("apply:save", args=[draft.pk, "need"])
    first = ling.client.post(url, {**sent, "amount": "8"})
    assert re.search(r"草稿已自动保存 \d\d:\d\d", first.content.decode())
    # The second autosave of the same page left before the first had answered: not a conflict with oneself.
    assert ling.client.post(url, {**sent, "amount": "80"}).status_code == 200
    assert stored(draft, "need")["amount"] == "80"
    assert ling.client.post(url, {**sent, "amount": "80"}).status_code == 200
    assert send(ling, draft, "need", html=html, **NEED).status_code == 302


def test_two_colleagues_on_one_step_see_both_versions(ling: Person, draft: Draft) -> None:
    mate = factories.person("mate", "马示例", ling.membership.role, ling.organisation)  # type: ignore[arg-type]
    mine = page_of(ling, draft, "need")
    assert send(mate, draft, "need", **{**NEED, "amount": "500"}).status_code == 302
    autosaved = ling.client.post(
        reverse("apply:save", args=[draft.pk, "need"]),
        {"version": hidden(mine, "version"), "page": hidden(mine, "page"), "amount": "700"},
    )
    assert autosaved.status_code == 409
    assert "马示例" in autosaved.content.decode()
    conflict = send(ling, draft, "need", html=mine, **{**NEED, "amount": "700"})
    html = conflict.content.decode()
    assert conflict.status_code == 409
    assert "马示例" in html
    assert "保留我的" in html
    assert "用对方的" in html
    assert 'value="700"' in html
    assert ">500<" in html
    assert stored(draft, "need")["amount"] == "500"
    assert send(ling, draft, "need", html=html, **{**NEED, "amount": "700"}).status_code == 302
    assert stored(draft, "need")["amount"] == "700"


def test_a_colleague_on_another_step_is_no_conflict(ling: Person, draft: Draft, patent: Patent) -> None:
    mate = factories.person("mate", "马示例", ling.membership.role, ling.organisation)  # type: ignore[arg-type]
    mine = page_of(ling, draft, "need")
    send(mate, draft, "company", patents=[patent.pk])
    assert send(ling, draft, "need", html=mine, **NEED).status_code == 302
    assert stored(draft, "company")["patents"] == [str(patent.pk)]


def test_what_a_colleague_changed_after_the_check_is_not_sent_unseen(
    ling: Person, draft: Draft, patent: Patent, product: Product
) -> None:
    filled(ling, draft, patent, product)
    html = ling.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    mate = factories.person("mate", "马示例", ling.membership.role, ling.organisation)  # type: ignore[arg-type]
    send(mate, draft, "need", **{**NEED, "amount": "2000"})
    sent = {name: hidden(html, name) for name in ("version", "token")}
    response = ling.client.post(reverse("apply:submit", args=[draft.pk]), sent)
    assert response.status_code == 409
    assert "马示例" in response.content.decode()
    assert "2000 万元" in response.content.decode()
    assert not Application.objects.exists()


# --- strangers -------------------------------------------------------------------------------------------------------


def test_wai_sees_nothing_of_lings_draft(ling: Person, wai: Person, draft: Draft) -> None:
    paper = drafts.attach(draft.pk, pdf(), kind="other", actor=ling.actor, now=moments.now())
    for name, args in (("step", ["need"]), ("review", []), ("discard", [])):
        assert wai.client.get(reverse(f"apply:{name}", args=[draft.pk, *args])).status_code == 404
    for name, args in (
        ("step", ["need"]),
        ("save", ["need"]),
        ("submit", []),
        ("discard", []),
        ("attach", []),
        ("detach", [paper.ref]),
    ):
        sent = {"token": str(draft.token), "version": "0", "amount": "1"}
        assert wai.client.post(reverse(f"apply:{name}", args=[draft.pk, *args]), sent).status_code == 404, name
    assert stored(draft, "need") == {}
    assert Attachment.objects.filter(pk=paper.pk).exists()


def test_lings_token_does_not_lead_wai_to_lings_case(
    ling: Person, wai: Person, draft: Draft, patent: Patent, product: Product
) -> None:
    filled(ling, draft, patent, product)
    submit(ling, draft)
    for token in (str(draft.token), "nonsense", ""):
        response = wai.client.post(reverse("apply:submit", args=[draft.pk]), {"token": token})
        assert response.status_code == 404


def test_an_officer_is_told_whose_page_this_is(bo: Person) -> None:
    response = bo.client.get(reverse("apply:start"))
    assert response.status_code == 403
    assert "企业经办人" in response.content.decode()


# --- weight ----------------------------------------------------------------------------------------------------------


def test_every_page_of_the_wizard_is_light(
    ling: Person, draft: Draft, patent: Patent, product: Product, django_assert_max_num_queries: Any
) -> None:
    filled(ling, draft, patent, product)
    urls = [reverse("apply:start"), reverse("apply:review", args=[draft.pk])]
    urls += [reverse("apply:step", args=[draft.pk, step]) for step in ("company", "need", "reach")]
    for url in urls:
        with django_assert_max_num_queries(13):  # the review ranks the library (two) and loads the calendar (two)
            response = ling.client.get(url)
        assert response.status_code == 200
        assert len(response.content) < 120_000
