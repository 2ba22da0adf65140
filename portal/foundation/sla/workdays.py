"""Working days in mainland China: a calendar value and a moment in, a due moment out.

Pure: no database, no network, no clock. Counting follows 民法典 201 (the day of receipt is day 0, whenever it falls) and
203 (the last day ends at 24:00, or at close of business where hours are published). Weekends are off except make-up
days (调休); a day after `last_published` is only provisional (暂定), because the State Council has not announced it yet.

Speed: everything is one list indexed by the days since `first_day`. `ranks[i]` is how many working days lie up to and
including day i, `ends[r]` is the Deadline at the end of working day r, so a deadline is a subtraction and two look-ups.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import accumulate
from typing import Literal, NamedTuple

DayZero = Literal["strict", "next_open"]

OPENS, CLOSES = time(9), time(18)  # office hours for reminders and working minutes
HORIZON_YEARS = 5  # provisional years after the last published one

# Asia/Shanghai has stood at +08:00 since 1991-09-15; before that it had summer time. A fixed offset is ten times cheaper
# than zoneinfo, and no calendar here may begin earlier.
_OFFSET = timezone(timedelta(hours=8))
_FIXED_OFFSET_SINCE = date(1992, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000  # microseconds
_MINUTE = 60_000_000  # microseconds


class OutsideCalendar(ValueError):
    """The day lies before the first or after the last day the calendar knows; str() is a Chinese sentence."""


class Day(NamedTuple):
    """A calendar day in Asia/Shanghai; provisional when its year was not published."""

    date: date
    provisional: bool


class Deadline(NamedTuple):
    """due_at: aware UTC, the first moment that is too late. last_day: the day in Asia/Shanghai at whose end (or hour of
    closing) that is. provisional: a day between start and due is not published yet, so the date may still move."""

    due_at: datetime
    last_day: date
    provisional: bool


class CalendarRow(NamedTuple):
    """One day for an SQL calendar table; rank counts the working days from the first day up to and including it."""

    day: date
    works: bool
    rank: int
    provisional: bool


@dataclass(frozen=True)
class WorkCalendar:
    """An immutable calendar from `first_day` to HORIZON_YEARS after `last_published`.

    closures (local days off) win over make-up workdays, which win over weekends. A day that is both a holiday and a
    make-up workday, or a first day before 1992, raises ValueError.
    """

    holidays: frozenset[date]
    makeup_workdays: frozenset[date]
    first_day: date
    last_published: date
    version: str
    closures: frozenset[date] = frozenset()
    number: int = 0  # of the change it is the result of (models.CalendarChange); 0 when it comes from files alone
    _first: int = field(init=False, repr=False, compare=False)
    _origin: datetime = field(init=False, repr=False, compare=False)
    _works: bytes = field(init=False, repr=False, compare=False)
    _ranks: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _workdays: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _ends: tuple[Deadline, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if both := self.holidays & self.makeup_workdays:
            msg = f"{min(both)} is both a holiday and a make-up workday"
            raise ValueError(msg)
        if not _FIXED_OFFSET_SINCE <= self.first_day <= self.last_published:
            msg = (
                f"a calendar runs from 1992 or later to its last published day: {self.first_day}–{self.last_published}"
            )
            raise ValueError(msg)
        first = self.first_day.toordinal()
        last = date(self.last_published.year + HORIZON_YEARS, 12, 31).toordinal()
        origin = datetime.combine(self.first_day, time(), tzinfo=_OFFSET).astimezone(UTC)
        works = bytes(self._rule(date.fromordinal(ordinal)) for ordinal in range(first, last + 1))
        workdays = tuple(index for index, flag in enumerate(works) if flag)
        published = self.last_published.toordinal() - first
        ends = tuple(
            Deadline(origin + timedelta(days=i + 1), date.fromordinal(first + i), i > published) for i in workdays
        )
        tables = {"_first": first, "_origin": origin, "_works": works, "_workdays": workdays, "_ends": ends}
        for name, table in (tables | {"_ranks": tuple(accumulate(works))}).items():
            object.__setattr__(self, name, table)  # the value is frozen for everybody else

    def _rule(self, day: date) -> bool:
        if day in self.closures:
            return False
        if day in self.makeup_workdays:
            return True
        if day in self.holidays or day.weekday() >= 5:
            return False
        return day <= self.last_published or (day.month, day.day) != (1, 1)

    @property
    def last_day(self) -> date:
        """The last day this calendar can count, published or not."""
        return date.fromordinal(self._first + len(self._works) - 1)

    def is_workday(self, day: date) -> bool:
        """Whether offices work on that day (beyond `last_published`: weekend rule and 1 January off)."""
        return bool(self._works[self._index(day)])

    def is_provisional(self, day: date) -> bool:
        """Whether that day lies after the last published one."""
        return day > self.last_published

    def rows(self) -> Iterator[CalendarRow]:
        """Every day in order, for a table that SQL joins: due day = the working day with rank(start) + days."""
        for index, (flag, rank) in enumerate(zip(self._works, self._ranks, strict=True)):
            day = date.fromordinal(self._first + index)
            yield CalendarRow(day, bool(flag), rank, day > self.last_published)

    def add_workdays(self, day: date, days: int) -> Day:
        """The `days`-th working day after `day`, which is day 0 whether it works or not; 0 gives `day` itself."""
        if days < 0:
            msg = f"working days are counted forwards: {days}"
            raise ValueError(msg)
        index = self._index(day)
        last = day if days == 0 else self._end(self._ranks[index] + days).last_day
        return Day(last, last > self.last_published)

    def workdays_between(self, after: date, until: date) -> int:
        """Working days in (after, until]; negative when `until` comes first."""
        return self._ranks[self._index(until)] - self._ranks[self._index(after)]

    def deadline(
        self, started_at: datetime, *, days: int, day_zero: DayZero = "strict", closes: time | None = None
    ) -> Deadline:
        """When a promise of `days` working days (1 or more), started at an aware moment, is broken.

        day_zero "strict": the day of receipt is day 0 even when it is a day off; "next_open": something received on a
        day off counts as received on the next working day. closes: None ends the last day at 24:00, else at that hour.
        """
        try:
            # timedelta.days rounds down, so this is the local day since first_day, exact and without floats.
            index = (started_at - self._origin).days
        except TypeError:
            msg = f"a naive moment has no day: {started_at!r}"
            raise ValueError(msg) from None
        if index < 0 or days < 1:
            raise self._refusal(index, days)
        try:
            before = self._ranks[index] + days
            if day_zero == "next_open" and not self._works[index]:
                before += 1
            end = self._ends[before - 1]
        except IndexError:
            raise self._refusal(index, days) from None
        return end if closes is None else end._replace(due_at=_at(end.last_day, closes))

    def working_minutes(self, start: datetime, end: datetime, *, opens: time = OPENS, closes: time = CLOSES) -> int:
        """Whole minutes of office hours on working days between two aware moments, no lunch break.

        0 when `end` is not after `start`: two machines' clocks may differ by milliseconds.
        """
        passed = self._worked(end, opens, closes) - self._worked(start, opens, closes)
        return max(passed // _MINUTE, 0)

    def add_working_minutes(
        self, moment: datetime, minutes: int, *, opens: time = OPENS, closes: time = CLOSES
    ) -> datetime:
        """The earliest moment (aware UTC) by which `minutes` of office time have passed; 0 gives the moment itself."""
        if minutes <= 0:
            return self._unmoved(moment, minutes)
        length = _length(opens, closes)
        whole, part = divmod(self._worked(moment, opens, closes) + minutes * _MINUTE, length)
        # A full last day means its closing hour, not the opening hour of the next one.
        rank, part = (whole - 1, length) if part == 0 else (whole, part)
        return self._moment(rank, opens, part)

    def subtract_working_minutes(
        self, moment: datetime, minutes: int, *, opens: time = OPENS, closes: time = CLOSES
    ) -> datetime:
        """The latest moment (aware UTC) from which `minutes` of office time remain; 0 gives the moment itself."""
        if minutes <= 0:
            return self._unmoved(moment, minutes)
        rank, part = divmod(self._worked(moment, opens, closes) - minutes * _MINUTE, _length(opens, closes))
        if rank < 0:
            raise OutsideCalendar(self._range_sentence())
        return self._moment(rank, opens, part)

    def _index(self, day: date) -> int:
        index = day.toordinal() - self._first
        if not 0 <= index < len(self._works):
            raise OutsideCalendar(self._range_sentence())
        return index

    def _end(self, rank: int) -> Deadline:
        """The end of the working day with that rank, counted from 1."""
        try:
            return self._ends[rank - 1]
        except IndexError:
            raise OutsideCalendar(self._range_sentence()) from None

    def _worked(self, moment: datetime, opens: time, closes: time) -> int:
        """Microseconds of office time from the calendar's first day up to an aware moment."""
        if moment.tzinfo is None:
            msg = f"a naive moment has no day: {moment!r}"
            raise ValueError(msg)
        length = _length(opens, closes)
        index, clock = divmod((moment - self._origin) // _MICROSECOND, _DAY)
        if not 0 <= index < len(self._works):
            raise OutsideCalendar(self._range_sentence())
        if not self._works[index]:
            return self._ranks[index] * length
        today = min(max(clock - _microseconds(opens), 0), length)
        return (self._ranks[index] - 1) * length + today

    def _moment(self, rank: int, opens: time, part: int) -> datetime:
        """The moment `part` microseconds after opening on the working day with that rank, counted from 0."""
        if rank >= len(self._workdays):
            raise OutsideCalendar(self._range_sentence())
        since = self._workdays[rank] * _DAY + _microseconds(opens) + part
        return self._origin + timedelta(microseconds=since)

    def _unmoved(self, moment: datetime, minutes: int) -> datetime:
        if minutes < 0 or moment.tzinfo is None:
            msg = f"minutes are not negative and moments are aware: {minutes}, {moment!r}"
            raise ValueError(msg)
        return moment.astimezone(UTC)

    def _refusal(self, index: int, days: int) -> ValueError:
        if days < 1:
            return ValueError(f"a deadline is at least one working day away: {days}")
        return OutsideCalendar(self._range_sentence())

    def _range_sentence(self) -> str:
        return f"日期超出工作日历的范围：本日历从 {self.first_day} 到 {self.last_day}。"


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=_OFFSET).astimezone(UTC)


def _microseconds(clock: time) -> int:
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 1_000_000 + clock.microsecond


def _length(opens: time, closes: time) -> int:
    """Microseconds of one office day. Raises ValueError unless it closes after it opens."""
    length = _microseconds(closes) - _microseconds(opens)
    if length <= 0:
        msg = f"an office closes after it opens: {opens}–{closes}"
        raise ValueError(msg)
    return length
