"""What the register said last about a number."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from .interface import Extract, from_json
from .models import RegisterLookup

Outcome = RegisterLookup.Outcome


@dataclass(frozen=True, slots=True)
class Known:
    """The latest look-up of one number; `extract` is None when it found nothing or failed."""

    lookup_id: int
    outcome: str
    asked_at: datetime
    as_of: datetime | None
    label: str
    problem: str
    sha256: str
    extract: Extract | None


def latest(numbers: Iterable[str]) -> dict[str, Known]:
    """The latest look-up of each number, however it ended; one query."""
    return _known(_of(numbers))


def latest_found(numbers: Iterable[str]) -> dict[str, Known]:
    """The latest look-up of each number that found it; one query. A register that fails today has not unsaid yesterday."""
    return _known(_of(numbers).filter(outcome=Outcome.FOUND))


def _of(numbers: Iterable[str]) -> "QuerySet[RegisterLookup]":
    return RegisterLookup.objects.filter(number__in=list(numbers))


def _known(found: "QuerySet[RegisterLookup]") -> dict[str, Known]:
    rows = found.order_by("number", "-asked_at", "-pk").distinct("number")
    return {
        row.number: Known(
            lookup_id=row.pk,
            outcome=row.outcome,
            asked_at=row.asked_at,
            as_of=row.answer.as_of,
            label=row.answer.label,
            problem=row.answer.problem,
            sha256=row.answer.sha256,
            extract=from_json(row.facts) if row.outcome == Outcome.FOUND else None,
        )
        for row in rows.select_related("answer").defer("answer__body")
    }
