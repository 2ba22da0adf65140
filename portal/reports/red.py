"""亮灯: what is overdue now, what has been so for a whole working day, and what soon will be."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, Subquery, Window

from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.lamps import Lamp
from portal.foundation.sla.models import Clock, ClockQuerySet, Escalation, PolicyLevel
from portal.foundation.sla.workdays import WorkCalendar

from .models import SupervisionOrder
from .paging import PAGE, Cursor, Page, Place, beyond, page

SHOWN = {"overdue": "全部红灯", "second": "超期满 1 个工作日", "soon": "即将到期", "ordered": "督办中"}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which lamps are wanted. `order` "oldest" puts the longest overdue first."""

    show: str = "overdue"
    kind: str = ""
    institution: int | None = None
    order: str = "oldest"


@dataclass(frozen=True, slots=True)
class Red:
    """One clock with its lamp, what was announced about it and the latest 督办单."""

    clock: Clock
    lamp: Lamp
    number: str  # of the request, whose page shows the whole case
    district_code: str
    announced: str
    announced_at: datetime | None
    latest: SupervisionOrder | None
    order_late: bool
    can_order: bool

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.clock.due_at, self.clock.pk)


def second_day(*, now: datetime, calendar: WorkCalendar) -> datetime:
    """A clock due at or before this moment (aware UTC) has been overdue for a whole working day.

    «A whole working day» ends at 24:00 of the first working day after the one on which the clock was due; so the last day
    must lie before the latest working day that is over.
    """
    day = local_date(now) - timedelta(days=1)
    while not calendar.is_workday(day):
        day -= timedelta(days=1)
    return midnight_after(day - timedelta(days=1))


def running() -> ClockQuerySet:
    """Clocks that run: not stopped and not paused."""
    return Clock.objects.running().filter(paused_at=None)


def _tests(*, now: datetime, calendar: WorkCalendar) -> dict[str, Q]:
    overdue = Q(due_at__lte=now)
    waiting = SupervisionOrder.objects.waiting().filter(clock=OuterRef("pk"))
    return {
        "overdue": overdue,
        "second": overdue & Q(due_at__lte=second_day(now=now, calendar=calendar)),
        "soon": Q(due_at__gt=now, moments__0__lte=now),
        "ordered": Q(Exists(waiting)),
    }


def counts(choice: Choice, *, now: datetime) -> dict[str, int]:
    """How many clocks each tab shows under the other filters, one query."""
    tests = _tests(now=now, calendar=calendars_in_use.current())
    found = _filtered(choice).aggregate(**{name: Count("pk", filter=test) for name, test in tests.items()})
    return {name: int(found[name]) for name in SHOWN}


def _filtered(choice: Choice) -> ClockQuerySet:
    clocks = running()
    if choice.kind:
        clocks = clocks.filter(kind=choice.kind)
    if choice.institution is not None:
        clocks = clocks.filter(organisation_id=choice.institution)
    return clocks


def listed(choice: Choice, *, place: Place, now: datetime, size: int = PAGE) -> Page[Red]:
    """One page of clocks, three queries (clocks, orders, announcements)."""
    calendar = calendars_in_use.current()
    downwards = (choice.order == "newest") != place.backwards
    clocks = _filtered(choice).filter(_tests(now=now, calendar=calendar)[choice.show])
    if place.cursor:
        clocks = clocks.filter(beyond("due_at", place.cursor, downwards=downwards))
    clocks = clocks.order_by(*(("-due_at", "-pk") if downwards else ("due_at", "pk")))
    found = [_red(clock, now=now, calendar=calendar) for clock in _loaded(clocks)[: size + 1]]
    return page(found, place, [red.cursor for red in found], size=size)


def _loaded(clocks: ClockQuerySet) -> ClockQuerySet:
    label = PolicyLevel.objects.filter(policy=OuterRef("clock__policy"), code=OuterRef("level")).values("label")
    return clocks.select_related(
        "organisation",
        "referral__application",
        "registration__application",
        "next_round__application",
        "cover__application",
        "matter__registration__application",
    ).prefetch_related(
        Prefetch("supervision_orders", SupervisionOrder.objects.order_by("-issued_at", "-pk")),
        Prefetch("escalations", Escalation.objects.annotate(label=Subquery(label[:1])).order_by("-pk")),
    )


def one(clock_id: int, *, now: datetime) -> Red:
    """One running or stopped clock as the list shows it, three queries. Raises Clock.DoesNotExist."""
    clock = _loaded(Clock.objects.filter(pk=clock_id)).get()
    return _red(clock, now=now, calendar=calendars_in_use.current())


def _red(clock: Clock, *, now: datetime, calendar: WorkCalendar) -> Red:
    orders = list(clock.supervision_orders.all())
    announced: list[Any] = list(clock.escalations.all())  # with the label of their level
    latest = orders[0] if orders else None
    owners: list[Any] = [getattr(clock, name, None) for name in ("referral", "registration", "next_round", "cover")]
    owner = next(filter(None, owners), None)
    if owner is None and (matter := getattr(clock, "matter", None)) is not None:
        owner = matter.registration
    overdue = clock.stopped_at is None and clock.paused_at is None and now >= clock.due_at
    return Red(
        clock=clock,
        lamp=lamps.of(clock, now=now, calendar=calendar),
        number=owner.application.number if owner else clock.case_number,
        district_code=owner.application.district_code if owner else "",
        announced=(announced[0].label or announced[0].level) if announced else "",
        announced_at=announced[0].announced_at if announced else None,
        latest=latest,
        order_late=latest is not None and latest.late(now=now),
        can_order=overdue and not any(order.replied_at is None for order in orders),
    )


@dataclass(frozen=True, slots=True)
class Glance:
    """The overview's few red lamps and how many there are in all."""

    total: int
    rows: list[tuple[Clock, Lamp, bool]]  # clock, lamp, whether an order waits for its answer


def glance(*, now: datetime, size: int = 6) -> Glance:
    """The longest overdue clocks, one query."""
    calendar = calendars_in_use.current()
    waiting = SupervisionOrder.objects.waiting().filter(clock=OuterRef("pk"))
    clocks: list[Any] = list(  # clocks with two annotations
        Clock.objects.overdue(now=now)
        .select_related("organisation")
        .annotate(total=Window(Count("pk")), ordered=Exists(waiting))
        .order_by("due_at", "pk")[:size]
    )
    return Glance(
        clocks[0].total if clocks else 0,
        [(clock, lamps.of(clock, now=now, calendar=calendar), clock.ordered) for clock in clocks],
    )
