"""Data that leaves the portal in a file leaves a line here first: who took what, how many rows, and the digest of the file."""

import hashlib
from datetime import datetime

from django.db import transaction

from portal.foundation.core.actor import Actor

from .record import record


@transaction.atomic(durable=True)
def note(what: str, *, name: str, body: bytes, rows: int, actor: Actor, now: datetime) -> None:
    """`what` names the export, `name` the file, `rows` how many things it lists. Readable by the actor's organisation."""
    record(
        "records.exported",
        actor=actor,
        now=now,
        subject=f"export:{what}",
        text=f"导出 {name}，{rows} 行",
        data={"file": name, "rows": rows, "sha256": hashlib.sha256(body).hexdigest()},
    )
