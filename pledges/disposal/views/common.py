"""What the pages of a disposal share."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from pledges.disposal.models import Default, Disposal
from pledges.disposal.queries import WITH
from pledges.models import Registration
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.journal.models import Entry

BANKS = (Role.OFFICER, Role.MANAGER)
PARTIES = (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER)
GET_OR_POST = ["GET", "HEAD", "POST"]
Trail = list[tuple[str, str]]

_MARKS = {
    "disposal.published": "ok",
    "disposal.awarded": "ok",
    "disposal.distributed": "ok",
    "disposal.takeover_agreed": "ok",
    "disposal.failed": "warn",
    "disposal.returned": "warn",
    "disposal.withdrawn": "pause",
    "default.recorded": "bad",
    "default.cured": "ok",
}


def own(request: HttpRequest, number: str) -> Disposal:
    """The disposal, for those who may see it; for a stranger the same 404 as a missing one."""
    found = Disposal.objects.visible_to(actor_of(request)).select_related(*WITH)
    return get_object_or_404(found, number=number)


def own_default(request: HttpRequest, ref: UUID) -> Default:
    found = Default.objects.visible_to(actor_of(request)).select_related(
        "registration__application", "registration__pledgor", "registration__pledgee", "registration__loan"
    )
    return get_object_or_404(found, ref=ref)


def trail(disposal: Disposal | None = None) -> Trail:
    crumbs = [(reverse("disposals:cases"), "质押处置")]
    if disposal is not None:
        crumbs.append((reverse("disposals:case", args=[disposal.number]), disposal.number))
    return crumbs


def events(entries: list[Entry]) -> list[dict[str, Any]]:
    """The story for the timeline."""
    return [
        {"at": e.at, "who": e.actor_label, "text": e.text, "css": _MARKS.get(e.verb, ""), "effect": ""} for e in entries
    ]


def is_pledgee(actor: Actor, disposal: Disposal) -> bool:
    return actor.role in BANKS and actor.organisation_id == disposal.registration.pledgee_id


def phase(disposal: Disposal, *, now: datetime) -> tuple[str, str]:
    """(words, tag) of its state; a listing past its closing moment, or without its pledge, is no longer «公告中»."""
    if disposal.state == Disposal.State.LISTED and disposal.registration.state != Registration.State.REGISTERED:
        return "质押登记已终止，停止报价", "pause"
    if disposal.state == Disposal.State.LISTED and disposal.closed(now=now):
        return "报价已截止，待确定结果", "warn"
    return str(Disposal.State(disposal.state).label), disposal.tag
