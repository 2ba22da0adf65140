"""Checks as rows: the automatic results of the grounds beside what the clerk looked at."""

from collections.abc import Sequence
from datetime import datetime

from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import local_date

from .facts import FileFacts
from .grounds import CheckResult, evaluate
from .loading import load
from .models import Check, Ground, Registration
from .sources import name_sources

# What no data can tell: (ground, point) → what the clerk reads in the papers.
POINTS: dict[tuple[str, str], str] = {
    (Ground.R07, "match"): "合同所载当事人、金额、期限、专利与申请表一致",
    (Ground.R12, "forfeiture"): "合同没有流质条款（民法典第四百二十八条）",
    (Ground.R12, "other"): "没有其他应当不予登记的情形",
}
BY_SYSTEM = "系统"
_WRITTEN = ["result", "warning", "automatic", "evidence", "source", "source_at", "checked_by", "checked_at"]


def run(file: Registration, *, now: datetime, filing: bool) -> list[CheckResult]:
    """The twelve grounds on the file as it is at `now`; nothing is written."""
    facts = load(file, today=local_date(now), filing=filing)
    return name_sources(facts, evaluate(facts))


def facts_of(file: Registration, *, now: datetime) -> FileFacts:
    """What the grounds look at before the file is handed in."""
    return load(file, today=local_date(now), filing=True)


def store(file: Registration, results: Sequence[CheckResult], *, now: datetime) -> list[Check]:
    """Write the automatic results. What a clerk has looked at stays looked at, unless the data now say otherwise.

    Returns the rows of the check list, in order. Ground R12 has no automatic part: it stands as its points.
    """
    before = {(c.ground, c.point): c for c in file.checks.all()}
    rows = []
    for result in results:
        if result.ground == Ground.R12:
            continue
        old = before.get((result.ground, ""))
        if old is not None and not old.automatic and result.result == Check.Result.MANUAL:
            continue
        row = _row(file, result.ground, "", result.result, result.evidence, now, warning=result.warning)
        row.source, row.source_at = result.source[:200], result.source_at
        rows.append(row)
    for (ground, point), label in POINTS.items():
        if (ground, point) not in before:
            rows.append(_row(file, ground, point, Check.Result.MANUAL, label, now))
    Check.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["registration", "ground", "point"], update_fields=_WRITTEN
    )
    return list(Check.objects.filter(registration=file))


def _row(
    file: Registration, ground: str, point: str, result: str, evidence: str, now: datetime, *, warning: bool = False
) -> Check:
    return Check(
        registration=file,
        ground=ground,
        point=point,
        result=result,
        warning=warning,
        automatic=True,
        evidence=evidence[:1000],
        checked_by=BY_SYSTEM,
        checked_at=now,
    )


def tick(check: Check, *, ticked: bool, actor: Actor, now: datetime) -> None:
    """The clerk has looked at it and found nothing, or takes that back. The system's sentence stays as the evidence."""
    check.automatic = not ticked
    check.result = Check.Result.CLEAR if ticked else Check.Result.MANUAL
    check.checked_by, check.checked_at = (actor.label if ticked else BY_SYSTEM), now
    check.save(update_fields=["automatic", "result", "checked_by", "checked_at"])


def look_again(file: Registration, *, now: datetime) -> None:
    """After a correction the papers are new: what was ticked is to be read once more."""
    Check.objects.filter(registration=file, automatic=False).update(
        automatic=True, result=Check.Result.MANUAL, checked_by=BY_SYSTEM, checked_at=now
    )


def is_manual(check: Check) -> bool:
    """Whether this line is the clerk's to tick."""
    return bool(check.point) or not check.automatic or check.result == Check.Result.MANUAL


def unsettled(rows: Sequence[Check]) -> list[Check]:
    """Lines that stand in the way of registering: found, or not looked at yet."""
    return [c for c in rows if c.result in (Check.Result.FOUND, Check.Result.MANUAL)]
