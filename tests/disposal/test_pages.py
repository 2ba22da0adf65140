"""From the default to the distribution in the browser; the public page tells no secrets; every page keeps its budget."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from pledges.disposal.actions import awards
from pledges.disposal.models import Default, Disposal
from pledges.disposal.settlement_models import Compensation, Distribution
from pledges.models import Registration
from portal.foundation.accounts.models import District
from portal.foundation.core import moments
from tests.budget import budget
from tests.factories import Person
from tests.pledges.conftest import paper

from .conftest import bid, defaulted, later, published

pytestmark = pytest.mark.django_db


def close(disposal: Disposal) -> None:
    """The closing moment has passed."""
    Disposal.objects.filter(pk=disposal.pk).update(closes_at=moments.now() - timedelta(seconds=1))


def listing_form(**changes: str) -> dict[str, str]:
    return {
        "version": "0",
        "path": "auction",
        "statement": "一件发明专利",
        "reserve": "1000000",
        "closes_on": f"{moments.local_date(later(days=5)):%Y-%m-%d}",
        "closes_hour": "17:00",
        "contact_name": "薄示例",
        "contact_phone": "023-67961234",
        **changes,
    }


def test_from_the_default_to_the_distribution(
    guaranteed: Registration, ling: Person, bo: Person, bo_manager: Person, wai: Person, gu: Person
) -> None:
    file = guaranteed
    page = bo.client.get(reverse("pledges:detail", args=[file.number])).content.decode()
    assert reverse("disposals:default-new", args=[file.number]) in page
    today = f"{moments.local_date(moments.now()):%Y-%m-%d}"
    owed = {"defaulted_on": today, "principal": "8000000", "interest": "0", "costs": "0"}
    empty = bo.client.post(reverse("disposals:default-new", args=[file.number]), owed)
    assert (empty.status_code, "上传违约证明" in empty.content.decode()) == (400, True)
    sent = bo.client.post(reverse("disposals:default-new", args=[file.number]), {**owed, "paper": paper("催收.pdf")})
    default = Default.objects.get()
    assert sent.headers["Location"] == reverse("disposals:default", args=[default.ref])
    ref = default.papers.get().ref
    assert ling.client.get(reverse("disposals:default-paper", args=[default.ref, ref])).status_code == 200
    assert wai.client.get(reverse("disposals:default-paper", args=[default.ref, ref])).status_code == 404
    started = bo.client.post(reverse("disposals:default", args=[default.ref]), {"step": "start"})
    made = Disposal.objects.get()
    assert started.headers["Location"] == reverse("disposals:edit", args=[made.number])
    case = reverse("disposals:case", args=[made.number])
    assert (
        bo.client.post(reverse("disposals:edit", args=[made.number]), listing_form(reserve="1,000")).status_code == 400
    )
    bo.client.post(reverse("disposals:edit", args=[made.number]), listing_form())
    assert Client().get(reverse("disposals:detail", args=[made.number])).status_code == 404  # not published yet
    bo.client.post(case, {"step": "submit"})
    assert bo.client.post(case, {"step": "publish", "version": "1"}).status_code == 403
    bo_manager.client.post(case, {"step": "publish", "version": "1"})
    made.refresh_from_db()
    assert made.state == "listed"
    offer = reverse("disposals:offer", args=[made.number])
    wai.client.post(offer, {"step": "offer", "amount": "5000000.01"})
    assert "5,000,000.01" in wai.client.get(offer).content.decode()
    early = bo.client.post(case, {"step": "decide"})
    assert (early.status_code, "还没有截止" in early.content.decode()) == (409, True)
    close(made)
    late = wai.client.post(offer, {"step": "offer", "amount": "6000000"})
    assert (late.status_code, "已经截止" in late.content.decode()) == (409, True)
    bo.client.post(case, {"step": "decide"})
    money = reverse("disposals:distribution", args=[made.number])
    typed = {
        "received_on": today,
        "costs": "0",
        "interest": "0",
        "principal": "8000000",
        "bill_1": "示例拍卖行",
        "sum_1": "1000",
    }
    shown = bo.client.post(money, {**typed, "step": "compute"}).content.decode()
    assert "4,999,000.01" in shown
    assert "余数" in shown
    assert not Distribution.objects.exists()
    digest = re.findall(r'name="shown" value="(\w+)"', shown)[0]
    changed = bo.client.post(money, {**typed, "sum_1": "2000", "shown": digest, "step": "confirm"})
    assert (changed.status_code, "刚才显示的不同" in changed.content.decode()) == (409, True)
    bo.client.post(money, {**typed, "shown": digest, "step": "confirm"})
    page = ling.client.get(case).content.decode()
    assert "4,999,000.01" in page
    assert "申请注销" in page
    cover = str(made.registration.offer.referral.covers.get().pk)
    bo.client.post(case, {"step": "claim", "cover": cover, "loss": "3000000"})
    claim = Compensation.objects.get()
    answer = reverse("disposals:claim", args=[claim.ref])
    gu.client.post(answer, {"step": "pay", "paid_on": today, "voucher": "DC-1", "fund_pays": "on"})
    claim.refresh_from_db()
    assert claim.state == "paid"
    assert wai.client.get(answer).status_code == 404


def test_the_public_page_tells_patents_and_no_secrets(
    auction: Disposal, ling: Person, bo: Person, wai: Person, default: Default
) -> None:
    bid(auction, wai, "1200000.00")
    for after in (False, True):
        if after:
            awards.decide(auction.pk, actor=bo.actor, now=later(days=4))
        for url in (
            reverse("disposals:list"),
            reverse("disposals:list") + "?show=ended",
            reverse("disposals:detail", args=[auction.number]),
        ):
            page = Client().get(url).content.decode()
            for secret in (
                ling.organisation.name,
                wai.organisation.name,
                "8,000,000",
                "800 万元",
                "100 万元",
                "120 万元",
                auction.registration.number,
            ):
                assert secret not in page, (url, secret)
    page = Client().get(reverse("disposals:detail", args=[auction.number])).content.decode()
    assert "201710601862.3" in page
    assert "023-67961234" in page
    assert bo.organisation.name in page


def test_the_district_of_a_listing_is_that_of_today_edge_case_25(
    auction: Disposal, file: Registration, reference: None
) -> None:
    """Ling's request was filed while 江北 was a district: the list says 两江, keeps the old name beside it, and finds it there."""
    old = District.objects.filter(current=False, successor__isnull=False).order_by("code").first()
    assert old is not None
    new = old.successor
    assert new is not None
    type(file.application).objects.filter(pk=file.application_id).update(district_code=old.code)
    page = Client().get(reverse("disposals:list")).content.decode()
    assert f"{new.name}（原{old.name}）" in page
    for code in (old.code, new.code):
        assert auction.number in Client().get(reverse("disposals:list"), {"district": code}).content.decode()
    other = District.objects.filter(current=True).exclude(pk=new.pk).order_by("-code").first()
    assert other is not None
    assert auction.number not in Client().get(reverse("disposals:list"), {"district": other.code}).content.decode()


def test_every_page_keeps_its_budget(
    guaranteed: Registration, ling: Person, bo: Person, bo_manager: Person, wai: Person, gu: Person, rui: Person
) -> None:
    default = defaulted(guaranteed, bo)
    made = published(default, bo, bo_manager)
    bid(made, wai, "5000000.00")
    urls = [
        reverse("disposals:list"),
        reverse("disposals:detail", args=[made.number]),
        reverse("disposals:cases"),
        reverse("disposals:case", args=[made.number]),
        reverse("disposals:default", args=[default.ref]),
        reverse("pledges:detail", args=[guaranteed.number]),
    ]
    for who in (ling, bo, rui):
        who.client.get("/notices/")
        for url in urls:
            with budget():
                assert who.client.get(url).status_code == 200, url
    with budget():
        assert wai.client.get(reverse("disposals:offer", args=[made.number])).status_code == 200
    close(made)
    awards.decide(made.pk, actor=bo.actor, now=moments.now())
    for url in (reverse("disposals:case", args=[made.number]), reverse("disposals:distribution", args=[made.number])):
        with budget():
            assert bo.client.get(url).status_code == 200, url
    page = reverse("case", args=[guaranteed.application.number])
    with budget():
        assert ling.client.get(page).status_code == 200


def test_wai_sees_nothing_of_lings_disposal(auction: Disposal, default: Default, wai: Person, cui: Person) -> None:
    for who in (wai, cui):
        for name, args in (
            ("disposals:case", [auction.number]),
            ("disposals:default", [default.ref]),
        ):
            assert who.client.get(reverse(name, args=args)).status_code == 404
        assert auction.number not in who.client.get(reverse("disposals:cases")).content.decode()
