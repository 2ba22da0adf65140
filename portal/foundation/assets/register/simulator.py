"""A stand-in for the patent register that speaks docs/contracts/patent-register.md on this machine only.

It mirrors what enterprises have entered, so that a trial has a register to ask; a patent's title that asks for it makes the
register say otherwise (SCENES). `InProcess` gives the same answers without a second process.
"""

import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from django.apps import apps
from django.db import close_old_connections

from portal.foundation.core import moments

from .client import parse
from .interface import MOST, Answer, Extract, from_json, to_json

NAME = "示例登记簿"
LONGEST_QUESTION = 64 * 1024
Book = Callable[[Sequence[str]], Mapping[str, dict[str, Any]]]  # numbers → extracts; one that is absent is unknown

# A word in the title → what the register says instead.
SCENES: dict[str, Callable[[Extract, date], Extract]] = {
    "模拟欠费": lambda e, today: replace(e, fee_paid_until=today - timedelta(days=40)),
    "模拟终止": lambda e, today: replace(e, status="lapsed", ended_on=today - timedelta(days=200)),
    "模拟宣告无效": lambda e, today: replace(e, status="invalid", ended_on=today - timedelta(days=10)),
    "模拟保全": lambda e, today: replace(e, preserved=True),
    "模拟无效程序": lambda e, today: replace(e, invalidation_pending=True),
    "模拟转让": lambda e, today: replace(e, transferred_on=today - timedelta(days=60)),
    "模拟他人": lambda e, today: replace(e, patentees=("示例受让人有限公司",)),
    "模拟已质押": lambda e, today: replace(e, pledge="Y0000000000000"),
}


def mirror(numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The enterprises' own entries, as a register that knows what they know."""
    today = moments.local_date(moments.now())
    patents = apps.get_model("assets", "Patent")  # assets.models imports this package
    found: dict[str, dict[str, Any]] = {}
    for patent in (
        patents._default_manager.filter(number__in=list(numbers)).prefetch_related("co_owners").order_by("pk")
    ):
        if "模拟查无" in patent.title:
            continue
        names = [patent.patentee, *(c.name for c in patent.co_owners.all())]
        extract = Extract(
            number=patent.number,
            patentees=tuple(dict.fromkeys(n for n in names if n)),
            status=patent.status,
            filing_date=patent.filing_date,
            grant_date=patent.grant_date,
            expires_on=patent.expires_on,
            fee_paid_until=patent.fee_paid_until,
            fee_next_due=patent.fee_paid_until,
            preserved=patent.preserved,
            invalidation_pending=patent.invalidation_pending,
            same_day_twin=patent.same_day_twin,
        )
        for word, say in SCENES.items():
            if word in patent.title:
                extract = say(extract, today)
        found.setdefault(patent.number, to_json(replace(extract, fee_next_due=extract.fee_paid_until)))
    return found


def answer(numbers: Sequence[str], book: Book) -> dict[str, Any]:
    """The body of a 200."""
    known = book(numbers)
    return {
        "register": NAME,
        "as_of": moments.iso(moments.now()),
        "extracts": [known[n] for n in numbers if n in known],
        "unknown": [n for n in numbers if n not in known],
    }


class InProcess:
    """The simulated register without a wire; its bytes are those the wire would carry."""

    source = "simulated"

    def __init__(self, book: Book = mirror) -> None:
        self._book = book

    def ask(self, numbers: Sequence[str], *, key: str) -> Answer:
        return parse(json.dumps(answer(numbers, self._book), ensure_ascii=False).encode(), asked=numbers)


class Answering(BaseHTTPRequestHandler):
    token = ""
    book: Any = staticmethod(mirror)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/v1/extracts" or not 0 < length <= LONGEST_QUESTION:
            return self._say(404, {})
        given = self.headers.get("Authorization") or ""
        if self.token and not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return self._say(401, {})
        question = json.loads(self.rfile.read(length))
        numbers = question.get("numbers")
        if not isinstance(numbers, list) or not 0 < len(numbers) <= MOST:
            return self._say(422, {"reason": f"一次查询 1 到 {MOST} 件。"})
        try:
            return self._say(200, answer([str(n) for n in numbers], self.book))
        finally:
            close_old_connections()

    def _say(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def server(port: int = 0, *, token: str = "", book: Book = mirror) -> ThreadingHTTPServer:
    """Bound to the loopback address whatever is asked; port 0 takes a free one."""
    handler = type("Register", (Answering,), {"token": token, "book": staticmethod(book)})
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


@contextmanager
def running(extracts: Sequence[Extract] = (), *, token: str = "") -> Iterator[str]:
    """The register in a thread while the block runs, knowing these extracts; gives its address."""
    book = {e.number: to_json(from_json(to_json(e))) for e in extracts}
    register = server(token=token, book=lambda numbers: {n: book[n] for n in numbers if n in book})
    thread = Thread(target=register.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{register.server_port}"
    finally:
        register.shutdown()
        register.server_close()
        thread.join()
