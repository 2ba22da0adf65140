"""The register over HTTP (docs/contracts/patent-register.md): one POST for up to fifty patents, bounded in time and size."""

import ipaddress
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from .interface import MOST, Answer, Extract, Unreachable, from_json

LONGEST_ANSWER = 1024 * 1024  # bytes; fifty extracts are some 30 KB
_PIECE = 64 * 1024


class HttpRegister:
    """Redirects are not followed, so that the token goes nowhere else.

    `timeout`: seconds for connecting and for each read, and twice that for a whole answer, however slowly it drips.
    """

    source = "http"

    def __init__(self, base: str, *, token: str = "", timeout: int = 5) -> None:
        parts = urlsplit(base)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError(f"{base!r} is no http address")
        if parts.scheme == "http" and not _local(host):
            raise ValueError("plain http is allowed on this machine only")
        self._connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._path = host, parts.port, parts.path.rstrip("/")
        self._token, self._timeout = token, timeout

    def ask(self, numbers: Sequence[str], *, key: str) -> Answer:
        if not 0 < len(numbers) <= MOST:
            raise ValueError(f"1 to {MOST} numbers in one question")
        status, raw = self._post({"request": key, "numbers": list(numbers)})
        if status != 200:
            raise Unreachable(f"登记簿接口返回 {status}")
        return parse(raw, asked=numbers)

    def _post(self, question: dict[str, Any]) -> tuple[int, bytes]:
        connection = self._connection(self._host, self._port, timeout=self._timeout)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        until = time.monotonic() + 2 * self._timeout
        try:
            connection.request("POST", f"{self._path}/v1/extracts", json.dumps(question).encode(), headers)
            answer = connection.getresponse()
            raw = b""
            while piece := answer.read1(_PIECE):
                raw += piece
                if len(raw) > LONGEST_ANSWER:
                    raise Unreachable("登记簿接口的应答过长")
                if time.monotonic() > until:
                    raise Unreachable("登记簿接口超时")
        except TimeoutError as error:
            raise Unreachable("登记簿接口超时") from error
        except (OSError, HTTPException) as error:
            raise Unreachable("登记簿接口连接不上") from error
        finally:
            connection.close()
        return answer.status, raw


def parse(raw: bytes, *, asked: Sequence[str]) -> Answer:
    """The answer of a 200. Every number asked is either in `extracts` or in `unknown`; what was not asked is passed over."""
    try:
        body = json.loads(raw)
        found: dict[str, Extract] = {}
        for row in body["extracts"]:
            extract = from_json(row)
            if extract.number in found:
                raise ValueError("twice")
            found[extract.number] = extract
        unknown = frozenset(str(number) for number in body["unknown"])
        as_of = datetime.fromisoformat(body["as_of"])
        name = str(body["register"]).strip()[:120]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Unreachable("登记簿接口的应答不符合约定") from error
    wanted = set(asked)
    silent = wanted - set(found) - unknown
    if as_of.tzinfo is None or not name or silent or unknown & set(found):
        raise Unreachable("登记簿接口的应答不符合约定")
    mine = {number: extract for number, extract in found.items() if number in wanted}
    return Answer(name, as_of.astimezone(UTC), mine, unknown & wanted, raw)


def _local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
