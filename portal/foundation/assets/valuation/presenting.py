"""What the pages and the paper of a valuation show: words, tables and charts made from the record."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.moments import local_date
from portal.foundation.core.money import format_yuan
from portal.foundation.core.numbers import whole

from . import approaches, indicators, inputs, scoring
from .models import Valuation, ValuedPatent

TAGS = {"draft": "warn", "final": "ok", "superseded": ""}
_INCOME = (("revenue", "首年收入", "yuan"), ("growth", "收入年增长率", "%"), ("share", "收入分成率", "%"),
           ("tax", "所得税率", "%"), ("discount", "折现率", "%"), ("years", "收益年限", "年"))  # fmt: skip
_COST = (("labour", "研发人工", "yuan"), ("materials", "材料和试制", "yuan"), ("equipment", "设备折旧和租用", "yuan"),
         ("other", "申请、代理、年费和其他", "yuan"), ("profit", "合理利润率", "%"), ("obsolescence", "贬值率", "%"))  # fmt: skip
METHODS = {
    "income": "每年收入乘以收入分成率，减所得税，按折现率折到评估日，各年现值四舍五入到分后相加。",
    "market": "每笔可比交易的成交价乘以三项修正系数，四舍五入到分，再按权重平均。",
    "cost": "各项成本相加，加合理利润，减贬值，四舍五入到分。",
}
LISTED = 50
ABOUT_SCORE = "得分用于分级和比较，不改变评估值。"


@dataclass(frozen=True, slots=True)
class Listed:
    """Fifty valuations with the colour of their states; `after` is the cursor of the next fifty, empty at the end."""

    rows: list[tuple[Valuation, str]]
    after: str
    first: bool


def paged(found: "QuerySet[Valuation]", after: str) -> Listed:
    """Newest first; a cursor that is none starts from the beginning."""
    cursor = whole(after)
    rows = list((found if cursor is None else found.filter(pk__lt=cursor))[: LISTED + 1])
    last = str(rows[LISTED - 1].pk) if len(rows) > LISTED else ""
    return Listed([(v, TAGS[v.state]) for v in rows[:LISTED]], last, cursor is None)


@dataclass(frozen=True, slots=True)
class Approach:
    """One approach as printed."""

    kind: str
    name: str
    method: str
    value: Decimal | None
    share: str
    given: list[tuple[str, str]]
    years: list[approaches.Year]
    deals: list[tuple[approaches.Comparable, Decimal]]
    computed: inputs.Computed | None

    @property
    def chart(self) -> Any:
        return self.computed.table.chart() if self.computed else ""


def approaches_of(valuation: Valuation) -> list[Approach]:
    """All three, those without inputs empty."""
    used = inputs.computed(valuation.inputs)
    return [_approach(kind, used.get(kind), valuation.shares_of_value.get(kind, "")) for kind in inputs.KINDS]


def _approach(kind: str, found: inputs.Computed | None, share: str) -> Approach:
    given = found.given if found else None
    return Approach(
        kind=kind,
        name=inputs.KINDS[kind],
        method=METHODS[kind],
        value=found.value if found else None,
        share=share,
        given=_lines(given, _INCOME if kind == "income" else _COST) if given and not isinstance(given, tuple) else [],
        years=approaches.income_years(given) if isinstance(given, approaches.Income) else [],
        deals=[(deal, approaches.adjusted(deal)) for deal in given] if isinstance(given, tuple) else [],
        computed=found,
    )


def _lines(given: Any, names: tuple[tuple[str, str, str], ...]) -> list[tuple[str, str]]:
    def said(value: Any, unit: str) -> str:
        return f"{format_yuan(value)} 元" if unit == "yuan" else f"{Decimal(value).normalize():f} {unit}"

    return [(label, said(getattr(given, name), unit)) for name, label, unit in names]


@dataclass(frozen=True, slots=True)
class Scored:
    """One patent with how far its scoring is, and its first-level scores."""

    patent: ValuedPatent
    done: int
    dimensions: list[tuple[str, Decimal | None]]

    @property
    def total(self) -> int:
        return len(indicators.INDICATORS)


def scored(valuation: Valuation) -> list[Scored]:
    weights = valuation.weights.weights if valuation.weights else {}
    return [
        Scored(row, len(row.scores), scoring.by_dimension(row.scores, weights) if weights else [])
        for row in valuation.patents.all()
    ]


def score_table(row: ValuedPatent, weights: dict[str, str]) -> list[tuple[str, str, str, str, str, str]]:
    """Every indicator of one patent: first level, second level, name, weight, score, evidence."""
    lines = []
    for dimension in indicators.TREE:
        for group in dimension.groups:
            for indicator in group.indicators:
                kept = row.entry(indicator.code)
                said = str(kept.get("evidence", ""))
                lines.append(
                    (
                        dimension.name,
                        group.name,
                        indicator.name,
                        weights.get(indicator.code, "—"),
                        str(kept.get("score", "—")),
                        f"{said}（自动）" if kept.get("automatic") else said,
                    )
                )
    return lines


def context(valuation: Valuation, actor: Actor, *, today: date) -> dict[str, Any]:
    """What the page of one valuation needs."""
    parts = approaches_of(valuation)
    used = [part for part in parts if part.computed]
    return {
        "valuation": valuation,
        "own": valuation.organisation_id == actor.organisation_id,
        "editable": valuation.organisation_id == actor.organisation_id
        and valuation.state == Valuation.State.DRAFT
        and valuation.kind != Valuation.Kind.AGENCY,
        "tag": TAGS[valuation.state],
        "parts": parts,
        "used": used,
        "scored": scored(valuation) if valuation.kind != Valuation.Kind.AGENCY else [],
        "expired": valuation.valid_until is not None and valuation.valid_until < today,
        "names_note": indicators.NAMES_NOTE,
        "about_score": ABOUT_SCORE,
    }


def choosable(actor: Actor) -> list[Patent]:
    """The enterprise's patents; designs stand there too and are refused in words."""
    return list(Patent.objects.visible_to(actor).filter(removed_at=None).order_by("-pk")[:100])


def said_until(valuation: Valuation) -> str:
    return full_date_cn(valuation.valid_until) if valuation.valid_until else ""


def paper(valuation: Valuation) -> dict[str, Any]:
    """What templates/pdf/report_valuation.html prints."""
    weights = valuation.weights.weights if valuation.weights else {}
    return {
        "title": "专利估值报告",
        "number": valuation.number,
        "valuation": valuation,
        "parts": [part for part in approaches_of(valuation) if part.computed],
        "scored": [(s, score_table(s.patent, weights)) for s in scored(valuation)],
        "names_note": indicators.NAMES_NOTE,
        "about_score": ABOUT_SCORE,
        "until": said_until(valuation),
        "issuer": valuation.organisation.name,
        "issued_on": full_date_cn(local_date(valuation.final_at)) if valuation.final_at else "",
    }
