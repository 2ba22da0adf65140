"""Scores of the 27 indicators: those the data answers, and the weighted mean of all. Pure but for what it is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portal.foundation.assets.models import Patent
from portal.foundation.core.identifiers import PatentKind

from . import indicators

HUNDRED = Decimal(100)
CENT = Decimal("0.01")
_FULL_TERM_DAYS = 20 * 365
LONGEST_EVIDENCE = 200
UNSCORED = "写了依据，请填得分；还不打分请先清空依据。"


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100 with the evidence for it; automatic ones were read from the data."""

    score: int
    evidence: str
    automatic: bool = False

    def stored(self) -> dict[str, object]:
        return {"score": self.score, "evidence": self.evidence, "automatic": self.automatic}


def automatic(patent: Patent, *, co_owners: int, pledged: bool, today: date) -> dict[str, Score]:
    """What the patent's own data says, by indicator code."""
    days = max((patent.expires_on - today).days, 0)
    granted = patent.status == Patent.Status.GRANTED and days > 0
    bound = 0 if patent.preserved else 40 if pledged else 100
    found = {
        "L11": (100 if granted else 0, f"法律状态：{patent.get_status_display()}"),
        "L12": (min(100, days * 100 // _FULL_TERM_DAYS), f"{patent.expires_on:%Y-%m-%d} 届满，剩余 {days // 365} 年"),
        "L21": (20 if patent.invalidation_pending else 100, "无效宣告程序中" if patent.invalidation_pending else "没有登记无效宣告程序"),
        "L22": (100 if patent.kind == PatentKind.INVENTION else 60, str(patent.get_kind_display())),
        "L31": (max(0, 100 - 20 * co_owners), f"登记的共有人 {co_owners} 位" if co_owners else "没有登记共有人"),
        "L32": (bound, "中止或保全" if patent.preserved else "质押中" if pledged else "没有登记质押、中止或保全"),
    }  # fmt: skip
    return {code: Score(score, said, automatic=True) for code, (score, said) in found.items()}


def total(scores: Mapping[str, Mapping[str, object]], weights: Mapping[str, str]) -> Decimal | None:
    """The weighted mean to two decimals, or None while an indicator is missing. Weights are percent and add up to 100."""
    if any(code not in scores for code in indicators.BY_CODE):
        return None
    summed = sum(
        (Decimal(str(scores[code]["score"])) * Decimal(weights[code]) for code in indicators.BY_CODE), Decimal(0)
    )
    return (summed / HUNDRED).quantize(CENT)


def by_dimension(
    scores: Mapping[str, Mapping[str, object]], weights: Mapping[str, str]
) -> list[tuple[str, Decimal | None]]:
    """Each first-level indicator with its own weighted mean (0–100), None while something is missing or nothing weighs."""
    rows: list[tuple[str, Decimal | None]] = []
    for dimension in indicators.TREE:
        codes = [i.code for i in dimension.indicators]
        weight = sum((Decimal(weights[c]) for c in codes), Decimal(0))
        if weight == 0 or any(c not in scores for c in codes):
            rows.append((dimension.name, None))
            continue
        summed = sum((Decimal(str(scores[c]["score"])) * Decimal(weights[c]) for c in codes), Decimal(0))
        rows.append((dimension.name, (summed / weight).quantize(CENT)))
    return rows
