"""How many questions a page may ask PostgreSQL."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.foundation.sla import calendars_in_use

BUDGET = 12  # queries a page, session, user, seat and unread messages included
# No part of a page: the seat is written into a session once, a test has a transaction, and who looked at whose data is noted
# in one statement after the answer.
NOT_ASKED = ("SAVEPOINT", "RELEASE", 'UPDATE "django_session"', "INSERT INTO journal_look")


def asked(captured: Iterable[dict[str, str]]) -> list[str]:
    """What a page asked, of captured queries."""
    return [q["sql"] for q in captured if not q["sql"].lstrip().startswith(NOT_ASKED)]


@contextmanager
def budget(most: int = BUDGET) -> Iterator[None]:
    calendars_in_use.current()  # loaded once in half a minute, not by a page
    with CaptureQueriesContext(connection) as spent:
        yield
    found = asked(spent.captured_queries)
    assert len(found) <= most, "\n".join(sql[:200] for sql in found)
