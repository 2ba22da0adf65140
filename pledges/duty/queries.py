"""Who is away today, and what lies on their desks."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from pledges.models import Matter, Registration
from portal.foundation.accounts.models import Membership, Role

from .models import Absence

IN_HAND = (Registration.State.SUBMITTED, Registration.State.EXAMINING, Registration.State.CORRECTING)


def away(office_id: int, *, today: date) -> dict[int, date]:
    """Clerks who are away today → their last day; one query."""
    rows = Absence.objects.filter(office_id=office_id, ended_at=None, first__lte=today, last__gte=today)
    found: dict[int, date] = {}
    for user_id, last in rows.values_list("user_id", "last"):
        found[user_id] = max(last, found.get(user_id, last))
    return found


def coming(office_id: int, *, today: date) -> "QuerySet[Absence]":
    """Absences that are not over, soonest first."""
    return (
        Absence.objects.filter(office_id=office_id, ended_at=None, last__gte=today)
        .select_related("user")
        .order_by("first", "pk")
    )


def matters_in_hand(office_id: int) -> "QuerySet[Matter]":
    """Changes, cancellations and releases that were handed in and are not decided."""
    return Matter.objects.filter(
        registration__office_id=office_id, state__in=Matter.LIVE_STATES, submitted_at__isnull=False
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """One person of the office: until when away (None: here), and the files in hand."""

    user_id: int
    name: str
    away_until: date | None
    files: list[Registration]
    matters: list[Matter]


def desks(office_id: int, *, today: date) -> list[Desk]:
    """Everybody who examines here with what they hold; four queries."""
    seats = Membership.objects.filter(
        organisation_id=office_id, role__in=(Role.CLERK, Role.CHIEF), active=True, user__is_active=True
    )
    absent = away(office_id, today=today)
    held: dict[int, list[Registration]] = defaultdict(list)
    files = Registration.objects.filter(office_id=office_id, state__in=IN_HAND, clerk__isnull=False)
    for file in files.select_related("pledgor", "clock").order_by("clock__due_at", "pk"):
        if file.clerk_id is not None:
            held[file.clerk_id].append(file)
    asked: dict[int, list[Matter]] = defaultdict(list)
    matters = matters_in_hand(office_id).filter(clerk__isnull=False)
    for matter in matters.select_related("registration__pledgor", "clock").order_by("clock__due_at", "pk"):
        asked[matter.clerk_id or 0].append(matter)
    return [
        Desk(user_id, name, absent.get(user_id), held.get(user_id, []), asked.get(user_id, []))
        for user_id, name in seats.order_by("pk").values_list("user_id", "user__name")
    ]
