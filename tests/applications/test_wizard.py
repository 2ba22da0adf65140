"""Ling fills in a request on her phone; nothing she types is lost, whatever goes wrong."""

import io
import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications.actions import drafts
from applications.models import Application, Attachment, Consent, Draft, Referral
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.sla.models import Clock
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
NEED = {"amount": "800", "term_months": "24", "purpose": "working_capital", "purpose_note": "采购两台数控机床"}


@pytest.fixture
def patent(ling: Person) -> Patent:
    return factories.patent(ling.organisation)


@pytest.fixture
def draft(ling: Person) -> Draft:
    return drafts.start(actor=ling.actor, now=moments.now())


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', html)
    assert found, name
    return found[1]


def page_of(person: Person, draft: Draft, step: str) -> str:
    response = person.client.get(reverse("apply:step", args=[draft.pk, step]))
    assert response.status_code == 200
    return response.content.decode()


def send(person: Person, draft: Draft, step: str, *, html: str = "", **fields: Any) -> Any:
    """Press a button of the step's page as the browser would, hidden fields included."""
    html = html or page_of(person, draft, step)
    sent = {name: hidden(html, name) for name in ("version", "page", "token")}
    return person.client.post(reverse("apply:step", args=[draft.pk, step]), {**sent, **fields})


def reach_of(*products: Product, **other: Any) -> dict[str, Any]:
    return {
        "reach": "choose",
        "products": [p.pk for p in products],
        "consents": [p.institution_id for p in products],
        "contact_name": "林示例",
        "contact_phone": "138 0000 0000",
        **other,
    }


def filled(person: Person, draft: Draft, patent: Patent, *products: Product) -> None:
    for step, fields in (("company", {"patents": [patent.pk]}), ("need", NEED), ("reach", reach_of(*products))):
        assert send(person, draft, step, **fields).status_code == 302, step


def submit(person: Person, draft: Draft) -> Any:
    html = person.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    sent = {name: hidden(html, name) for name in ("version", "token")}
    return person.client.post(reverse("apply:submit", args=[draft.pk]), sent)


def stored(draft: Draft, step: str) -> dict[str, Any]:
    draft.refresh_from_db()
    return draft.data.get(step, {})


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


# --- what people really type ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("0.0000005", "最多写 6 位小数"),  # 0.005 yuan
        ("８００", "全角数字"),
        ("1,000", "千位分隔符"),
        ("NaN", "不是一个数"),
        ("-800", "不能是负数"),
        ("99999999999", "超过上限"),
        ("800万", "只写数字"),
        ("1e3", "科学计数法"),
        ("八百", "不是数字的字符"),
        ("0", "必须大于 0"),
        ("", "请填写"),
    ],
)
def test_an_amount_that_cannot_be_is_refused_at_its_field_and_kept(
    ling: Person, draft: Draft, typed: str, said: str
) -> None:
    response = send(ling, draft, "need", **{**NEED, "amount": typed})
    html = response.content.decode()
    assert response.status_code == 400
    assert "<title>错误：" in html
    assert said in html
    assert 'aria-describedby="id_amount_helptext id_amount_error"' in html
    assert f'value="{typed}"' in html or not typed
    assert stored(draft, "need")["amount"] == typed
    assert "采购两台数控机床" in html


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"term_months": "other", "term_other": "200"}, "届满，短于所填期限"),
        ({"term_months": "other", "term_other": "999"}, "不能大于 360"),
        ({"term_months": "other", "term_other": "一年半"}, "整数月数"),
        ({"term_months": "other", "term_other": ""}, "请填写月数"),
        ({"term_months": "7"}, "从列出的选项里选择"),
        ({"purpose": "gambling"}, "从列出的选项里选择"),
        ({"purpose_note": "长" * 301}, "最多 300 个字"),
    ],
)
def test_other_slips_of_the_second_step(
    ling: Person, draft: Draft, patent: Patent, fields: dict[str, str], said: str
) -> None:
    send(ling, draft, "company", patents=[patent.pk])
    response = send(ling, draft, "need", **{**NEED, **fields})
    assert response.status_code == 400
    assert said in response.content.decode()


def test_a_patent_of_wai_is_not_lings_to_pledge(ling: Person, wai: Person, draft: Draft) -> None:
    foreign = factories.patent(wai.organisation)
    response = send(ling, draft, "company", patents=[foreign.pk])
    assert response.status_code == 400
    assert "不在本企业名下" in response.content.decode()
    assert foreign.title not in response.content.decode()


def test_a_dead_patent_cannot_be_ticked(ling: Person, draft: Draft, patent: Patent) -> None:
    Patent.objects.filter(pk=patent.pk).update(status=Patent.Status.LAPSED)
    assert re.search(rf'value="{patent.pk}"[^>]*disabled', page_of(ling, draft, "company"))
    response = send(ling, draft, "company", patents=[patent.pk])
    assert response.status_code == 400
    assert "不是有效专利" in response.content.decode()


def test_a_product_that_is_gone_comes_back_at_its_field(
    ling: Person, draft: Draft, patent: Patent, product: Product
) -> None:
    filled(ling, draft, patent, product)
    html = ling.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    Product.objects.update(state=Product.State.SUSPENDED)
    sent = {name: hidden(html, name) for name in ("version", "token")}
    response = ling.client.post(reverse("apply:submit", args=[draft.pk]), sent)
    assert response.status_code == 400
    assert "已停售" in response.content.decode()
    again = ling.client.get(reverse("apply:step", args=[draft.pk, "reach"]), {"check": 1})
    assert again.status_code == 400
    assert "id_products" in again.content.decode()
    assert stored(draft, "reach")["contact_name"] == "林示例"


def test_a_term_that_outlives_a_patent_chosen_later_is_told_before_sending(
    ling: Person, draft: Draft, patent: Patent, product: Product
) -> None:
    filled(ling, draft, patent, product)
    Patent.objects.filter(pk=patent.pk).update(expires_on=moments.local_date(moments.now()).replace(year=2027))
    review = ling.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    assert "短于所填期限" in review
    assert reverse("apply:step", args=[draft.pk, "need"]) + "?check=1" in review
    assert submit(ling, draft).status_code == 400


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


# --- papers ----------------------------------------------------------------------------------------------------------


def pdf(name: str = "营业执照.pdf", size: int = 200) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"%PDF-1.7\n" + b"0" * size, "application/pdf")


def test_a_paper_is_added_and_taken_away_and_the_rest_of_the_step_stays(
    ling: Person, draft: Draft, product: Product
) -> None:
    response = send(ling, draft, "reach", contact_name="林", go="attach", kind="licence", file=pdf())
    assert response.status_code == 302
    html = page_of(ling, draft, "reach")
    assert "营业执照.pdf" in html
    assert 'value="林"' in html
    paper = draft.attachments.get()
    assert send(ling, draft, "reach", contact_name="林林", go=f"detach:{paper.ref}").status_code == 302
    assert not draft.attachments.exists()
    assert stored(draft, "reach")["contact_name"] == "林林"


@pytest.mark.parametrize(
    ("upload", "status", "said"),
    [
        (SimpleUploadedFile("照片.pdf", b"\x89PNG\r\n\x1a\n" + b"0" * 99, "application/pdf"), 415, "文件内容不是 PDF"),
        (SimpleUploadedFile("脚本.exe", b"MZ" + b"0" * 99, "application/pdf"), 415, "不支持“.exe”文件"),
        (SimpleUploadedFile("空.pdf", b"", "application/pdf"), 415, "空的"),
        (None, 400, "请先选择要上传的文件"),
    ],
)
def test_a_paper_that_lies_is_refused_and_nothing_typed_is_lost(
    ling: Person, draft: Draft, upload: SimpleUploadedFile | None, status: int, said: str
) -> None:
    papers = {"file": upload} if upload else {}
    response = send(ling, draft, "reach", contact_name="半个联系人", go="attach", kind="other", **papers)
    assert response.status_code == status
    html = response.content.decode()
    assert said in html
    assert 'value="半个联系人"' in html
    assert not draft.attachments.exists()


def test_a_paper_over_the_limit_is_refused_with_its_size(ling: Person, draft: Draft, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    big = SimpleUploadedFile("大.pdf", b"%PDF-" + io.BytesIO(b"0" * 2000).getvalue())
    response = send(ling, draft, "reach", contact_name="林", go="attach", file=big)
    assert response.status_code == 413
    assert "请压缩或拆分" in response.content.decode()
    assert stored(draft, "reach")["contact_name"] == "林"


# --- weight ----------------------------------------------------------------------------------------------------------


def test_every_page_of_the_wizard_is_light(
    ling: Person, draft: Draft, patent: Patent, product: Product, django_assert_max_num_queries: Any
) -> None:
    filled(ling, draft, patent, product)
    urls = [reverse("apply:start"), reverse("apply:review", args=[draft.pk])]
    urls += [reverse("apply:step", args=[draft.pk, step]) for step in ("company", "need", "reach")]
    for url in urls:
        with django_assert_max_num_queries(12):
            response = ling.client.get(url)
        assert response.status_code == 200
        assert len(response.content) < 120_000
