"""The register over HTTP (docs/contracts/patent-register.md): one POST for up to fifty patents, bounded in time and size."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from portal.foundation.core import outgoing
from portal.foundation.core.outgoing import Why

from .interface import MOST, Answer, Extract, Unreachable, from_json

LONGEST_ANSWER = 1024 * 1024  # bytes; fifty extracts are some 30 KB
_WORDS = {
    Why.SLOW: "登记簿接口超时",
    Why.LONG: "登记簿接口的应答过长",
    Why.CERTIFICATE: "登记簿接口的证书无效",
    Why.ADDRESS: "登记簿接口的地址不允许访问",
}


class HttpRegister:
    """Redirects are not followed, so that the token goes nowhere else.

    `timeout`: seconds for connecting and for each read, and twice that for a whole answer, however slowly it drips.
    """

    source = "http"

    def __init__(self, base: str, *, token: str = "", timeout: int = 5) -> None:
        self._to, self._token, self._timeout = outgoing.address(base), token, timeout

    def ask(self, numbers: Sequence[str], *, key: str) -> Answer:
        if not 0 < len(numbers) <= MOST:
            raise ValueError(f"1 to {MOST} numbers in one question")
        status, raw = self._post({"request": key, "numbers": list(numbers)})
        if status != 200:
            raise Unreachable(f"登记簿接口返回 {status}")
        return parse(raw, asked=numbers)

    def _post(self, question: dict[str, Any]) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            answer = outgoing.call(
                "POST",
                self._to,
                "/v1/extracts",
                json.dumps(question).encode(),
                headers=headers,
                timeout=self._timeout,
                total=2 * self._timeout,
                longest=LONGEST_ANSWER,
            )
        except outgoing.Failed as error:
            raise Unreachable(_WORDS.get(error.why, "登记簿接口连接不上")) from error
        return answer.status, answer.body


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
