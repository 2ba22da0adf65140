"""Reads of the pages of alerts."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from pledges.models import Registration
from portal.foundation.core.actor import Actor

from .models import Alert, AlertSeen, WatchRound

PAGE = 30
TABS = {"unseen": "未知悉", "open": "未消除", "all": "全部"}


def visible(actor: Actor) -> "QuerySet[Alert]":
    """Whoever may see the file: its parties, its office, the regulator."""
    return Alert.objects.filter(registration__in=Registration.objects.visible_to(actor))


def listed(actor: Actor, tab: str) -> "QuerySet[Alert]":
    """Newest first, each with `noted`: whether the reader's organisation has taken note."""
    mine = AlertSeen.objects.filter(alert=OuterRef("pk"), organisation_id=actor.organisation_id)
    found = visible(actor).annotate(noted=Exists(mine))
    if tab == "unseen":
        found = found.filter(noted=False, ended_at=None)
    elif tab == "open":
        found = found.filter(ended_at=None)
    found = found.select_related("registration__pledgor", "registration__pledgee", "lookup__answer")
    return found.defer("lookup__answer__body").prefetch_related("seen__organisation").order_by("-pk")


def counts(actor: Actor) -> dict[str, int]:
    """How many stand in each tab; one query."""
    mine = AlertSeen.objects.filter(alert=OuterRef("pk"), organisation_id=actor.organisation_id)
    return (
        visible(actor)
        .annotate(noted=Exists(mine))
        .aggregate(
            unseen=Count("pk", filter=Q(noted=False, ended_at=None)),
            open=Count("pk", filter=Q(ended_at=None)),
            all=Count("pk"),
        )
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One keyset page; `before` and `after` are cursors, empty where there is nothing more."""

    rows: list[Alert]
    before: str
    after: str


def page_of(found: "QuerySet[Alert]", *, before: int | None, after: int | None) -> Page:
    """Newest first: `after` continues with older rows, `before` goes back to newer ones."""
    if before is not None:
        rows = list(found.filter(pk__gt=before).order_by("pk")[: PAGE + 1])
        newer, rows = len(rows) > PAGE, list(reversed(rows[:PAGE]))
        older = bool(rows)
    else:
        rows = list((found.filter(pk__lt=after) if after is not None else found)[: PAGE + 1])
        older, rows = len(rows) > PAGE, rows[:PAGE]
        newer = after is not None and bool(rows)
    return Page(rows, str(rows[0].pk) if newer else "", str(rows[-1].pk) if older else "")


def last_round() -> WatchRound | None:
    """The latest round that was walked to its end."""
    return WatchRound.objects.exclude(finished_at=None).order_by("-day").first()
