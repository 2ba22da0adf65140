"""Allotting, using, returning and reducing quotas. Lock order: tool → quota."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from banks.models import Institution
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.money import MAX_YUAN, format_wan
from portal.foundation.core.numbering import normalise
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record
from products import lending

from .models import Quota, QuotaEligible, QuotaEntry, QuotaTool

MOST = MAX_YUAN * 100  # yuan of one allotment; above it it is a slip of the unit


def can_allot(actor: Actor) -> Verdict:
    return YES if actor.role == Role.REGULATOR else not_you("role", "只有监管部门可以分配额度。")


def can_reduce(actor: Actor) -> Verdict:
    return YES if actor.role == Role.REGULATOR else not_you("role", "只有监管部门可以调减额度。")


def can_move(actor: Actor, quota: Quota) -> Verdict:
    if actor.role not in (Role.OFFICER, Role.MANAGER) or actor.organisation_id != quota.institution_id:
        return not_you("role", "只有本机构可以登记使用和归还。")
    return YES


def _told(verb: str, entry: QuotaEntry, *, actor: Actor, now: datetime) -> None:
    quota = entry.quota
    record(
        verb,
        actor=actor,
        now=now,
        subject=f"quota:{quota.pk}",
        case_number=entry.case_number,
        text=f"{quota.tool.name}：{QuotaEntry.Kind(entry.kind).label}额度",
        data={"quota": quota.pk, "entry": entry.pk, "amount": str(entry.amount), "balance": str(entry.balance)},
        parties=[quota.institution_id],
    )


def _entry(quota: Quota, kind: str, amount: Decimal, *, actor: Actor, now: datetime, **of: object) -> QuotaEntry:
    return QuotaEntry.objects.create(
        quota=quota, kind=kind, amount=amount, balance=quota.left, by=actor.label, at=now, **of
    )


@transaction.atomic(durable=True)
def allot(tool_id: int, *, institution_id: int, amount: Decimal, actor: Actor, now: datetime) -> QuotaEntry:
    """Give a bank so many yuan more of a tool: to those on its list only, within its total."""
    can_allot(actor).require()
    tool = lock(QuotaTool.objects.filter(pk=tool_id))
    bank = Institution.objects.active().banks().filter(pk=institution_id).first()
    said: dict[str, str] = {}
    if bank is None:
        said["institution"] = "选择一家已接入的银行。"
    elif tool.restricted and not QuotaEligible.objects.filter(tool=tool, institution=bank).exists():
        said["institution"] = f"{bank} 不在{tool.name}的机构名单内。"
    if not Decimal(0) < amount <= MOST:
        said["amount"] = "金额要大于 0，请核对单位。"
    if said or bank is None:
        raise Invalid("quota", "；".join(said.values()), fields=said)
    if tool.total is not None and tool.allotted + amount > tool.total:
        left = format_wan(tool.total - tool.allotted)
        raise WrongState("total", f"{tool.name}还能分配 {left} 万元，不够 {format_wan(amount)} 万元。")
    tool.allotted += amount
    tool.save(update_fields=["allotted"])
    Quota.objects.bulk_create([Quota(tool=tool, institution=bank)], ignore_conflicts=True)
    quota = lock(Quota.objects.filter(tool=tool, institution=bank))
    quota.tool = tool
    quota.allotted += amount
    quota.save(update_fields=["allotted"])
    entry = _entry(quota, QuotaEntry.Kind.ALLOTTED, amount, actor=actor, now=now)
    _told("quota.allotted", entry, actor=actor, now=now)
    return entry


@transaction.atomic(durable=True)
def use(
    quota_id: int, *, amount: Decimal, case_number: str, loan_number: str, actor: Actor, now: datetime
) -> QuotaEntry:
    """Draw on the quota for one loan that this bank has paid out: never more than is left, nor more than was lent."""
    quota = lock(Quota.objects.filter(pk=quota_id).select_related("tool"))
    can_move(actor, quota).require()
    said: dict[str, str] = {}
    number = normalise(case_number)
    if number is None:
        said["case_number"] = "办件编号不对，请照办件页面上的编号填写。"
    else:
        said |= _not_for(quota, number, amount)
    of_loan = quota.entries.filter(kind=QuotaEntry.Kind.USED, loan_number=loan_number.strip())
    if not loan_number.strip():
        said["loan_number"] = "填写借据号。"
    elif of_loan.filter(returned_by=None).exists():
        said["loan_number"] = "这张借据已经登记过使用，还没有归还。"
    if not Decimal(0) < amount <= MAX_YUAN:
        said["amount"] = "金额要大于 0，请核对单位。"
    if said or number is None:
        raise Invalid("quota", "；".join(said.values()), fields=said)
    if amount > quota.left:
        raise WrongState("left", f"可用额度 {format_wan(quota.left)} 万元，不够 {format_wan(amount)} 万元。")
    quota.used += amount
    quota.save(update_fields=["used"])
    of = {"case_number": number, "loan_number": loan_number.strip(), "again": of_loan.count()}
    entry = _entry(quota, QuotaEntry.Kind.USED, amount, actor=actor, now=now, **of)
    _told("quota.used", entry, actor=actor, now=now)
    return entry


def _not_for(quota: Quota, number: str, amount: Decimal) -> dict[str, str]:
    """Why this case draws nothing, by field: it must be a loan of this bank, and no more than was lent."""
    lent = lending.loan_of(number)
    if lent is None or lent.lender_id != quota.institution_id:
        return {"case_number": lending.NOT_YOURS}
    open_uses = quota.entries.filter(kind=QuotaEntry.Kind.USED, case_number=number, returned_by=None)
    drawn = open_uses.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    if drawn + amount > lent.amount:
        before = f"，已登记使用 {format_wan(drawn)} 万元" if drawn else ""
        return {"amount": f"这一办件放款 {format_wan(lent.amount)} 万元{before}，使用额度合计不能超过放款。"}
    return {}


@transaction.atomic(durable=True)
def give_back(entry_id: int, *, actor: Actor, now: datetime) -> QuotaEntry:
    """归还: exactly what one use took, once."""
    quota = lock(Quota.objects.filter(entries=entry_id).select_related("tool"))
    can_move(actor, quota).require()
    drawn = QuotaEntry.objects.get(pk=entry_id)
    if drawn.kind != QuotaEntry.Kind.USED or QuotaEntry.objects.filter(returns=drawn).exists():
        raise WrongState("returned", "这一笔不是使用，或已经归还。")
    quota.used -= drawn.amount
    quota.save(update_fields=["used"])
    of = {"case_number": drawn.case_number, "loan_number": drawn.loan_number, "returns": drawn}
    entry = _entry(quota, QuotaEntry.Kind.RETURNED, drawn.amount, actor=actor, now=now, **of)
    _told("quota.returned", entry, actor=actor, now=now)
    return entry


@transaction.atomic(durable=True)
def reduce(quota_id: int, *, amount: Decimal, ground: str, actor: Actor, now: datetime) -> QuotaEntry:
    """调减: take back what the bank has not used, for a reason; the tool may allot it again. This also corrects an allotment."""
    can_reduce(actor).require()
    tool = lock(QuotaTool.objects.filter(quotas=quota_id))
    quota = lock(Quota.objects.filter(pk=quota_id))
    quota.tool = tool
    said: dict[str, str] = {}
    if not ground.strip():
        said["ground"] = "写明调减的依据或原因。"
    if not Decimal(0) < amount <= MOST:
        said["amount"] = "金额要大于 0，请核对单位。"
    elif amount > quota.left:
        said["amount"] = f"可用额度 {format_wan(quota.left)} 万元，最多调减这么多。"
    if said:
        raise Invalid("quota", "；".join(said.values()), fields=said)
    tool.allotted -= amount
    tool.save(update_fields=["allotted"])
    quota.allotted -= amount
    quota.save(update_fields=["allotted"])
    entry = _entry(quota, QuotaEntry.Kind.REDUCED, amount, actor=actor, now=now, ground=ground.strip()[:200])
    _told("quota.reduced", entry, actor=actor, now=now)
    return entry
