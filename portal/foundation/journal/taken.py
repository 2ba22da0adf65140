"""Who took data away in a file: one line here before it leaves, with how many rows and the digest of the file.

Every export of a page goes through here; a house test looks for others. The journal itself is taken by `exporting`, whose head
stands in its line in place of a digest.
"""

import hashlib
from datetime import datetime

from django.db import transaction

from portal.foundation.core.actor import Actor

from .record import record


@transaction.atomic(durable=True)
def note(
    what: str,
    *,
    name: str,
    body: bytes,
    rows: int,
    actor: Actor,
    now: datetime,
    verb: str = "records.exported",
    subject: str = "",
    case_number: str = "",
    scope: str = "",
) -> None:
    """`what` names the export, `name` the file, `rows` how many things it lists, `scope` the filter as a query string.

    Readable by the actor's organisation.
    """
    record(
        verb,
        actor=actor,
        now=now,
        subject=subject or f"export:{what}",
        case_number=case_number,
        text=f"导出 {name}，{rows} 行",
        data={"file": name, "rows": rows, "scope": scope, "sha256": hashlib.sha256(body).hexdigest()},
    )
