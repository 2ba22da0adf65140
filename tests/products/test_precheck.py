"""Anyone asks which products suit: six questions, no log-in, an address to send on; and from there into a request."""

from decimal import Decimal
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from applications.models import Draft
from portal.foundation.accounts.models import Organisation
from products.fit import Verdict
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
ASKED = {"invention": "3", "amount": "300", "term": "24", "district": "500157", "tier": ["tech_sme"], "wish": "neither"}


def ask(client: Client | None = None, **changed: object) -> dict[str, list[str]]:
    """The products of each group, by name."""
    answer = (client or Client()).get("/match/", {**ASKED, **changed})
    assert answer.status_code == 200, answer.context["form"].errors
    return {g.verdict.name: [r.product.name for r in g.results] for g in answer.context["groups"]}


def page(**changed: object) -> str:
    return unescape(Client().get("/match/", {**ASKED, **changed}).content.decode())


@pytest.fixture
def shelf(bo: Person, cui: Person, gu: Person) -> dict[str, Product]:
    """One product of every verdict for the answers above."""
    return {
        "fits": factories.product(bo.organisation, "示例合适贷", rate_from=Decimal("3.6")),
        "short": factories.product(
            bo.organisation, "示例高新贷", requirements=[{"kind": "tier", "any": ["high_tech"]}]
        ),
        "open": factories.product(cui.organisation, "示例成熟贷", requirements=[{"kind": "years", "min": 3}]),
        "no": factories.product(
            cui.organisation, "示例小额贷", amount_max=Decimal(1_000_000), term_max=12, ip_kinds=["trademark"]
        ),
        "carried": factories.product(gu.organisation, "示例担保", mode="guaranteed", rate_from=Decimal("0.8")),
    }


def test_products_are_told_apart_with_reason_and_cure(shelf: dict[str, Product]) -> None:
    assert ask() == {
        "FITS": ["示例合适贷"],
        "TO_CONFIRM": ["示例成熟贷"],
        "ONE_SHORT": ["示例担保", "示例高新贷"],
        "NO": ["示例小额贷"],
    }
    said = page()
    assert "取得高新技术企业资质后可以申请。" in said
    assert "接受担保即可申请。" in said
    assert "不符合 3 项" in said
    assert "1 款全部符合，1 款没有不符、尚有待确认，2 款差一项，1 款不符合" in said
    assert "依据：发明专利 3 件；融资 300 万元、24 个月；两江新区；科技型中小企业；都不接受。" in said


def test_one_qualification_more_moves_a_product_up(shelf: dict[str, Product]) -> None:
    assert "示例高新贷" in ask(tier=["tech_sme", "high_tech"])["FITS"]
    assert "示例担保" in ask(wish="guarantee")["FITS"]


def test_the_parts_of_the_score_are_on_the_page_and_add_up(shelf: dict[str, Product]) -> None:
    answer = Client().get("/match/", ASKED)
    for group in answer.context["groups"]:
        for result in group.results:
            score = int(result.points.split(" = ")[0].removeprefix("匹配度 "))
            assert score == sum(points for _, points, _ in result.parts)
    assert "自动提升授信评级</dt><dd>10（满分 10）" in answer.content.decode()


def test_the_total_cost_is_told_and_what_is_unknown_too(shelf: dict[str, Product]) -> None:
    said = page()
    assert "年化综合成本 3.60%" in said
    assert "利息未知，算不出总成本" in said  # the guarantor does not set the bank's interest
    dear = page(amount="1500")
    assert "评估费未知" in dear  # above ten million a valuation may be needed


def test_a_question_that_is_not_answered_is_to_be_confirmed(shelf: dict[str, Product]) -> None:
    found = ask(tier=[], wish="", invention="")
    assert found["FITS"] == []
    assert set(found["TO_CONFIRM"]) == {"示例合适贷", "示例高新贷", "示例成熟贷", "示例担保"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"amount": ""}, "请填写需要多少"),
        ({"amount": "1,000"}, "千位分隔符"),
        ({"term": "两年"}, "请填写整数，例如 12。"),
        ({"term": "361"}, "不能大于 360"),
        ({"invention": "-1"}, "不能小于 0"),
        ({"tier": ["none", "high_tech"]}, "不要再勾其他资质"),
        ({"district": "500112"}, "请从列出的选项里选择"),  # abolished
    ],
)
def test_a_wrong_answer_says_how_to_put_it_right(reference: None, changed: dict[str, object], said: str) -> None:
    answer = Client().get("/match/", {**ASKED, **changed})
    assert answer.status_code == 400
    assert said in unescape(answer.content.decode())


def test_few_queries_however_many_products(bo: Person, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for n in range(40):
        factories.product(bo.organisation, f"示例贷 {n}")
    with django_assert_max_num_queries(6):
        answer = Client().get("/match/", ASKED)
    (group,) = [g for g in answer.context["groups"] if g.verdict == Verdict.FITS]
    assert (len(group.results), group.count) == (10, 40)
    assert "另有 30 款没有列出" in answer.content.decode()


def test_ling_finds_what_the_portal_knows_of_her_already_filled_in(ling: Person) -> None:
    factories.patent(ling.organisation)
    Organisation.objects.filter(pk=ling.organisation.pk).update(
        tiers={"high_tech": "2099-12-31", "tech_sme": "2020-01-01"}
    )
    form = ling.client.get("/match/").context["form"]
    assert (form["invention"].value(), form["district"].value(), form["tier"].value()) == (1, "500157", ["high_tech"])
    assert Client().get("/match/").context["form"]["district"].value() in (None, "")


def test_from_the_result_into_a_request_through_the_log_in(shelf: dict[str, Product], ling: Person) -> None:
    link = next(
        href.split('"')[0]
        for href in page().split('href="')
        if href.startswith("/apply/") and f"product={shelf['fits'].pk}&" in href
    )
    to_login = Client().get(link)
    assert to_login.status_code == 302
    assert parse_qs(urlsplit(to_login["Location"]).query)["next"] == [link]
    start = ling.client.get(link)
    assert "测算时填写的融资 300 万元、24 个月会带到第 2 步" in start.content.decode()
    ling.client.post("/apply/", {"product": shelf["fits"].pk, **start.context["carried"]})
    draft = Draft.objects.get()
    assert draft.data["need"] == {"amount": "300", "term_months": "24"}
    assert draft.data["reach"]["products"] == [str(shelf["fits"].pk)]


def test_a_term_that_is_not_among_the_cards_is_kept_as_other(ling: Person) -> None:
    ling.client.post("/apply/", {"amount": "0.5", "term": "18"})
    assert Draft.objects.get().data["need"] == {"amount": "0.5", "term_months": "other", "term_other": "18"}


@pytest.mark.parametrize(
    ("amount", "term"), [("1,000", "24"), ("300", "0"), ("300", "361"), ("NaN", "24"), ("300", "²")]
)
def test_what_cannot_be_used_is_not_carried_over(ling: Person, amount: str, term: str) -> None:
    assert ling.client.get("/apply/", {"amount": amount, "term": term}).context["carried"] == {}
    ling.client.post("/apply/", {"amount": amount, "term": term})
    assert "need" not in Draft.objects.get().data


def test_bo_may_look_but_has_nothing_to_apply_for(shelf: dict[str, Product], bo: Person) -> None:
    assert "/apply/" not in bo.client.get("/match/", ASKED).content.decode()


def test_home_and_the_matrix_lead_to_it(reference: None) -> None:
    for where in ("/", "/products/"):
        assert 'href="/match/"' in Client().get(where).content.decode()
