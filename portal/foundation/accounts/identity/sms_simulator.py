"""A stand-in for a text message service that speaks docs/contracts/sms.md on this machine only; it keeps what it was given."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Service:
    """What was sent, and what it answers (a test lets it fail)."""

    def __init__(self, token: str) -> None:
        self.token, self.status, self.url = token, 202, ""
        self.sent: list[tuple[str, str]] = []
        self._known: set[str] = set()

    def take(self, raw: bytes, given: str) -> int:
        if given != f"Bearer {self.token}":
            return 401
        if self.status == 202:
            said = json.loads(raw)
            if said["id"] not in self._known:
                self._known.add(said["id"])
                self.sent.append((said["to"], said["text"]))
        return self.status


class _Answering(BaseHTTPRequestHandler):
    service: Service

    def do_POST(self) -> None:
        raw = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 16 * 1024))
        given = self.headers.get("Authorization", "")
        self.send_response(self.service.take(raw, given) if self.path == "/v1/messages" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: texts carry codes."""


@contextmanager
def running(token: str) -> Iterator[Service]:
    """The stand-in in a thread while the block runs."""
    service = Service(token)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Sms", (_Answering,), {"service": service}))
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
