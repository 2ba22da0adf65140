"""What a product would cost for a wish: its published price put into products.cost, the assumptions said beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portal.foundation.accounts.models import OrganisationKind
from portal.foundation.assets.valuation import needed
from portal.foundation.core.display import money_wan
from portal.foundation.core.money import format_yuan

from .cost import INTEREST, ZERO, Price, Subsidy, Total, Way, total, way_of
from .facts import Cell, Row
from .models import Mode, Product, Repayment
from .subsidies import estimates
from .subsidies.models import SubsidyScheme

WAY = Way.ANNUITY  # where a product does not publish its way of repayment
EXAMPLE_AMOUNT, EXAMPLE_MONTHS = Decimal(1_000_000), 12


def assumed() -> str:
    """What an estimate takes for granted, in one sentence."""
    free = needed.limit().words
    return f"按公布的最低利率或费率和还款方式（没有公布的按等额本息）估算；单笔{free}的按内部评估或协商定价，不计评估费"


def valuation_fee(amount: Decimal) -> Decimal | None:
    """Nothing where the value may be settled inside the bank or between bank and enterprise (measure 3); else unknown."""
    return None if needed.above(amount) else ZERO


def way(product: Product) -> Way:
    """The first published way of repayment that can be computed."""
    ways = (way_of(str(Repayment(code).label)) for code in product.repayment)
    return next((found for found in ways if found is not None), WAY)


def price(product: Product, *, amount: Decimal, term_months: int, subsidies: Sequence[Subsidy] = ()) -> Price:
    """The price a product publishes, its institution loaded. A guarantor's or insurer's rate is a fee: the interest is the
    partner bank's and unknown; a bank's guaranteed or insured product leaves the fee unknown."""
    kind = product.institution.organisation.kind
    lends = kind == OrganisationKind.BANK
    return Price(
        amount=amount,
        term_months=term_months,
        way=way(product),
        annual_rate=product.rate_from if lends else None,
        guarantee_rate=_fee(product, lends=lends, own=kind == OrganisationKind.GUARANTOR, mode=Mode.GUARANTEED),
        insurance_rate=_fee(product, lends=lends, own=kind == OrganisationKind.INSURER, mode=Mode.INSURED),
        valuation=valuation_fee(amount),
        other_fees=ZERO,
        subsidies=subsidies,
    )


def _fee(product: Product, *, lends: bool, own: bool, mode: Mode) -> Decimal | None:
    if own:
        return product.rate_from
    return None if lends and product.mode == mode else ZERO


def of_product(product: Product, *, amount: Decimal, term_months: int, schemes: Sequence[SubsidyScheme] = ()) -> Total:
    """The bill; of `schemes` (interest subsidies of the enterprise's district) the confirmed ones are subtracted."""
    cost = total(price(product, amount=amount, term_months=term_months))
    hoped = estimates.counted(estimates.of_interest(schemes, cost.part(INTEREST)))
    return total(price(product, amount=amount, term_months=term_months, subsidies=hoped)) if hoped else cost


NOT_COUNTED = "政府补贴没有计入"


def subsidies_said(schemes: Sequence[SubsidyScheme] | None) -> str:
    """Whether the bills below count subsidies, in one sentence; None for a visitor, of whom no district is known."""
    if schemes is None:
        return f"{NOT_COUNTED}，企业登录后按所在区县计入"
    counted = [scheme.name for scheme in schemes if scheme.confirmed and scheme.left > 0]
    if not counted:
        return f"{NOT_COUNTED}：所在区县现在没有已核实的贷款贴息"
    return f"已减去所在区县的{'、'.join(counted)}（按现行标准估算，以审核为准）"


@dataclass(frozen=True, slots=True)
class Words:
    """A total in words: the headline, and every line of the bill as (label, amount)."""

    headline: str
    lines: list[tuple[str, str]]


def in_words(cost: Total) -> Words:
    """Lines that are known to be nothing are left out; unknown ones are named."""
    lines = [
        (part.label, UNKNOWN if part.yuan is None else f"{format_yuan(part.yuan)} 元")
        for part in cost.parts
        if part.yuan is None or part.yuan
    ]
    if cost.total is None or cost.per_year is None:
        known = f"已知部分 {format_yuan(cost.known)} 元，" if cost.known else ""
        return Words(f"{known}{'、'.join(cost.unknown)}未知，算不出总成本", lines)
    rate = "" if cost.apr is None else f"，年化综合成本 {cost.apr}%"
    return Words(f"总成本 {format_yuan(cost.total)} 元，每年 {format_yuan(cost.per_year)} 元{rate}", lines)


UNKNOWN = "未知，以机构答复为准"


def comparison_rows(
    products: Sequence[Product], *, amount: Decimal, term_months: int, schemes: Sequence[SubsidyScheme] = ()
) -> list[Row]:
    """Total cost and its rate of products side by side, for the same loan; only complete bills are compared."""
    costs = [of_product(p, amount=amount, term_months=term_months, schemes=schemes) for p in products]
    known = {cost.apr for cost in costs if cost.apr is not None}
    lowest = min(known) if len(known) > 1 else None
    basis = f"借 {money_wan(amount)}、{term_months} 个月"
    return [
        Row(
            f"总成本（{basis}）",
            [Cell(_total(cost)) for cost in costs],
        ),
        Row(
            f"年化综合成本（{basis}）",
            [
                Cell(
                    "未知" if cost.apr is None else f"{cost.apr}%",
                    "本行最低" if lowest is not None and cost.apr == lowest else "",
                )
                for cost in costs
            ],
        ),
    ]


def _total(cost: Total) -> str:
    if cost.total is None:
        return f"{'、'.join(cost.unknown)}未知"
    return f"{format_yuan(cost.total)} 元"
