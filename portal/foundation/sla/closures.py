"""Days on which one IP office is closed although the country works: a power cut, a move, a local festival.

Only an office has them, and only registrations are counted with them. The office's chief announces days to come; today and days
past (an emergency that was written down afterwards) are the regulators', so that no office closes to evade its promise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from portal.foundation.accounts.models import Organisation, OrganisationKind, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

from . import calendars_in_use, recounting
from .calendar_models import CalendarChange, Closure
from .calendars_in_use import Calendars
from .recounting import Move

MAX_DAYS = 31  # calendar days of one announcement
OLDEST = timedelta(days=31)  # how far back a regulator may write a closure down
LONGEST_GROUND = 200  # characters
STALE = "核对之后停办日或在办时限有了变化，下面是最新的影响，请重新核对后再确认。"


@dataclass(frozen=True, slots=True)
class Preview:
    """The working days an announcement closes or reopens, and the open registrations it moves; see `recounting.token`."""

    days: list[date]
    moves: list[Move]
    token: str

    @property
    def moved(self) -> list[Move]:
        return [move for move in self.moves if move.moved]


def offices(actor: Actor) -> list[Organisation]:
    """The offices whose days this person may set: a chief's own, a regulator's every one, nobody else's any."""
    known = Organisation.objects.filter(kind=OrganisationKind.IP_OFFICE, active=True).order_by("sort_key", "pk")
    if actor.role == Role.REGULATOR:
        return list(known)
    return list(known.filter(pk=actor.organisation_id)) if actor.role == Role.CHIEF else []


def in_force(office: Organisation) -> list[Closure]:
    """The office's closures, newest day first, each with what it rests on."""
    return list(Closure.objects.filter(organisation=office, removal=None).select_related("change").order_by("-day"))


def preview_closing(office: Organisation, first: date, last: date, *, actor: Actor, now: datetime) -> Preview:
    """What closing from `first` to `last` (days of Asia/Shanghai, both included) would do. Raises as `close`."""
    before = calendars_in_use.read_now()
    days = _to_close(office, first, last, before=before, actor=actor, now=now)
    return _look(office, before=before, closed=before.closed.get(office.pk, frozenset()) | set(days), days=days)


def preview_reopening(office: Organisation, days: Sequence[date], *, actor: Actor, now: datetime) -> Preview:
    """What working on these closed days after all would do. Raises as `reopen`."""
    before = calendars_in_use.read_now()
    chosen = _to_reopen(office, days, before=before, actor=actor, now=now)
    return _look(office, before=before, closed=before.closed.get(office.pk, frozenset()) - set(chosen), days=chosen)


def _look(office: Organisation, *, before: Calendars, closed: frozenset[date] | set[date], days: list[date]) -> Preview:
    after = Calendars(
        national=before.national,
        closed={**before.closed, office.pk: frozenset(closed)},
        numbers={**before.numbers, office.pk: before.numbers.get(office.pk, 0)},
    )
    found = recounting.moves(before, after, office=office.pk)
    return Preview(days, found, recounting.token(found, before.of(office.pk).number, office.pk, days))


def close(
    office: Organisation,
    first: date,
    last: date,
    *,
    ground: str,
    actor: Actor,
    now: datetime,
    token: str | None = None,
) -> Preview:
    """Close an office on the working days of a period, and move its open registrations, journalled with the ground.

    `token`: that of the preview the person confirmed; WrongState when something else would happen now. Raises Forbidden,
    Invalid with field sentences (`first`, `last`, `ground`), Busy.
    """
    with transaction.atomic(durable=True):
        recounting.hold()
        before = calendars_in_use.read_now()
        days = _to_close(office, first, last, before=before, actor=actor, now=now)
        closed = before.closed.get(office.pk, frozenset()) | set(days)
        seen = _look(office, before=before, closed=closed, days=days)
        change = _change(CalendarChange.What.CLOSED, office, seen, ground=ground, token=token, actor=actor, now=now)
        Closure.objects.bulk_create(Closure(organisation=office, day=day, change=change) for day in days)
        done = _finish("closure.set", "停办", office, seen, change=change, before=before, actor=actor, now=now)
    calendars_in_use.forget()
    recounting.settle(now=now)
    return done


def reopen(
    office: Organisation,
    days: Sequence[date],
    *,
    ground: str,
    actor: Actor,
    now: datetime,
    token: str | None = None,
) -> Preview:
    """Work on closed days after all. Raises Forbidden, Invalid (`days`, `ground`), WrongState, Busy."""
    with transaction.atomic(durable=True):
        recounting.hold()
        before = calendars_in_use.read_now()
        chosen = _to_reopen(office, days, before=before, actor=actor, now=now)
        closed = before.closed.get(office.pk, frozenset()) - set(chosen)
        seen = _look(office, before=before, closed=closed, days=chosen)
        change = _change(CalendarChange.What.REOPENED, office, seen, ground=ground, token=token, actor=actor, now=now)
        Closure.objects.filter(organisation=office, day__in=chosen, removal=None).update(removal=change)
        done = _finish("closure.removed", "恢复办公", office, seen, change=change, before=before, actor=actor, now=now)
    calendars_in_use.forget()
    recounting.settle(now=now)
    return done


def _change(
    what: str, office: Organisation, seen: Preview, *, ground: str, token: str | None, actor: Actor, now: datetime
) -> CalendarChange:
    if token is not None and token != seen.token:
        raise WrongState("stale", STALE)
    said = ground.strip()
    if not 0 < len(said) <= LONGEST_GROUND:
        raise Invalid(
            "ground", "请填写依据。", fields={"ground": f"请填写依据，最多 {LONGEST_GROUND} 个字，例如：停电检修公告。"}
        )
    return CalendarChange.objects.create(what=what, organisation=office, ground=said, made_by=actor.label, made_at=now)


def _finish(
    verb: str,
    word: str,
    office: Organisation,
    seen: Preview,
    *,
    change: CalendarChange,
    before: Calendars,
    actor: Actor,
    now: datetime,
) -> Preview:
    """The journal entry, with everything the office's calendar is made of, then the registrations that move."""
    shown = "、".join(full_date_cn(day) for day in seen.days)
    record(
        verb,
        actor=actor,
        now=now,
        subject=f"organisation:{office.pk}",
        text=f"{office.title} {shown} {word}，依据：{change.ground}",
        data={"organisation": office.pk, "days": seen.days, "change": change.pk, "ground": change.ground},
        parties=[office.pk],
    )
    moved = recounting.recount(
        [move.clock.pk for move in seen.moves],
        before=before,
        after=calendars_in_use.read_now(),
        ground=change.ground,
        actor=actor,
        now=now,
    )
    return Preview(seen.days, moved, seen.token)


def _require_office(office: Organisation, *, actor: Actor) -> None:
    if office.kind != OrganisationKind.IP_OFFICE:
        raise Invalid("office", "只有登记受理机构可以设停办日；金融机构的响应时限按全国工作日计算。")
    own = actor.role == Role.CHIEF and actor.organisation_id == office.pk
    if not own and actor.role != Role.REGULATOR:
        raise Forbidden("role", "停办日由登记处负责人或监管人员设定。")


def _to_close(
    office: Organisation, first: date, last: date, *, before: Calendars, actor: Actor, now: datetime
) -> list[date]:
    """The days of the period on which the office would work. Raises Forbidden, or Invalid beside the field."""
    _require_office(office, actor=actor)
    today, wrong = local_date(now), dict[str, str]()
    if last < first:
        wrong["last"] = "结束日期不能早于开始日期。"
    elif (last - first).days >= MAX_DAYS:
        wrong["last"] = f"一次最多设 {MAX_DAYS} 天，请分次设定。"
    elif last > before.national.last_day:
        wrong["last"] = "日期太远，请核对年份。"
    if actor.role == Role.CHIEF and first <= today:
        wrong["first"] = "停办日须提前设定，请从明天起选择；当天和补记的停办请联系监管部门设定。"
    elif first < today - OLDEST:
        wrong["first"] = f"补记的停办日不能早于 {OLDEST.days} 天前。"
    _refuse(wrong)
    calendar = before.of(office.pk)
    span = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    days = [day for day in span if calendar.is_workday(day)]
    if not days:
        _refuse({"first": "这段日期本来就不办公，不必设定。"})
    return days


def _to_reopen(
    office: Organisation, days: Sequence[date], *, before: Calendars, actor: Actor, now: datetime
) -> list[date]:
    _require_office(office, actor=actor)
    closed = before.closed.get(office.pk, frozenset())
    chosen = sorted(set(days))
    if not chosen or set(chosen) - closed:
        _refuse({"days": "请从现有的停办日里选择。"})
    if actor.role == Role.CHIEF and chosen[0] <= local_date(now):
        _refuse({"days": "已经开始的停办日请联系监管部门撤销。"})
    return chosen


def _refuse(wrong: Mapping[str, str]) -> None:
    if wrong:
        raise Invalid("closure", next(iter(wrong.values())), fields=wrong)
