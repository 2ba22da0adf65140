"""After a test with several transactions the database is as before the first: everything goes but the reference data.

Django's own way empties every table and the reference data (eight thousand calendar days) would be written again after each such
test. Here the tables that hold it stay, unless the test changed them: then they are written anew.
"""

from collections.abc import Callable

from django.db import connection

from tests.by_hand import by_hand

KEPT = {"django_migrations", "django_content_type", "auth_permission"}  # written by migrations, not by load_reference
# Filled by the reference data too, but a test begins with them empty: it counts what happens in it.
EMPTIED = {"journal_entry", "journal_outbox", "journal_unsealed"}
_before: dict[str, tuple[int, int]] = {}  # by table with reference data: how many rows, and the sum of their digests


def remember() -> None:
    """What is in the database now, the reference data alone, is what every test begins with."""
    _before.clear()
    _before.update({table: said for table in _tables() if (said := _digest(table))[0]})


def empty(load: Callable[[], None]) -> None:
    """Delete every row that is no reference data, past all triggers; `load` writes that again where the test changed it."""
    changed = any(_digest(table) != said for table, said in _before.items())
    gone = [table for table in _tables() if changed or table not in _before]
    with by_hand() as cursor:
        cursor.execute("; ".join(f'DELETE FROM "{table}"' for table in gone))  # noqa: S608 — our tables
    if changed:
        load()
        remember()


def _tables() -> list[str]:
    return sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT)


def _digest(table: str) -> tuple[int, int]:
    if table in EMPTIED:
        return 0, 0
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM "{table}" t')  # noqa: S608 — our tables
        rows, digest = cursor.fetchone()
        return int(rows), int(digest)
