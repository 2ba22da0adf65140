"""Writing to the journal. Always inside the transaction of the change it describes."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from portal.foundation.core import logs
from portal.foundation.core.actor import Actor

from .models import Entry

# What a writer says; the number is the database's (database_roles grants exactly these columns).
COLUMNS = (
    "at", "verb", "actor_id", "actor_label", "organisation_id", "subject", "case_number", "text", "data", "parties",
)  # fmt: skip
# Every verb writes one, so it is one plain statement: the ORM's insert costs more than PostgreSQL's.
_INSERT = f"""
INSERT INTO journal_entry ({", ".join(COLUMNS)})
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::bigint[]) RETURNING id, set_config('portal.request_id', %s, true)
"""  # noqa: S608 — constants; the outbox row, which a trigger writes after this, takes the request's number from there
_LONGEST, _LONGEST_LABEL = 500, 200  # characters of Entry.text and Entry.actor_label


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

    `text` may quote what people typed: one that is too long for its column is shortened here, so that a long question
    never fails the answer it belongs to (the full words stand in their own row).

    Raises RuntimeError outside a transaction: a fact without its change, or the reverse, must be impossible.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("journal.record belongs inside the transaction of the change")
    entry = Entry(
        at=now,
        verb=verb,
        actor_id=actor.user_id or None,
        actor_label=_shortened(actor.label, _LONGEST_LABEL),
        organisation_id=actor.organisation_id or None,
        subject=subject,
        case_number=case_number,
        text=_shortened(text, _LONGEST),
        data=dict(data or {}),
        parties=sorted({p for p in (*parties, actor.organisation_id) if p}),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                now, verb, entry.actor_id, entry.actor_label, entry.organisation_id, subject, case_number, entry.text,
                json.dumps(entry.data, cls=DjangoJSONEncoder), entry.parties, logs.request_id(),
            ],
        )  # fmt: skip
        entry.pk = cursor.fetchone()[0]
    entry._state.adding, entry._state.db = False, connection.alias
    return entry


def _shortened(text: str, longest: int) -> str:
    """The text, or as much of it as fits with «…» at its end."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
