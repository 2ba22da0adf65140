"""Writing to the journal. Always inside the transaction of the change it describes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from portal.foundation.core.actor import Actor

from .models import Entry


def record(
    verb: str,
    *,
    actor: Actor,
    now: datetime,
    subject: str,
    case_number: str = "",
    text: str = "",
    data: Mapping[str, Any] | None = None,
    parties: Iterable[int] = (),
) -> Entry:
    """Write one fact. `parties` are the organisations that may read it; the actor's own is added.

    Raises RuntimeError outside a transaction: a fact without its change, or the reverse, must be impossible.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("journal.record belongs inside the transaction of the change")
    readers = sorted({p for p in (*parties, actor.organisation_id) if p})
    return Entry.objects.create(
        at=now,
        verb=verb,
        actor_id=actor.user_id or None,
        actor_label=actor.label,
        organisation_id=actor.organisation_id or None,
        subject=subject,
        case_number=case_number,
        text=text,
        data=dict(data or {}),
        parties=readers,
    )
