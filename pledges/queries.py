"""Reads of the pledge pages: lists in keyset pages, the office's queue, the story of one file."""

from datetime import date, datetime

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery

from portal.foundation.accounts.models import Membership, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.journal.models import Entry

from .checking.queries import last_round
from .models import Absence, Recusal, Registration
from .notices import normalise_number

State = Registration.State
DECIDED = (State.REGISTERED, State.REFUSED, State.CANCELLED, State.REVOKED)
PAGE = 20
QUEUE = 50  # the most urgent; the next ones move up as these are decided
WITH = ("application", "offer", "pledgor__outside", "pledgee", "office", "clerk", "clock", "maximum", "agent")


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


def queue(actor: Actor, *, today: date) -> list[Registration]:
    """What the office has to decide, most urgent first; what waits for a correction at the end. With `away` as examinable."""
    found = Registration.objects.visible_to(actor).filter(
        state__in=(State.SUBMITTED, State.EXAMINING, State.CORRECTING)
    )
    found = found.select_related("pledgor", "pledgee", "clock", "clerk").annotate(
        pieces=Count("patents"), away=_away(today)
    )
    # A paused clock is at the end whatever its old due moment says; None sorts first.
    return list(found.order_by(F("clock__paused_at").asc(nulls_first=True), "clock__due_at", "pk")[:QUEUE])


def _conflicts(actor: Actor) -> "tuple[Exists, Exists]":
    """Whether this clerk sits in a party, and whether they have said to stand aside; two subqueries."""
    seats = Membership.objects.filter(user_id=actor.user_id or 0, active=True).filter(
        Q(organisation_id=OuterRef("pledgor_id"))
        | Q(organisation_id=OuterRef("pledgee_id"))
        | Q(organisation_id=OuterRef("debtor_org_id"))
    )
    aside = Recusal.objects.filter(user_id=actor.user_id or 0, registration=OuterRef("pk"))
    return Exists(seats), Exists(aside)


def absences(today: date, *, user: str, office: str) -> "QuerySet[Absence]":
    """Of the person and office in these outer columns: the absences that cover today, the longest first."""
    return Absence.objects.filter(
        user_id=OuterRef(user), office_id=OuterRef(office), ended_at=None, first__lte=today, last__gte=today
    ).order_by("-last")


def _away(today: date) -> Subquery:
    """The last day on which the clerk of a file is away; null while at the desk."""
    return Subquery(absences(today, user="clerk_id", office="office_id").values("last")[:1])


def examinable(actor: Actor, *, today: date) -> "QuerySet[Registration]":
    """The office's files with how many patents each has (`pieces`), whether this clerk stands aside (`conflict`), until when
    its clerk is away (`away`) and the latest look at the register (`last_round`)."""
    seated, aside = _conflicts(actor)
    conflict = ExpressionWrapper(Q(seated) | Q(aside), output_field=BooleanField())
    found = Registration.objects.visible_to(actor).select_related(*WITH)
    return found.annotate(pieces=Count("patents"), conflict=conflict, away=_away(today), last_round=last_round())


def next_file(actor: Actor, *, but: int, today: date) -> Registration | None:
    """The file that opens by itself after a decision: the most urgent one that nobody else holds, or whose clerk is away.

    Never one this person has to stand aside from.
    """
    absent = Exists(absences(today, user="clerk_id", office="office_id"))
    free = Q(state=State.SUBMITTED, clerk=None) | Q(clerk_id=actor.user_id) | Q(absent)
    seated, aside = _conflicts(actor)
    found = Registration.objects.visible_to(actor).filter(free, state__in=(State.SUBMITTED, State.EXAMINING))
    return found.filter(~seated, ~aside).exclude(pk=but).order_by("clock__due_at", "pk").first()


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


def clerks(office_id: int, *, today: date) -> list[tuple[int, str]]:
    """Who may be given a file: (user, name), in order of entry; nobody who is away."""
    seats = Membership.objects.filter(
        organisation_id=office_id, role__in=(Role.CLERK, Role.CHIEF), active=True, user__is_active=True
    )
    absent = Exists(absences(today, user="user_id", office="organisation_id"))
    return list(seats.filter(~absent).order_by("pk").values_list("user_id", "user__name"))


def story(file: Registration, actor: Actor) -> list[Entry]:
    """What happened to this file, oldest first, as far as this organisation may read it; the regulator reads all."""
    found = Entry.objects.of_case(file.application.number).filter(subject=file.subject)
    if actor.role != Role.REGULATOR and actor.organisation_id is not None:
        found = found.readable_by(actor.organisation_id)
    return list(found[:200])
