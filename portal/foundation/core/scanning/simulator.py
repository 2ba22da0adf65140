"""A daemon for trials and tests that speaks INSTREAM and knows one thing: the EICAR test file, which is harmless by design."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# In two parts, so that no scanner takes this source for the test file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
NAME = "Eicar-Test-Signature"
LONGEST = 25 * 1024 * 1024  # as clamd's StreamMaxLength


class _Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        if self.rfile.read(len(b"zINSTREAM\0")) != b"zINSTREAM\0":
            self.wfile.write(b"UNKNOWN COMMAND\0")
            return
        seen = b""
        while length := struct.unpack("!L", self.rfile.read(4))[0]:
            seen += self.rfile.read(length)
            if len(seen) > LONGEST:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.server.scanned.append(len(seen))  # type: ignore[attr-defined]
        self.wfile.write(f"stream: {NAME} FOUND\0".encode() if EICAR in seen else b"stream: OK\0")


class Simulator(socketserver.ThreadingTCPServer):
    """`scanned` holds the sizes of what it was asked about."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self) -> None:
        self.scanned: list[int] = []
        super().__init__(("127.0.0.1", 0), _Answering)

    @property
    def address(self) -> str:
        """As the setting CLAMD wants it."""
        host, port = self.server_address[:2]
        return f"tcp:{host!s}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up in the middle is no news."""


@contextmanager
def running() -> Iterator[Simulator]:
    with Simulator() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
