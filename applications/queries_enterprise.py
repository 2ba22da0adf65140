"""What the enterprise reads: its desk and its drafts. Every function says how many queries it makes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet
from django.urls import reverse

from portal.foundation.core.actor import Actor
from portal.foundation.core.prepared import Prepared, Slot
from portal.foundation.sla.lamps import Lamp

from .actions.drafts import META
from .case_steps import own_steps
from .models import Application, Draft, InformationRequest, Referral
from .next_rounds import of_cases
from .next_steps import PLEDGE, NextStep, from_above
from .referral_rows import ReferralRow, rows_of

LIVE = (
    Application.State.OPEN,
    Application.State.ACCEPTED,
    Application.State.REGISTERING,
    Application.State.REGISTERED,
)
PAGE = 20
TAGS = {
    Application.State.OPEN: "info",
    Application.State.ACCEPTED: "info",
    Application.State.REGISTERING: "info",
    Application.State.REGISTERED: "ok",
    Application.State.DISBURSED: "ok",
}


def drafts_of(actor: Actor) -> QuerySet[Draft]:
    """Unfinished requests of the enterprise, last changed first."""
    return (
        Draft.objects.filter(organisation_id=actor.organisation_id)
        .select_related("updated_by")
        .order_by("-updated_at", "-pk")
    )


_OWN_DRAFT = Prepared(
    lambda: Draft.objects.filter(pk=Slot("pk"), organisation_id=Slot("organisation")).select_related("updated_by")
)


def draft_of(actor: Actor, draft_id: int) -> Draft | None:
    """One unfinished request of the enterprise; None when it is gone or somebody else's."""
    return next(iter(_OWN_DRAFT(pk=draft_id, organisation=actor.organisation_id)), None)


@dataclass(slots=True)
class DraftRow:
    """A draft with where to go on: the first step nobody has saved yet, else the check before sending."""

    draft: Draft
    url: str


def draft_rows(actor: Actor) -> list[DraftRow]:
    """Drafts to continue; 1 query."""
    rows = []
    for draft in drafts_of(actor)[:20]:
        missing = next(
            (step for step in ("company", "need", "reach") if META not in draft.data or step not in draft.data[META]),
            "",
        )
        url = reverse("apply:step", args=[draft.pk, missing]) if missing else reverse("apply:review", args=[draft.pk])
        rows.append(DraftRow(draft, url))
    return rows


@dataclass(slots=True)
class CaseRow:
    """A case in the list: the lamp of the institution that is nearest to its limit."""

    case: Application
    tag: str
    lamp: Lamp | None
    summary: str


@dataclass(slots=True)
class Desk:
    """The enterprise's home."""

    steps: list[NextStep]
    open: list[CaseRow]
    drafts: list[DraftRow]
    finished: list[CaseRow]
    after: int | None  # cursor of the next page of finished cases


def desk(actor: Actor, *, now: datetime, after: int | None = None) -> Desk:
    """Home of the enterprise; 9 queries at most, of which at most one by each app above."""
    visible = Application.objects.visible_to(actor)
    current = list(visible.filter(state__in=LIVE).order_by("-pk")[:100])
    asked = InformationRequest.objects.filter(referral__application__in=current, answered_at=None).order_by("pk")
    rows = rows_of(current, asked, now=now)
    rounds = of_cases(current)
    finished = visible.exclude(state__in=LIVE).order_by("-pk")
    if after is not None:
        finished = finished.filter(pk__lt=after)
    page = list(finished[: PAGE + 1])
    above = from_above(actor, [c for c in current if c.state != Application.State.OPEN], now=now)
    steps = [step for todo in above.values() for step in todo]
    for case in current:
        own = own_steps(case, rows[case.pk], next_=rounds.get(case.pk), now=now)
        steps += [s for s in own if s.kind != PLEDGE or case.number not in above]
    return Desk(
        steps=sorted(steps, key=lambda s: (s.until or date.max, s.case_number)),
        open=[_case_row(case, rows[case.pk]) for case in current],
        drafts=draft_rows(actor),
        finished=[_case_row(case, []) for case in page[:PAGE]],
        after=page[PAGE - 1].pk if len(page) > PAGE else None,
    )


def _case_row(case: Application, rows: Sequence[ReferralRow]) -> CaseRow:
    running = [
        (r.referral.clock.due_at, r.lamp)
        for r in rows
        if r.referral.clock and r.referral.state == Referral.State.WAITING
    ]
    counted = Counter(Referral.State(r.referral.state).label for r in rows)
    return CaseRow(
        case=case,
        tag=TAGS.get(Application.State(case.state), ""),
        lamp=min(running, key=lambda pair: pair[0])[1] if running else None,
        summary="，".join(f"{n} 家{label}" for label, n in counted.items()),
    )
