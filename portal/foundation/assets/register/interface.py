"""What a patent register says about a patent, whoever asks it and however: the values, their JSON form, and the ways it fails.

The wire format is docs/contracts/patent-register.md. An extract (登记簿摘录) holds for one moment, `Answer.as_of`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Protocol

MOST = 50  # patents in one question
STATUSES = ("granted", "pending", "lapsed", "invalid")  # values of assets.Patent.Status
LONGEST_NAME, MOST_PATENTEES = 120, 20


class Unreachable(Exception):
    """No answer, or none that follows the contract. str() is a sentence for people, without a full stop."""


@dataclass(frozen=True, slots=True)
class Extract:
    """One patent as the register has it. Days are local days of Asia/Shanghai.

    `fee_next_due`: the last day on which the next annual fee is in time. `ended_on`: since when the right is gone — for
    an unpaid fee that is the day it was due, months before the register says so (专利法实施细则 115). `pledge`: number of
    a pledge that is registered now. `transferred_on`: the latest entry of a transfer.
    """

    number: str
    patentees: tuple[str, ...]
    status: str
    filing_date: date | None = None
    grant_date: date | None = None
    expires_on: date | None = None
    fee_paid_until: date | None = None
    fee_next_due: date | None = None
    ended_on: date | None = None
    suspended: bool = False
    preserved: bool = False
    invalidation_pending: bool = False
    pledge: str = ""
    same_day_twin: str = ""
    transferred_on: date | None = None


LABELS: dict[str, str] = {
    "patentees": "专利权人",
    "status": "法律状态",
    "filing_date": "申请日",
    "grant_date": "授权公告日",
    "expires_on": "届满日",
    "fee_paid_until": "年费缴至",
    "fee_next_due": "下次缴费期限",
    "ended_on": "终止或无效日",
    "suspended": "中止",
    "preserved": "保全",
    "invalidation_pending": "无效宣告程序",
    "pledge": "质押登记号",
    "same_day_twin": "同日申请号",
    "transferred_on": "最近转让登记日",
}
STATUS_LABELS = {"granted": "有效", "pending": "申请中，未授权", "lapsed": "已终止", "invalid": "已宣告无效"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: extracts by number, the numbers the register does not know, and the bytes exactly as they came."""

    name: str  # what the register calls itself
    as_of: datetime
    extracts: Mapping[str, Extract]
    unknown: frozenset[str]
    raw: bytes
    media_type: str = "application/json"


class PatentRegister(Protocol):
    """Whoever can be asked. `source` is a value of RegisterAnswer.Source. Raises Unreachable."""

    source: str

    def ask(self, numbers: Sequence[str], *, key: str) -> Answer:
        """At most MOST canonical numbers (13 or 9 characters). `key` makes the same question the same."""
        ...


def to_json(extract: Extract) -> dict[str, Any]:
    """The extract as the wire and the database keep it: days as ISO text or null."""
    told: dict[str, Any] = {}
    for field in fields(Extract):
        value = getattr(extract, field.name)
        told[field.name] = (
            value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
        )
    return told


def from_json(body: Any) -> Extract:
    """Raises ValueError when it does not follow the contract; fields the contract does not know are passed over."""
    if not isinstance(body, dict):
        raise ValueError("an extract is an object")
    number, names, status = body.get("number"), body.get("patentees"), body.get("status")
    if not isinstance(number, str) or not number or len(number) > 13:
        raise ValueError("number")
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_PATENTEES:
        raise ValueError("patentees")
    if not all(isinstance(n, str) and 0 < len(n.strip()) <= LONGEST_NAME for n in names):
        raise ValueError("patentees")
    if status not in STATUSES:
        raise ValueError("status")
    return Extract(
        number=number,
        patentees=tuple(n.strip() for n in names),
        status=status,
        filing_date=_day(body, "filing_date"),
        grant_date=_day(body, "grant_date"),
        expires_on=_day(body, "expires_on"),
        fee_paid_until=_day(body, "fee_paid_until"),
        fee_next_due=_day(body, "fee_next_due"),
        ended_on=_day(body, "ended_on"),
        suspended=_flag(body, "suspended"),
        preserved=_flag(body, "preserved"),
        invalidation_pending=_flag(body, "invalidation_pending"),
        transferred_on=_day(body, "transferred_on"),
        pledge=_text(body.get("pledge"), "pledge", 40),
        same_day_twin=_text(body.get("same_day_twin"), "same_day_twin", 13),
    )


def _day(body: dict[str, Any], name: str) -> date | None:
    value = body.get(name)
    if value in (None, ""):
        return None
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError(name)
    return date.fromisoformat(value)


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(name)
    return value


def _text(value: Any, name: str, longest: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(name)
    return value.strip()
