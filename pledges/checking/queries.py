"""The latest 核对登记簿 of a file, read with the file itself: the clerk's screen has no query to spare."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Func, IntegerField, OuterRef, Subquery
from django.db.models.functions import JSONObject

from .models import RegisterJob


@dataclass(frozen=True, slots=True)
class Round:
    """As RegisterJob, without the numbers. `finished_at` is None while it runs."""

    total: int
    done: int
    found: int
    changed: int
    problem: str
    asked_by: str
    finished_at: datetime | None


def last_round() -> Subquery:
    """For annotate() on registrations; `round_of` reads what it gives."""
    total = Func(F("numbers"), function="cardinality", output_field=IntegerField())
    told = JSONObject(
        total=total,
        done="done",
        found="found",
        changed="changed",
        problem="problem",
        asked_by="asked_by",
        finished_at="finished_at",
    )
    return Subquery(RegisterJob.objects.filter(registration=OuterRef("pk")).order_by("-pk").values(told=told)[:1])


def round_of(told: dict[str, Any] | None) -> Round | None:
    if told is None:
        return None
    finished = told["finished_at"]
    return Round(**{**told, "finished_at": datetime.fromisoformat(finished) if finished else None})
