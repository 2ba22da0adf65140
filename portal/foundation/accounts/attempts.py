"""Slowing down guessers: wrong passwords and wrong look-up digits are counted in PostgreSQL, so every web process agrees.

A refused try is not counted, so a pause ends when it was said to end, however often somebody knocks meanwhile. Why this and
not django-axes: docs/security/identity.md.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.db import OperationalError, connection

from portal.foundation.core import addresses
from portal.foundation.core.errors import TooMany

from .models import Attempt

_SLOT = 0x6861  # the first number of the advisory locks of SLOTS


@dataclass(frozen=True, slots=True)
class Limit:
    """After `misses` wrong tries within `window`, the next are refused for `pause` from the last of them."""

    scope: str
    misses: int
    window: timedelta = timedelta(minutes=15)
    pause: timedelta = timedelta(minutes=15)


LOGIN = Limit("login", 5)
# One common password tried on many accounts; well above what an office behind one address mistypes.
LOGIN_ADDRESS = Limit("login-address", 50)
SECOND = Limit("second", 5)
# The codes that were sent (phone_codes): each asking has its own five tries.
CODE = Limit("code", 5)
# So many passwords are hashed at once, whatever the number of processes: each takes 46 MiB and a core for 30 ms.
SLOTS = 4


def _digest(key: str) -> str:
    return addresses.digest("attempts", key)


def take_turn(limit: Limit, key: str) -> None:
    """Let one try a time through for this key, until the transaction ends: a hundred at once are still five.

    Raises OperationalError when the queue is longer than the database's lock time-out (see queue_too_long).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{limit.scope}:{_digest(key)}"])


def take_slot() -> None:
    """One of the few places for hashing a password, kept until the transaction ends.

    Raises OperationalError when none becomes free within the lock time-out (see queue_too_long).
    """
    first = random.randrange(SLOTS)
    with connection.cursor() as cursor:
        for turn in range(SLOTS):
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_SLOT, (first + turn) % SLOTS])
            if cursor.fetchone()[0]:
                return
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_SLOT, first])


def queue_too_long(error: OperationalError) -> bool:
    """Whether waiting for one's turn ended at the lock time-out: so many guesses at once that this one is refused."""
    return getattr(error.__cause__, "pgcode", "") == "55P03"  # lock_not_available


def refused(limit: Limit, key: str, *, now: datetime) -> bool:
    """Whether this key must wait."""
    return pause_of(limit, key, now=now) is not None


def pause_of(limit: Limit, key: str, *, now: datetime) -> timedelta | None:
    """How long this key must still wait; None when it need not."""
    last = list(
        Attempt.objects.filter(scope=limit.scope, key=_digest(key), at__gt=now - limit.pause - limit.window)
        .order_by("-at")
        .values_list("at", flat=True)[: limit.misses]
    )
    if len(last) == limit.misses and now < last[0] + limit.pause and last[0] - last[-1] <= limit.window:
        return last[0] + limit.pause - now
    return None


def require(limit: Limit, key: str, *, now: datetime) -> None:
    """Raises TooMany while this key, an address, must wait."""
    if pause := pause_of(limit, key, now=now):
        minutes = ceil(pause / timedelta(minutes=1))
        raise TooMany(
            "slowed_down",
            f"这个网络地址上的尝试次数过多，请 {minutes} 分钟后再试。",
            retry_after=ceil(pause / timedelta(seconds=1)),
        )


def miss(limit: Limit, key: str, *, now: datetime) -> None:
    """Count one wrong try; retention forgets those of yesterday."""
    Attempt.objects.create(scope=limit.scope, key=_digest(key), at=now)


def forget(limit: Limit, key: str) -> None:
    """A right answer clears the slate."""
    Attempt.objects.filter(scope=limit.scope, key=_digest(key)).delete()
