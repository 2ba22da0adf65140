"""Chaining the journal: each entry's digest covers the one before it, so a changed byte anywhere is found.

A separate step, not part of each transaction: a chain inside the transactions would be one global lock, and one paused
client would stop every writer.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.moments import iso

from . import chain, refusals
from .chain import GENESIS
from .models import Entry, Seal, Unsealed

log = logging.getLogger(__name__)
_LOCK = 0x6A6F7572  # 'jour': one sealer at a time, for the length of one transaction


def plain(entry: Entry) -> dict[str, Any]:
    """An entry as the chain sees it."""
    return {name: getattr(entry, name) for name in chain.FIELDS} | {"at": iso(entry.at)}


def link(previous: str, entry: Entry) -> str:
    return chain.link(previous, plain(entry))


def seal(*, now: datetime, limit: int = 1000) -> int:
    """Chain what is waiting, in one short transaction; returns how many entries were sealed (0 if another sealer works).

    Who may write entries may also write into the list of what waits: an id there that is sealed already is taken off the list
    and told, so that it stops nobody.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return 0
        ids = list(Unsealed.objects.order_by("entry_id").values_list("entry_id", flat=True)[:limit])
        if not ids:
            return 0
        digest = Seal.objects.order_by("-id").values_list("digest", flat=True).first() or GENESIS
        rows = []
        twice = list(Seal.objects.filter(entry_id__in=ids).values_list("entry_id", flat=True))
        for entry in Entry.objects.filter(id__in=ids).exclude(id__in=twice).order_by("id"):
            digest = link(digest, entry)
            rows.append(Seal(entry_id=entry.pk, sealed_at=now, digest=digest))
        Seal.objects.bulk_create(rows)
        Unsealed.objects.filter(entry_id__in=ids).delete()
        failpoint("seal.before_commit")
    failpoint("seal.committed")
    for entry_id in twice:
        log.error("entry %s is sealed and was put on the list again", entry_id)
        refusals.note("sealed-twice", request=None, actor=None, now=now, subject=f"entry:{entry_id}")
    return len(rows)


def broken_links() -> Iterator[int]:
    """Entry ids whose stored digest does not follow from the one before, then those that are neither chained nor waiting to be.

    Empty when the journal is intact. What was cut off at the end together with its links is found against the head kept outside.
    """
    digest = GENESIS
    for row in Seal.objects.order_by("id").iterator(chunk_size=2000):
        entry = Entry.objects.filter(pk=row.entry_id).first()
        if entry is None or link(digest, entry) != row.digest:
            yield row.entry_id
        digest = row.digest
    sealed, waiting = Seal.objects.filter(entry_id=OuterRef("pk")), Unsealed.objects.filter(entry_id=OuterRef("pk"))
    yield from (
        Entry.objects.filter(~Exists(sealed), ~Exists(waiting)).order_by("id").values_list("id", flat=True).iterator()
    )
