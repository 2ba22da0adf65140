"""What the patent pages show."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.foundation.core.actor import Actor

from .models import Patent

PAGE = 30
WARN_MONTHS = 6
# The apps above are known here by the names of their relations only (design §1): states of a request that is not over,
# and of a registration that is still being decided.
_LIVE_REQUEST = ("open", "accepted", "registering", "registered", "disbursed")
_LIVE_FILE = ("draft", "confirming", "submitted", "examining", "correcting")


def owned(actor: Actor) -> "QuerySet[Patent]":
    """The enterprise's patents that it has not removed."""
    return Patent.objects.visible_to(actor).filter(removed_at=None)


def listed(actor: Actor, *, search: str, now: datetime) -> "QuerySet[Patent]":
    """The list, newest first, each row with `pledged`: whether the number is in pledge now, whoever recorded it."""
    pledged = Patent.objects.filter(number=OuterRef("number"), pledges__effective__contains=now)
    found = owned(actor).annotate(pledged=Exists(pledged)).prefetch_related("co_owners").order_by("-pk")
    if search:
        number = search.upper().removeprefix("ZL").replace(".", "").replace(" ", "")
        found = found.filter(Q(title__icontains=search) | Q(number__contains=number or search))
    return found


def months_later(day: date, months: int) -> date:
    """The same day some months later, or that month's last day."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise ValueError(day)


def expiry_mark(patent: Patent, *, today: date) -> str:
    """ "ended", "soon" (within six months) or nothing: what the list says beside the expiry day."""
    if patent.expires_on <= today:
        return "ended"
    return "soon" if patent.expires_on <= months_later(today, WARN_MONTHS) else ""


def fee_mark(patent: Patent, *, today: date) -> str:
    """ "unpaid" when the fee is paid only until a day that is over; "unknown" when nobody said."""
    if patent.fee_paid_until is None:
        return "unknown"
    return "unpaid" if patent.fee_paid_until < today else ""


def in_live_request(patent: Patent) -> bool:
    """Whether a financing request that is not over includes this patent."""
    return Patent.objects.filter(
        pk=patent.pk,
        organisation__applications__state__in=_LIVE_REQUEST,
        organisation__applications__patents__patent_id=patent.pk,
    ).exists()


def in_pledge(patent: Patent, *, now: datetime) -> bool:
    """Whether a registration with this patent is being decided, or its number is in pledge now."""
    filed = Q(pk=patent.pk, pledges__registration__state__in=_LIVE_FILE)
    return Patent.objects.filter(filed | Q(number=patent.number, pledges__effective__contains=now)).exists()


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Sixteen characters that differ when any fact does: a form carries them to notice a colleague's change."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]
