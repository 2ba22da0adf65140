"""Moments of the story: so many working days ago, at an hour; always in the past, whatever the time of running."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.sla.workdays import WorkCalendar


@dataclass(frozen=True, slots=True)
class Timeline:
    """The story's «today» is the day of `now` in Asia/Shanghai."""

    now: datetime
    calendar: WorkCalendar

    def workday(self, ago: int) -> date:
        """The working day `ago` working days before today (1: the last one)."""
        day = local_date(self.now)
        while ago > 0:
            day -= timedelta(days=1)
            ago -= self.calendar.is_workday(day)
        return day

    def at(self, ago: int, hour: int, minute: int = 0) -> datetime:
        """That day at that time in Asia/Shanghai."""
        start = midnight_after(self.workday(ago) - timedelta(days=1))
        return start + timedelta(hours=hour, minutes=minute)

    def just(self, minutes: int) -> datetime:
        """So many minutes ago."""
        return self.now - timedelta(minutes=minutes)
