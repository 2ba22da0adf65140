"""Reading the journal as plain dicts with their seals, for whoever checks it elsewhere. Only journal tables are read.

Each row is what `chain.canonical` hashes, and `seal`: {"number", "digest", "previous", "sealed_at"}, None while it waits to be
sealed. `previous` is the digest of the link before, so each link can be worked out again from its own line.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from portal.foundation.core.moments import iso

from .chain import FIELDS, GENESIS

Row = dict[str, Any]

_COLUMNS = ", ".join(f"e.{name}" for name in FIELDS if name != "data") + ", e.data::text"
_NAMES = [name for name in FIELDS if name != "data"]
_READ = f"""
SELECT {_COLUMNS}, s.id, s.digest, s.sealed_at,
       (SELECT p.digest FROM journal_seal AS p WHERE p.id < s.id ORDER BY p.id DESC LIMIT 1)
  FROM journal_entry AS e LEFT JOIN journal_seal AS s ON s.entry_id = e.id
"""  # noqa: S608 — constants
_LOST = """
SELECT s.id, s.entry_id FROM journal_seal AS s
 WHERE NOT EXISTS (SELECT FROM journal_entry AS e WHERE e.id = s.entry_id) AND s.id >= %s ORDER BY s.id
"""


def of_case(number: str, *, general: Sequence[str]) -> list[Row]:
    """The entries of one case and those with one of the `general` verbs (rules and calendars), oldest first."""
    return list(_rows(f"{_READ} WHERE e.case_number = %s OR e.verb = ANY(%s) ORDER BY e.id", [number, [*general]]))


def everything(*, verbs: Sequence[str], key: str, batch: int = 5000) -> Iterator[Row]:
    """Every entry with one of these verbs, or with this key in its data, oldest first, read in batches."""
    after = 0
    while True:
        statement = f"{_READ} WHERE e.id > %s AND (e.verb = ANY(%s) OR e.data ? %s) ORDER BY e.id LIMIT %s"
        rows = list(_rows(statement, [after, [*verbs], key, batch]))
        yield from rows
        if len(rows) < batch:
            return
        after = rows[-1]["id"]


def lost(*, first: int = 0) -> list[tuple[int, int]]:
    """(seal number, entry id) of links from that number on whose entry is not in the journal any more."""
    with connection.cursor() as cursor:
        cursor.execute(_LOST, [first])
        return [(int(number), int(entry)) for number, entry in cursor.fetchall()]


def _rows(statement: str, parameters: Sequence[Any]) -> Iterator[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for *values, data, number, digest, sealed_at, previous in cursor.fetchall():
            row: Row = dict(zip(_NAMES, values, strict=True))
            row["at"], row["data"] = iso(row["at"]), json.loads(data)
            row["seal"] = number and {
                "number": number,
                "digest": digest,
                "previous": previous or GENESIS,
                "sealed_at": iso(sealed_at),
            }
            yield row
