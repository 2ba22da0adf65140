"""What a product would cost, by what it publishes: its own way of repayment, and a rate that agrees with its LPR."""

from decimal import Decimal

from banks.models import Institution
from portal.foundation.accounts.models import Organisation, OrganisationKind
from products import costing, forms_edit
from products.models import Mode, Product, Repayment


def product(*ways: str) -> Product:
    bank = Institution(organisation=Organisation(kind=OrganisationKind.BANK, name="示例银行"))
    return Product(institution=bank, mode=Mode.PLEDGE, rate_from=Decimal("3.45"), repayment=list(ways))


def test_a_loan_that_is_paid_back_at_the_end_costs_what_it_costs() -> None:
    """Ling must not read the cheap sum of an annuity beside a product that pays back at the end."""
    wish = {"amount": Decimal(1_000_000), "term_months": 36}
    at_end = costing.of_product(product(Repayment.INTEREST_FIRST), **wish)  # type: ignore[arg-type]
    assert at_end.total == Decimal("103500.00")
    unknown = costing.of_product(product(), **wish)  # type: ignore[arg-type]
    assert unknown.total == costing.of_product(product(Repayment.EQUAL_INSTALMENT), **wish).total  # type: ignore[arg-type]
    assert unknown.total == Decimal("54078.05")
    revolving = costing.of_product(product(Repayment.REVOLVING, Repayment.INTEREST_FIRST), **wish)  # type: ignore[arg-type]
    assert revolving.total == at_end.total, "the first way that can be computed"


def test_a_rate_that_no_longer_follows_its_lpr_is_refused() -> None:
    """Bo changes the LPR of the month and forgets the rate worked out from the old one."""
    floating = {"lpr_term": "1y", "lpr_date": "2026-11-20", "lpr_spread": 45}
    said = forms_edit.contradictions({**floating, "lpr_rate": Decimal("2.9"), "rate_from": Decimal("3.45")})
    assert said == {"rate_from": "按 LPR 和加点应为 3.35%，请改正，或清空由系统计算。"}
    assert forms_edit.contradictions({**floating, "lpr_rate": Decimal("2.9"), "rate_from": Decimal("3.350")}) == {}
    assert forms_edit.contradictions({**floating, "lpr_rate": Decimal("2.9"), "rate_from": None}) == {}
    low = {**floating, "lpr_rate": Decimal("2.9"), "rate_from": None, "rate_to": Decimal("3.0")}
    assert "rate_to" in forms_edit.contradictions(low), "also against a rate that is worked out"
