"""Progress, not mere existence: a process that runs but does nothing any more is stopped, so that the supervisor starts it anew.

A worker that waits for a reply which the network swallowed looks alive for ever. Its sign of life in the database does not.
"""

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psycopg2

LOOK_EVERY = 1.0  # seconds
ANSWER = 5.0  # seconds in which a web server that works answers

Look = Callable[[], bool | None]
"""Has it made progress since the last look? None: that cannot be told now, which is nobody's fault."""


class Watchdog:
    """Looks at each process once a second in a thread of its own, because a look may hang."""

    def __init__(self, looks: Mapping[str, tuple[Look, float]]) -> None:
        """`looks`: name of a process → (look, seconds without progress after which it counts as stuck)."""
        self.looks = dict(looks)
        self.idle = dict.fromkeys(self.looks, 0.0)
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True, name="watchdog")

    def start(self) -> "Watchdog":
        self.thread.start()
        return self

    def stop(self) -> None:
        self.ended.set()

    def stuck(self) -> list[str]:
        """Who has made no progress for too long. Asking does not forgive: `forgive` does, after a restart."""
        with self.lock:
            return [name for name, idle in self.idle.items() if idle > self.looks[name][1]]

    def forgive(self, name: str) -> None:
        """It was started anew: its time begins again."""
        with self.lock:
            if name in self.idle:
                self.idle[name] = 0.0

    def _watch(self) -> None:
        before = time.monotonic()
        while not self.ended.wait(LOOK_EVERY):
            passed, before = time.monotonic() - before, time.monotonic()
            for name, (look, _) in self.looks.items():
                progress = look()
                with self.lock:
                    if progress:
                        self.idle[name] = 0.0
                    elif progress is False:
                        # After a pause of our own (a frozen database held the look) nobody is accused of the whole of it.
                        self.idle[name] += min(passed, 2 * LOOK_EVERY)


class Signs:
    """The signs of life that loops leave in the database (sla_heartbeat)."""

    def __init__(self, dsn: str | Mapping[str, Any]) -> None:
        self.dsn = {"dsn": dsn} if isinstance(dsn, str) else dict(dsn)
        self.line: Any = None
        self.seen: dict[str, Any] = {}
        self.read_at = 0.0
        self.now: dict[str, Any] | None = None

    def of(self, name: str) -> Look:
        """A look at one of them."""

        def look() -> bool | None:
            beats = self._read()
            if beats is None:
                return None
            newer = beats.get(name) != self.seen.get(name)
            self.seen[name] = beats.get(name)
            return newer

        return look

    def silent(self) -> bool:
        """The database does not answer."""
        return self._read() is None

    def _read(self) -> dict[str, Any] | None:
        """All of them, read once a round; None while the database does not answer."""
        if time.monotonic() - self.read_at < LOOK_EVERY / 2:
            return self.now
        try:
            if self.line is None:
                self.line = psycopg2.connect(**self.dsn, connect_timeout=2, options="-c statement_timeout=2s")
                self.line.autocommit = True
            with self.line.cursor() as cursor:
                cursor.execute("SELECT name, at FROM sla_heartbeat")
                self.now = dict(cursor.fetchall())
        except psycopg2.Error:
            if self.line is not None:
                with suppress(psycopg2.Error):
                    self.line.close()
            self.line = self.now = None
        self.read_at = time.monotonic()
        return self.now


def answers(port: int, *, signs: Signs) -> Look:
    """Does the web on this port answer at all, be it with an error? Without a database that is not the web's fault."""

    def look() -> bool | None:
        if signs.silent():
            return None
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER)
        try:
            line.request("GET", "/healthz")
            line.getresponse()
            return True
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    return look
