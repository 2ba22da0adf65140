"""What pages show of covers. Every function says how many queries it makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, JSONObject
from django.utils.dateparse import parse_datetime

from banks.models import Institution
from portal.foundation.core.actor import Actor
from portal.foundation.core.numbers import whole
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.lamps import Lamp
from products.risk.shares import AVERAGE_FEE_WATCH, Party

from .cover_models import Cover
from .cover_rules import COVERABLE, COVERING
from .models import Application, Attachment, DeclineReason, Referral

LISTED = 50


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a loss split."""

    party: str
    percent: Decimal
    yuan: Decimal


@dataclass(frozen=True, slots=True)
class CoverRow:
    """A cover as a list shows it; the lamp only while it owes an answer or has given it."""

    cover: Cover
    lamp: Lamp | None

    @property
    def bank(self) -> str:
        return str(self.cover.referral.institution)


_LOADED = ("application", "clock", "scheme", "institution__organisation", "referral__institution__organisation")


def rows(covers: Sequence[Cover], *, now: datetime) -> list[CoverRow]:
    """No query of its own: the covers come loaded."""
    calendar = calendars_in_use.current()
    return [CoverRow(c, lamps.of(c.clock, now=now, calendar=calendar) if c.clock else None) for c in covers]


def within(owner: str) -> ArraySubquery:
    """The covers of a row as an annotation of its own query; `owner` is «application» or «referral»."""
    found = Cover.objects.filter(**{owner: OuterRef("pk")}).order_by("pk")
    row = JSONObject(
        ref="ref",
        short="institution__organisation__short_name",
        name="institution__organisation__name",
        bank="referral__institution__organisation__name",
        state="state",
        clock="clock_id",
    )
    return ArraySubquery(found.values(row=row))


def listed(annotated: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """What `within` found, for a list: ref, name, bank, state in words, tag, clock (empty without one)."""
    shown = []
    for row in annotated:
        state = Cover.State(row["state"])
        shown.append(
            {
                "ref": str(row["ref"]),
                "name": str(row["short"] or row["name"]),
                "bank": str(row["bank"]),
                "state": str(state.label),
                "tag": Cover(state=state).tag,
                "clock": str(row["clock"] or ""),
            }
        )
    return shown


def of_case(case: Application, actor: Actor, *, now: datetime) -> list[CoverRow]:
    """The covers of a case this reader may know of; one query."""
    found = Cover.objects.visible_to(actor).filter(application=case).select_related(*_LOADED)
    return rows(list(found.order_by("pk")[:LISTED]), now=now)


def of_referral(referral: Referral, *, now: datetime) -> list[CoverRow]:
    """The covers of one bank's part of a case; one query."""
    found = Cover.objects.filter(referral=referral).select_related(*_LOADED)
    return rows(list(found.order_by("pk")[:LISTED]), now=now)


# What an institution has to do with, by what is to be done: the label and the states.
TABS = {
    "waiting": ("待响应", (Cover.State.PROPOSED, Cover.State.WAITING)),
    "open": ("办理中", (Cover.State.INTENT, Cover.State.TERMS)),
    "committed": ("已承诺", (Cover.State.COMMITTED,)),
    "ended": (
        "已结束",
        (Cover.State.RELEASED, Cover.State.COMPENSATED, Cover.State.DECLINED, Cover.State.WITHDRAWN),
    ),
}
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # a proposal has no due moment yet: it comes after those that have


def of_desk(actor: Actor, *, tab: str, after: str = "", now: datetime) -> tuple[list[CoverRow], str]:
    """One page of a tab and the cursor of the next («» at the end); one query.

    What waits comes by its due moment, the rest newest first. A cursor that is none shows the first page.
    """
    found = Cover.objects.visible_to(actor).select_related(*_LOADED).filter(state__in=TABS[tab][1])
    due, _, key = after.partition("~")
    pk = whole(key)
    if tab == "waiting":
        found = found.annotate(due=Coalesce("clock__due_at", Value(_NEVER))).order_by("due", "pk")
        since = parse_datetime(due) if pk is not None else None
        if since is not None and since.tzinfo is not None:
            found = found.filter(Q(due__gt=since) | Q(due=since, pk__gt=pk))
    else:
        found = found.order_by("-pk")
        if pk is not None:
            found = found.filter(pk__lt=pk)
    fetched = list(found[: LISTED + 1])
    shown = fetched[:LISTED]
    if len(fetched) <= LISTED:
        return rows(shown, now=now), ""
    last = shown[-1]
    moment = last.due.isoformat() if tab == "waiting" else ""  # type: ignore[attr-defined]
    return rows(shown, now=now), f"{moment}~{last.pk}"


def files_of(cover: Cover, actor: Actor) -> "QuerySet[Attachment]":
    """The request's files for the institution asked, while the enterprise's authorisation lives; answers to others' questions
    are theirs. Lazy. `cover` comes from `with_readable`."""
    if not cover.readable:  # type: ignore[attr-defined]
        return Attachment.objects.none()
    if (
        cover.institution_id != actor.organisation_id
        or cover.consented_at is None
        or cover.state not in Cover.LIVE_STATES
    ):
        return Attachment.objects.none()
    return Attachment.objects.filter(application=cover.application_id, question=None).order_by("pk")


def split_of(cover: Cover) -> list[Part]:
    """The loss split of the whole amount, to the fen; empty before there are terms."""
    return [Part(str(party.label), percent, yuan) for party, percent, yuan in cover.parts()]


def with_split(found: Sequence[CoverRow]) -> list[tuple[CoverRow, list[Part]]]:
    """The live ones that have terms, each with its loss split, for the page of offers; no query."""
    return [(row, split_of(row.cover)) for row in found if row.cover.version and row.cover.state in Cover.LIVE_STATES]


def split_uncompensated(cover: Cover) -> list[Part]:
    """The same when the national fund does not compensate; empty where it carries nothing."""
    if Party.NATIONAL not in {party for party, _, _ in cover.parts()}:
        return []
    return [Part(str(party.label), percent, yuan) for party, percent, yuan in cover.parts(fund_pays=False)]


def split_lost(cover: Cover) -> list[Part]:
    """How a recorded loss was carried."""
    if cover.loss is None:
        return []
    pays = bool(cover.fund_pays) or not split_uncompensated(cover)
    return [Part(str(p.label), percent, yuan) for p, percent, yuan in cover.parts(loss=cover.loss, fund_pays=pays)]


def fee_high(cover: Cover) -> bool:
    """Watched: the average fee is to stay below one percent a year."""
    return cover.fee_rate is not None and cover.fee_rate >= AVERAGE_FEE_WATCH


def decline_text(cover: Cover) -> str:
    """«金额超出可办理范围，…»; empty when it was not declined."""
    if not cover.decline_code:
        return ""
    label = str(DeclineReason(cover.decline_code).label)
    return f"{label}，{cover.decline_note}" if cover.decline_note else label


def institutions() -> list[tuple[int, str]]:
    """Whom one can ask, by name; one query."""
    found = Institution.objects.active().filter(organisation__kind__in=COVERING).select_related("organisation")
    return [
        (at.pk, f"{at}（{at.organisation.get_kind_display()}）")
        for at in found.order_by("organisation__sort_key", "pk")
    ]


def coverable_banks(case: Application) -> list[tuple[int, str]]:
    """The banks of the case whose loan can be covered now; one query."""
    if case.state != Application.State.OPEN:
        return []
    found = case.referrals.filter(state__in=COVERABLE, institution__organisation__kind="bank")
    return [(r.pk, str(r.institution)) for r in found.select_related("institution__organisation").order_by("pk")]
