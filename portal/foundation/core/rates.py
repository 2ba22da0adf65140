"""How often something may be done: counted in PostgreSQL, so that every web process agrees, in one statement each.

The count is the «generic cell rate algorithm»: one moment per rate and caller, which every taking moves on by
`per / number`; a taking that would move it further than `per` past the present is refused and moves nothing. So `number` at
once are let through, then one every `per / number`, and a hundred racing callers are not one more.

A refusal stays true until its end whatever happens meanwhile, so each process remembers it: a flood costs the database
nothing. Call `take` before an action opens its transaction: inside one, the row stays locked, and what is rolled back is
not counted.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from math import ceil
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponseBase

from . import addresses, moments
from .errors import TooMany

View = Callable[..., HttpResponseBase]

_refused: dict[str, datetime] = {}  # digest → when the next one may pass; only ever a lower bound
_MOST_REMEMBERED = 10_000

_TAKE = """
WITH taken AS (
    INSERT INTO core_ratecount AS c (key, name, until) VALUES (%(key)s, %(name)s, %(now)s + %(step)s)
    ON CONFLICT (key) DO UPDATE SET until = greatest(c.until, %(now)s) + %(step)s
        WHERE greatest(c.until, %(now)s) + %(step)s <= %(now)s + %(per)s
    RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM taken), (SELECT until FROM core_ratecount WHERE key = %(key)s)
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """`number` times `per` span for one caller; the name is part of the count, so two rates never share one."""

    name: str  # ≤ 40 characters
    number: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: the next one passes at `until`, in `seconds` (≥ 1). `again`: this caller has just been told so."""

    until: datetime
    seconds: int
    again: bool = False

    @property
    def sentence(self) -> str:
        return self.told("操作过于频繁")

    def told(self, what: str) -> str:
        """A sentence that says what there was too much of, and how long to wait."""
        span = f"{self.seconds} 秒" if self.seconds < 120 else f"{ceil(self.seconds / 60)} 分钟"
        return f"{what}，请 {span}后再试。"


def take(rate: Rate, key: str, *, now: datetime) -> Wait | None:
    """Count one for this key and let it pass (None), or say how long to wait; a refused one is not counted.

    `key` names the caller (a user, an address, an organisation); only its digest is stored.
    """
    if settings.RATE_FACTOR < 1:
        return None
    digest = addresses.digest("rates", f"{rate.name}:{key}")
    if (until := _refused.get(digest)) is not None and now < until:
        return _wait(until, now, again=True)
    step = rate.per // (rate.number * settings.RATE_FACTOR)  # rounded down, so that `number` fit
    values: dict[str, Any] = {"key": digest, "name": rate.name, "now": now, "step": step, "per": rate.per}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        passed, reached = cursor.fetchone()
    if passed:
        return None
    # The snapshot may be older than the row that refused us, then this is too early, or even from before there was one.
    until = now + step if reached is None else reached + step - rate.per
    if reached is not None and until > now:
        _remember(digest, until, now)
    return _wait(until, now)


def waiting(rate: Rate, key: str, *, now: datetime) -> Wait | None:
    """Whether `take` would refuse now; counts nothing. For what is counted only when it fails."""
    if settings.RATE_FACTOR < 1:
        return None
    digest = addresses.digest("rates", f"{rate.name}:{key}")
    if (until := _refused.get(digest)) is not None and now < until:
        return _wait(until, now, again=True)
    return None


def require(rate: Rate, key: str, what: str, *, now: datetime) -> None:
    """Count one, or raise TooMany with a sentence that begins with `what`. Before the transaction, as `take`."""
    if wait := take(rate, key, now=now):
        raise TooMany("too_many", wait.told(what), retry_after=wait.seconds)


def limited(
    rate: Rate, *, key: Callable[[HttpRequest], str] = addresses.visitor, methods: Collection[str] = ()
) -> Callable[[View], View]:
    """A view that answers 429 with Retry-After and a sentence when its caller is too quick; with `methods` only these count.

    Below the guard (`@allow`, `@public`), so that only who may open the page is counted.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if (not methods or request.method in methods) and (wait := take(rate, key(request), now=moments.now())):
                request.refused_again = wait.again  # type: ignore[attr-defined]  # one trace of a flood is enough
                raise TooMany("too_many", wait.sentence, retry_after=wait.seconds)
            return view(request, *args, **kwargs)

        counted.rates = (rate, *getattr(view, "rates", ()))  # type: ignore[attr-defined]
        return counted

    return decorate


def forget() -> None:
    """Let this process ask the database again; for tests, whose counts are rolled back behind its back."""
    _refused.clear()


def tidy(*, now: datetime) -> int:
    """Delete the counts that have run out: they say no more than a missing row. Returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_ratecount WHERE until < %s", [now - timedelta(minutes=1)])
        return int(cursor.rowcount)


def _wait(until: datetime, now: datetime, *, again: bool = False) -> Wait:
    return Wait(until, max(1, ceil((until - now).total_seconds())), again)


def _remember(digest: str, until: datetime, now: datetime) -> None:
    if len(_refused) >= _MOST_REMEMBERED:
        for known, end in list(_refused.items()):
            if end <= now:
                _refused.pop(known, None)
        if len(_refused) >= _MOST_REMEMBERED:
            _refused.clear()
    _refused[digest] = until
