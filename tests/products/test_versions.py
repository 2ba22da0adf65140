"""Bo drafts, Rui publishes: versions are numbered, never change again, and an offer keeps the one it was made under."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from django.db import InternalError, connection, transaction
from django.test import Client

from applications.actions import responses
from applications.models import Offer
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.models import Entry
from products.actions import drafting, life, review
from products.models import Mode, Product, ProductVersion, PublicChange
from tests import factories
from tests.factories import Person
from tests.products.conftest import LOAN, Publish

pytestmark = pytest.mark.django_db
Revise = Callable[..., ProductVersion]
now = moments.now


def public(pk: int) -> int:
    return Client().get(f"/products/{pk}/").status_code


def test_a_draft_is_nobodys_business_until_rui_publishes_it(bo: Person, rui: Person) -> None:
    draft = drafting.start(LOAN, actor=bo.actor, now=now())
    assert public(draft.product_id) == 404
    review.submit(draft.product_id, actor=bo.actor, now=now())
    assert public(draft.product_id) == 404
    made = review.publish(draft.pk, seen=drafting.seen_of(draft), actor=rui.actor, now=now())
    assert (made.number, made.state, made.product.state) == (1, "published", "published")
    assert public(draft.product_id) == 200
    assert list(Entry.objects.order_by("id").values_list("verb", flat=True)) == [
        "product.drafted", "product.submitted", "product.published",
    ]  # fmt: skip


def test_what_the_public_reads_changes_only_when_the_next_version_is_published(
    published: Publish, revised: Revise, rui: Person
) -> None:
    first = published()
    second = revised(first.product_id, rate_from=Decimal("3.100"))
    product = Product.objects.get(pk=first.product_id)
    assert product.rate_from == Decimal("3.450")
    review.publish(second.pk, seen=drafting.seen_of(second), actor=rui.actor, now=now())
    product.refresh_from_db()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (product.rate_from, product.current_id) == (Decimal("3.100"), second.pk)
    assert (first.state, second.state, second.number) == ("replaced", "published", 2)
    assert second.changes == [["年利率（担保、保险为费率）", "3.45% 起", "3.1% 起"]]
    assert list(PublicChange.objects.order_by("pk").values_list("kind", flat=True)) == ["published", "updated"]
    said = Client().get(f"/products/{product.pk}/").content.decode()
    assert "第 2 版" in said
    assert "<del>3.45% 起</del> → <ins>3.1% 起</ins>" in said


def test_the_database_itself_keeps_public_terms(published: Publish) -> None:
    version = published()
    changes: list[dict[str, object]] = [{"terms": {}}, {"number": 7}, {"published_at": now()}]
    for change in changes:
        with pytest.raises(InternalError, match="public_terms_stay"), transaction.atomic():
            ProductVersion.objects.filter(pk=version.pk).update(**change)
    delete = "DELETE FROM products_productversion WHERE id = %s"
    refused = pytest.raises(InternalError, match="public_versions_stay")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(delete, [version.pk])


def test_an_offer_keeps_the_version_it_was_made_under(
    published: Publish, revised: Revise, ling: Person, bo: Person, rui: Person
) -> None:
    first = published()
    case = factories.application(ling, first.product)
    offer = responses.Terms(
        amount=case.amount, term_months=24, annual_rate=Decimal("3.45"), valid_until=date(2099, 1, 1)
    )
    made = responses.offer(case.referrals.get().pk, offer, actor=bo.actor, now=now())
    assert Offer.objects.get(pk=made.pk).product_version_id == first.pk
    dearer = revised(first.product_id, rate_from=Decimal("3.900"))
    review.publish(dearer.pk, seen=drafting.seen_of(dearer), actor=rui.actor, now=now())
    said = ling.client.get(f"/cases/{case.number}/offers/").content.decode()
    assert "第 1 版：50–1000 万元，最长 36 个月，年利率 3.45% 起" in said
    assert f"/products/{first.product_id}/versions/1/" in said
    old = Client().get(f"/products/{first.product_id}/versions/1/").content.decode()
    assert "这一版已被替代" in old
    assert "3.45% 起" in old
    again = responses.Terms(
        amount=case.amount, term_months=12, annual_rate=Decimal("3.9"), valid_until=date(2099, 1, 1)
    )
    newer = responses.offer(case.referrals.get().pk, again, actor=bo.actor, now=now())
    assert newer.product_version is not None
    assert newer.product_version.number == 2


def test_rui_returns_with_a_reason_and_bo_sends_it_again(bo: Person, rui: Person) -> None:
    draft = drafting.start(LOAN, actor=bo.actor, now=now())
    review.submit(draft.product_id, actor=bo.actor, now=now())
    with pytest.raises(Invalid, match="写明退回的理由"):
        review.send_back(draft.pk, reason=" ", seen=drafting.seen_of(draft), actor=rui.actor, now=now())
    review.send_back(draft.pk, reason="写明还款方式", seen=drafting.seen_of(draft), actor=rui.actor, now=now())
    draft.refresh_from_db()
    assert (draft.state, draft.reason) == ("returned", "写明还款方式")
    changed = drafting.save(
        draft.product_id, {"repayment": ["principal"]}, seen=drafting.seen_of(draft), actor=bo.actor, now=now()
    )
    assert review.submit(changed.product_id, actor=bo.actor, now=now()).state == "submitted"
    with pytest.raises(WrongState, match="正在审核"):
        drafting.save(draft.product_id, {}, seen="", actor=bo.actor, now=now())
    assert review.take_back(draft.product_id, actor=bo.actor, now=now()).state == "draft"


def test_an_unfinished_or_unchanged_draft_is_not_put_forward(published: Publish, bo: Person) -> None:
    empty = drafting.start({"name": "半成品", "mode": Mode.PLEDGE, "summary": "未完"}, actor=bo.actor, now=now())
    with pytest.raises(Invalid) as refused:
        review.submit(empty.product_id, actor=bo.actor, now=now())
    assert set(refused.value.fields) == {"amount_max", "term_max", "rate_from", "ip_kinds", "repayment"}
    same = published()
    drafting.save(same.product_id, {}, seen="", actor=bo.actor, now=now())
    with pytest.raises(Invalid, match="没有不同"):
        review.submit(same.product_id, actor=bo.actor, now=now())


def test_a_combined_pledge_needs_two_families_of_rights(bo: Person) -> None:
    for kinds, allowed in ((["invention", "utility"], False), (["invention", "trademark"], True)):
        draft = drafting.start(
            {**LOAN, "name": "组合" + kinds[1], "mode": Mode.COMBINED, "ip_kinds": kinds}, actor=bo.actor, now=now()
        )
        if allowed:
            review.submit(draft.product_id, actor=bo.actor, now=now())
        else:
            with pytest.raises(Invalid, match="至少两类"):
                review.submit(draft.product_id, actor=bo.actor, now=now())


def test_two_colleagues_notice_each_other(bo: Person, bo_manager: Person) -> None:
    draft = drafting.start(LOAN, actor=bo.actor, now=now())
    seen = drafting.seen_of(draft)
    drafting.save(draft.product_id, {"term_max": 24}, seen=seen, actor=bo_manager.actor, now=now())
    with pytest.raises(WrongState, match="同事刚刚改过"):
        drafting.save(draft.product_id, {"term_max": 12}, seen=seen, actor=bo.actor, now=now())
    assert Product.objects.get(pk=draft.product_id).term_max == 24


def test_a_name_is_used_once_until_its_product_is_gone(bo: Person) -> None:
    draft = drafting.start(LOAN, actor=bo.actor, now=now())
    with pytest.raises(Invalid, match="同名产品"):
        drafting.start(LOAN, actor=bo.actor, now=now())
    drafting.discard(draft.product_id, actor=bo.actor, now=now())
    drafting.start(LOAN, actor=bo.actor, now=now())


def test_what_rui_suspended_the_bank_cannot_resume(published: Publish, bo: Person, rui: Person) -> None:
    product = published().product
    life.suspend(product.pk, reason="核查", actor=rui.actor, now=now())
    assert public(product.pk) == 404
    with pytest.raises(Forbidden, match="由监管部门暂停"):
        life.resume(product.pk, actor=bo.actor, now=now())
    life.resume(product.pk, actor=rui.actor, now=now())
    assert public(product.pk) == 200
    life.suspend(product.pk, reason="额度用完", actor=bo.actor, now=now())
    life.resume(product.pk, actor=bo.actor, now=now())
    assert public(product.pk) == 200


def test_only_the_manager_withdraws_and_the_draft_goes_with_it(
    published: Publish, revised: Revise, bo: Person, bo_manager: Person
) -> None:
    product = published().product
    draft = revised(product.pk, term_max=48)
    with pytest.raises(Forbidden, match="机构负责人"):
        life.withdraw(product.pk, reason="停办", actor=bo.actor, now=now())
    life.withdraw(product.pk, reason="停办", actor=bo_manager.actor, now=now())
    draft.refresh_from_db()
    assert draft.state == "discarded"
    assert public(product.pk) == 404
    assert Client().get(f"/products/{product.pk}/versions/1/").status_code == 200
    with pytest.raises(WrongState):
        life.withdraw(product.pk, reason="再来", actor=bo_manager.actor, now=now())


def test_a_product_is_shown_only_within_its_days(published: Publish) -> None:
    assert public(published(name="过期", valid_until=date(2020, 1, 1)).product_id) == 404
    assert public(published(name="未到", valid_from=date(2099, 1, 1)).product_id) == 404
    assert public(published(name="在内", valid_from=date(2020, 1, 1), valid_until=date(2099, 1, 1)).product_id) == 200


def test_a_strangers_bank_writes_nothing_here(published: Publish, cui: Person, ling: Person, rui: Person) -> None:
    product = published().product
    for actor in (cui.actor, ling.actor, rui.actor):
        with pytest.raises(Forbidden):
            drafting.save(product.pk, {"term_max": 12}, seen="", actor=actor, now=now())
    with pytest.raises(Forbidden):
        drafting.start(LOAN, actor=ling.actor, now=now())
