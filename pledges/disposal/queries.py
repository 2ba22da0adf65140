"""Reads of the disposal pages. Every function says how many queries it makes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from pledges.models import PledgedPatent, Registration
from portal.foundation.accounts.models import District, Role
from portal.foundation.core.actor import Actor
from portal.foundation.journal.models import Entry

from . import rules
from .models import Bid, Default, Disposal
from .settlement_models import Compensation, Distribution

PAGE = 20
LISTED = 50
WITH = (
    "registration__application",
    "registration__pledgor",
    "registration__pledgee",
    "registration__offer",
    "default",
    "buyer",
    "winner",
    "drafted_by",
    "checked_by",
    "distribution",
)
State = Disposal.State


class Districts:
    """Names of districts by code; an abolished one is told by its successor's, with the old name beside it. One query."""

    def __init__(self) -> None:
        self._rows = {row.code: row for row in District.objects.all()}

    def current(self, code: str) -> District | None:
        """The district of today that a code belongs to."""
        row = self._rows.get(code)
        seen: set[str] = set()
        while row is not None and not row.current and row.successor_id and row.code not in seen:
            seen.add(row.code)
            row = self._rows.get(row.successor_id)
        return row

    def said(self, code: str) -> str:
        """«两江新区», or «两江新区（原江北区）» for a code of before; a dash for an unknown one."""
        now, then = self.current(code), self._rows.get(code)
        if now is None or then is None:
            return "—"
        return now.name if now.code == then.code else f"{now.name}（原{then.name}）"

    def codes(self, code: str) -> list[str]:
        """Every code, old or new, that today belongs to the district of this one."""
        wanted = self.current(code)
        if wanted is None:
            return []
        return [each for each in self._rows if (found := self.current(each)) and found.code == wanted.code]

    def choices(self) -> list[tuple[str, str]]:
        """Districts of today, in the usual order."""
        rows = sorted((row for row in self._rows.values() if row.current), key=lambda row: (row.position, row.code))
        return [(row.code, row.name) for row in rows]


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Disposal]
    after: str  # cursor of the next page, empty at the end


def _page(found: "QuerySet[Disposal]", after: int | None) -> Page:
    if after is not None:
        found = found.filter(pk__lt=after)
    rows = list(found.order_by("-pk")[: PAGE + 1])
    return Page(rows[:PAGE], str(rows[PAGE - 1].pk) if len(rows) > PAGE else "")


def listed(*, ended: bool, path: str, district: Sequence[str] | None, after: int | None) -> Page:
    """The public list: what takes offers or waits for its result, or what has ended; newest first. Two queries."""
    states = (State.LISTED,) if not ended else (State.FAILED, State.AWARDED, State.SETTLED, State.WITHDRAWN)
    found = Disposal.objects.public().filter(state__in=states)
    if path:
        found = found.filter(path=path)
    if district is not None:
        found = found.filter(registration__application__district_code__in=list(district))
    found = found.select_related("registration__application", "registration__pledgee")
    return _page(found.prefetch_related("registration__patents"), after)


def own(actor: Actor, *, after: int | None) -> Page:
    """The disposals of one's own pledges, or all published ones for the regulator; newest first. Two queries."""
    found = Disposal.objects.visible_to(actor).select_related(
        "registration__application", "registration__pledgor", "registration__pledgee", "distribution"
    )
    return _page(found.prefetch_related("registration__patents"), after)


def open_defaults(actor: Actor) -> list[Default]:
    """Defaults that are neither cured nor being realised; one query."""
    found = Default.objects.visible_to(actor).filter(cured_at=None)
    found = found.exclude(disposals__state__in=[*Disposal.LIVE_STATES, State.SETTLED])
    return list(found.select_related("registration__pledgor", "registration__pledgee").order_by("-pk")[:LISTED])


def own_bids(actor: Actor) -> list[Bid]:
    """One's own offers, newest first; one query."""
    found = Bid.objects.filter(organisation_id=actor.organisation_id, withdrawn_at=None)
    return list(found.select_related("disposal").order_by("-pk")[:LISTED])


def claims(actor: Actor) -> list[Compensation]:
    """Claims of compensation this reader may see, newest first; one query."""
    found = Compensation.objects.visible_to(actor).select_related(
        "cover__institution__organisation", "disposal__registration__pledgee"
    )
    return list(found.order_by("-pk")[:LISTED])


@dataclass(frozen=True, slots=True)
class Figures:
    """Of everything ever published. Yuan."""

    listed: int
    awarded: int
    settled: int
    failed: int
    withdrawn: int
    proceeds: Decimal
    paid: Decimal
    claimed: Decimal  # what the pledgees of these were owed: the denominator of the rate

    @property
    def rate(self) -> Decimal | None:
        """Percent of what was owed that the pledgees got; None before anything was distributed."""
        return (self.paid * 100 / self.claimed).quantize(Decimal("0.1")) if self.claimed else None


def figures() -> Figures:
    """Of everybody, for the regulator; two queries."""
    counted = Disposal.objects.exclude(published_at=None).aggregate(
        **{
            state: Count("pk", filter=Q(state=state))
            for state in ("listed", "awarded", "settled", "failed", "withdrawn")
        }
    )
    sums = Distribution.objects.aggregate(proceeds=Sum("proceeds"), paid=Sum("paid"), claimed=Sum("claim"))
    return Figures(
        **counted,
        proceeds=sums["proceeds"] or Decimal(0),
        paid=sums["paid"] or Decimal(0),
        claimed=sums["claimed"] or Decimal(0),
    )


def bids_of(disposal: Disposal, actor: Actor, *, now: datetime) -> list[Bid] | None:
    """The offers this reader may read, round by round, the highest first; None while they are sealed. One query."""
    rounds = [r for r in range(1, disposal.round + 1) if rules.sees_bids(actor, disposal, round=r, now=now)]
    if not rounds:
        return None
    found = Bid.objects.standing().filter(disposal=disposal, round__in=rounds)
    return list(found.select_related("organisation").order_by("-round", "-amount", "made_at", "pk"))


def story(disposal: Disposal, actor: Actor) -> list[Entry]:
    """What happened, oldest first, as far as this organisation may read it; one query.

    Offers are no part of it: their entries belong to the bidders.
    """
    subjects = [disposal.subject, disposal.default.subject]
    found = Entry.objects.of_case(disposal.registration.application.number).filter(subject__in=subjects)
    if actor.role != Role.REGULATOR:
        found = found.readable_by(actor.organisation_id)
    return list(found[:200])


def patents_of(disposal: Disposal) -> list[PledgedPatent]:
    """What is realised: the contract's patents without those that were released before its end. One query, none if loaded."""
    file = disposal.registration
    return sorted((p for p in file.patents.all() if not _released(file, p)), key=lambda patent: patent.number)


def _released(file: Registration, patent: PledgedPatent) -> bool:
    until = patent.effective.upper if patent.effective is not None else None
    return until is not None and (file.state == Registration.State.REGISTERED or until < (file.ended_at or until))


def kinds(disposals: Iterable[Disposal]) -> dict[int, str]:
    """«发明专利 2 件，实用新型专利 1 件» by disposal; the patents are loaded."""
    said = {}
    for disposal in disposals:
        counted: dict[str, int] = {}
        for patent in patents_of(disposal):
            counted[patent.kind_label] = counted.get(patent.kind_label, 0) + 1
        said[disposal.pk] = "，".join(f"{label} {n} 件" for label, n in counted.items())
    return said
