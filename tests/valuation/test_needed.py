"""Ten million yuan a loan: up to it any way of finding the value will do; above it the bank decides, or this portal's setting."""

from decimal import Decimal
from typing import Any

import pytest

from pledges.actions import filing, joining
from pledges.models import Document, Registration, Valuation
from portal.foundation.assets.valuation.needed import Limit, above, advice
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from products.models import Product
from tests.factories import Person
from tests.pledges.conftest import accepted, content, filled, paper

BORDER = Decimal("10000000.00")


@pytest.mark.parametrize(
    ("amount", "inclusive", "needed"),
    [
        ("9999999.99", True, False),
        ("10000000.00", True, False),
        ("10000000.01", True, True),
        ("9999999.99", False, False),
        ("10000000.00", False, True),
        ("10000000.01", False, True),
    ],
)
def test_the_border(amount: str, inclusive: bool, needed: bool) -> None:
    assert above(Decimal(amount), Limit(BORDER, inclusive)) is needed


def test_the_setting_moves_the_border_and_the_words(settings: Any) -> None:
    assert not above(BORDER)
    assert "不超过 1000 万元" in advice()
    settings.VALUATION_FREE_INCLUSIVE = False
    assert above(BORDER)
    assert "低于 1000 万元" in advice()


def _file(ling: Person, bo: Person, product: Product, amount: str, **changes: object) -> Registration:
    case = accepted(ling, bo, product, amount=Decimal(8_000_000))
    return filled(case, bo, debt_amount=Decimal(amount), **changes)


@pytest.mark.django_db
@pytest.mark.parametrize("amount", ["9999999.99", "10000000.00"])
def test_up_to_the_border_bo_proposes_with_a_negotiated_value(
    ling: Person, bo: Person, product: Product, chen: Person, amount: str
) -> None:
    file = _file(ling, bo, product, amount)
    assert file.valuation == Valuation.NEGOTIATED
    assert joining.propose(file.pk, actor=bo.actor, now=moments.now()).state == "confirming"


@pytest.mark.django_db
def test_a_fen_above_it_the_bank_decides(ling: Person, bo: Person, product: Product, chen: Person) -> None:
    """The measure says nothing above the limit, so nothing is invented there."""
    file = _file(ling, bo, product, "10000000.01")
    assert joining.propose(file.pk, actor=bo.actor, now=moments.now()).state == "confirming"
    assert "由银行决定" in advice()


@pytest.mark.django_db
def test_who_says_that_it_was_valued_brings_the_report(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    """Whatever the amount: a valued patent comes with its report."""
    file = _file(ling, bo, product, "5000000.00", valuation=Valuation.REPORT)
    with pytest.raises(WrongState, match="请在“价值”一栏上传报告"):
        joining.propose(file.pk, actor=bo.actor, now=moments.now())


@pytest.mark.django_db
def test_where_it_is_asked_for_bo_needs_the_report_a_fen_above_it(
    ling: Person, bo: Person, product: Product, chen: Person, settings: Any
) -> None:
    settings.VALUATION_REPORT_BEYOND = True
    file, now = _file(ling, bo, product, "10000000.01"), moments.now()
    with pytest.raises(WrongState, match="资产评估报告"):
        joining.propose(file.pk, actor=bo.actor, now=now)
    page = bo.client.get(f"/pledges/{file.number}/precheck/").content.decode()
    assert "价值确定方式须选“资产评估报告”" in page
    said = content(file, debt_amount=file.debt_amount, valuation=Valuation.REPORT)
    file = filing.save(file.pk, typed={}, content=said, version=file.version, actor=bo.actor, now=now)
    with pytest.raises(WrongState, match="上传报告"):
        joining.propose(file.pk, actor=bo.actor, now=now)
    report = filing.Upload(Document.Kind.VALUATION, paper("资产评估报告.pdf"), "valuation_file")
    filing.save(file.pk, typed={}, content=said, uploads=[report], version=file.version, actor=bo.actor, now=now)
    assert joining.propose(file.pk, actor=bo.actor, now=now).state == "confirming"


@pytest.mark.django_db
def test_a_large_offer_begins_with_the_report_chosen(
    ling: Person, bo: Person, product: Product, chen: Person, settings: Any
) -> None:
    settings.VALUATION_REPORT_BEYOND = True
    case = accepted(ling, bo, product, amount=Decimal(12_000_000))
    assert filing.start(case.pk, actor=bo.actor, now=moments.now()).valuation == Valuation.REPORT


@pytest.mark.django_db
def test_bo_reads_at_the_request_which_side_of_the_border_it_is(ling: Person, bo: Person, product: Product) -> None:
    from tests import factories

    case = factories.application(ling, product, amount=Decimal(12_000_000))
    page = bo.client.get(f"/desk/referrals/{case.referrals.get().ref}/").content.decode()
    assert "是否出具资产评估报告由银行决定" in page
