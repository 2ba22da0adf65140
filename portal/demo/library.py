"""The product library's own small story: one product in each state, one that nobody has confirmed for long."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from portal.foundation.accounts.models import Membership
from products import staleness
from products.actions import drafting, life, review
from products.models import Mode, Product, ProductVersion, Repayment

from .requests import Bank
from .timeline import Timeline

LONG_AGO = timedelta(days=200)
_LOAN: dict[str, Any] = {
    "mode": Mode.PLEDGE,
    "ip_kinds": ["invention", "utility"],
    "amount_min": Decimal(500_000),
    "amount_max": Decimal(10_000_000),
    "term_min": 6,
    "term_max": 36,
    "rate_from": Decimal("3.300"),
    "rate_to": Decimal("4.000"),
    "repayment": [Repayment.INTEREST_FIRST, Repayment.EQUAL_PRINCIPAL],
    "documents": ["营业执照", "专利证书", "近两年财务报表"],
}


def tell(time: Timeline, *, first: Bank, second: Bank, third: Bank, insurer: Bank, regulator: Membership) -> None:
    """Drafted, submitted, returned, published anew, suspended, withdrawn and stale, by the people of the cast."""
    at, now = time.at, time.now
    connected = Product.objects.filter(institution__connected=True)
    connected.update(confirmed_at=at(10, 9))  # the examples, by whoever keeps them
    _published(
        third, at(7, 10), at(6, 15), regulator, name="园区批次贷", summary="面向园区集中授信，用发明专利质押。", **_LOAN,
        districts=["500103", "500106"],
    )  # fmt: skip
    life.suspend(
        Product.objects.get(name="园区批次贷").pk,
        reason="本年额度已用完，明年一月恢复。",
        actor=third.officer.actor,
        now=at(3, 11),
    )
    gone = _published(
        second,
        at(9, 10),
        at(8, 11),
        regulator,
        name="专利快贷（一期）",
        summary="试点产品，只在试点期内办理。",
        **_LOAN,
    )
    life.withdraw(gone.product_id, reason="试点结束，由新产品承接。", actor=regulator.actor, now=at(4, 16))
    renewed = third.products[0]
    start = renewed.current
    assert start is not None
    drafting.save(
        renewed.pk,
        {
            "rate_from": Decimal("3.350"), "lpr_term": "1y", "lpr_rate": Decimal("3.000"), "lpr_spread": 35,
            "lpr_date": now.date() - timedelta(days=5), "repayment": [Repayment.INTEREST_FIRST],
        },
        note="改为随 LPR 浮动。", seen="", actor=third.officer.actor, now=at(6, 9),
    )  # fmt: skip
    waiting = review.submit(renewed.pk, actor=third.officer.actor, now=at(6, 10))
    review.publish(waiting.pk, seen=drafting.seen_of(waiting), actor=regulator.actor, now=at(5, 14))
    combined = first.products[-1]
    drafting.save(
        combined.pk,
        {"mode": Mode.COMBINED, "term_max": 84, "repayment": [Repayment.EQUAL_PRINCIPAL, Repayment.INTEREST_FIRST]},
        note="期限延长到 7 年，并列为组合质押。", seen="", actor=first.officer.actor, now=at(1, 9, 30),
    )  # fmt: skip
    review.submit(combined.pk, actor=first.officer.actor, now=at(1, 10, 15))
    returned = drafting.start(
        {**_LOAN, "name": "知产长期贷", "summary": "最长 8 年，按季付息。", "term_max": 96},
        actor=second.officer.actor,
        now=at(3, 9),
    )
    review.submit(returned.product_id, actor=second.officer.actor, now=at(3, 10))
    review.send_back(
        returned.pk,
        reason="超过 5 年的期限请写明每年的利率调整办法。",
        seen=drafting.seen_of(returned),
        actor=regulator.actor,
        now=at(2, 15),
    )
    drafting.start(
        {"name": "商标质押贷", "mode": Mode.PLEDGE, "summary": "用注册商标质押，正在拟定条款。", "ip_kinds": ["trademark"]},
        note="待法务核对", actor=first.officer.actor, now=at(1, 16),
    )  # fmt: skip
    Product.objects.filter(pk=insurer.products[0].pk).update(confirmed_at=now - LONG_AGO)
    staleness.raise_alarms(now=time.just(5))


def _published(
    bank: Bank, drafted: datetime, published: datetime, regulator: Membership, **values: Any
) -> ProductVersion:
    made = drafting.start(values, actor=bank.officer.actor, now=drafted)
    review.submit(made.product_id, actor=bank.officer.actor, now=drafted + timedelta(minutes=20))
    return review.publish(made.pk, seen=drafting.seen_of(made), actor=regulator.actor, now=published)
