"""A stand-in for the credit agency that speaks docs/contracts/valuation.md on this machine only. Its values are invented."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

PROVIDER = "示例征信机构（模拟）"
LONGEST_QUESTION = 1024 * 1024
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


class Answering(BaseHTTPRequestHandler):
    """Same question, same answer. A title that asks for it makes the agency refuse (拒绝) or take its time (稍后)."""

    token = ""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/v1/reports" or not 0 < length <= LONGEST_QUESTION:
            return self._say(404, {})
        if self.token and self.headers.get("Authorization") != f"Bearer {self.token}":
            return self._say(401, {})
        question = json.loads(self.rfile.read(length))
        titles = " ".join(patent["title"] for patent in question["patents"])
        if "模拟拒绝" in titles:
            return self._say(422, {"reason": "公开数据不足，暂不能出具报告。"})
        if "模拟稍后" in titles:
            return self._say(202, {"retry_after": 60})
        return self._say(200, self._report(question))

    @staticmethod
    def _report(question: dict[str, Any]) -> dict[str, Any]:
        numbers = sorted(patent["number"] for patent in question["patents"])
        seed = int(hashlib.sha256("".join(numbers).encode()).hexdigest()[:8], 16)
        value = Decimal(1_000_000 + seed % 9_000_000) * len(numbers)
        until = datetime.now(UTC).date() + timedelta(days=180)  # noqa: TID251 - a stranger's clock, not the portal's
        return {
            "provider": PROVIDER,
            "reference": f"MN-{seed:08X}",
            "value": f"{value:.2f}",
            "low": f"{value * Decimal('0.8'):.2f}",
            "high": f"{value * Decimal('1.2'):.2f}",
            "valid_until": until.isoformat(),
            "report_pdf": base64.b64encode(PDF).decode(),
        }

    def _say(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: questions carry names of patents."""


def server(port: int = 0, *, token: str = "") -> ThreadingHTTPServer:
    """Bound to the loopback address whatever is asked; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), type("Agency", (Answering,), {"token": token}))


@contextmanager
def running(*, token: str = "") -> Iterator[str]:
    """The agency in a thread while the block runs; gives its address."""
    agency = server(token=token)
    thread = Thread(target=agency.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{agency.server_port}"
    finally:
        agency.shutdown()
        agency.server_close()
        thread.join()
