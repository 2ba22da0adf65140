"""What Bo's bank says about a product, and the ways it goes."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from portal.foundation.core import moments
from products.actions import drafting, review
from products.models import Mode, ProductVersion
from tests.factories import Person

LOAN: dict[str, Any] = {
    "name": "示例知产贷",
    "mode": Mode.PLEDGE,
    "summary": "用发明专利质押。",
    "ip_kinds": ["invention"],
    "amount_min": Decimal("500000.00"),
    "amount_max": Decimal("10000000.00"),
    "term_max": 36,
    "rate_from": Decimal("3.450"),
    "repayment": ["interest"],
}
# The same as the form sends it.
TYPED: dict[str, Any] = {
    "name": "示例知产贷",
    "mode": "pledge",
    "summary": "用发明专利质押。",
    "ip_kinds": ["invention"],
    "amount_min": "50",
    "amount_max": "1000",
    "term_max": "36",
    "rate_from": "3.45",
    "repayment": ["interest"],
    "pledge_rate_invention": "40",
    "documents": "营业执照\n\n专利证书",
    "districts": ["500103"],
}

Publish = Callable[..., ProductVersion]


@pytest.fixture
def published(bo: Person, rui: Person) -> Publish:
    """A product of Bo's bank that Rui has published; keyword arguments change its terms."""

    def make(**terms: Any) -> ProductVersion:
        now = moments.now()
        draft = drafting.start({**LOAN, **terms}, actor=bo.actor, now=now)
        review.submit(draft.product_id, actor=bo.actor, now=now)
        return review.publish(draft.pk, seen=drafting.seen_of(draft), actor=rui.actor, now=now)

    return make


@pytest.fixture
def revised(published: Publish, bo: Person) -> Callable[..., ProductVersion]:
    """Bo puts a next version forward."""

    def make(product_id: int, **terms: Any) -> ProductVersion:
        now = moments.now()
        drafting.save(product_id, terms, note="调整", seen="", actor=bo.actor, now=now)
        return review.submit(product_id, actor=bo.actor, now=now)

    return make
