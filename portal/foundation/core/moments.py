"""The one source of the present moment, and the day boundaries of Asia/Shanghai.

Inside the portal a moment is an aware UTC datetime. Only a day boundary and a screen are in Asia/Shanghai, so everything
that crosses between the two goes through this file.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from . import database_time

# ZoneInfo rather than a fixed +08:00: Shanghai had summer time in 1986–1991, and old certificates carry such dates.
SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present moment, aware UTC. Called at the edge only (view, task, command); everything below receives it.

    By the database's clock (settings.DATABASE_TIME), so that a machine whose own clock is wrong does no harm.
    """
    if settings.DATABASE_TIME:
        return database_time.now()
    return datetime.now(UTC)  # noqa: TID251 — this is the one reader of the clock that the ban points to


def local(moment: datetime) -> datetime:
    """The same moment on a Chongqing clock. Raises ValueError for a naive moment: its zone would be a guess."""
    if moment.tzinfo is None:
        msg = f"a naive moment has no day: {moment.isoformat()}"
        raise ValueError(msg)
    return moment.astimezone(SHANGHAI)


def local_date(moment: datetime) -> date:
    """The calendar day in Asia/Shanghai on which an aware moment falls."""
    return local(moment).date()


def iso(moment: datetime) -> str:
    """An aware moment as text for JSON that loses nothing: UTC, microseconds (Django's encoder would cut them to three digits)."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def midnight_after(day: date) -> datetime:
    """24:00 of that day in Asia/Shanghai, as aware UTC: the first moment that no longer belongs to it."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=SHANGHAI).astimezone(UTC)
