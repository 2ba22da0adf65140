"""What the pages of oversight list: journal, refusals and looks, each by id downwards, a page at a time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Model, OuterRef, QuerySet, Subquery

from portal.foundation.accounts.models import User
from portal.foundation.core import moments
from portal.foundation.journal import anchors
from portal.foundation.journal.chain import GENESIS
from portal.foundation.journal.models import Entry, Look, Refusal, Seal, Unsealed

PAGE = 50
Cleaned = dict[str, Any]


def entries(wanted: Cleaned) -> "QuerySet[Entry]":
    """The journal, the newest first: by case, object, what it is about, the name of who did it, and days."""
    exact = {"case_number": "case", "subject": "subject"}
    found = Entry.objects.filter(**{field: wanted[name] for field, name in exact.items() if wanted.get(name)})
    if wanted.get("verb"):
        found = found.filter(verb__startswith=f"{wanted['verb']}.")
    if wanted.get("person"):
        found = found.filter(actor_id__in=_named(wanted["person"]))
    return _within(found, wanted).order_by("-pk")


def refusals(wanted: Cleaned) -> "QuerySet[Refusal]":
    """Refusals, the newest first, each with the name of who was refused (`person`)."""
    name = User.objects.filter(pk=OuterRef("actor_id")).values("name")[:1]
    found = Refusal.objects.annotate(person=Subquery(name))
    if wanted.get("kind"):
        found = found.filter(kind=wanted["kind"])
    if wanted.get("person"):
        found = found.filter(actor_id__in=_named(wanted["person"]))
    return _within(found, wanted).order_by("-pk")


def looks(wanted: Cleaned, *, owner_id: int | None = None) -> "QuerySet[Look]":
    """Looks at one enterprise's data, or (for the audit administrator) all."""
    found = Look.objects.all() if owner_id is None else Look.objects.at_data_of(owner_id)
    exact = {"what": "what", "case_number": "case", "organisation_id": "organisation", "user_id": "person"}
    found = found.filter(**{field: wanted[name] for field, name in exact.items() if wanted.get(name)})
    return _within(found, wanted).order_by("-pk")


def _named(name: str) -> "QuerySet[Any]":
    """The ids of everybody of this name."""
    return User.objects.filter(name=name).values("pk")


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
