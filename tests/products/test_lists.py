"""Lists go on: whatever Bo, Rui and Ling have more of than a page holds can be reached, found and dealt with."""

from datetime import timedelta

import pytest

from portal.foundation.core import moments
from products import queries_managed
from products.actions import drafting, review
from products.models import ProductVersion
from tests.factories import Person
from tests.products.conftest import LOAN, Publish

pytestmark = pytest.mark.django_db
now = moments.now


def drafted(bo: Person, name: str) -> ProductVersion:
    return drafting.start({**LOAN, "name": name}, actor=bo.actor, now=now())


def names(page: str, *of: str) -> set[str]:
    return {name for name in of if name in page}


def test_bo_finds_one_of_his_products_by_name_and_by_state(published: Publish, bo: Person) -> None:
    """Of a thousand imported drafts Bo looks for one: by a part of its name, also of the name its draft will have, and by
    where it stands."""
    published(name="已发布贷")
    returned = drafted(bo, "退回贷")
    drafted(bo, "草稿贷")
    review.submit(returned.product_id, actor=bo.actor, now=now())
    renamed = published(name="旧名")
    drafting.save(renamed.product_id, {"name": "新名"}, seen="", actor=bo.actor, now=now())

    def found(query: str) -> set[str]:
        page = bo.client.get(f"/products/own/?{query}")
        assert page.status_code == 200
        return {row.product.name for row in page.context["page"].rows}

    assert found("") == {"已发布贷", "退回贷", "草稿贷", "旧名"}
    assert found("q=草稿") == {"草稿贷"}
    assert found("q=新名") == {"旧名"}
    assert found("state=submitted") == {"退回贷"}
    assert found("state=unsent") == {"草稿贷", "旧名"}
    assert found("state=published&q=贷") == {"已发布贷"}
    assert found("state=nonsense") == found("")
    assert "没有找到产品" in bo.client.get("/products/own/?q=没有的").content.decode()


def test_what_is_filtered_goes_on_page_by_page(
    bo: Person, rui: Person, cui: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries_managed, "PAGE", 2)
    for number in range(5):
        review.submit(drafted(bo, f"批量贷{number}").product_id, actor=bo.actor, now=now() + timedelta(seconds=number))
    first = bo.client.get("/products/own/?state=submitted&q=批量")
    assert [row.product.name for row in first.context["page"].rows] == ["批量贷4", "批量贷3"]
    assert "state=submitted" in first.content.decode().split('rel="next"')[1].split(">")[0]
    later = bo.client.get(f"/products/own/?state=submitted&after={first.context['page'].after}")
    assert [row.product.name for row in later.context["page"].rows] == ["批量贷2", "批量贷1"]
    # Rui's queue, longest waiting first, goes on as well, even past one that was decided meanwhile.
    queue = rui.client.get("/products/review/")
    assert [version.terms["name"] for version in queue.context["waiting"]] == ["批量贷0", "批量贷1"]
    passed = ProductVersion.objects.get(pk=queue.context["later"])
    review.publish(passed.pk, seen=drafting.seen_of(passed), actor=rui.actor, now=now())
    onwards = rui.client.get(f"/products/review/?after={queue.context['later']}")
    assert [version.terms["name"] for version in onwards.context["waiting"]] == ["批量贷2", "批量贷3"]
    assert names(rui.client.get("/products/review/?tab=all&q=贷4").content.decode(), "批量贷4", "批量贷3") == {
        "批量贷4"
    }
