"""The web server's patience with callers who send slowly: gunicorn's thread worker, whose reads have an end.

Out of the box a thread waits for ever for the rest of a request, so eight callers that send one byte a second hold all eight
threads. Here a request must be there 30 seconds after its first byte, and a second longer for every 32 KiB it has brought (a
paper of 20 MB over a slow line is no attack); 10 seconds without any byte end it at once. The time that a page takes to be
made is not counted, and whoever reads an answer slowly is left after 30 seconds without progress.
"""

import errno
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

WHOLE = 30.0  # seconds for a request
SLOWEST = 32 * 1024  # bytes a second that buy more time
SILENT = 10.0  # seconds without a byte
UNREAD = 30.0  # seconds in which the other side takes nothing of an answer


class PatientSocket(socket.socket):
    """A connection whose reads end; `begin` says when a new request starts on it."""

    def __init__(self, taken: socket.socket) -> None:
        super().__init__(taken.family, taken.type, taken.proto, fileno=taken.detach())
        self.begin()

    def begin(self) -> None:
        self._read = 0
        self._since: float | None = None

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """As usual. Raises ConnectionResetError, which the worker passes over in silence, when patience ends."""
        within = self.gettimeout()
        if within not in (None, UNREAD):  # the worker throws away what nobody read, with less patience of its own
            return super().recv(size, flags)
        now = time.monotonic()
        if self._since is None:
            self._since = now
        left = self._since + WHOLE + self._read / SLOWEST - now
        if left <= 0:
            raise ConnectionResetError(errno.ECONNRESET, "the request takes too long")
        self.settimeout(min(left, SILENT))
        try:
            piece = super().recv(size, flags)
        except TimeoutError as error:
            raise ConnectionResetError(errno.ECONNRESET, "nothing comes any more") from error
        finally:
            self.settimeout(UNREAD)
        self._read += len(piece)
        return piece


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """`--worker-class portal.run.patience.PatientWorker`."""

    def handle(self, conn: Any) -> Any:
        if isinstance(conn.sock, PatientSocket):
            conn.sock.begin()
        else:
            conn.sock = PatientSocket(conn.sock)
        return super().handle(conn)
