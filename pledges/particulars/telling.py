"""The particulars in words: as rows of the application form on every page, and for the office's papers."""

from datetime import date

from pledges.models import Registration
from portal.foundation.core.display import full_date_cn, money_wan

from .entries import MaximumEntry
from .models import IdentityKind, MaximumDebt, Side
from .rules import agent_of, maximum_of, outside_of


def rows(file: Registration) -> list[tuple[str, str]]:
    """(label, text) for what this file has beyond the ordinary; no query for a file read with queries.WITH."""
    found: list[tuple[str, str]] = []
    if file.debtor_org_id is not None:
        outside = outside_of(file)
        who = f"{outside.get_kind_display()}，{outside.masked}，{outside.address}" if outside else "本平台企业"
        found.append(("第三人出质", f"出质人 {file.pledgor.name} 不是债务人（{who}）"))
    if maximum := maximum_of(file):
        found.append(("最高额质押", f"最高债权额 {money_wan(file.debt_amount)}"))
        period = f"{_day(maximum.determined_from)}至{_day(maximum.determined_to)}"
        found.append(
            ("债权确定期间", f"{period}，单笔债务最长 {maximum.term_months} 个月，最迟{_day(file.debt_to)}到期")
        )
    if agent := agent_of(file):
        found.append(
            ("委托代理", f"{agent.agency}，代理人 {agent.person}（{agent.masked}），代理{Side(agent.acts_for).label}")
        )
        found.append(("代理权限", agent.powers_text or "未写明"))
        if agent.abroad:
            found.append(("境外当事人", f"{Side(agent.abroad).label}在境内没有经常居所或者营业所"))
    return found


def pledgor_code(file: Registration) -> str:
    """The pledgor's public code, also when it has no seat here; "" for a person, whose number no paper prints."""
    outside = outside_of(file)
    if outside is not None and outside.kind == IdentityKind.COMPANY:
        return outside.identity
    return file.pledgor.uscc or ""


def due_said(file: Registration) -> str:
    """How the day compared in R06 comes about, when it is not simply the debt's own last day (domain.md §8, 4)."""
    maximum = maximum_of(file)
    return due_of(maximum) if maximum is not None else ""


def due_of(maximum: MaximumDebt | MaximumEntry) -> str:
    return f"债权确定期间届满日{_day(maximum.determined_to)}加单笔债务最长期限 {maximum.term_months} 个月"


def for_papers(file: Registration) -> dict[str, str]:
    """What a notice says otherwise for a maximum amount: merged over the facts of an ordinary one."""
    maximum = maximum_of(file)
    if maximum is None:
        return {}
    period = f"{_day(maximum.determined_from)}至{_day(maximum.determined_to)}"
    return {"debt_kind": f"{file.get_debt_kind_display()}（最高额质押，下列数额为最高债权额；债权确定期间{period}）"}


def _day(day: date | None) -> str:
    return full_date_cn(day) if day else "未填"
