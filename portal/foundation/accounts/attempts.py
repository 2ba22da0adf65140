"""Slowing down guessers: wrong passwords and wrong look-up digits are counted in PostgreSQL, so every web process agrees.

A refused try is not counted, so a pause ends when it was said to end, however often somebody knocks meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, connection
from django.utils.crypto import salted_hmac

from portal.foundation.core import addresses

from .models import Attempt

_KEEP = timedelta(days=1)


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


def _digest(key: str) -> str:
    return salted_hmac("portal.attempts", key, algorithm="sha256").hexdigest()


def take_turn(limit: Limit, key: str) -> None:
    """Let one try a time through for this key, until the transaction ends: a hundred at once are still five.

    Raises OperationalError when the queue is longer than the database's lock time-out (see queue_too_long).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{limit.scope}:{_digest(key)}"])


def queue_too_long(error: OperationalError) -> bool:
    """Whether waiting for one's turn ended at the lock time-out: so many guesses at once that this one is refused."""
    return getattr(error.__cause__, "pgcode", "") == "55P03"  # lock_not_available


def refused(limit: Limit, key: str, *, now: datetime) -> bool:
    """Whether this key must wait."""
    last = list(
        Attempt.objects.filter(scope=limit.scope, key=_digest(key), at__gt=now - limit.pause - limit.window)
        .order_by("-at")
        .values_list("at", flat=True)[: limit.misses]
    )
    return len(last) == limit.misses and now < last[0] + limit.pause and last[0] - last[-1] <= limit.window


def miss(limit: Limit, key: str, *, now: datetime) -> None:
    """Count one wrong try, and forget those of yesterday."""
    Attempt.objects.filter(at__lt=now - _KEEP).delete()
    Attempt.objects.create(scope=limit.scope, key=_digest(key), at=now)


def forget(limit: Limit, key: str) -> None:
    """A right answer clears the slate."""
    Attempt.objects.filter(scope=limit.scope, key=_digest(key)).delete()


client_address = addresses.client_address
