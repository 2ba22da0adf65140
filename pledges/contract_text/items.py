"""What the contract must state (公告第461号第八条, domain.md §1), each looked for by name and shown with its line.

Found means that the words stand there; whether they are right a person sees from the line. What the form says is compared
where it can be compared without guessing: names, amounts, days, patent numbers.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portal.foundation.core.display import full_date_cn, money_wan

from . import figures
from .words import Text, flatten

SHOWN = 5
FOUND, MISSING, DIFFERS = "found", "missing", "differs"
_ADDRESS = re.compile(
    r"(?:住所地?|住址|地址|注册地|营业场所|经营场所|通讯处)(?:为|是|在|：)?"
    r"(?!法定|联系|电话|邮编|邮政|传真|统一|质权人|出质人|债务人|债权人|负责人|开户|账号|第[一二三四五六七八九十]|[：为是在_＿，。；]).{4}"
)
_KINDS = r"(?:借款|贷款|授信|承兑|保函|贴现|信用证|融资|债权|债务|租赁|保理)"
_KIND = (
    re.compile(rf"(?:债权|债务|主债权|借款|贷款|业务)?(?:的)?种类(?:为|是|：|系).{{0,20}}{_KINDS}"),
    re.compile(
        rf"(?:被担保|所担保|担保的主|主债权|主合同).{{0,30}}(?:流动资金|固定资产|研发|项目|经营|科技|综合|短期|中长期|最高额).{{0,8}}{_KINDS}"
    ),
    re.compile(r"(?:流动资金|固定资产|研发|项目|经营性|科技|综合授信|并购)(?:借款|贷款|授信)(?:合同|债权)?"),
)
_SUM = re.compile(r"(?:数额|金额|本金|最高债权额|最高额|最高限额|限额|债权额|额度)")
_TERM = re.compile(
    r"(?:履行期限|履行债务的期限|借款期限|贷款期限|授信期限|债务期限|还款期限|债权确定期间|债权发生期间|借款期间|期限)"
)
_LENGTH = re.compile(r"(?:\d{1,3}|[一二三四五六七八九十百]{1,4})(?:个月|年|日|天)")
_SCOPE = re.compile(r"(?:质押担保的?范围|担保的?范围|质押范围|保证范围)")
_SCOPE_WORDS = re.compile(r"主债权|本金|利息|罚息|违约金|损害赔偿|实现质权|实现债权|费用|全部债务|全部债权")
_PIECES = re.compile(
    r"(?:共计?|合计|总计|计|为|：)?(?P<n>\d{1,4}|[一二三四五六七八九十百]{1,5})(?:件|项|个|份)(?:发明|实用新型|外观设计)?(?:专利|出质)|专利(?:数量|件数)(?:为|是|：|共)*(?P<m>\d{1,4}|[一二三四五六七八九十百]{1,5})|(?:共计?|合计|总计)(?P<k>\d{1,4}|[一二三四五六七八九十百]{1,5})(?:件|项)"
)
_NEAR = 160  # characters around a patent's number in which its dates are looked for


@dataclass(frozen=True, slots=True)
class Wanted:
    """One patent as the form has it."""

    number: str
    title: str
    filing_date: date
    grant_date: date | None

    @property
    def dotted(self) -> str:
        return f"{self.number[:-1]}.{self.number[-1]}"


@dataclass(frozen=True, slots=True)
class Expected:
    """The form beside which the contract is read. Yuan; local days."""

    pledgor: str
    pledgee: str
    amount: Decimal
    debt_from: date | None
    debt_to: date | None
    patents: Sequence[Wanted]


@dataclass(frozen=True, slots=True)
class Item:
    """One content of article 8: `state` found, missing or differs (found, but not as the form says)."""

    code: str
    label: str
    state: str
    line: str = ""
    said: str = ""


ASK = "没找到，请人工查看合同。"


def look(text: Text, expected: Expected) -> list[Item]:
    """Every item in the order of the article. Nothing is concluded from silence: missing asks a person to look."""
    return [
        _name(text, "pledgor", "出质人名称", expected.pledgor),
        _address(text, "pledgor_address", "出质人地址", expected.pledgor, expected.pledgee),
        _name(text, "pledgee", "质权人名称", expected.pledgee),
        _address(text, "pledgee_address", "质权人地址", expected.pledgee, expected.pledgor),
        _kind(text),
        _amount(text, expected.amount),
        _term(text, expected),
        _pieces(text, len(expected.patents)),
        *_patents(text, expected.patents),
        _scope(text),
    ]


def _name(text: Text, code: str, label: str, name: str) -> Item:
    at = text.flat.find(flatten(name))
    if at < 0:
        return Item(code, label, MISSING, said=f"没找到“{name}”，请人工查看合同。")
    return Item(code, label, FOUND, text.line_at(at, at + len(flatten(name))))


def _address(text: Text, code: str, label: str, name: str, other: str) -> Item:
    """An address between this party's name and the other's, wherever the name comes first, within 200 characters."""
    mine, theirs = flatten(name), flatten(other)
    for match in re.finditer(re.escape(mine), text.flat):
        window = text.flat[match.end() : match.end() + 200]
        if (cut := window.find(theirs)) >= 0:
            window = window[:cut]
        if found := _ADDRESS.search(window):
            at = match.end() + found.start()
            return Item(code, label, FOUND, text.line_at(at, at + len(found[0])))
    return Item(code, label, MISSING, said=ASK)


def _kind(text: Text) -> Item:
    for pattern in _KIND:
        if match := pattern.search(text.flat):
            return Item("kind", "被担保债权的种类", FOUND, text.line_at(match.start(), match.end()))
    return Item("kind", "被担保债权的种类", MISSING, said=ASK)


def _amount(text: Text, wanted: Decimal) -> Item:
    """The sum that the form names, else any sum that stands with a word for it."""
    label = "被担保债权的数额"
    near = [f for f in figures.amounts(text.flat) if _SUM.search(text.flat[max(f.start - 40, 0) : f.start])]
    if same := next((f for f in near if f.value == wanted), None):
        return Item("amount", label, FOUND, text.line_at(same.start, same.end))
    if near:
        said = f"合同写的是 {money_wan(near[0].value)}，申请表是 {money_wan(wanted)}，请核对。"
        return Item("amount", label, DIFFERS, text.line_at(near[0].start, near[0].end), said)
    return Item("amount", label, MISSING, said=ASK)


def _term(text: Text, expected: Expected) -> Item:
    """A word for the period with two days, or a length, close behind it."""
    label = "债务人履行债务的期限"
    all_days = list(figures.days(text.flat))
    first: Item | None = None
    for match in _TERM.finditer(text.flat):
        window = (match.end(), match.end() + 80)
        inside = [d for d in all_days if window[0] <= d.start < window[1]]
        if len(inside) >= 2:
            line = text.line_at(match.start(), inside[1].end)
            ends = {d.value for d in inside[:3]}
            if expected.debt_to is None or expected.debt_to in ends:
                return Item("term", label, FOUND, line)
            said = f"合同写到{full_date_cn(inside[1].value)}，申请表是{full_date_cn(expected.debt_to)}，请核对。"
            first = first or Item("term", label, DIFFERS, line, said)
        elif first is None and (length := _LENGTH.search(text.flat, match.end(), match.end() + 40)):
            first = Item("term", label, FOUND, text.line_at(match.start(), length.end()))
    return first or Item("term", label, MISSING, said=ASK)


def _pieces(text: Text, wanted: int) -> Item:
    label = "专利的件数"
    others: Item | None = None
    for match in _PIECES.finditer(text.flat):
        raw = next(value for value in match.groups() if value)
        number = int(raw) if raw.isdigit() else int(figures.worded(raw) or 0)
        if number == wanted:
            return Item("pieces", label, FOUND, text.line_at(match.start(), match.end()))
        said = f"合同写的是 {number} 件，申请表是 {wanted} 件，请核对。"
        others = others or Item("pieces", label, DIFFERS, text.line_at(match.start(), match.end()), said)
    return others or Item("pieces", label, MISSING, said=ASK)


def _patents(text: Text, patents: Sequence[Wanted]) -> Iterator[Item]:
    """Four items for all patents together: how many of them were found, and which were not."""
    bare = text.flat.replace(".", "")
    dots = _places_without_dots(text.flat)
    absent: dict[str, list[str]] = {"名称": [], "专利号": [], "申请日": [], "授权公告日": []}
    lines: dict[str, str] = {}
    all_days = list(figures.days(text.flat))
    for patent in patents:
        at = bare.find(patent.number)
        start = dots[at] if at >= 0 else -1
        if at < 0:
            absent["专利号"].append(patent.dotted)
        else:
            lines.setdefault("专利号", text.line_at(start, start + len(patent.number)))
        title = text.flat.find(flatten(patent.title))
        if title < 0:
            absent["名称"].append(patent.dotted)
        else:
            lines.setdefault("名称", text.line_at(title, title + len(flatten(patent.title))))
        for label, day in (("申请日", patent.filing_date), ("授权公告日", patent.grant_date)):
            near = next((d for d in all_days if start >= 0 and d.value == day and abs(d.start - start) <= _NEAR), None)
            if near is None:
                absent[label].append(patent.dotted)
            else:
                lines.setdefault(label, text.line_at(near.start, near.end))
    for code, label in (("title", "名称"), ("number", "专利号"), ("filed", "申请日"), ("granted", "授权公告日")):
        gone = absent[label]
        if not patents or gone:
            more = f"等 {len(gone)} 件" if len(gone) > SHOWN else ""
            which = f"{len(patents)} 件中没找到：{'、'.join(gone[:SHOWN])}{more}。请人工查看合同。" if gone else ASK
            yield Item(code, f"每件专利的{label}", MISSING, lines.get(label, ""), which)
        else:
            yield Item(code, f"每件专利的{label}", FOUND, lines[label], f"{len(patents)} 件都找到了。")


def _places_without_dots(flat: str) -> list[int]:
    return [i for i, char in enumerate(flat) if char != "."]


def _scope(text: Text) -> Item:
    for match in _SCOPE.finditer(text.flat):
        window = text.flat[match.end() : match.end() + 120]
        if words := _SCOPE_WORDS.search(window):
            return Item("scope", "质押担保的范围", FOUND, text.line_at(match.start(), match.end() + words.end()))
    return Item("scope", "质押担保的范围", MISSING, said=ASK)
