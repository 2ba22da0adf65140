"""What people read of a round of next lenders: the enterprise, the desk that owes it. Every function says how many queries it makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch

from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.lamps import Lamp, due_text

from .actions.next_lenders import SILENT_LABEL, summary
from .models import Application, NextLender, NextRound


@dataclass(frozen=True, slots=True)
class Next:
    """A live round as its enterprise sees it."""

    round: NextRound
    sentence: str  # «2 家婉拒（行业不在支持范围 2），1 家未答复»
    lenders: list[NextLender]  # still to be chosen, best first
    taken: list[NextLender]
    until: str  # when the portal will have answered, while it is owed

    @property
    def owed(self) -> bool:
        return bool(self.round.state == NextRound.State.OWED)

    @property
    def title(self) -> str:
        return f"{self.sentence}，可改选以下机构" if not self.owed else self.sentence

    @property
    def names(self) -> str:
        return "、".join(str(lender.institution) for lender in self.lenders)


def told(reasons: Sequence[dict[str, object]]) -> str:
    """«3 家婉拒（金额超出可办理范围 2、行业不在支持范围 1），1 家未答复»; empty without any."""
    said = [(str(r["label"]), int(str(r["count"]))) for r in reasons]
    declined = [(label, n) for label, n in said if label != SILENT_LABEL]
    silent = sum(n for label, n in said if label == SILENT_LABEL)
    parts = []
    if declined:
        why = "、".join(f"{label} {n}" if n > 1 or len(declined) > 1 else label for label, n in declined)
        parts.append(f"{sum(n for _, n in declined)} 家婉拒（{why}）")
    if silent:
        parts.append(f"{silent} 家未答复")
    return "，".join(parts)


def of_cases(cases: Sequence[Application]) -> dict[int, Next]:
    """The live round of each of these open requests, by request; 1 query without rounds, 2 with (3 with one that is owed)."""
    open_ = [case for case in cases if case.state == Application.State.OPEN]
    if not open_:
        return {}
    lenders = NextLender.objects.select_related("institution__organisation", "product").order_by("pk")
    rounds = (
        NextRound.objects.filter(application__in=open_, state__in=NextRound.LIVE_STATES)
        .select_related("clock")
        .prefetch_related(Prefetch("lenders", lenders))
    )
    by_pk = {case.pk: case for case in open_}
    return {found.application_id: _next(found, by_pk[found.application_id]) for found in rounds}


def _next(found: NextRound, case: Application) -> Next:
    owed = found.state == NextRound.State.OWED
    lenders = list(found.lenders.all())
    return Next(
        round=found,
        sentence=told(summary(case, silent=found.silent) if owed else found.reasons),
        lenders=[lender for lender in lenders if lender.taken_at is None],
        taken=[lender for lender in lenders if lender.taken_at is not None],
        until=due_text(found.clock.due_at) if owed and found.clock else "",
    )


@dataclass(frozen=True, slots=True)
class Owed:
    """A round on the desk's list."""

    round: NextRound
    lamp: Lamp
    sentence: str


def owed_by(organisation_id: int, *, now: datetime) -> list[Owed]:
    """What a desk still owes, the most urgent first, at most 50; 1 query and one a row (these are few)."""
    rounds = (
        NextRound.objects.filter(state=NextRound.State.OWED, clock__organisation_id=organisation_id)
        .select_related("clock", "application")
        .order_by("clock__due_at", "pk")[:50]
    )
    calendar = calendars_in_use.current()
    return [
        Owed(
            found,
            lamps.of(found.clock, now=now, calendar=calendar),
            told(summary(found.application, silent=found.silent)),
        )
        for found in rounds
        if found.clock is not None
    ]
