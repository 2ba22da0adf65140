"""Bugs of the journal, its chain, the dispatcher and what people are told."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.signals import connection_created
from django.db.models import Q

from portal.foundation.core.failpoints import failpoint
from portal.foundation.journal import dispatcher, record, sealer, subscribers
from portal.foundation.journal.chain import GENESIS
from portal.foundation.journal.models import Delivery, Entry, Outbox, Seal, Unsealed
from portal.foundation.journal.subscribers import Subscriber
from portal.notifications import writing

from .model import Needs, mutant
from .patching import afterwards, everywhere, put

_DISPATCHERS = ("dispatch-1", "dispatch-2", "worker")
_BY_SQL = frozenset(
    {"referral.claimed", "referral.assigned", "clock.escalated"}
)  # written by statements, not by record()


def _subscribe(name: str, handle: Any) -> None:
    """Exchange a handler in the registry."""
    put(subscribers, "_registry", {**subscribers._registry})
    old = subscribers._registry[name]
    subscribers._registry[name] = Subscriber(name=name, verbs=old.verbs, handle=handle)


@mutant(
    "sent_before_handed_over",
    "a delivery is marked as sent, then handed over: a crash between loses it",
    caught_by=("notice.missing", "mail.received"),
    needs=Needs(failpoints="dispatcher.before_handler=kill@0.03", processes=_DISPATCHERS),
)
def sent_before_handed_over() -> None:
    def hand_over(delivery: Delivery, entry: Entry, *, now: datetime) -> bool:
        Delivery.objects.filter(pk=delivery.pk).update(
            state=Delivery.State.SENT, sent_at=now, leased_until=None, last_error=""
        )
        handler = next(s.handle for s in subscribers.subscribers() if s.name == delivery.subscriber)
        failpoint("dispatcher.before_handler")
        handler(entry, now)
        return True

    everywhere(dispatcher, "hand_over", hand_over)


@mutant(
    "no_lease",
    "dispatchers read what waits without leasing it: two of them send the same mail",
    caught_by=("mail.repeated",),
)
def no_lease() -> None:
    def claim(*, now: datetime, limit: int = 100, without: Collection[str] = ()) -> list[Delivery]:
        due = Q(retry_at=None) | Q(retry_at__lte=now)
        waiting = Delivery.objects.filter(due, state=Delivery.State.WAITING).exclude(subscriber__in=without)
        return list(waiting.order_by("id")[:limit])

    everywhere(dispatcher, "claim", claim)


@mutant(
    "claim_counts_as_failure",
    "taking a delivery counts as an attempt, so a crash pushes all its batch-mates back and at last gives them up",
    caught_by=("delivery.state", "delivery.dead"),
    needs=Needs(kill=("dispatch-1", "dispatch-2")),
)
def claim_counts_as_failure() -> None:
    def claim(**given: Any) -> list[Delivery]:
        rows: list[Delivery] = real(**given)
        for row in rows:
            row.attempts += 1
            dead = row.attempts >= dispatcher.MAX_ATTEMPTS
            Delivery.objects.filter(pk=row.pk).update(
                attempts=row.attempts, state=Delivery.State.DEAD if dead else Delivery.State.WAITING
            )
        return rows

    real = everywhere(dispatcher, "claim", claim)


@mutant(
    "poison_blocks",
    "a mail that the server refuses ends the whole round: everything behind it in the batch waits for ever",
    caught_by=("delivery.waiting",),
    needs=Needs(patience=45.0),
)
def poison_blocks() -> None:
    def mail(entry: Entry, now: datetime) -> None:
        if entry.verb == "referral.claimed" and entry.pk % 7 == 0:
            raise ConnectionRefusedError("the mail server refuses this recipient")
        writing.mail(entry, now)

    def hand_over(delivery: Delivery, entry: Entry, *, now: datetime) -> bool:
        next(s.handle for s in subscribers.subscribers() if s.name == delivery.subscriber)(entry, now)
        Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.SENT, sent_at=now, leased_until=None)
        return True

    _subscribe("mail", mail)
    everywhere(dispatcher, "hand_over", hand_over)


@mutant(
    "fan_out_by_number",
    "fan-out remembers the highest entry it saw: one that commits later with a lower number is never told",
    caught_by=("outbox.every_subscriber",),
)
def fan_out_by_number() -> None:
    def fan_out(*, limit: int = 500) -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(77)")
            cursor.execute("SELECT coalesce(max(entry_id), 0) FROM journal_delivery")
            seen = cursor.fetchone()[0]
            entries = list(Entry.objects.filter(pk__gt=seen).order_by("pk").values_list("pk", "verb")[:limit])
            rows = [
                Delivery(entry_id=pk, subscriber=s.name)
                for pk, verb in entries
                for s in subscribers.subscribers()
                if s.wants(verb)
            ]
            Delivery.objects.bulk_create(rows)
            Outbox.objects.filter(entry_id__lte=max([seen, *(pk for pk, _ in entries)])).delete()
        return len(entries)

    everywhere(dispatcher, "fan_out", fan_out)


@mutant(
    "notice_on_commit",
    "notices are written after the commit by the process that acted, no longer from the journal: a crash loses them",
    caught_by=("notice.missing",),
    needs=Needs(failpoints="notices.before_write=kill@0.03", processes=("web",)),
)
def notice_on_commit() -> None:
    def record_and_tell(verb: str, **given: Any) -> Entry:
        entry: Entry = real(verb, **given)
        transaction.on_commit(lambda: write(entry, entry.at))
        return entry

    def told(entry: Entry, now: datetime) -> None:
        if entry.verb in _BY_SQL:
            write(entry, now)

    write = writing.write
    real = everywhere(record, "record", record_and_tell)
    put(writing, "write", told)
    _subscribe("notices", told)


@mutant(
    "journal_after_commit",
    "the fact is written after the commit of the change it describes, in a transaction of its own",
    caught_by=("journal.one_transaction", "request.journalled", "referral.journalled", "pledge.journalled"),
    needs=Needs(kill=("web",)),
)
def journal_after_commit() -> None:
    def later(verb: str, **given: Any) -> Entry:
        def write() -> None:
            with transaction.atomic():
                real(verb, **given)

        transaction.on_commit(write)
        return Entry(verb=verb)

    real = everywhere(record, "record", later)


@mutant(
    "seal_by_number",
    "the sealer goes on behind the highest sealed number: an entry that commits late with a lower one is never chained",
    caught_by=("journal.sealed", "journal.waiting"),
)
def seal_by_number() -> None:
    def seal(*, now: datetime, limit: int = 1000) -> int:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [sealer._LOCK])
            if not cursor.fetchone()[0]:
                return 0
            last = Seal.objects.order_by("-entry_id").values_list("entry_id", flat=True).first() or 0
            digest = Seal.objects.order_by("-id").values_list("digest", flat=True).first() or GENESIS
            entries = list(Entry.objects.filter(pk__gt=last).order_by("pk")[:limit])
            rows = []
            for entry in entries:
                digest = sealer.link(digest, entry)
                rows.append(Seal(entry_id=entry.pk, sealed_at=now, digest=digest))
            Seal.objects.bulk_create(rows)
            if entries:
                Unsealed.objects.filter(entry_id__lte=entries[-1].pk).delete()
        return len(rows)

    everywhere(sealer, "seal", seal)


@mutant(
    "commit_not_waited_for",
    "synchronous_commit is off: what was acknowledged in the last half second is gone after a crash of the database",
    caught_by=("history.submitted", "history.answers", "history.steps"),
    needs=Needs(kill=("postgres",)),
)
def commit_not_waited_for() -> None:
    def loosen(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")

    connection_created.connect(loosen, weak=False, dispatch_uid="mutant")
    afterwards(lambda: connection_created.disconnect(dispatch_uid="mutant"))
