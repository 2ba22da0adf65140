"""The journal as the lines that `verifying` reads, straight from the database: a million entries in seconds.

PostgreSQL writes everything of an entry but `data` in canonical form (its to_json escapes as Python's json does); only `data`,
whose keys must be sorted, passes through Python. Rows come in the chain's order by a cursor on the server, in one snapshot.
"""

import hashlib
import json
from collections.abc import Iterator

from django.db import connection, transaction

from . import verifying
from .chain import GENESIS

_BATCH = 5000
# The two halves of chain.canonical around `data`; the order is that of chain.FIELDS.
_HALVES = """
'[' || e.id || ',"' || to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00",' || to_json(e.verb) || ','
    || coalesce(e.actor_id::text, 'null') || ',' || to_json(e.actor_label) || ',' || coalesce(e.organisation_id::text, 'null')
    || ',' || to_json(e.subject) || ',' || to_json(e.case_number) || ',' || to_json(e.text) || ',',
e.data::text,
',' || array_to_json(e.parties) || ']'
"""
_SEALED = f"""
SELECT s.digest, {_HALVES} FROM journal_seal AS s LEFT JOIN journal_entry AS e ON e.id = s.entry_id ORDER BY s.id
"""  # noqa: S608 — constants
# Neither sealed nor on the way to it: written past the triggers. It is given as sealed by nothing, which no check lets pass.
_REST = f"""
SELECT CASE WHEN u.entry_id IS NULL THEN 'unknown' ELSE '-' END, {_HALVES}
  FROM journal_entry AS e LEFT JOIN journal_unsealed AS u ON u.entry_id = e.id
 WHERE NOT EXISTS (SELECT FROM journal_seal AS s WHERE s.entry_id = e.id) ORDER BY e.id
"""  # noqa: S608 — constants


def lines(*, about: str = "") -> Iterator[bytes]:
    """The whole journal as an export, line by line. Reads one snapshot; the caller is outside a transaction."""
    whole, sealed, waiting, head = hashlib.sha256(), 0, 0, GENESIS
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '120s'")  # whoever receives it may be slow
            if not _nested():
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield _counted(whole, verifying.header(about=about))
        for digest, entry in _rows(_SEALED, "journal_sealed"):
            sealed, head = sealed + 1, digest
            yield _counted(whole, b"%d %s %s\n" % (sealed, digest.encode(), entry))
        for state, entry in _rows(_REST, "journal_rest"):
            if state == "-":
                waiting += 1
                yield _counted(whole, b"- - %s\n" % entry)
            else:
                sealed += 1
                yield _counted(whole, b"%d %s %s\n" % (sealed, state.encode(), entry))
                head = state
    yield verifying.trailer(sealed=sealed, waiting=waiting, head=head, sha256=whole.hexdigest())


def _nested() -> bool:
    """Whether somebody else's transaction is open already (a test's); its isolation cannot be changed any more."""
    return len(connection.savepoint_ids) > 0


def _counted(whole: "hashlib._Hash", line: bytes) -> bytes:
    whole.update(line)
    return line


def _rows(statement: str, name: str) -> Iterator[tuple[str, bytes]]:
    """(digest, canonical bytes) of each row; of a link whose entry is gone, the bytes `lost`, which no digest fits."""
    connection.ensure_connection()
    with connection.connection.cursor(name=name) as cursor:
        cursor.itersize = _BATCH
        cursor.execute(statement)
        for digest, before, data, after in cursor:
            if before is None:
                yield digest, b"lost"
                continue
            if data != "{}":
                data = json.dumps(json.loads(data), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            yield digest, (before + data + after).encode()
