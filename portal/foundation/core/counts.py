"""How many requests each route answered, with which status, and how long they took: for `/metrics`.

Each process counts in its own memory and adds what is new to the database every few seconds, beside the requests, so the
figures are the same from every process and outlive each of them. A process that is killed takes at most EVERY seconds of
counts with it; a database that is away loses none.
"""

import logging
import threading
import time
from collections import Counter

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

log = logging.getLogger(__name__)
EVERY = 5.0  # seconds
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds; a request counts in every bucket it fits into

_Key = tuple[str, str]  # route, status
_lock = threading.Lock()
_new: dict[_Key, Counter[str]] = {}
_thread: threading.Thread | None = None

_ADD = f"""
INSERT INTO core_requestcount (route, status, answered, seconds, {", ".join(f"le_{n}" for n in range(len(BUCKETS)))})
VALUES ({", ".join(["%s"] * (4 + len(BUCKETS)))})
ON CONFLICT (route, status) DO UPDATE
   SET answered = core_requestcount.answered + excluded.answered, seconds = core_requestcount.seconds + excluded.seconds,
       {", ".join(f"le_{n} = core_requestcount.le_{n} + excluded.le_{n}" for n in range(len(BUCKETS)))}
"""  # noqa: S608 — constants


def took(route: str, method: str, status: int, seconds: float) -> None:
    """One answer. Costs a few dictionary operations; the database is not touched here."""
    with _lock:
        counter = _new.setdefault((route[:80], str(status)), Counter())
        counter["answered"] += 1
        counter["microseconds"] += int(seconds * 1e6)
        for number, bucket in enumerate(BUCKETS):
            if seconds <= bucket:
                counter[f"le_{number}"] += 1
    if settings.COUNT_REQUESTS:
        _start()


def flush() -> None:
    """Add what is new to the database; what could not be written is kept for the next time."""
    with _lock:
        taken = dict(_new)
        _new.clear()
    rows: list[tuple[str | float, ...]] = [
        (*key, c["answered"], c["microseconds"] / 1e6, *(c[f"le_{n}"] for n in range(len(BUCKETS))))
        for key, c in sorted(taken.items())  # in order, so that two processes never wait for each other in a circle
    ]
    try:
        with connection.cursor() as cursor:
            for row in rows:
                cursor.execute(_ADD, row)
    except (DatabaseError, InterfaceError):
        with _lock:
            for key, counter in taken.items():
                _new.setdefault(key, Counter()).update(counter)


def _start() -> None:
    """The thread begins with the first answer: one begun earlier would not survive gunicorn's fork."""
    global _thread
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_run, daemon=True, name="request-counts")
        _thread.start()


def _run() -> None:
    while True:
        time.sleep(EVERY)
        try:
            flush()
        except Exception:  # the thread must outlive whatever it meets: without it nobody counts any more
            log.exception("requests could not be counted")
        connection.close()  # nobody keeps a line open for a word every five seconds
