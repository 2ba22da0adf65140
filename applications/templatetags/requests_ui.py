"""How a request is named in templates."""

from django import template

from applications import wording
from applications.models import Application, Offer, Referral
from applications.offer_cost import in_short, of_referral
from portal.foundation.core.display import money_wan

register = template.Library()


@register.filter
def term(months: int) -> str:
    """24 → 2 年期."""
    return wording.term(months)


@register.filter
def about(case: Application) -> str:
    """融资 800 万元，2 年期."""
    return wording.about(case)


@register.filter
def whole_cost(offer: Offer, referral: Referral) -> str:
    """总成本 34.7 万元，年化综合成本 3.48%; what is unknown is named."""
    cost = of_referral(offer, referral)
    known = f"总成本 {money_wan(cost.total)}" if cost.total is not None else f"已知部分 {money_wan(cost.known)}"
    return "，".join(part for part in (known, in_short(cost)) if part)


@register.filter
def person(label: str) -> str:
    """The person of a journal label: 林示例（重庆示例公司） → 林示例."""
    return label.partition("（")[0]
