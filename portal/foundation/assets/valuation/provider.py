"""The credit agency that values patents free of charge: what we ask, what it answers, and the client that speaks it.

The wire format is docs/contracts/valuation.md; `simulator.py` speaks it on this machine for tests and trials.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from django.conf import settings

from portal.foundation.core import outgoing
from portal.foundation.core.money import FEN

LONGEST_ANSWER = 28 * 1024 * 1024  # bytes; a 20 MB report in base64
SLOWEST = 3  # time-outs for the whole answer, however slowly it drips
MAX_YUAN = Decimal(10) ** 12


class Unreachable(Exception):
    """No answer, or none that follows the contract: the same question may be put again later."""


class NotReady(Exception):
    """The agency works on it; ask again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Refused(Exception):
    """The agency gives no report; str() is its reason for people."""


@dataclass(frozen=True, slots=True)
class Question:
    """`key` makes the question the same question when it is put twice."""

    key: str
    company: str
    uscc: str
    patents: Sequence[tuple[str, str, str]]  # (number, kind, title)


@dataclass(frozen=True, slots=True)
class Report:
    """The agency's answer; yuan to the fen, the paper as it came."""

    provider: str
    reference: str
    value: Decimal
    low: Decimal
    high: Decimal
    valid_until: date
    pdf: bytes


class ValuationProvider(Protocol):
    """Whoever can be asked for a report. Raises NotReady, Refused or Unreachable."""

    def report(self, question: Question) -> Report: ...


def configured() -> bool:
    return bool(settings.VALUATION_AGENCY_URL)


def from_settings() -> "HttpProvider":
    """The agency of this installation. Raises ValueError for an address that is neither https nor on this machine."""
    return HttpProvider(
        settings.VALUATION_AGENCY_URL,
        token=settings.VALUATION_AGENCY_TOKEN,
        timeout=settings.VALUATION_AGENCY_TIMEOUT,
    )


class HttpProvider:
    """One POST per question; redirects are not followed, so that the token goes nowhere else."""

    def __init__(self, base: str, *, token: str = "", timeout: int = 10) -> None:
        self._to, self._token, self._timeout = outgoing.address(base), token, timeout

    def report(self, question: Question) -> Report:
        status, body = self._post(
            {
                "request": question.key,
                "enterprise": {"name": question.company, "uscc": question.uscc},
                "patents": [{"number": n, "kind": k, "title": t} for n, k, t in question.patents],
            }
        )
        if status == 200:
            return parse(body)
        if status == 202:
            raise NotReady(_seconds(body.get("retry_after")))
        if status == 422:
            raise Refused(str(body.get("reason") or "信用机构没有说明原因。")[:300])
        raise Unreachable(f"status {status}")

    def _post(self, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            answer = outgoing.call(
                "POST",
                self._to,
                "/v1/reports",
                json.dumps(question).encode(),
                headers=headers,
                timeout=self._timeout,
                total=SLOWEST * self._timeout,
                longest=LONGEST_ANSWER,
            )
        except outgoing.Failed as error:
            raise Unreachable(str(error)) from error
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            body = {}
        return answer.status, body if isinstance(body, dict) else {}


def parse(body: dict[str, Any]) -> Report:
    """The report of a 200 answer. Raises Unreachable when it does not follow the contract."""
    try:
        value, low, high = (_yuan(body[name]) for name in ("value", "low", "high"))
        pdf = base64.b64decode(body["report_pdf"], validate=True)
        report = Report(
            str(body["provider"])[:120],
            str(body["reference"])[:80],
            value,
            low,
            high,
            date.fromisoformat(body["valid_until"]),
            pdf,
        )
    except (KeyError, TypeError, ValueError, InvalidOperation, binascii.Error) as error:
        raise Unreachable(f"answer: {type(error).__name__}") from error
    if not low <= value <= high or not pdf.startswith(b"%PDF-"):
        raise Unreachable("answer: range or paper")
    return report


def _yuan(text: Any) -> Decimal:
    """Amounts travel as text with two decimals: a JSON number would pass through binary."""
    if not isinstance(text, str):
        raise TypeError("an amount is text")
    amount = Decimal(text)
    if not amount.is_finite() or amount != amount.quantize(FEN) or not 0 < amount < MAX_YUAN:
        raise ValueError("amount")
    return amount.quantize(FEN)


def _seconds(given: Any) -> int:
    return min(max(given, 5), 86_400) if isinstance(given, int) else 300
