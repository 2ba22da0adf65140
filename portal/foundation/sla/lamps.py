"""亮灯: shape, word and colour of a clock at a moment. Arithmetic on stored facts; nothing is looked up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.foundation.core.moments import local, local_date

from .models import Clock
from .workdays import WorkCalendar

WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Lamp:
    """`code`: g green, y yellow, r red, p paused, done closed in time, late closed late, off excused."""

    code: str
    text: str
    title: str


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
) -> Lamp:
    """The lamp of one clock; `warn_at` is the moment of its first reminder level (yellow from there)."""
    title = f"截止 {due_text(due_at)}" + ("（暂定）" if provisional else "")
    if stopped_at is not None:
        if excused:
            return Lamp("off", "已撤回，不计时限", title)
        return Lamp("done", "按时办结", title) if stopped_at < due_at else Lamp("late", "超期办结", title)
    if paused_at is not None:
        return Lamp("p", "已暂停", title)
    if now >= due_at:
        return Lamp("r", f"超期 {_spell(due_at, now, calendar)}", title)
    code = "y" if warn_at is not None and now >= warn_at else "g"
    return Lamp(code, f"剩 {_spell(now, due_at, calendar)}", title)


def _spell(start: datetime, end: datetime, calendar: WorkCalendar) -> str:
    """A stretch in people's words: working days when there is one, else hours and minutes of the clock."""
    days = calendar.workdays_between(local_date(start), local_date(end - timedelta(microseconds=1)))
    if days >= 1:
        return f"{days} 个工作日"
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
        warn_at=clock.moments[0] if clock.levels[:1] == ["due_soon"] else None,
        now=now,
        calendar=calendar,
    )
