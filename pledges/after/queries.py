"""Reads of the pages after the registration: the office's list, and the pledge history of one patent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject

from pledges.models import PledgedPatent, Registration
from portal.foundation.accounts.models import Role
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import mask_name

from .models import Matter, Revocation, UseConsent

State = Matter.State
WITH_THE_OFFICE = (State.SUBMITTED, State.EXAMINING, State.CORRECTING)
QUEUE, RECENT = 50, 10


def waiting(actor: Actor) -> list[Matter]:
    """What the office has to decide, most urgent first; what waits for the parties at the end.

    A correction that changed the application is confirmed by the other side first; the office sees it waiting.
    """
    back = Q(state__in=(State.DRAFT, State.CONFIRMING), submitted_at__isnull=False)
    found = Matter.objects.visible_to(actor).filter(Q(state__in=WITH_THE_OFFICE) | back)
    found = found.select_related("registration__pledgor", "registration__pledgee", "clock", "clerk")
    return list(found.order_by(F("clock__paused_at").asc(nulls_first=True), "clock__due_at", "pk")[:QUEUE])


def recent(actor: Actor) -> list[Matter]:
    found = Matter.objects.visible_to(actor).filter(state__in=(State.APPROVED, State.REFUSED))
    return list(
        found.select_related("registration__pledgor", "registration__pledgee", "clock").order_by("-decided_at")[:RECENT]
    )


def waiting_for(actor: Actor) -> "QuerySet[Matter]":
    """Matters in which it is this party's turn."""
    mine = Q(started_by_org_id=actor.organisation_id)
    turn = Q(state=State.CORRECTING) | (Q(state=State.CONFIRMING) & ~mine) | (Q(state=State.DRAFT) & mine)
    return Matter.objects.visible_to(actor).filter(turn)


def todo(actor: Actor) -> tuple[list[Matter], list[UseConsent]]:
    """What waits for this party: to confirm, to revise, to correct; and consents to answer. Two queries."""
    matters = waiting_for(actor).select_related("registration").order_by("pk")
    asked = UseConsent.objects.visible_to(actor).filter(state=UseConsent.State.ASKED)
    asked = asked.filter(registration__pledgee_id=actor.organisation_id).select_related("registration__pledgor")
    return list(matters[:RECENT]), list(asked.order_by("pk")[:RECENT])


def within() -> ArraySubquery:
    """What was handed in on a registration, as a column of the query that reads it; no query of its own."""
    row = JSONObject(number="number", kind="kind", state="state", clock="clock_id")
    found = Matter.objects.filter(registration=OuterRef("pk")).exclude(submitted_at=None).order_by("pk")
    return ArraySubquery(found.values(row=row))


def listed(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of `within` in words."""
    return [{**row, "title": Matter(kind=row["kind"]).title, "label": str(State(row["state"]).label)} for row in rows]


def proposals(actor: Actor) -> list[Revocation]:
    """Revocations that wait for the chief."""
    files = Registration.objects.visible_to(actor)
    found = Revocation.objects.filter(state=Revocation.State.PROPOSED, registration__in=files)
    return list(found.select_related("registration__pledgor", "registration__pledgee", "proposed_by").order_by("pk"))


@dataclass(frozen=True, slots=True)
class Period:
    """One pledge of a patent. `since` and `until` bound its effect; a void one has none, only how long it was in the register."""

    number: str  # of the registration, "" when it is not this reader's to open
    pledgor: str
    pledgee: str
    state: str
    label: str
    since: datetime | None
    until: datetime | None
    void: bool
    matters: Sequence[Matter]
    consents: Sequence[UseConsent]


def knows(actor: Actor, number: str) -> Patent | None:
    """The patent, for its owner and for an office that has it in a file; None for everybody else."""
    found = Patent.objects.filter(number=number)
    if actor.role == Role.ENTERPRISE:
        return found.filter(organisation_id=actor.organisation_id).first()
    if actor.role in (Role.CLERK, Role.CHIEF):
        mine = Registration.objects.visible_to(actor)
        row = PledgedPatent.objects.filter(number=number, registration__in=mine).select_related("patent").first()
        return row.patent if row else None
    return None


def history(actor: Actor, number: str) -> list[Period]:
    """Every pledge this number was ever in, newest first, four queries. Other people's names are masked."""
    found = (
        PledgedPatent.objects.filter(number=number, registration__state__in=("registered", "cancelled", "revoked"))
        .select_related("registration__pledgor", "registration__pledgee")
        .order_by("-registration__decided_at", "-pk")
    )
    rows = list(found[:100])
    files = [row.registration_id for row in rows]
    mine = set(Registration.objects.visible_to(actor).filter(pk__in=files).values_list("pk", flat=True))
    matters = Matter.objects.filter(registration__in=mine, state=State.APPROVED).order_by("decided_at")
    consents = UseConsent.objects.filter(registration__in=mine, numbers__contains=[number]).order_by("asked_at")
    touching = [m for m in matters if not m.numbers or number in m.numbers]
    given = list(consents)
    return [_period(row, row.registration_id in mine, touching, given) for row in rows]


def _period(row: PledgedPatent, mine: bool, matters: Sequence[Matter], consents: Sequence[UseConsent]) -> Period:
    file, period = row.registration, row.effective or row.annulled
    label = str(Registration.State(file.state).label)
    if file.state == Registration.State.REGISTERED and period is not None and period.upper is not None:
        label = "已部分解除"
    names = (file.pledgor_name or file.pledgor.name, file.pledgee_name or file.pledgee.name)
    pledgor, pledgee = names if mine else (mask_name(names[0]), mask_name(names[1]))
    return Period(
        number=file.number if mine else "",
        pledgor=pledgor,
        pledgee=pledgee,
        state=file.state,
        label=label,
        since=period.lower if period else None,
        until=period.upper if period else None,
        void=row.effective is None,
        matters=[m for m in matters if m.registration_id == file.pk],
        consents=[c for c in consents if c.registration_id == file.pk],
    )
