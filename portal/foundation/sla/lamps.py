"""亮灯: shape, word and colour of a clock at a moment. Arithmetic on stored facts; nothing is looked up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.foundation.core.moments import local, local_date

from .models import Clock, Kind
from .workdays import WorkCalendar

WEEKDAYS = "一二三四五六日"
# A response clock stops at the first reply, long before the case is done: only a registration is 办结 when its clock stops.
_STOPPED = {
    Kind.RESPONSE: ("按时响应", "超期响应"),
    Kind.REGISTRATION: ("按时办结", "超期办结"),
    Kind.NEXT_LENDERS: ("按时推荐", "超期推荐"),
    Kind.COVER: ("按时响应", "超期响应"),
    Kind.AMENDMENT: ("按时办结", "超期办结"),
}


@dataclass(frozen=True, slots=True)
class Lamp:
    """`code`: g green, y yellow, r red, p paused, done closed in time, late closed late, off excused.

    `hours` is what is left in office hours, «剩 11 个工作小时», of a clock that runs and is not late; else empty.
    """

    code: str
    text: str
    title: str
    hours: str = ""


def due_text(due_at: datetime) -> str:
    """«11月25日（周三）24:00»: an exclusive midnight belongs to the day that ends with it."""
    shown = local(due_at)
    if (shown.hour, shown.minute) == (0, 0):
        day = shown.date() - timedelta(days=1)
        clock = "24:00"
    else:
        day, clock = shown.date(), f"{shown:%H:%M}"
    return f"{day.month}月{day.day}日（周{WEEKDAYS[day.weekday()]}）{clock}"


def lamp(
    *,
    due_at: datetime,
    stopped_at: datetime | None,
    paused_at: datetime | None,
    excused: bool,
    provisional: bool,
    warn_at: datetime | None,
    now: datetime,
    calendar: WorkCalendar,
    kind: str = Kind.REGISTRATION,
) -> Lamp:
    """The lamp of one clock; `warn_at` is the moment of its first reminder level (yellow from there), `kind` the promise."""
    title = f"截止 {due_text(due_at)}" + ("（暂定）" if provisional else "")
    if stopped_at is not None:
        if excused:
            return Lamp("off", "不计时限", title)
        in_time, late = _STOPPED[Kind(kind)]
        return Lamp("done", in_time, title) if stopped_at < due_at else Lamp("late", late, title)
    if paused_at is not None:
        return Lamp("p", "已暂停", title)
    if now >= due_at:
        return Lamp("r", f"超期{_over(due_at, now, calendar)}", title)
    code = "y" if warn_at is not None and now >= warn_at else "g"
    hours = working_hours(now, due_at, calendar)
    return Lamp(code, f"剩 {_left(now, due_at, calendar)}", f"{title}，{hours}", hours)


def working_hours(now: datetime, due_at: datetime, calendar: WorkCalendar) -> str:
    """The office hours (9:00–18:00 of working days) left until a due moment that is still to come, as people say it.

    Whole hours round down, so that nobody is promised time there is not; under an hour minutes; after the last closing time
    there is no office hour left although the day has not ended.
    """
    minutes = calendar.working_minutes(now, due_at)
    if minutes >= 60:
        return f"剩 {minutes // 60} 个工作小时"
    return f"剩 {minutes} 个工作分钟" if minutes else "工作时间已用完"


def _left(now: datetime, due_at: datetime, calendar: WorkCalendar) -> str:
    """The working days after today until the due one, that one included; on the last day hours and minutes."""
    days = calendar.workdays_between(local_date(now), local_date(due_at - timedelta(microseconds=1)))
    return f"{days} 个工作日" if days >= 1 else _hours(now, due_at)


def _over(due_at: datetime, now: datetime, calendar: WorkCalendar) -> str:
    """The whole working days that have passed since, as the ladder counts them (a weekend is none); before that hours."""
    last_day, yesterday = local_date(due_at - timedelta(microseconds=1)), local_date(now) - timedelta(days=1)
    days = calendar.workdays_between(last_day, yesterday)
    if days >= 1:
        return f" {days} 个工作日"
    # Over a weekend the hours would count the days off, which no ladder does.
    return "不足 1 个工作日" if now - due_at >= timedelta(days=1) else f" {_hours(due_at, now)}"


def _hours(start: datetime, end: datetime) -> str:
    minutes = max(int((end - start).total_seconds() // 60), 1)
    return f"{minutes // 60} 小时 {minutes % 60} 分" if minutes >= 60 else f"{minutes} 分钟"


def of(clock: Clock, *, now: datetime, calendar: WorkCalendar) -> Lamp:
    """The lamp of a loaded clock."""
    return lamp(
        due_at=clock.due_at,
        stopped_at=clock.stopped_at,
        paused_at=clock.paused_at,
        excused=clock.excused,
        provisional=clock.provisional,
        warn_at=clock.moments[0] if clock.moments and clock.moments[0] < clock.due_at else None,
        now=now,
        calendar=calendar,
        kind=clock.kind,
    )
