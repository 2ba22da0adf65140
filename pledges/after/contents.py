"""What a change changes: the fields, old and new side by side, and the grounds that the new values touch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pledges import grounds
from pledges.facts import FileFacts, others
from pledges.grounds import CheckResult
from pledges.kinds import Ground, Scope
from pledges.loading import load
from pledges.models import Check, Document, Registration
from pledges.particulars import storing
from pledges.particulars import telling as particulars
from pledges.particulars.entries import MaximumEntry
from pledges.particulars.rules import maximum_of
from portal.foundation.assets.valuation import needed
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.moments import local_date

LABELS = {
    "pledgor_name": "出质人名称",
    "pledgor_address": "出质人地址",
    "pledgee_name": "质权人名称",
    "pledgee_address": "质权人地址",
    "debt_amount": "被担保债权数额",
    "debt_from": "债务履行期限自",
    "debt_to": "债务履行期限至",
    "determined_from": "债权确定期间自",
    "determined_to": "债权确定期间至",
    "term_months": "单笔债务最长期限",
    "scope": "质押担保的范围",
}
PERIOD = ("debt_from", "debt_to")  # of an ordinary debt
MAXIMUM = tuple(MaximumEntry.__dataclass_fields__)  # of a maximum amount instead: the days above follow from these
DAYS = (*PERIOD, "determined_from", "determined_to")
_WIDTH = (Scope.PRINCIPAL, Scope.PRINCIPAL_INTEREST, Scope.ALL)


def fields_of(file: Registration) -> list[str]:
    """What can be changed of this registration, in the order of the form."""
    without = PERIOD if maximum_of(file) is not None else MAXIMUM
    return [field for field in LABELS if field not in without]


@dataclass(frozen=True, slots=True)
class Line:
    """One changed field in words; kept with the decision."""

    field: str
    label: str
    old: str
    new: str


def registered_value(file: Registration, field: str) -> Any:
    """What the register has now: Decimal yuan, date, months or text. A file from before names were kept has its party's own."""
    if field in MAXIMUM:
        return getattr(maximum_of(file), field, None)
    value = getattr(file, field)
    if not value and field in Registration.AS_REGISTERED:
        party, _, what = field.partition("_")
        return getattr(getattr(file, party), what)
    return value


def plain(field: str, value: Any) -> str:
    """A value as text for `Matter.content`: yuan as 8000000.00, days as 2027-01-31."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value).strip()


def value_of(field: str, text: str) -> Any:
    """The value again. Raises ValueError or decimal.InvalidOperation for what was never written by `plain`."""
    if field == "debt_amount":
        return Decimal(text)
    if field == "term_months":
        return int(text)
    return date.fromisoformat(text) if field in DAYS else text


def values(content: Mapping[str, str]) -> dict[str, Any]:
    return {field: value_of(field, text) for field, text in content.items() if field in LABELS}


def differing(file: Registration, wished: Mapping[str, Any]) -> dict[str, str]:
    """Only what is not already so in the register, as text."""
    known = fields_of(file)
    return {
        field: plain(field, value)
        for field, value in wished.items()
        if field in known and value not in (None, "") and value != registered_value(file, field)
    }


def maximum_with(file: Registration, new: Mapping[str, Any]) -> MaximumEntry | None:
    """The period of a maximum amount with the new values in it; None where the debt is an ordinary one."""
    held = maximum_of(file)
    if held is None:
        return None
    return MaximumEntry(**{field: new.get(field, getattr(held, field)) for field in MAXIMUM})


def period_with(file: Registration, new: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """The first and the last day of the secured debt with the new values in it."""
    entry = maximum_with(file, new)
    if entry is not None:
        return entry.determined_from, storing.last_due(entry)
    return new.get("debt_from", file.debt_from), new.get("debt_to", file.debt_to)


def heavier(file: Registration, new: Mapping[str, Any]) -> bool:
    """Whether the patents are burdened anew: more money, a later last day, a wider scope. Less of it burdens nothing."""
    _, ends = period_with(file, new)
    later = ends is not None and (file.debt_to is None or ends > file.debt_to)
    wider = "scope" in new and _WIDTH.index(new["scope"]) > _WIDTH.index(Scope(file.scope))
    more = bool(new.get("debt_amount", file.debt_amount) > file.debt_amount)
    return later or wider or more


def shown(field: str, value: Any) -> str:
    if value in (None, ""):
        return "未登记"
    if isinstance(value, Decimal):
        return money_wan(value)
    if isinstance(value, date):
        return full_date_cn(value)
    if field == "term_months":
        return f"{value} 个月"
    return str(Scope(value).label) if field == "scope" else str(value)


def lines(file: Registration, content: Mapping[str, str]) -> list[Line]:
    """Old beside new, in the order of the form."""
    new = values(content)
    return [
        Line(field, label, shown(field, registered_value(file, field)), shown(field, new[field]))
        for field, label in LABELS.items()
        if field in new
    ]


def as_kept(rows: list[Line]) -> list[dict[str, str]]:
    return [asdict(line) for line in rows]


def in_words(content: Mapping[str, str]) -> str:
    """«被担保债权数额、债务履行期限至», without the values: the journal's sentences travel by mail."""
    return "、".join(label for field, label in LABELS.items() if field in content)


def touched(file: Registration, content: Mapping[str, str], *, now: datetime) -> list[CheckResult]:
    """The grounds the new values can bring up, on the patents as they stand now; nothing is written.

    What burdens the patents anew (`heavier`) wants them in force (R02), free of preservation (R05), outliving the debt (R06),
    and their co-owners agreeing again (R08, a person's to read: the consents on file speak of the debt as it was). Above the
    limit a valuation report. A new name must be the patentee's in the register (R01).
    """
    new = values(content)
    facts = load(file, today=local_date(now), filing=False)
    maximum, (begins, ends) = maximum_with(file, new), period_with(file, new)
    still = set(file.patents.filter(effective__upper_inf=True).values_list("number", flat=True))
    facts = replace(
        facts,
        patents=tuple(p for p in facts.patents if p.number in still),
        pledgor=new.get("pledgor_name", facts.pledgor),
        debt_amount=new.get("debt_amount", facts.debt_amount),
        debt_from=begins,
        debt_to=ends,
        debt_to_said=particulars.due_of(maximum) if maximum is not None else "",
    )
    found = []
    if heavier(file, new):
        found += [grounds.r02(facts), grounds.r05(facts), grounds.r06(facts), *_shared(facts)]
    if "debt_amount" in new and needed.required(new["debt_amount"]):
        found.append(_value_proven(file))
    if "pledgor_name" in new:
        found.append(grounds.r01(facts))
    return found


def _shared(facts: FileFacts) -> list[CheckResult]:
    """The co-owners' part, when there are any."""
    shared = [p for p in facts.patents if others(p, facts.pledgor)]
    if not shared:
        return []
    said = f"{len(shared)} 件专利有共有人，变更加重了担保；共有人对变更的同意或另有约定，由审查员核对本次上传的材料。"
    return [CheckResult(Ground.R08, Check.Result.MANUAL, said)]


def _value_proven(file: Registration) -> CheckResult:
    border = needed.limit()
    report = file.documents.filter(kind=Document.Kind.VALUATION, replaced_at=None).exists()
    said = f"变更后的债权数额{border.beyond}，"
    where = "登记时已上传资产评估报告。" if report else "登记时没有资产评估报告，由审查员核对本次上传的材料。"
    result = Check.Result.CLEAR if report else Check.Result.MANUAL
    return CheckResult(Ground.R12, result, f"{said}{where}", place="debt_amount")


def as_checks(results: list[CheckResult], *, now: datetime) -> list[dict[str, Any]]:
    """What was looked at, with its evidence and the moment, as it is kept with the matter."""
    return [
        {
            "title": r.title,
            "ground": str(r.ground),
            "result": str(r.result),
            "evidence": r.evidence,
            "warning": r.warning,
            "at": now.isoformat(),
        }
        for r in results
    ]


def stopping(results: list[CheckResult]) -> CheckResult | None:
    return next((r for r in results if r.blocks), None)
