"""Reads of the pages of alerts."""

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


def last_round() -> WatchRound | None:
    """The latest round that was walked to its end."""
    return WatchRound.objects.exclude(finished_at=None).order_by("-day").first()
