"""Callers without a browser: one kept connection each, a real session and a real CSRF pair, and what an answer means."""

import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlencode

TIMEOUT = 8.0  # seconds until a caller gives an answer up and asks again
CSRF = "proofproofproofproofproofproofpr"  # 32 letters: the cookie and the field carry the same secret


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` 0: none came, so nobody knows whether the call was carried out."""

    status: int
    location: str = ""
    body: bytes = b""

    @property
    def unknown(self) -> bool:
        return self.status == 0 or self.status >= 500 or "/login/" in self.location


class Caller:
    """One thread's connection to the portal."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.line: http.client.HTTPConnection | None = None

    def post(self, path: str, session: str, fields: dict[str, str]) -> Answer:
        """One try. A connection that broke is closed; the next try opens another."""
        headers = {
            "Cookie": f"session={session}; csrf={CSRF}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Host": f"127.0.0.1:{self.port}",
        }
        try:
            if self.line is None:
                self.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
            self.line.request("POST", path, urlencode({"csrfmiddlewaretoken": CSRF, **fields}), headers)
            answer = self.line.getresponse()
            return Answer(answer.status, answer.headers.get("Location", ""), answer.read())
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(0)

    def close(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None

    def insist(self, path: str, session: str, fields: dict[str, str], *, until: float) -> tuple[Answer, int]:
        """Try until there is an answer, or until the monotonic moment `until`; the answer and how many tries before it failed."""
        tries, pause = 0, 0.1
        while True:
            answer = self.post(path, session, fields)
            if not answer.unknown or time.monotonic() > until:
                return answer, tries
            tries += 1
            time.sleep(pause)
            pause = min(pause * 1.6, 1.0)
