"""The database's clock, carried on: asked now and then, counted forward in between by this machine's steady clock.

A web server whose clock is three days ahead, or is set back an hour by its administrator, would start promises on the wrong
day. So no moment comes from a machine's wall clock while a database can be asked; all machines count with the same one, and
it is the one by which the sweep announces.
"""

import logging
import time
from datetime import UTC, datetime, timedelta
from threading import Lock

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

log = logging.getLogger(__name__)

KEEP = 30.0  # seconds until the database is asked again; quartz drifts by less than 10 ms meanwhile
AGAIN = 1.0  # seconds to wait after a question without a good answer
PROMPT = 0.25  # an answer that took longer (seconds) does not say what time it is; half of it is the error
AMISS = timedelta(seconds=5)  # a wall clock that is this far off is worth a line in the log

_asking = Lock()
_anchor: tuple[float, datetime] | None = None
_next_question = float("-inf")


def now() -> datetime:
    """The present moment by the database's clock, aware UTC; by this machine's while no database has ever answered."""
    global _next_question
    if _steady() >= _next_question and _asking.acquire(blocking=False):
        try:
            _next_question = _steady() + (KEEP if _ask() else AGAIN)
        finally:
            _asking.release()
    anchor = _anchor
    if anchor is None:
        return datetime.now(UTC)  # noqa: TID251 — nothing better is known
    return anchor[1] + timedelta(seconds=_steady() - anchor[0])


def forget() -> None:
    """Ask again at the next use."""
    global _anchor, _next_question
    _anchor, _next_question = None, float("-inf")


def _ask() -> bool:
    """Ask the database what time it is; whether the answer came soon enough to be one."""
    global _anchor
    if connection.needs_rollback:  # a broken transaction takes no question
        return False
    before = _steady()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            answer: datetime = cursor.fetchone()[0]
    except (DatabaseError, ImproperlyConfigured):
        return False
    after = _steady()
    if after - before > PROMPT:
        return False
    if _anchor is None and abs(astray := datetime.now(UTC) - answer) > AMISS:  # noqa: TID251 — the two are compared
        log.warning("this machine's clock is %s off the database's; the database's counts", astray)
    _anchor = ((before + after) / 2, answer.astimezone(UTC))
    return True


def _steady() -> float:
    """Seconds by a clock that nobody sets and, on Linux, that goes on while the machine is suspended."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
