"""A fit in sentences: what was compared, what is missing and how it can be cured. Pure; names of codes are given."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.foundation.accounts.tiers import Tier
from portal.foundation.assets.models import IPKind
from portal.foundation.core.display import money_wan
from portal.foundation.core.money import format_wan

from . import conditions as c
from . import fit as f
from .fit import Check, Fit, Outcome


@dataclass(frozen=True, slots=True)
class Line:
    """One check on a page: what it is about, how it came out, why, and (unless it is met) what would change it."""

    label: str
    outcome: Outcome
    why: str
    cure: str

    @property
    def sign(self) -> str:
        return ("不符合", "待确认", "符合")[self.outcome]


def lines(fit: Fit, names: c.Names) -> list[Line]:
    """Every check of a fit, what is wrong first, then what is to be confirmed."""
    return [line(check, names) for check in sorted(fit.checks, key=lambda check: check.outcome)]


def line(check: Check, names: c.Names) -> Line:
    why, cure = _said(check, names)
    return Line(label(check.kind), check.outcome, why, "" if check.outcome == Outcome.MET else cure)


_LABELS = {f.AMOUNT: "金额", f.TERM: "期限", f.PLEDGE: "可质押的知识产权", f.COMBINED: "组合质押", f.TEXT: "其他条件"}


def label(kind: str) -> str:
    return _LABELS.get(kind) or c.KINDS.get(kind, "其他条件")


def verdict(fit: Fit) -> str:
    """«全部符合», «差一项：企业资质（另有 1 项待确认）», «不符合 3 项», «没有不符，2 项待确认»."""
    failed, unknown = fit.failed, fit.unknown
    rest = f"{len(unknown)} 项待确认" if unknown else ""
    if len(failed) == 1:
        return f"差一项：{label(failed[0].kind)}" + (f"（另有 {rest}）" if rest else "")
    if failed:
        return f"不符合 {len(failed)} 项" + (f"（另有 {rest}）" if rest else "")
    return f"没有不符，{rest}" if rest else "全部符合"


def points(fit: Fit) -> str:
    """The score as the sum it is: «匹配度 92 = 金额 25 + 期限 20 + …»; parts without points are left out."""
    return f"匹配度 {fit.score} = " + " + ".join(f"{name} {value}" for name, value in fit.parts.items() if value)


def _said(check: Check, names: c.Names) -> tuple[str, str]:
    """Why, and the cure."""
    if check.kind == f.AMOUNT:
        return _amount(check)
    if check.kind == f.TERM:
        return _term(check)
    if check.kind == f.PLEDGE:
        return _pledge(check)
    if check.kind == f.COMBINED:
        return "组合质押需要专利、商标、著作权中的至少两类", "请与机构确认可以一并质押的商标或著作权。"
    if check.kind == f.TEXT:
        return str(check.need).rstrip("。"), "这一条是文字说明，系统不能判断，请向机构确认。"
    if check.kind not in c.KINDS:
        return "这一条系统不能判断", "请向机构确认。"
    asks = c.words(check.need, names)
    if check.outcome == Outcome.UNKNOWN:
        return f"要求{asks}", f"您还没有说明{_TO_TELL[check.kind]}，补充后可以判断。"
    if check.outcome == Outcome.MET:
        return f"要求{asks}，您符合", ""
    return f"要求{asks}，{_have(check, names)}", _cure(check, names)


_TO_TELL = {
    c.TIER: "企业资质",
    c.HOLDS: "这类知识产权的件数",
    c.INVENTION: "有效发明专利的件数",
    c.YEARS: "企业成立日期（可在企业资料里填写）",
    c.DISTRICTS: "所在区县",
    c.INDUSTRIES: "行业门类（可在企业资料里填写）",
    c.CARRIED: "是否接受担保或保险",
    c.FIRST: "以前有没有办理过知识产权质押（可在企业资料里填写）",
}


def _amount(check: Check) -> tuple[str, str]:
    (low, high), wish = check.need, check.have
    if wish is None:
        return "您还没有填写金额", "填写需要的金额后可以判断。"
    if check.outcome == Outcome.FAILED:
        if high is not None and wish > high:
            return f"最高 {money_wan(high)}，您需要 {money_wan(wish)}", f"把金额降到 {format_wan(high)} 万元以内。"
        return f"{format_wan(low)} 万元起，您需要 {money_wan(wish)}", f"把金额提高到 {format_wan(low)} 万元以上。"
    if check.outcome == Outcome.UNKNOWN:
        return "机构没有公布最高金额", "请向机构确认额度。"
    return f"最高 {money_wan(high)}，够用", ""


def _term(check: Check) -> tuple[str, str]:
    (low, high), wish = check.need, check.have
    if wish is None:
        return "您还没有填写期限", "填写希望的期限后可以判断。"
    if check.outcome == Outcome.FAILED:
        if high is not None and wish > high:
            return f"最长 {high} 个月，您需要 {wish} 个月", f"把期限缩短到 {high} 个月以内。"
        return f"最短 {low} 个月，您需要 {wish} 个月", f"把期限延长到 {low} 个月以上。"
    if check.outcome == Outcome.UNKNOWN:
        return "机构没有公布最长期限", "请向机构确认期限。"
    return f"最长 {high} 个月，够用", ""


def kinds(codes: Sequence[str]) -> str:
    return "、".join(str(IPKind(code).label) for code in codes)


def _pledge(check: Check) -> tuple[str, str]:
    if check.outcome == Outcome.MET:
        return (f"可以质押{kinds(check.need)}，您有" if check.need else "不需要质押"), ""
    if not check.need:
        return "机构没有公布可质押的种类", "请向机构确认可以质押什么。"
    if check.outcome == Outcome.UNKNOWN:
        return f"可以质押{kinds(check.need)}", "您还没有说明有哪些知识产权，补充后可以判断。"
    return f"只接受{kinds(check.need)}", f"提供一件{'或'.join(str(IPKind(k).label) for k in check.need)}即可。"


def _have(check: Check, names: c.Names) -> str:
    """What the enterprise has instead, of a failed condition."""
    kind, have = check.kind, check.have
    if kind == c.TIER:
        return f"您是{'、'.join(sorted(str(Tier(t).label) for t in have))}" if have else "您没有这些资质"
    if kind in (c.HOLDS, c.INVENTION):
        return f"您有 {have} 件"
    if kind == c.YEARS:
        return f"您成立 {duration(have)}"
    if kind == c.DISTRICTS:
        return f"您在{c.listing([have], names.districts)}"
    if kind == c.INDUSTRIES:
        return f"您属于{c.listing([have], names.industries)}"
    return "您不接受" if kind == c.CARRIED else "您办理过"


def _cure(check: Check, names: c.Names) -> str:
    kind, need = check.kind, check.need
    if kind == c.TIER:
        named = "、".join(str(Tier(t).label) for t in need["any"])
        return f"取得{named}{'其中之一' if len(need['any']) > 1 else '资质'}后可以申请。"
    if kind in (c.HOLDS, c.INVENTION):
        missing = need.get("min", 1) - check.have
        return f"再有 {missing} 件有效{c.HELD[need.get('of', 'invention')]}就符合；正在受让或待授权的，办好后再测。"
    if kind == c.YEARS:
        return f"再过 {duration(12 * need['min'] - check.have)}就符合。"
    if kind == c.DISTRICTS:
        return f"只面向{c.listing(need['any'], names.districts)}的企业；经营地址在那里的，请在企业资料里更正。"
    if kind == c.INDUSTRIES:
        return f"只面向{c.listing(need['any'], names.industries)}；行业填错的，请在企业资料里更正。"
    if kind == c.CARRIED:
        return f"接受{'或'.join(c.CARRIERS[i] for i in need['any'])}即可申请。"
    return "这款只面向首次质押的企业，请看其他产品。"


def duration(months: int) -> str:
    """25 → «2 年 1 个月»; 0 → «不足 1 个月»."""
    years, rest = divmod(months, 12)
    return " ".join([*([f"{years} 年"] if years else []), *([f"{rest} 个月"] if rest else [])]) or "不足 1 个月"
