"""What the pages of oversight list: journal, refusals and looks, each by id downwards, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Model, QuerySet

from portal.foundation.core import moments
from portal.foundation.journal import anchors
from portal.foundation.journal.chain import GENESIS
from portal.foundation.journal.models import Entry, Look, Refusal, Seal, Unsealed

PAGE = 50
Cleaned = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a list; `after` is the cursor of the next, empty on the last."""

    rows: Sequence[Any]
    after: str


def page(found: "QuerySet[Any]", after: str) -> Slice:
    """The rows below a cursor, which is an id; anything else shows the first page."""
    if after.isascii() and after.isdigit() and len(after) < 19:
        found = found.filter(pk__lt=int(after))
    rows = list(found.order_by("-pk")[: PAGE + 1])
    return Slice(rows[:PAGE], str(rows[PAGE - 1].pk) if len(rows) > PAGE else "")


def entries(wanted: Cleaned) -> "QuerySet[Entry]":
    """The journal: by case, object, verb, person, organisation and days."""
    exact = {"case_number": "case", "subject": "subject", "actor_id": "person", "organisation_id": "organisation"}
    found = Entry.objects.filter(**{field: wanted[name] for field, name in exact.items() if wanted.get(name)})
    if wanted.get("verb"):
        found = found.filter(verb__startswith=wanted["verb"])
    return _within(found, wanted)


def refusals(wanted: Cleaned) -> "QuerySet[Refusal]":
    exact = {"kind": "kind", "actor_id": "person", "organisation_id": "organisation", "route": "route"}
    found = Refusal.objects.filter(**{field: wanted[name] for field, name in exact.items() if wanted.get(name)})
    return _within(found, wanted)


def looks(wanted: Cleaned, *, owner_id: int | None = None) -> "QuerySet[Look]":
    """Looks at one enterprise's data, or (for the audit administrator) all."""
    found = Look.objects.all() if owner_id is None else Look.objects.at_data_of(owner_id)
    exact = {"what": "what", "case_number": "case", "organisation_id": "organisation", "user_id": "person"}
    found = found.filter(**{field: wanted[name] for field, name in exact.items() if wanted.get(name)})
    return _within(found, wanted)


def _within(found: "QuerySet[Any]", wanted: Cleaned) -> "QuerySet[Any]":
    first: date | None = wanted.get("first")
    last: date | None = wanted.get("last")
    if first:
        found = found.filter(at__gte=moments.midnight_after(first - timedelta(days=1)))
    return found.filter(at__lt=moments.midnight_after(last)) if last else found


@dataclass(frozen=True, slots=True)
class Chain:
    """How the journal stands: what is sealed, what waits, the newest digest, the newest anchors."""

    sealed: int
    waiting: int
    head: str
    sealed_at: datetime | None
    anchors: list[str]


def chain() -> Chain:
    last: Model | None = Seal.objects.order_by("-id").first()
    kept = sorted((path.name for path in anchors.folder().glob("*.json")), reverse=True)
    return Chain(
        sealed=Seal.objects.count(),
        waiting=Unsealed.objects.count(),
        head=getattr(last, "digest", GENESIS),
        sealed_at=getattr(last, "sealed_at", None),
        anchors=kept[:10],
    )
