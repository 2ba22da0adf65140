"""Lists go on: whatever Bo, Rui and Ling have more of than a page holds can be reached, found and dealt with."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from portal.foundation.core import moments
from products import queries_managed
from products.actions import drafting, review
from products.models import Product, ProductVersion
from products.quotas import views as quota_views
from products.quotas.models import QuotaTool
from products.subsidies import actions as subsidies
from products.subsidies import views as subsidy_views
from tests import lending
from tests.factories import Person
from tests.products import test_quotas, test_subsidies
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


def test_an_old_use_of_a_quota_can_still_be_returned(
    ling: Person, bo: Person, rui: Person, chen: Person, product: Product, settings: Any, tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Bo's first loan of the year is repaid after a hundred later movements. It stands under «未归还» until it is returned,
    and the list of everything goes back to the first movement."""
    monkeypatch.setattr(quota_views, "PAGE", 2)
    settings.MEDIA_ROOT = tmp_path
    quota, lent = test_quotas.allotted(bo, rui), lending.paid_out(ling, bo, chen, product)
    uses = [test_quotas.used(quota, bo, lent, 1_000_000, f"SL-{serial}") for serial in range(3)]
    page = reverse("quota", args=[quota.pk])

    def loans(answer: Any) -> list[str]:
        return [entry.loan_number for entry in answer.context["entries"]]

    for entry in uses[1:]:
        assert bo.client.post(page, {"step": "return", "entry": entry.pk, "sure": "1"}).status_code == 302
    assert loans(bo.client.get(page)) == ["SL-0"]
    assert [count for _, _, count in bo.client.get(page).context["tabs"]] == [1, 6]
    seen, after = [], ""
    for _ in range(3):
        answer = bo.client.get(f"{page}?tab=all&after={after}")
        seen += loans(answer)
        after = answer.context["after"]
    assert seen == ["SL-2", "SL-1", "SL-2", "SL-1", "SL-0", ""]
    assert after == ""
    assert bo.client.post(f"{page}?tab=open", {"step": "return", "entry": uses[0].pk, "sure": "1"}).status_code == 302
    assert "没有未归还的使用" in bo.client.get(page).content.decode()


def test_rui_reaches_every_quota(bo: Person, cui: Person, rui: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_views, "PAGE", 1)
    made = [test_quotas.allotted(bank, rui) for bank in (bo, cui)]
    other = QuotaTool.objects.exclude(code="special").filter(restricted=False).first()
    if other is not None:
        made.append(test_quotas.allotted(bo, rui, code=other.code))
    seen, after = [], ""
    for _ in made:
        answer = rui.client.get(f"{reverse('quotas')}?after={after}")
        seen += [quota.pk for quota in answer.context["quotas"]]
        after = answer.context["after"]
    assert sorted(seen) == sorted(quota.pk for quota in made)
    assert after == ""


def test_rui_works_through_the_claims_by_their_state(
    ling: Person, rui: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among hundreds of paid claims Rui opens the two that wait for the first examination, the oldest first."""
    monkeypatch.setattr(subsidy_views, "PAGE", 1)
    claims = [test_subsidies.stored(ling, serial) for serial in (1, 2, 3)]
    subsidies.check(claims[1].pk, actor=rui.actor, now=now())
    page = reverse("subsidies")
    first = rui.client.get(f"{page}?state=applied")
    counts = {label: count for _, label, count in first.context["tabs"]}
    assert (counts["全部"], counts["待初审"], counts["待复核"]) == (3, 2, 1)
    assert [claim.pk for claim in first.context["claims"]] == [claims[0].pk]
    second = rui.client.get(f"{page}?state=applied&after={first.context['after']}")
    assert [claim.pk for claim in second.context["claims"]] == [claims[2].pk]
    assert second.context["after"] == ""
    newest = rui.client.get(page)
    assert [claim.pk for claim in newest.context["claims"]] == [claims[2].pk]
    hers = ling.client.get(f"{page}?state=checked").context
    assert [claim.pk for claim in hers["claims"]] == [claims[2].pk], "Ling has one list, newest first"
