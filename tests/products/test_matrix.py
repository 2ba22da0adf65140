"""Anyone looks at the products: facts with their source, unknowns said to be unknown, comparison in words."""

from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from applications.actions.submit import choose
from applications.matching import rank
from banks.models import Institution
from portal.foundation.core.errors import Invalid
from products import facts, queries
from products.library import load_library
from products.models import Product
from tests import factories
from tests.by_hand import by_hand
from tests.factories import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(reference: None) -> None:
    load_library()


def page(query: str = "") -> str:
    return Client().get(f"/products/{query}").content.decode()


def named(name: str) -> Product:
    return Product.objects.select_related("institution__organisation").get(name=name)


def test_the_library_loads_twice_and_is_the_same(library: None) -> None:
    before = Product.objects.count(), Institution.objects.count()
    load_library()
    assert (Product.objects.count(), Institution.objects.count()) == before


def test_the_library_without_examples_holds_only_sourced_facts(reference: None) -> None:
    load_library(examples=False)
    assert not Product.objects.filter(example=True).exists()
    assert not Product.objects.filter(source="").exists()
    assert Product.objects.count() == 4


def test_real_banks_are_listed_with_their_source_and_cannot_be_asked_here(library: None, ling: Person) -> None:
    rural = named("科技型企业知识价值信用贷款")
    assert rural.amount_max == Decimal(3_000_000)
    assert not rural.institution.connected
    assert not rural.institution.takes_open_calls
    assert not rural.institution.organisation.memberships.exists()
    assert "公开报道" in page()
    detail = ling.client.get(f"/products/{rural.pk}/").content.decode()
    assert "机构尚未接入本平台" in detail
    assert f"?product={rural.pk}" not in detail
    with pytest.raises(Invalid):
        choose([rural.pk])
    asked = {m.institution_id for m in rank(amount=Decimal(2_000_000), term_months=12, kinds=["invention"])}
    assert asked
    assert not asked & set(Institution.objects.filter(connected=False).values_list("pk", flat=True))


def test_a_case_that_was_reported_is_not_printed_as_a_limit(library: None) -> None:
    for name in ("专利权质押贷款", "“技术流”评价加知识产权质押贷款"):
        product = named(name)
        assert facts.amount(product) == facts.UNKNOWN
        assert facts.online(product) == facts.UNKNOWN
        assert facts.kinds(product) == facts.UNKNOWN
        assert "公开案例" in product.summary


def test_example_products_say_so(library: None) -> None:
    product = named("专利质押贷")
    assert "这是示例产品" in Client().get(f"/products/{product.pk}/").content.decode()
    assert '<span class="tag gold">示例</span>' in page("?q=专利质押贷")


def names(query: str) -> set[str]:
    return {row[0].name for row in Client().get(f"/products/{query}").context["rows"]}


def test_filters_leave_what_contradicts_nothing(library: None) -> None:
    assert "专利质押贷" in names("?amount=800&term=24&kind=invention")
    assert "知易贷" not in names("?amount=800")  # at most 5,000,000
    assert "惠如愿·知惠贷" in names("?amount=800&term=24&kind=copyright")  # published nothing against it
    assert names("?by=insurer") == {"知识产权质押融资保证保险"}
    assert names("?mode=credit") == {"知识价值信用贷", "科技型企业知识价值信用贷款"}
    assert names("?online=1&by=guarantor") == {"科技专项担保"}
    assert names("?q=江畔") == {"知易贷", "银保知识产权贷"}
    assert "符合筛选 2 款" in page("?q=江畔")


def test_an_empty_answer_says_what_to_do(library: None) -> None:
    said = page("?amount=999999&mode=guaranteed")
    assert "没有符合的产品" in said
    assert "看全部产品" in said


@pytest.mark.parametrize("typed", ["1,000", "０８", "-5", "0.0000001", "NaN", "1e3"])
def test_an_amount_that_cannot_be_read_is_told_and_kept(library: None, typed: str) -> None:
    answer = Client().get("/products/", {"amount": typed, "term": "24"})
    assert answer.status_code == 400
    assert answer.context["form"].errors["amount"]
    assert f'value="{typed}"' in answer.content.decode()


def test_comparison_shows_differences_first_and_the_best_in_words(bo: Person, cui: Person) -> None:
    one = factories.product(bo.organisation, "甲", rate_from=Decimal("3.2"), amount_max=Decimal(5_000_000))
    two = factories.product(cui.organisation, "乙", rate_from=Decimal("3.45"), amount_max=Decimal(8_000_000))
    answer = Client().get(f"/products/?c={two.pk}&c={one.pk}&c={two.pk}")
    assert [p.name for p in answer.context["products"]] == ["乙", "甲"]
    different = {row.label: [(c.text, c.best) for c in row.cells] for row in answer.context["different"]}
    assert different["额度"] == [("10–800 万元", "本行最高"), ("10–500 万元", "")]
    assert different["年利率（担保、保险为费率）"] == [("3.45% 起", ""), ("3.2% 起", "本行最低")]
    assert "期限" in {row.label for row in answer.context["same"]}


def test_a_fee_and_a_rate_are_not_ranked_against_each_other(bo: Person, gu: Person) -> None:
    loan = factories.product(bo.organisation, "贷", rate_from=Decimal("3.2"))
    fee = factories.product(gu.organisation, "保", rate_from=Decimal("0.5"))
    different, _ = facts.side_by_side([loan, fee])
    row = next(r for r in different if r.label.startswith("年利率"))
    assert [c.best for c in row.cells] == ["", ""]


def test_an_unknown_fact_never_wins_a_row(bo: Person, cui: Person) -> None:
    known = factories.product(bo.organisation, "甲", amount_max=Decimal(5_000_000))
    unknown = factories.product(cui.organisation, "乙", amount_min=None, amount_max=None)
    different, _ = facts.side_by_side([known, unknown])
    row = next(r for r in different if r.label == "额度")
    assert [(c.text, c.best) for c in row.cells] == [("10–500 万元", ""), (facts.UNKNOWN, "")]


def test_five_are_too_many_and_one_is_too_few(library: None) -> None:
    ids = [str(p.pk) for p in Product.objects.order_by("pk")[:5]]
    answer = Client().get("/products/", {"c": ids})
    assert len(answer.context["products"]) == 4
    assert "一次最多对比 4 款，没有列入" in answer.content.decode()
    one = Client().get("/products/", {"c": ids[:1]}).content.decode()
    assert "请至少勾选 2 款" in one
    assert f'value="{ids[0]}" aria-label' in one
    assert " checked" in one
    assert Client().get("/products/?c=x&c=²&c=99999999999999999999999").status_code == 200


def test_the_list_is_paged_by_key_with_answering_institutions_first(library: None) -> None:
    order = list(queries.shown())
    assert [p.institution.connected for p in order] == sorted((p.institution.connected for p in order), reverse=True)
    for anchor in (0, 9, 10, 12):
        rest = queries.page_of(queries.shown(), after=order[anchor].pk)
        assert [p.pk for p in rest.rows] == [p.pk for p in order[anchor + 1 :]]
    assert queries.page_of(queries.shown(), after=999_999).first


def test_suspended_products_are_nobodys_business(library: None) -> None:
    product = named("专利质押贷")
    with by_hand():
        Product.objects.filter(pk=product.pk).update(state=Product.State.SUSPENDED)
    assert Client().get(f"/products/{product.pk}/").status_code == 404
    assert "专利质押贷" not in names("")
    assert Client().get("/products/999999/").status_code == 404


def test_bo_is_not_invited_to_apply(library: None, bo: Person, ling: Person) -> None:
    url = f"/products/{named('专利质押贷').pk}/"
    assert "申请这款" in ling.client.get(url).content.decode()
    assert "申请这款" in Client().get(url).content.decode()
    assert "申请这款" not in bo.client.get(url).content.decode()


@pytest.mark.parametrize("path", ["", "?amount=800&term=24", "{pk}/", "compare"])
def test_product_pages_ask_little_of_the_database(
    library: None, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ids = [p.pk for p in Product.objects.all()[:4]]
    url = "?" + "&".join(f"c={i}" for i in ids) if path == "compare" else path.format(pk=ids[0])
    with django_assert_max_num_queries(6):
        answer = Client().get("/products/" + url)
    assert answer.status_code == 200
    assert len(answer.content) < 120_000
