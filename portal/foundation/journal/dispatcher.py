"""From the journal to its subscribers: fan out, claim with a lease, hand over, retry with back-off, give up loudly.

At least once, with a key (`entry_id`, subscriber) that every channel can see. Crashes lose nothing: an expired lease is
simply claimed again, and only a handler's own failure counts as an attempt.
"""

import logging
import select
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from portal.foundation.core import logs
from portal.foundation.core.failpoints import failpoint

from .models import Delivery, Entry, Outbox
from .subscribers import Down, Later, subscribers

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 10
SOONEST = timedelta(seconds=1)  # a channel that says «later» and means now must not keep the round going for ever
LONGEST_REST = timedelta(minutes=1)  # of a channel that is down, before it is tried again
BACK_OFF = [5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600]  # seconds after the n-th failure


# Channels that are down, as far as this process has seen, and until when it leaves them alone. Another finds out for itself.
_down: dict[str, datetime] = {}


def forget() -> None:
    """Try every channel again at once."""
    _down.clear()


def _resting(*, now: datetime) -> set[str]:
    return {name for name, until in _down.items() if now < until <= now + LONGEST_REST}


def fan_out(*, limit: int = 500) -> int:
    """Turn outbox rows into one delivery per interested subscriber; returns how many entries were taken."""
    with transaction.atomic():
        causes = dict(
            Outbox.objects.select_for_update(skip_locked=True)
            .order_by("entry_id")
            .values_list("entry_id", "request_id")[:limit]
        )
        ids = list(causes)
        if not ids:
            return 0
        # In order, so that each channel hears of things in the order in which they happened.
        entries = Entry.objects.filter(id__in=ids).order_by("id").values_list("id", "verb")
        rows = [
            Delivery(entry_id=pk, subscriber=s.name, request_id=causes[pk])
            for pk, verb in entries
            for s in subscribers()
            if s.wants(verb)
        ]
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
        failpoint("dispatcher.fanning_out")
        Outbox.objects.filter(entry_id__in=ids).delete()
    failpoint("dispatcher.fanned_out")
    return len(ids)


def claim(*, now: datetime, limit: int = 100, without: Collection[str] = ()) -> list[Delivery]:
    """Lease up to `limit` deliveries that wait, are due and are not leased by a living dispatcher; none of channels `without`."""
    with transaction.atomic():
        free = Q(leased_until=None) | Q(leased_until__lt=now)
        due = Q(retry_at=None) | Q(retry_at__lte=now)
        rows = list(
            Delivery.objects.select_for_update(skip_locked=True)
            .filter(free, due, state=Delivery.State.WAITING)
            .exclude(subscriber__in=without)
            .order_by("id")[:limit]
        )
        _lease(rows, now=now)
    return rows


def _lease(deliveries: list[Delivery], *, now: datetime) -> None:
    until = now + LEASE
    Delivery.objects.filter(id__in=[d.pk for d in deliveries], state=Delivery.State.WAITING).update(leased_until=until)
    for delivery in deliveries:
        delivery.leased_until = until


def _give_back(deliveries: list[Delivery]) -> None:
    Delivery.objects.filter(id__in=[d.pk for d in deliveries], state=Delivery.State.WAITING).update(leased_until=None)


def hand_over(delivery: Delivery, entry: Entry, *, now: datetime) -> bool:
    """Call one subscriber; a failure is recorded on this delivery alone, so that one bad row never blocks the rest.

    What it logs and writes to the journal goes back to the request that caused the entry.
    """
    with logs.caused_by(delivery.request_id):
        return _hand_over(delivery, entry, now=now)


def _hand_over(delivery: Delivery, entry: Entry, *, now: datetime) -> bool:
    handler = next((s.handle for s in subscribers() if s.name == delivery.subscriber), None)
    try:
        if handler is None:
            raise LookupError(f"no subscriber named {delivery.subscriber}")
        failpoint("dispatcher.before_handler")
        handler(entry, now)
        failpoint("dispatcher.after_hand_over")
    except Later as rest:
        if isinstance(rest, Down):
            log.warning("%s is down: %s", delivery.subscriber, rest.__cause__ or rest)
            # The others are tried before this one: should it be at fault after all, they go out meanwhile.
            _down[delivery.subscriber] = now + (rest.until - now) * 2 / 3
        Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.WAITING).update(
            leased_until=None, retry_at=max(rest.until, now + SOONEST)
        )
        return False
    except Exception as error:  # whatever a channel throws, the others go on
        if connection.connection is None or connection.connection.closed:
            raise  # the database went away: nobody's failure, and nothing can be written down
        attempts = delivery.attempts + 1
        dead = attempts >= MAX_ATTEMPTS
        log.exception("delivery of entry %s to %s failed (%s)", entry.pk, delivery.subscriber, attempts)
        Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.WAITING).update(
            attempts=attempts,
            leased_until=None,
            retry_at=None if dead else now + timedelta(seconds=BACK_OFF[min(attempts, len(BACK_OFF)) - 1]),
            state=Delivery.State.DEAD if dead else Delivery.State.WAITING,
            last_error=f"{type(error).__name__}: {error}"[:500],
        )
        return False
    Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.WAITING).update(
        state=Delivery.State.SENT, sent_at=now, leased_until=None
    )
    return True


def dispatch(*, now: datetime, limit: int = 500, stopping: Callable[[], bool] = lambda: False) -> int:
    """One round: fan out, claim, hand over, some `limit` deliveries at most. Returns how many were handed over.

    Once `stopping()`, the delivery at hand is finished and the rest of the batch given back at once.

    `now` is when the round begins. A slow channel makes it long, so leases are counted from how far it has come, and those
    of a batch are renewed before they end: otherwise the next dispatcher would send the same mail again.
    """
    began = time.monotonic()

    def moment() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    while fan_out(limit=limit) == limit:
        pass
    sent = seen = 0
    while batch := claim(now=moment(), without=_resting(now=moment())):
        failpoint("dispatcher.leased")
        entries = Entry.objects.in_bulk([d.entry_id for d in batch])
        for place, delivery in enumerate(batch):
            if stopping():
                _give_back(batch[place:])
                return sent
            at = moment()
            if delivery.subscriber in _resting(now=at):  # it went down a moment ago
                Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.WAITING).update(leased_until=None)
                continue
            if delivery.leased_until is not None and delivery.leased_until - at < LEASE / 2:
                _lease(batch[place:], now=at)
            sent += hand_over(delivery, entries[delivery.entry_id], now=at)
            failpoint("dispatcher.marked")
        # Not only what was sent counts: on a busy machine what waits for «later» is due again before the round is through.
        seen += len(batch)
        if seen >= limit:
            break
    return sent


def wait_for_news(seconds: float) -> bool:
    """Sleep until the journal is written to, or `seconds` have passed; returns whether it was.

    Losing the wake-up costs the poll, never a fact.

    Raises django.db.OperationalError when the server went away meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute("LISTEN journal")
    raw = connection.connection
    if not raw.notifies:
        select.select([raw], [], [], seconds)
        # A server that went away is django's OperationalError, as everywhere else.
        with connection.wrap_database_errors:
            raw.poll()
    news = bool(raw.notifies)
    raw.notifies.clear()
    return news
