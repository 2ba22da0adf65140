"""Offers side by side: one table for lenders, one for guarantors and insurers, the best value of a row said in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portal.foundation.core.display import NOTHING, date_cn, money_wan
from products import facts, terms
from products.cost import Total
from products.models import ProductVersion
from products.subsidies.estimates import Estimate
from products.subsidies.models import SubsidyScheme

from .models import Cover, Offer
from .offer_cost import hoped, of_referral


@dataclass(frozen=True, slots=True)
class Cell:
    """One value; `best` is empty or says why it stands out, e.g. «本行最低»."""

    text: str
    best: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One offer; `ended` is empty while it can be chosen."""

    offer: Offer
    institution: str
    product: str
    ended: str

    @property
    def promised(self) -> ProductVersion | None:
        """The version of the product that stood in public when the offer was made."""
        return self.offer.product_version


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: list[Column]
    rows: list[tuple[str, list[Cell]]]

    @property
    def best(self) -> list[str]:
        """The stand-outs in sentences, for a narrow screen: «年利率最低：示例乙银行，3.1%»."""
        return [
            f"{label}{cell.best[-2:]}：{column.institution}，{cell.text}"
            for label, cells in self.rows
            for column, cell in zip(self.columns, cells, strict=True)
            if cell.best
        ]


def tables(
    offers: Sequence[Offer],
    *,
    today: date,
    covers: Sequence[Cover] = (),
    schemes: Sequence[SubsidyScheme] = (),
) -> list[Table]:
    """Lenders first. An offer that was replaced is not given here; one that ended is shown but never the best.

    `covers` of the case and `schemes` of interest subsidies go into the cost of the loans they are for.
    """
    lending = [o for o in offers if o.referral.institution.lends]
    carrying = [o for o in offers if not o.referral.institution.lends]
    found = []
    if lending:
        found.append(_table("贷款方案", lending, today=today, covers=covers, schemes=schemes))
    if carrying:
        found.append(_table("担保、保险方案", carrying, today=today))
    return found


def _table(
    title: str,
    offers: Sequence[Offer],
    *,
    today: date,
    covers: Sequence[Cover] = (),
    schemes: Sequence[SubsidyScheme] = (),
) -> Table:
    columns = [
        Column(o, str(o.referral.institution), str(o.referral.product or ""), _ended(o, today=today)) for o in offers
    ]
    behind = {o.pk: [cover for cover in covers if cover.referral_id == o.referral_id] for o in offers}
    costs = {o.pk: of_referral(o, o.referral, covers=behind[o.pk], schemes=schemes) for o in offers}
    running = {c.offer.pk for c in columns if not c.ended or c.offer.state == Offer.State.ACCEPTED}

    def row(
        label: str,
        text: Callable[[Offer], str],
        value: Callable[[Offer], Decimal | int | None] | None = None,
        best: str = "",
    ) -> tuple[str, list[Cell]]:
        values = {o.pk: v for o in offers if value and o.pk in running and (v := value(o)) is not None}
        winner = (
            (max if best.endswith(("高", "长")) else min)(values.values()) if len(set(values.values())) > 1 else None
        )
        return label, [Cell(text(o), best if winner is not None and values.get(o.pk) == winner else "") for o in offers]

    rows = [
        row("金额", lambda o: money_wan(o.amount), lambda o: o.amount, "本行最高"),
        row("年利率", lambda o: percent(o.annual_rate), lambda o: o.annual_rate, "本行最低"),
        row("担保或保险费率", lambda o: percent(o.fee_rate, "/年"), lambda o: o.fee_rate, "本行最低"),
        row(
            "其他费用", lambda o: money_wan(o.other_fees) if o.other_fees else "无", lambda o: o.other_fees, "本行最低"
        ),
        row("期限", lambda o: f"{o.term_months} 个月", lambda o: o.term_months, "本行最长"),
        row("其中担保费、保险费", lambda o: _carried(costs[o.pk])),
        row("总成本", lambda o: _whole(costs[o.pk])),
        row("平均每年", lambda o: _or_unknown(o, costs[o.pk].per_year, money_wan)),
        row("年化综合成本", lambda o: _or_unknown(o, costs[o.pk].apr, percent), lambda o: costs[o.pk].apr, "本行最低"),
        row("可申请的贴息", lambda o: _hoped(hoped(costs[o.pk], schemes))),
        row("还款方式", lambda o: o.repayment or NOTHING),
        row("附加条件", lambda o: o.conditions or "无"),
        row("产品公布的条款", promised),
        row("有效期至", lambda o: date_cn(o.valid_until, today=today)),
    ]
    empty = {NOTHING}
    return Table(title, columns, [(label, cells) for label, cells in rows if {c.text for c in cells} != empty])


def promised(offer: Offer) -> str:
    """What the product promised in public when the offer was made, so that the offer can be held against it."""
    version, product = offer.product_version, offer.referral.product
    if version is None or product is None:
        return NOTHING
    product.institution = offer.referral.institution  # loaded already
    then = terms.as_product(product, version.terms)
    return (
        f"第 {version.number} 版：{facts.amount(then)}，{facts.term(then)}，{facts.rate_name(then)} {facts.rate(then)}"
    )


def _or_unknown(offer: Offer, value: Decimal | None, text: Callable[[Decimal], str]) -> str:
    """A figure of the whole loan; of a guarantor's or insurer's offer, which is a part of one, there is none to wait for."""
    if value is not None:
        return text(value)
    return "未知" if offer.referral.institution.lends else NOTHING


def _carried(cost: Total) -> str:
    """What guarantors and insurers get over the whole term."""
    fees = [f"{label} {money_wan(yuan)}" for label in ("担保费", "保险费") if (yuan := cost.part(label))]
    return "，".join(fees) or NOTHING


def _hoped(estimates: Sequence[Estimate]) -> str:
    """Subsidies in words: what is already subtracted, and what somebody still has to confirm."""
    said = [
        f"{e.scheme.name}约 {money_wan(e.amount)}（{'已计入' if e.sure else '待确认，未计入总成本'}）"
        for e in estimates
    ]
    return "；".join(said) or NOTHING


def _whole(cost: Total) -> str:
    """The bill; with a part that nobody has said yet, what is known of it and what is not."""
    if cost.total is not None:
        return money_wan(cost.total)
    known = "，".join(f"{p.label} {money_wan(p.yuan)}" for p in cost.parts if p.yuan)
    return "；".join([*([known] if known else []), f"{'、'.join(cost.unknown)}未知"])


def percent(rate: Decimal | None, unit: str = "") -> str:
    """3.45%; a dash when it is not told."""
    return NOTHING if rate is None else f"{rate.normalize():f}%{unit}"


def _ended(offer: Offer, *, today: date) -> str:
    if offer.state == Offer.State.ACCEPTED:
        return "已选定"
    if offer.state != Offer.State.OPEN:
        return "未选中"
    return "已过有效期" if offer.valid_until < today else ""
