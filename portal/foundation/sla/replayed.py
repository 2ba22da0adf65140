"""What a replay finds out about one clock: plain values for the command, the record and the proof."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from portal.foundation.core.moments import local

from .models import Kind
from .replay_rules import Rule
from .workdays import WorkCalendar

_WEEKDAYS = "一二三四五六日"


class Verdict(StrEnum):
    ON_TIME = "按时"
    LATE = "超期"
    EXCUSED = "不计"
    RUNNING = "进行中"


@dataclass(slots=True)
class Term:
    """A stretch counted as one: from its day 0 to the due moment, with the calendar and the ladder it was counted with."""

    why: str
    entry: int
    began_at: datetime
    due_at: datetime
    provisional: bool
    calendar: WorkCalendar
    number: int
    ladder: list[tuple[str, datetime]]


@dataclass(slots=True)
class Rest:
    """A pause."""

    began_at: datetime
    reason: str
    ended_at: datetime | None = None


@dataclass(slots=True)
class Announcement:
    """One step of the ladder that was announced. `round`: how many pauses came before it."""

    entry: int
    level: str
    label: str
    moment: datetime
    at: datetime
    recipients: list[str]
    overtaken: list[str]
    round: int

    @property
    def lateness(self) -> timedelta:
        return self.at - self.moment


@dataclass(slots=True)
class Replayed:
    """One clock as the journal tells it."""

    clock: int
    kind: str
    subject: str
    case_number: str
    organisation: int
    started_at: datetime
    rule: Rule
    terms: list[Term] = field(default_factory=list)
    pauses: list[Rest] = field(default_factory=list)
    moved: list[tuple[datetime, int, int]] = field(default_factory=list)  # when, from whom, to whom
    stopped_at: datetime | None = None
    reason: str = ""
    excused: bool = False
    working_minutes: int | None = None
    announced: list[Announcement] = field(default_factory=list)
    done: int = 0  # levels of the present ladder that count as announced
    entries: list[int] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def term(self) -> Term:
        """The one that counts: the last."""
        return self.terms[-1]

    @property
    def due_at(self) -> datetime:
        return self.term.due_at

    @property
    def paused_at(self) -> datetime | None:
        """Since when it rests; a clock that stopped while it rested keeps the moment."""
        return self.pauses[-1].began_at if self.resting else None

    @property
    def resting(self) -> bool:
        """It rests, or stopped while it rested."""
        return bool(self.pauses) and self.pauses[-1].ended_at in (None, self.stopped_at)

    @property
    def verdict(self) -> Verdict:
        if self.stopped_at is None:
            return Verdict.RUNNING
        if self.excused:
            return Verdict.EXCUSED
        return Verdict.ON_TIME if self.stopped_at < self.due_at else Verdict.LATE

    @property
    def name(self) -> str:
        return f"{Kind(self.kind).label}时限（{self.subject}）"


def stamp(at: datetime) -> str:
    """«2026-11-25 24:00:00» for a column of moments; a midnight belongs to the day that ends with it."""
    shown = local(at)
    if (shown.hour, shown.minute, shown.second, shown.microsecond) == (0, 0, 0, 0):
        return f"{shown - timedelta(days=1):%Y-%m-%d} 24:00:00"
    return f"{shown:%Y-%m-%d %H:%M:%S}"


def moment(at: datetime) -> str:
    """«2026年11月25日（周三）24:00»: a midnight belongs to the day that ends with it; else to the second."""
    shown = local(at)
    ends = (shown.hour, shown.minute, shown.second, shown.microsecond) == (0, 0, 0, 0)
    day = (shown - timedelta(days=1)).date() if ends else shown.date()
    clock = "24:00" if ends else f"{shown:%H:%M:%S}"
    return f"{day.year}年{day.month}月{day.day}日（周{_WEEKDAYS[day.weekday()]}）{clock}"
