"""What a party signs: the application form's data and who signs when, as one canonical text whose digest is signed."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pledges.models import Document, Registration
from pledges.particulars import telling
from pledges.particulars.rules import agent_of, maximum_of

VERSION = 1
LABELS = {
    "number": "登记件编号", "pledgor": "出质人", "pledgor_code": "出质人代码", "pledgee": "质权人", "pledgee_code": "质权人代码",
    "debtor": "债务人", "contract_number": "合同编号", "contract_signed_on": "合同签订日期", "contract_sha256": "合同文件",
    "debt_kind": "债权种类", "debt_amount": "被担保债权数额", "debt_from": "债务履行期限自", "debt_to": "债务履行期限至",
    "scope": "担保范围", "valuation": "价值确定方式", "valued_at": "质押价值", "maximum": "最高额质押", "agent": "委托代理",
    "patents": "质押专利", "declarations": "声明和承诺",
}  # fmt: skip


def content(
    file: Registration, *, papers: Iterable[Document] | None = None, numbers: Iterable[str] | None = None
) -> dict[str, Any]:
    """The form's data as plain values: days as ISO text, amounts as yuan with two decimals.

    `papers` (that stand) and `numbers` of the patents, where the caller has read them already; else a query each.
    """
    if papers is None:
        papers = file.documents.filter(kind=Document.Kind.CONTRACT, replaced_at=None)
    contract = max((p for p in papers if p.kind == Document.Kind.CONTRACT), key=lambda p: p.pk, default=None)
    maximum, agent = maximum_of(file), agent_of(file)
    declared = [
        name
        for name in ("identity_promise", "twin_declared", "invalidation_declared", "co_owner_agreement")
        if getattr(file, name)
    ]
    return {
        "number": file.number,
        "pledgor": file.pledgor.name,
        "pledgor_code": telling.pledgor_code(file),
        "pledgee": file.pledgee.name,
        "pledgee_code": file.pledgee.uscc or "",
        "debtor": file.debtor_name,
        "contract_number": file.contract_number,
        "contract_signed_on": _day(file.contract_signed_on),
        "contract_sha256": contract.sha256 if contract else "",
        "debt_kind": file.debt_kind,
        "debt_amount": f"{file.debt_amount:.2f}",
        "debt_from": _day(file.debt_from),
        "debt_to": _day(file.debt_to),
        "scope": file.scope,
        "valuation": file.valuation,
        "valued_at": "" if file.valued_at is None else f"{file.valued_at:.2f}",
        "maximum": [_day(maximum.determined_from), _day(maximum.determined_to), maximum.term_months] if maximum else [],
        "agent": [agent.acts_for, agent.abroad, agent.agency, agent.person, sorted(agent.powers)] if agent else [],
        "patents": sorted(file.patents.values_list("number", flat=True) if numbers is None else numbers),
        "declarations": declared,
    }


def statement(what: dict[str, Any], *, organisation: str, signed_by: str, signed_at: datetime) -> bytes:
    """The canonical bytes: JSON with sorted keys, no blanks, UTF-8, the moment in UTC with microseconds."""
    whole = {
        "version": VERSION,
        "organisation": organisation,
        "signed_by": signed_by,
        "signed_at": signed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "content": what,
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(statement_: bytes) -> bytes:
    return hashlib.sha256(statement_).digest()


def differences(signed: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Names of what is not as it was signed, in the order of the form."""
    return [label for name, label in LABELS.items() if signed.get(name) != now.get(name)]


def _day(day: Any) -> str:
    return day.isoformat() if day else ""
