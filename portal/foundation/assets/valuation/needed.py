"""Measure 3: up to 10,000,000 yuan a loan, an internal or a negotiated value is enough; above it a valuation report is needed."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from portal.foundation.core.money import format_wan


@dataclass(frozen=True, slots=True)
class Limit:
    """`yuan` of one loan; `inclusive` says whether a loan of exactly this amount still needs no report."""

    yuan: Decimal
    inclusive: bool = True

    @property
    def words(self) -> str:
        """How the border is spoken of, e.g. «不超过 1000 万元» or «低于 1000 万元»."""
        return f"{'不超过' if self.inclusive else '低于'} {format_wan(self.yuan)} 万元"

    @property
    def beyond(self) -> str:
        return f"{'超过' if self.inclusive else '达到'} {format_wan(self.yuan)} 万元"


def advice() -> str:
    """The rule in one sentence, for forms and pages."""
    border = limit()
    return f"单笔{border.words}的，可由机构内部评估或与您协商确定价值；{border.beyond}的，{beyond()}。"


def beyond() -> str:
    """What holds above the limit, of which the measure says nothing."""
    if settings.VALUATION_REPORT_BEYOND:
        return "办理质押登记须有资产评估报告"
    return "文件没有规定，是否出具资产评估报告由银行决定"


def limit() -> Limit:
    """The limit in force (settings; 以下 includes the number by 民法典 1259, the policy text itself leaves it open)."""
    return Limit(Decimal(settings.VALUATION_FREE_UP_TO), settings.VALUATION_FREE_INCLUSIVE)


def above(amount: Decimal, border: Limit | None = None) -> bool:
    """Whether one loan of `amount` yuan lies beyond what the measure frees from a valuation report."""
    border = border or limit()
    return amount > border.yuan if border.inclusive else amount >= border.yuan


def required(amount: Decimal) -> bool:
    """Whether its pledge file is refused without a report: above the limit, where this portal is set to ask for one."""
    return settings.VALUATION_REPORT_BEYOND and above(amount)
