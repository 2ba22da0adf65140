"""How a request and its term are named for readers."""

from portal.foundation.core.display import money_wan

from .models import Application


def term(months: int) -> str:
    """2 年期 for whole years, else 18 个月期."""
    return f"{months // 12} 年期" if months % 12 == 0 else f"{months} 个月期"


def about(case: Application) -> str:
    """融资 800 万元，2 年期: what the enterprise remembers of a request, unlike its number."""
    return f"融资 {money_wan(case.amount)}，{term(case.term_months)}"
