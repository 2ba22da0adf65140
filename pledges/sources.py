"""Whose word a result rests on, and when it was given; and what the register leaves open becomes the clerk's to look at."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from portal.foundation.core.identifiers import PatentKind

from .facts import FileFacts, PatentFacts
from .grounds import CheckResult
from .models import Check, Ground

FORM, OWN, ENTERED = "申请表和合同", "本系统质押登记", "企业填报"
_OF_THE_REGISTER = (
    Ground.R01, Ground.R02, Ground.R03, Ground.R04, Ground.R05, Ground.R06, Ground.R08, Ground.R10, Ground.R11,
)  # fmt: skip
SHOWN = 5


def name_sources(facts: FileFacts, results: Iterable[CheckResult]) -> list[CheckResult]:
    """Every result with its source; one that is clear only by a word that does not count is MANUAL, with the reason."""
    return [_with_source(facts, result) for result in results]


def _with_source(facts: FileFacts, result: CheckResult) -> CheckResult:
    if result.ground == Ground.R12:
        return result
    if result.ground == Ground.R07:
        return replace(result, source=FORM)
    concerned = [p for p in facts.patents if result.ground != Ground.R10 or p.kind == PatentKind.UTILITY]
    names, asked_at = _said_by(concerned)
    if result.ground == Ground.R09:
        registers = [n for n in names if n != ENTERED]
        return replace(result, source="、".join([OWN, *registers]), source_at=asked_at if registers else None)
    if doubt := _doubt(concerned) if result.result == Check.Result.CLEAR else "":
        evidence = f"{result.evidence.rstrip('。')}，但{doubt}。"
        return CheckResult(result.ground, Check.Result.MANUAL, evidence, source="、".join(names), source_at=asked_at)
    return replace(result, source="、".join(names), source_at=asked_at)


def _said_by(patents: Sequence[PatentFacts]) -> tuple[list[str], datetime | None]:
    """The sources in order, and the oldest moment at which a register was asked (None when one was not)."""
    names = list(dict.fromkeys(p.register or ENTERED for p in patents))
    moments = [p.asked_at for p in patents if p.asked_at is not None]
    return names, min(moments) if moments and len(moments) == len(patents) else None


def _doubt(patents: Sequence[PatentFacts]) -> str:
    """«下列专利尚未核对登记簿：…», every reason with its patents."""
    reasons: dict[str, list[PatentFacts]] = {}
    for patent in patents:
        if patent.problem:
            reasons.setdefault(patent.problem, []).append(patent)
    said = []
    for reason, found in reasons.items():
        more = f"，另有 {len(found) - SHOWN} 件" if len(found) > SHOWN else ""
        said.append(f"{reason}：{'、'.join(p.dotted for p in found[:SHOWN])}{more}")
    return "；".join(said)
