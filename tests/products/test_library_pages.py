"""Bo keeps the bank's products in the browser, Rui reviews them, anyone reads, compares, prints and subscribes."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from portal.foundation.core import moments
from products import facts
from products.actions import drafting, life, review
from products.models import Product, ProductVersion
from tests.factories import Person
from tests.notifications.conftest import Told, everybody, told  # noqa: F401 - fixtures
from tests.products.conftest import TYPED, Publish

pytestmark = pytest.mark.django_db
Revise = Callable[..., ProductVersion]
now = moments.now


def test_bo_drafts_submits_and_rui_publishes(bo: Person, rui: Person) -> None:
    answer = bo.client.post("/products/own/new/", TYPED)
    assert answer.status_code == 302, answer.context["form"].errors
    product = Product.objects.get(name="示例知产贷")
    assert product.amount_max == Decimal(10_000_000)
    assert product.documents == ["营业执照", "专利证书"]
    assert product.pledge_rates == {"invention": "40.00"}
    page = bo.client.get(answer.headers["Location"]).content.decode()
    assert "草稿已保存" in page
    assert "渝中区" in page
    assert bo.client.post(f"/products/own/{product.pk}/submit/").status_code == 302
    assert "示例知产贷" in rui.client.get("/products/review/").content.decode()
    version = product.versions.get()
    review_page = rui.client.get(f"/products/review/{version.pk}/").content.decode()
    assert "40%" in review_page
    sent = {"decision": "publish", "seen": drafting.seen_of(version)}
    assert rui.client.post(f"/products/review/{version.pk}/", sent).status_code == 302
    assert "示例知产贷" in Client().get("/products/").content.decode()
    again = rui.client.post(f"/products/review/{version.pk}/", sent)
    assert again.status_code == 409
    assert "不在待审核状态" in again.content.decode()


def test_the_reviewer_reads_only_what_differs_first(published: Publish, revised: Revise, rui: Person) -> None:
    version = revised(published().product_id, term_max=84)
    answer = rui.client.get(f"/products/review/{version.pk}/")
    assert [(line.label, line.before, line.after) for line in answer.context["different"]] == [
        ("期限", "最长 36 个月（中期）", "最长 84 个月（长期）")
    ]
    sent = {"decision": "return", "reason": "", "seen": drafting.seen_of(version)}
    assert rui.client.post(f"/products/review/{version.pk}/", sent).status_code == 400
    assert rui.client.post(f"/products/review/{version.pk}/", {**sent, "reason": "写明利率"}).status_code == 302
    version.refresh_from_db()
    assert version.state == "returned"


def test_rui_publishes_only_the_terms_that_stood_on_his_page(
    published: Publish, revised: Revise, bo: Person, rui: Person
) -> None:
    """Rui reads 84 months. Bo takes the version back, writes 12 and puts it forward again. Rui's click publishes nothing
    and returns nothing: the page says that it was changed and shows the new terms, and only these can be published."""
    version = revised(published().product_id, term_max=84)
    address, read = f"/products/review/{version.pk}/", drafting.seen_of(version)
    assert f'name="seen" value="{read}"' in rui.client.get(address).content.decode()
    review.take_back(version.product_id, actor=bo.actor, now=now())
    drafting.save(version.product_id, {"term_max": 12}, seen=read, actor=bo.actor, now=now())
    review.submit(version.product_id, actor=bo.actor, now=now())
    for decision in ({"decision": "publish"}, {"decision": "return", "reason": "期限太长"}):
        answer = rui.client.post(address, {**decision, "seen": read})
        assert answer.status_code == 409
        assert "机构撤回后又改过，请重新核对。" in answer.content.decode()
        assert "最长 12 个月" in answer.content.decode()
    version.refresh_from_db()
    assert (version.state, Product.objects.get(pk=version.product_id).term_max) == ("submitted", 36)
    assert rui.client.post(address, {"decision": "publish", "seen": drafting.seen_of(version)}).status_code == 302
    assert Product.objects.get(pk=version.product_id).term_max == 12


@pytest.mark.parametrize("sent", [{}, {"decision": ""}, {"decision": "Publish"}, {"reason": "写明利率"}])
def test_a_click_that_says_nothing_decides_nothing(
    published: Publish, revised: Revise, rui: Person, sent: dict[str, str]
) -> None:
    """Rui's browser loses the button's value: nothing is published, and the page says what to press."""
    version = revised(published().product_id, term_max=84)
    answer = rui.client.post(f"/products/review/{version.pk}/", {**sent, "seen": drafting.seen_of(version)})
    assert answer.status_code == 400
    assert "请用下面的按钮办理。" in answer.content.decode()
    version.refresh_from_db()
    assert version.state == "submitted"


def test_what_bo_typed_wrong_stays_and_is_told(bo: Person) -> None:
    wrong = {**TYPED, "amount_max": "10", "lpr_spread": "45", "term_min": "48"}
    answer = bo.client.post("/products/own/new/", wrong)
    assert answer.status_code == 400
    errors = answer.context["form"].errors
    assert errors["amount_max"] == ["最高金额不能低于最低金额。"]
    assert errors["term_max"] == ["最长期限不能短于最短期限。"]
    assert errors["lpr_term"] == ["填写了 LPR 加点，请选择期限品种。"]
    assert 'value="45"' in answer.content.decode()
    assert not Product.objects.filter(name="示例知产贷").exists()


def test_a_floating_rate_is_worked_out_from_the_lpr(bo: Person) -> None:
    floating = {
        **TYPED, "rate_from": "", "lpr_term": "1y", "lpr_rate": "3", "lpr_spread": "45", "lpr_date": "2026-11-20",
    }  # fmt: skip
    assert bo.client.post("/products/own/new/", floating).status_code == 302
    product = Product.objects.get(name="示例知产贷")
    assert product.rate_from == Decimal("3.450")
    assert facts.lpr(product) == "LPR（1 年期，2026-11-20 报价 3%）＋45 个基点"


def test_a_guarantor_says_a_fee_and_has_no_lpr(gu: Person) -> None:
    page = gu.client.get("/products/own/new/").content.decode()
    assert "最低年费率" in page
    assert "LPR" not in page


def test_every_verb_has_a_page_that_says_what_it_does(
    published: Publish, bo: Person, bo_manager: Person, rui: Person
) -> None:
    pk = published().product_id
    page = bo.client.get(f"/products/own/{pk}/suspend/").content.decode()
    assert "已经提交的需求照常办理" in page
    assert bo.client.post(f"/products/own/{pk}/suspend/", {"reason": ""}).status_code == 400
    assert bo.client.post(f"/products/own/{pk}/suspend/", {"reason": "额度用完"}).status_code == 302
    assert rui.client.get(f"/products/own/{pk}/").status_code == 200
    assert bo.client.post(f"/products/own/{pk}/resume/").status_code == 302
    assert bo.client.post(f"/products/own/{pk}/withdraw/", {"reason": "停办"}).status_code == 403
    assert bo_manager.client.post(f"/products/own/{pk}/withdraw/", {"reason": "停办"}).status_code == 302
    assert bo.client.get(f"/products/own/{pk}/nonsense/").status_code == 404
    assert bo.client.get(f"/products/own/{pk}/edit/").status_code == 302


def test_wai_and_cui_see_nothing_of_a_draft(bo: Person, wai: Person, cui: Person, rui: Person) -> None:
    bo.client.post("/products/own/new/", TYPED)
    product = Product.objects.get(name="示例知产贷")
    assert wai.client.get(f"/products/own/{product.pk}/").status_code == 403
    assert cui.client.get(f"/products/own/{product.pk}/").status_code == 404
    assert rui.client.get(f"/products/own/{product.pk}/").status_code == 404  # not put forward yet
    assert Client().get(f"/products/{product.pk}/").status_code == 404
    for page in ("/products/", "/products/changes/", "/products/feed.atom"):
        assert "示例知产贷" not in Client().get(page).content.decode()


def test_each_side_hears_of_the_other(
    published: Publish,
    revised: Revise,
    bo: Person,
    rui: Person,
    told: Told,  # noqa: F811
) -> None:
    version = revised(published().product_id, term_max=48)
    assert told("product.submitted") == {"rui": "机构提交产品，请审核"}
    review.send_back(version.pk, reason="写明利率", seen=drafting.seen_of(version), actor=rui.actor, now=now())
    assert told("product.returned") == dict.fromkeys(("bo", "bo_manager"), "产品被退回，请按理由修改")
    assert told("product.published") == dict.fromkeys(("bo", "bo_manager"), "产品已发布")
    life.suspend(version.product_id, reason="核查", actor=rui.actor, now=now())
    assert told("product.suspended") == dict.fromkeys(("bo", "bo_manager"), "产品已暂停")
    life.resume(version.product_id, actor=rui.actor, now=now())
    life.suspend(version.product_id, reason="额度用完", actor=bo.actor, now=now())
    assert told("product.suspended") == {"rui": "产品已暂停"}
    assert told("product.resumed") == dict.fromkeys(("bo", "bo_manager"), "产品已恢复")


def test_what_bo_took_back_rui_no_longer_reads(published: Publish, revised: Revise, bo: Person, rui: Person) -> None:
    version = revised(published().product_id, summary="内部措辞")
    assert "内部措辞" in rui.client.get(f"/products/review/{version.pk}/").content.decode()
    review.take_back(version.product_id, actor=bo.actor, now=now())
    for page in (f"/products/review/{version.pk}/", f"/products/own/{version.product_id}/"):
        answer = rui.client.get(page)
        assert answer.status_code == 200
        assert "内部措辞" not in answer.content.decode()


def test_comparison_can_show_every_row(published: Publish) -> None:
    one, two = published(), published(name="另一款", term_max=24)
    address = f"/products/?c={one.product_id}&c={two.product_id}"
    short, full = (Client().get(address + more).content.decode() for more in ("", "&show=all"))
    assert "相同的项目" in short
    assert '<span class="sub">相同</span>' not in short
    assert '<span class="sub">相同</span>' in full
    assert "本行最长" in short


def test_the_feed_tells_every_public_change(published: Publish, revised: Revise, bo: Person, rui: Person) -> None:
    first = published()
    longer = revised(first.product_id, term_max=48)
    review.publish(longer.pk, seen=drafting.seen_of(longer), actor=rui.actor, now=now())
    life.suspend(first.product_id, reason="内部原因", actor=bo.actor, now=now())
    answer = Client().get("/products/feed.atom")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    atom = "{http://www.w3.org/2005/Atom}"
    titles = [entry.findtext(f"{atom}title") for entry in ET.fromstring(answer.content).iter(f"{atom}entry")]  # noqa: S314
    bank = "示例甲银行"
    assert titles == [f"{kind}：{bank}《示例知产贷》" for kind in ("暂停", "更新", "新发布")]
    assert "36 个月" in answer.content.decode()
    assert "内部原因" not in answer.content.decode()
    assert "内部原因" not in Client().get("/products/changes/").content.decode()


def test_the_border_of_the_report_is_told_by_the_setting(published: Publish, ling: Person, settings: Any) -> None:
    """When the office decides that a loan of exactly the limit needs a report, every page says it so."""
    pk = published().product_id
    pages = [(Client(), f"/products/{pk}/"), (Client(), "/guide/"), (ling.client, "/valuations/")]
    for client, page in pages:
        assert "不超过 1000 万元" in client.get(page).content.decode(), page
    settings.VALUATION_FREE_INCLUSIVE = False
    settings.VALUATION_FREE_UP_TO = 5_000_000
    for client, page in pages:
        assert "低于 500 万元" in client.get(page).content.decode(), page


def test_ling_without_a_case_is_offered_the_reckoning_first(ling: Person) -> None:
    page = ling.client.get("/cases/").content.decode()
    assert f'href="{reverse("match")}">先测算</a>' in page


def test_marks_of_the_term_are_derived() -> None:
    for months, mark in ((None, ""), (12, ""), (13, "中期"), (60, "中期"), (61, "长期")):
        assert facts.term_mark(Product(term_max=months)) == mark


def test_district_names_and_validity_are_told() -> None:
    product = Product(districts=["500103"], valid_until=date(2027, 1, 1))
    assert facts.districts(product, {"500103": "渝中区"}) == "渝中区"
    assert facts.validity(product) == "至 2027-01-01"
    assert facts.expired(product, today=date(2027, 1, 2))
    assert not facts.expired(product, today=date(2027, 1, 1))


@pytest.mark.parametrize("path", ["/products/own/", "/products/own/{pk}/", "/products/own/{pk}/edit/"])
def test_bos_pages_ask_the_database_little(
    published: Publish, revised: Revise, bo: Person, path: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    for number in range(3):
        pk = published(name=f"贷{number}").product_id
    if "edit" not in path:
        revised(pk, term_max=12)
    bo.client.get(path.format(pk=pk))
    with django_assert_max_num_queries(12):
        assert bo.client.get(path.format(pk=pk)).status_code == 200


@pytest.mark.parametrize("path", ["/products/review/", "/products/review/?tab=all", "/products/review/{pk}/"])
def test_ruis_pages_ask_the_database_little(
    published: Publish, revised: Revise, rui: Person, path: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    for number in range(3):
        version = revised(published(name=f"贷{number}").product_id, term_max=12)
    with django_assert_max_num_queries(12):
        assert rui.client.get(path.format(pk=version.pk)).status_code == 200
