"""Reads of the pledge pages: lists in keyset pages, the office's queue, the story of one file."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from portal.foundation.accounts.models import Membership, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.journal.models import Entry

from .models import Registration
from .notices import normalise_number

State = Registration.State
DECIDED = (State.REGISTERED, State.REFUSED, State.CANCELLED, State.REVOKED)
PAGE = 20
QUEUE = 50  # the most urgent; the next ones move up as these are decided
WITH = ("application", "offer", "pledgor", "pledgee", "office", "clerk", "clock")


@dataclass(frozen=True, slots=True)
class Page:
    """One keyset page; `before` and `after` are cursors, empty where there is nothing more."""

    rows: list[Registration]
    before: str
    after: str


GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "open": ("办理中", (State.DRAFT, State.CONFIRMING, State.SUBMITTED, State.EXAMINING, State.CORRECTING)),
    "registered": ("已登记", (State.REGISTERED,)),
    "ended": ("未登记", (State.REFUSED, State.WITHDRAWN)),
    "over": ("已注销、撤销", (State.CANCELLED, State.REVOKED)),
}


def mine(actor: Actor, group: str) -> "QuerySet[Registration]":
    """The actor's own files of one group of states, newest first."""
    found = Registration.objects.visible_to(actor).filter(state__in=GROUPS[group][1])
    return found.select_related("application", "pledgor", "pledgee", "clock", "loan").order_by("-pk")


def counts(actor: Actor) -> dict[str, int]:
    """How many files are in each group; one query."""
    wanted = {name: Count("pk", filter=Q(state__in=states)) for name, (_, states) in GROUPS.items()}
    return Registration.objects.visible_to(actor).aggregate(**wanted)


def page_of(found: "QuerySet[Registration]", *, before: int | None, after: int | None) -> Page:
    """Newest first: `after` continues with older rows, `before` goes back to newer ones."""
    if before is not None:
        rows = list(found.filter(pk__gt=before).order_by("pk")[: PAGE + 1])
        newer, rows = len(rows) > PAGE, list(reversed(rows[:PAGE]))
        older = bool(rows)
    else:
        rows = list((found.filter(pk__lt=after) if after is not None else found)[: PAGE + 1])
        older, rows = len(rows) > PAGE, rows[:PAGE]
        newer = after is not None and bool(rows)
    return Page(rows, str(rows[0].pk) if newer else "", str(rows[-1].pk) if older else "")


def cursor(text: str | None) -> int | None:
    """A cursor from the address; anything else is the first page."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def queue(actor: Actor) -> list[Registration]:
    """What the office has to decide, most urgent first; what waits for a correction at the end."""
    found = Registration.objects.visible_to(actor).filter(
        state__in=(State.SUBMITTED, State.EXAMINING, State.CORRECTING)
    )
    found = found.select_related("pledgor", "pledgee", "clock", "clerk").annotate(pieces=Count("patents"))
    # A paused clock is at the end whatever its old due moment says; None sorts first.
    return list(found.order_by(F("clock__paused_at").asc(nulls_first=True), "clock__due_at", "pk")[:QUEUE])


def examinable(actor: Actor) -> "QuerySet[Registration]":
    """The office's files with how many patents each has (`pieces`) and whether this clerk sits in a party (`conflict`)."""
    seats = Membership.objects.filter(user_id=actor.user_id or 0, active=True).filter(
        Q(organisation_id=OuterRef("pledgor_id")) | Q(organisation_id=OuterRef("pledgee_id"))
    )
    found = Registration.objects.visible_to(actor).select_related(*WITH)
    return found.annotate(pieces=Count("patents"), conflict=Exists(seats))


def next_file(actor: Actor, *, but: int) -> Registration | None:
    """The file that opens by itself after a decision: the most urgent one that nobody else holds."""
    free = Q(state=State.SUBMITTED, clerk=None) | Q(clerk_id=actor.user_id)
    found = Registration.objects.visible_to(actor).filter(free, state__in=(State.SUBMITTED, State.EXAMINING))
    return found.exclude(pk=but).order_by("clock__due_at", "pk").first()


def decided_today(actor: Actor, *, now: datetime) -> int:
    """How many files the office has decided since midnight."""
    today = local_date(now)
    since = midnight_after(today.fromordinal(today.toordinal() - 1))
    return Registration.objects.visible_to(actor).filter(decided_at__gte=since, state__in=DECIDED).count()


def done(actor: Actor, search: str) -> "QuerySet[Registration]":
    """Decided files; `search` is a file number, a notice number, or part of a party's name."""
    found = Registration.objects.visible_to(actor).filter(state__in=DECIDED)
    found = found.select_related("pledgor", "pledgee", "clock").prefetch_related("notices").order_by("-pk")
    if not search:
        return found
    wanted = (
        Q(number__startswith=search.upper()) | Q(pledgor__name__icontains=search) | Q(pledgee__name__icontains=search)
    )
    if number := normalise_number(search):
        wanted |= Q(notices__number=number)
    return found.filter(wanted).distinct()


def clerks(office_id: int) -> list[tuple[int, str]]:
    """Who may be given a file: (user, name), by name in pinyin order of entry."""
    seats = Membership.objects.filter(
        organisation_id=office_id, role__in=(Role.CLERK, Role.CHIEF), active=True, user__is_active=True
    )
    return list(seats.order_by("pk").values_list("user_id", "user__name"))


def story(file: Registration, actor: Actor) -> list[Entry]:
    """What happened to this file, oldest first, as far as this organisation may read it; the regulator reads all."""
    found = Entry.objects.of_case(file.application.number).filter(subject=file.subject)
    if actor.role != Role.REGULATOR and actor.organisation_id is not None:
        found = found.readable_by(actor.organisation_id)
    return list(found[:200])
