"""Product facts in words, and products side by side. Pure: nothing is fetched; what nobody published is said to be unknown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from portal.foundation.accounts.models import OrganisationKind
from portal.foundation.assets.models import IPKind
from portal.foundation.core.money import format_wan

from .models import LprTerm, Mode, Product, Repayment

UNKNOWN = "以机构答复为准"


def amount(product: Product) -> str:
    low, high = product.amount_min, product.amount_max
    if low is not None and high is not None:
        return f"{format_wan(low)}–{format_wan(high)} 万元"
    if high is not None:
        return f"最高 {format_wan(high)} 万元"
    return f"{format_wan(low)} 万元起" if low is not None else UNKNOWN


def term(product: Product) -> str:
    low, high = product.term_min, product.term_max
    if low and high:
        return f"{low}–{high} 个月"
    if high:
        return f"最长 {high} 个月"
    return f"{low} 个月起" if low else UNKNOWN


def percent(number: Decimal | None) -> str:
    """3.200 → "3.2%"."""
    if number is None:
        return UNKNOWN
    text = f"{number:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def term_mark(product: Product) -> str:
    """中期 for more than a year, 长期 for more than five; empty for short and unknown terms."""
    return "长期" if product.long_term else "中期" if product.medium_term else ""


def rate(product: Product) -> str:
    """The yearly rate as published; of guarantors and insurers it is their fee, and the note says so."""
    if product.rate_from is None and product.rate_to is None:
        return UNKNOWN
    if product.rate_from is not None and product.rate_to is not None and product.rate_from != product.rate_to:
        return f"{percent(product.rate_from)}–{percent(product.rate_to)}"
    return percent(product.rate_from) + " 起" if product.rate_from is not None else f"最高 {percent(product.rate_to)}"


def lpr(product: Product) -> str:
    """«LPR（1 年期，2026-11-20 报价 3%）＋45 个基点»; what is not told is left out. Empty for a fixed rate."""
    if product.lpr_spread is None:
        return ""
    known = [str(LprTerm(product.lpr_term).label)] if product.lpr_term else []
    if product.lpr_date is not None:
        known.append(
            f"{product.lpr_date:%Y-%m-%d} 报价" + (f" {percent(product.lpr_rate)}" if product.lpr_rate else "")
        )
    sign = "－" if product.lpr_spread < 0 else "＋"
    return (
        f"LPR（{'，'.join(known)}）{sign}{abs(product.lpr_spread)} 个基点"
        if known
        else f"LPR{sign}{abs(product.lpr_spread)} 个基点"
    )


def pricing(product: Product) -> str:
    return lpr(product) or ("固定利率" if product.rate_from is not None or product.rate_to is not None else UNKNOWN)


def repayment(product: Product) -> str:
    return "、".join(str(Repayment(way).label) for way in product.repayment) or UNKNOWN


def pledge_rate(product: Product) -> str:
    """The upper limit, and what each kind of IP allows where the institution says so."""
    kinds_ = [
        f"{IPKind(k).label} {percent(Decimal(v))}" for k, v in sorted(product.pledge_rates.items()) if k in IPKind
    ]
    return "；".join(
        [percent(product.pledge_rate), *kinds_] if product.pledge_rate is not None or not kinds_ else kinds_
    )


def districts(product: Product, names: Mapping[str, str] | None = None) -> str:
    """Codes in words when `names` (code → name) is given; every product without districts serves the whole city."""
    if not product.districts:
        return "全市" if not product.source or product.institution.connected else UNKNOWN
    return "、".join((names or {}).get(code, code) for code in product.districts)


def validity(product: Product) -> str:
    first, last = product.valid_from, product.valid_until
    if first and last:
        return f"{first:%Y-%m-%d} 至 {last:%Y-%m-%d}"
    if last:
        return f"至 {last:%Y-%m-%d}"
    return f"自 {first:%Y-%m-%d} 起" if first else "长期有效" if product.institution.connected else UNKNOWN


def expired(product: Product, *, today: date) -> bool:
    """Its institution said until when it is on offer, and that day is over."""
    return product.valid_until is not None and product.valid_until < today


_RATES = {OrganisationKind.GUARANTOR: "年担保费率", OrganisationKind.INSURER: "年保险费率"}


def rate_name(product: Product) -> str:
    """What `rate` is of: only a bank's is interest. The institution's organisation must be loaded."""
    return _RATES.get(OrganisationKind(product.institution.organisation.kind), "年利率")


def kinds(product: Product) -> str:
    if product.ip_kinds:
        return "、".join(str(IPKind(k).label) for k in product.ip_kinds)
    return "不需要质押" if product.example and product.mode == Mode.CREDIT else UNKNOWN


def _yes(answer: bool, product: Product, words: str) -> str:
    """An example product's «no» is known; a real product's missing «yes» is only not published."""
    if answer:
        return words
    return f"不{words}" if product.example else UNKNOWN


def online(product: Product) -> str:
    return _yes(product.online, product, "支持")


def combined(product: Product) -> str:
    return _yes(product.combined, product, "可以")


@dataclass(frozen=True, slots=True)
class Cell:
    """One product in one row; `best` is why it stands out in this row, in words."""

    text: str
    best: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    cells: Sequence[Cell]

    @property
    def differs(self) -> bool:
        return len({c.text for c in self.cells}) > 1


@dataclass(frozen=True, slots=True)
class _Line:
    label: str
    text: Callable[[Product], str]
    key: Callable[[Product], Decimal | int | None] | None = None
    highest: bool = True
    word: str = ""
    like_with_like: bool = False  # comparable only between institutions of one kind


def _term_marked(product: Product) -> str:
    mark = term_mark(product)
    return f"{term(product)}（{mark}）" if mark else term(product)


_LINES = (
    _Line("模式", lambda p: p.get_mode_display()),
    _Line("额度", amount, lambda p: p.amount_max, word="本行最高"),
    _Line("期限", _term_marked, lambda p: p.term_max, word="本行最长"),
    _Line(
        "年利率（担保、保险为费率）", rate, lambda p: p.rate_from, highest=False, word="本行最低", like_with_like=True
    ),
    _Line("定价方式", pricing),
    _Line("利率说明", lambda p: p.rate_note or ("无" if p.example else UNKNOWN)),
    _Line("可质押的知识产权", kinds),
    _Line("组合质押", combined),
    _Line("质押率上限", pledge_rate, lambda p: p.pledge_rate, word="本行最高"),
    _Line("还款方式", repayment),
    _Line("线上办理", online),
    _Line("适用条件", lambda p: p.conditions or UNKNOWN),
    _Line("适用区县", districts),
    _Line("所需材料", lambda p: "、".join(p.documents) or UNKNOWN),
    _Line("产品有效期", validity),
    _Line("机构类型", lambda p: p.institution.organisation.get_kind_display()),
)


def side_by_side(products: Sequence[Product], *, names: Mapping[str, str] | None = None) -> tuple[list[Row], list[Row]]:
    """Rows that differ, and rows in which all say the same. `names`: district codes in words."""
    rows = [Row(line.label, _cells(line, products)) for line in lines(names)]
    return [r for r in rows if r.differs], [r for r in rows if not r.differs]


def _cells(line: _Line, products: Sequence[Product]) -> list[Cell]:
    known: dict[int, Decimal | int] = {}
    one_kind = len({p.institution.organisation.kind for p in products}) == 1
    if line.key is not None and (one_kind or not line.like_with_like):
        known = {p.pk: value for p in products if (value := line.key(p)) is not None}
    if len(set(known.values())) < 2:  # nothing to stand out from
        return [Cell(line.text(p)) for p in products]
    top = max(known.values()) if line.highest else min(known.values())
    return [Cell(line.text(p), line.word if known.get(p.pk) == top else "") for p in products]


def lines(names: Mapping[str, str] | None = None) -> list[_Line]:
    """What is told of a product, in order; `names` puts district codes into words."""
    return [replace(line, text=lambda p: districts(p, names)) if line.text is districts else line for line in _LINES]


def all_lines(product: Product, *, names: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Every fact of one product, for its own page."""
    return [(line.label, line.text(product)) for line in lines(names)]
