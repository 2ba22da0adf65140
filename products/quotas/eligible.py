"""The list of a tool's institutions: put on it by the regulator with its source, taken off it, and who was on it and when
stays in the journal. Lock order: tool."""

from datetime import datetime

from django.db import transaction

from banks.models import Institution
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from .models import QuotaEligible, QuotaTool


def can_keep(actor: Actor) -> Verdict:
    return YES if actor.role == Role.REGULATOR else not_you("role", "名单由监管部门维护。")


@transaction.atomic(durable=True)
def put_on(tool_id: int, *, institution_id: int, source: str, actor: Actor, now: datetime) -> QuotaEligible:
    """Enter a connected bank, with where the list was published. Raises Invalid, WrongState when it is on the list."""
    can_keep(actor).require()
    tool = lock(QuotaTool.objects.filter(pk=tool_id))
    bank = Institution.objects.active().banks().filter(pk=institution_id).first()
    said: dict[str, str] = {}
    if bank is None:
        said["institution"] = "选择一家已接入的银行。"
    if not source.strip():
        said["source"] = "写明名单的文号或出处。"
    if said or bank is None:
        raise Invalid("eligible", "；".join(said.values()), fields=said)
    entry, fresh = QuotaEligible.objects.get_or_create(
        tool=tool, institution=bank, defaults={"source": source.strip()[:200]}
    )
    if not fresh:
        raise WrongState("listed", f"{bank} 已在{tool.name}的名单内。")
    _told("quota.listed", tool, bank, f"{bank} 列入名单：{entry.source}", actor=actor, now=now)
    return entry


@transaction.atomic(durable=True)
def take_off(entry_id: int, *, actor: Actor, now: datetime) -> None:
    """No further allotments; what is allotted stays and runs out by itself. Raises QuotaEligible.DoesNotExist."""
    can_keep(actor).require()
    entry = QuotaEligible.objects.select_related("tool", "institution__organisation").get(pk=entry_id)
    lock(QuotaTool.objects.filter(pk=entry.tool_id))
    tool, bank, source = entry.tool, entry.institution, entry.source
    entry.delete()
    _told("quota.unlisted", tool, bank, f"{bank} 移出名单，原出处：{source}", actor=actor, now=now)


def _told(verb: str, tool: QuotaTool, bank: Institution, said: str, *, actor: Actor, now: datetime) -> None:
    record(
        verb,
        actor=actor,
        now=now,
        subject=tool.subject,
        text=f"{tool.name}：{said}",
        data={"tool": tool.pk, "institution": bank.pk},
        parties=[bank.pk],
    )
