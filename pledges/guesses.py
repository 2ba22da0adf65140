"""Slows down people who try notice numbers and codes one after the other. Counted in PostgreSQL, so it holds on every machine."""

import hashlib
from datetime import datetime, timedelta

from django.db import connection

from portal.foundation.core.errors import DomainError

WINDOW = timedelta(minutes=10)
LIMIT = 20  # look-ups by number, and codes that do not exist, from one address within the window


class TooMany(DomainError):
    status = 429


def count(address: str, *, now: datetime) -> int:
    """One more try of this address; returns how many there were within the window, this one included. One statement."""
    source = hashlib.sha256(f"notice-verify:{address}".encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pledges_guess AS g (source, tries, since) VALUES (%(source)s, 1, %(now)s) "
            "ON CONFLICT (source) DO UPDATE SET "
            "tries = CASE WHEN g.since <= %(old)s THEN 1 ELSE g.tries + 1 END, "
            "since = CASE WHEN g.since <= %(old)s THEN %(now)s ELSE g.since END RETURNING tries",
            {"source": source, "now": now, "old": now - WINDOW},
        )
        row = cursor.fetchone()
    return int(row[0])


def require_patience(address: str, *, now: datetime) -> None:
    """Count a try and raise TooMany (429) beyond the limit."""
    if count(address, now=now) > LIMIT:
        minutes = int(WINDOW.total_seconds() // 60)
        raise TooMany("slow_down", f"查询次数过多，请 {minutes} 分钟后再试，或扫描通知书上的二维码核验。")
