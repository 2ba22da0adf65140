"""Who may see the evidence of a clock, and how much of it: whoever may see what the clock belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import Http404
from django.urls import reverse

from applications.cover_models import Cover
from applications.models import Consent, Referral
from applications.next_round_models import NextRound
from pledges.models import Matter, Registration
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.sla import replay
from portal.foundation.sla.models import Clock

READERS = (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER, Role.CLERK, Role.CHIEF, Role.REGULATOR)

# What an entry's data says about who did what and when; everything else (amounts, rates, notes) is the parties' business.
OFFICIAL = frozenset(
    {
        *("clocks", "clock", "kind", "level", "moment", "due_at", "organisation", "overtaken"),
        *(
            "institution",
            "institutions",
            "referral",
            "registration",
            "number",
            "round",
            "count",
            "ground",
            "pool",
            "cover",
            "matter",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A clock with what it belongs to, for one reader. `parties`: organisations the reader may know of here."""

    clock: Clock
    about: str
    trail: list[tuple[str, str]]
    parties: frozenset[int]
    owner_id: int  # the enterprise whose request or pledge it is
    readable: bool  # the authorisation still stands, so the reader may know what was asked for
    whole: bool  # the reader is a party to everything in the case
    supervises: bool  # the reader may know who was asked what and when, not what a loan costs


def seen(actor: Actor, clock_id: int) -> Seen:
    """The clock, or 404 for a stranger as for one that does not exist; at most three queries."""
    live = Consent.objects.filter(
        application=OuterRef("application"), institution=OuterRef("institution"), revoked_at=None
    )
    referral = (
        Referral.objects.visible_to(actor)
        .filter(clock_id=clock_id)
        .select_related("clock__organisation", "application", "institution__organisation")
        .annotate(readable=Exists(live))
        .first()
    )
    if referral is not None and referral.clock is not None:
        return Seen(
            clock=referral.clock,
            about=f"{referral.institution} 响应融资需求 {referral.application.number}",
            trail=_to_referral(actor, referral),
            parties=frozenset({referral.application.organisation_id, referral.institution_id}),
            owner_id=referral.application.organisation_id,
            readable=bool(referral.readable),  # type: ignore[attr-defined]
            whole=actor.role == Role.ENTERPRISE,
            supervises=actor.role == Role.REGULATOR,
        )
    return (
        _of_file(actor, clock_id)
        or _of_matter(actor, clock_id)
        or _of_cover(actor, clock_id)
        or _of_round(actor, clock_id)
    )


def _of_file(actor: Actor, clock_id: int) -> Seen | None:
    file = (
        Registration.objects.visible_to(actor)
        .filter(clock_id=clock_id)
        .select_related("clock__organisation", "application", "office")
        .first()
    )
    if file is None or file.clock is None:
        return None
    return Seen(
        clock=file.clock,
        about=f"{file.office.title} 办理质押登记 {file.number}",
        trail=_to_file(actor, file),
        parties=frozenset({*file.parties, file.office_id}),
        owner_id=file.pledgor_id,
        readable=True,
        whole=actor.role == Role.ENTERPRISE,
        supervises=actor.role == Role.REGULATOR,
    )


def _of_matter(actor: Actor, clock_id: int) -> Seen | None:
    """The promise on what comes after a registration: its parties', the office's, the regulator's."""
    matter = (
        Matter.objects.visible_to(actor)
        .filter(clock_id=clock_id)
        .select_related("clock__organisation", "registration__application", "registration__office")
        .first()
    )
    if matter is None or matter.clock is None:
        return None
    file = matter.registration
    trails = {
        Role.REGULATOR: _supervised(file.application.number),
        Role.CLERK: [
            (reverse("office-after"), "登记后事项"),
            (reverse("office-matter", args=[matter.number]), matter.number),
        ],
    }
    trails[Role.CHIEF] = trails[Role.CLERK]
    own = [(reverse("pledges:list"), "质押登记"), (reverse("pledges:matter", args=[matter.number]), matter.number)]
    return Seen(
        clock=matter.clock,
        about=f"{file.office.title} 办理{matter.title} {matter.number}",
        trail=trails.get(Role(actor.role), own),
        parties=frozenset({file.pledgor_id, file.pledgee_id, file.office_id}),
        owner_id=file.pledgor_id,
        readable=True,
        whole=actor.role == Role.ENTERPRISE,
        supervises=actor.role == Role.REGULATOR,
    )


def _of_cover(actor: Actor, clock_id: int) -> Seen | None:
    """The promise of a guarantor or an insurer: its own, the bank's it was asked for, the enterprise's, the regulator's."""
    cover = (
        Cover.objects.visible_to(actor)
        .with_readable(actor.organisation_id)
        .filter(clock_id=clock_id)
        .select_related("clock__organisation", "application", "institution__organisation", "referral")
        .first()
    )
    if cover is None or cover.clock is None:
        return None
    number = cover.application.number
    trails = {
        Role.ENTERPRISE: [(reverse("case-list"), "我的办件"), (reverse("case", args=[number]), number)],
        Role.REGULATOR: _supervised(number),
    }
    desk = [(reverse("desk"), "工作台"), (reverse("desk-cover", args=[cover.ref]), number)]
    return Seen(
        clock=cover.clock,
        about=f"{cover.institution} 响应{cover.word}申请 {number}",
        trail=trails.get(Role(actor.role), desk),
        parties=frozenset({cover.application.organisation_id, cover.institution_id, cover.referral.institution_id}),
        owner_id=cover.application.organisation_id,
        readable=actor.role in (Role.ENTERPRISE, Role.REGULATOR) or bool(cover.readable),  # type: ignore[attr-defined]
        whole=actor.role == Role.ENTERPRISE,
        supervises=actor.role == Role.REGULATOR,
    )


def _of_round(actor: Actor, clock_id: int) -> Seen:
    """The promise of next lenders: the enterprise's, the regulator's, and of whoever owes it."""
    owed = NextRound.objects.filter(clock_id=clock_id).select_related("clock__organisation", "application").first()
    if owed is None or owed.clock is None:
        raise Http404
    mine = {
        Role.ENTERPRISE: owed.application.organisation_id == actor.organisation_id,
        Role.REGULATOR: True,
        Role.OFFICER: owed.clock.organisation_id == actor.organisation_id,
        Role.MANAGER: owed.clock.organisation_id == actor.organisation_id,
    }
    if not mine.get(Role(actor.role)):
        raise Http404
    number = owed.application.number
    trails = {
        Role.ENTERPRISE: [(reverse("case-list"), "我的办件"), (reverse("case", args=[number]), number)],
        Role.REGULATOR: _supervised(number),
    }
    return Seen(
        clock=owed.clock,
        about=f"{owed.clock.organisation.title} 为融资需求 {number} 推荐下一批机构",
        trail=trails.get(Role(actor.role), [(reverse("desk"), "工作台")]),
        parties=frozenset({owed.application.organisation_id, owed.clock.organisation_id}),
        owner_id=owed.application.organisation_id,
        readable=True,
        whole=actor.role == Role.ENTERPRISE,
        supervises=actor.role == Role.REGULATOR,
    )


def _to_referral(actor: Actor, referral: Referral) -> list[tuple[str, str]]:
    number = referral.application.number
    if actor.role == Role.ENTERPRISE:
        return [(reverse("case-list"), "我的办件"), (reverse("case", args=[number]), number)]
    if actor.role == Role.REGULATOR:
        return _supervised(number)
    return [(reverse("desk"), "工作台"), (reverse("desk-referral", args=[referral.ref]), number)]


def _to_file(actor: Actor, file: Registration) -> list[tuple[str, str]]:
    if actor.role == Role.REGULATOR:
        return _supervised(file.application.number)
    if actor.role in (Role.CLERK, Role.CHIEF):
        return [(reverse("office"), "登记审查"), (reverse("office-file", args=[file.number]), file.number)]
    return [(reverse("pledges:list"), "质押登记"), (reverse("pledges:detail", args=[file.number]), file.number)]


def _supervised(number: str) -> list[tuple[str, str]]:
    return [(reverse("supervision"), "监测总览"), (reverse("supervision-case", args=[number]), number)]


def shown(row: Mapping[str, Any], found: Seen) -> dict[str, Any]:
    """A journal row as this reader may hold it: what is not theirs to know is left out and named in `hidden`.

    The digest stays, so a reader who may hold the whole row (the enterprise) can still check it.
    """
    data = row["data"]
    if found.whole or row["verb"] in replay.GENERAL:
        return dict(row)
    if found.supervises:
        left_out = sorted(set(data) - OFFICIAL)
        kept = {key: value for key, value in data.items() if key in OFFICIAL}
        return {**row, "data": kept, "hidden": left_out} if left_out else dict(row)
    if found.readable and not _tells_of_others(row, found):
        return dict(row)
    own = {key: value for key, value in data.items() if key in OFFICIAL and row["verb"] in replay.OF_CLOCKS}
    if replay.KEY in data:
        own[replay.KEY] = [fact for fact in data[replay.KEY] if fact["clock"] == found.clock.pk]
    parties = [party for party in row["parties"] if party in found.parties]
    return {**row, "data": own, "parties": parties, "hidden": ["data", "parties"]}


def _tells_of_others(row: Mapping[str, Any], found: Seen) -> bool:
    return bool(
        set(row["parties"]) - found.parties
        or replay.mentions(row) - {found.clock.pk}
        or set(row["data"].get("institutions", ())) - found.parties
    )
