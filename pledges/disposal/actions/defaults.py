"""The pledgee records a default, and that the debt was paid after all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.files.base import File
from django.db import transaction

from pledges.disposal import rules
from pledges.disposal.actions.listing import end
from pledges.disposal.locking import locked_default
from pledges.disposal.models import Default, DefaultPaper
from pledges.locking import locked
from pledges.models import Loan
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.errors import Invalid, TooLarge
from portal.foundation.core.intake.gate import admit, looked_at
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

MAX_PAPERS = 10


@dataclass(frozen=True, slots=True)
class Debt:
    """What is owed on the day of the default; yuan. `costs` are those of realising the right so far."""

    defaulted_on: date
    principal: Decimal
    interest: Decimal
    costs: Decimal
    note: str = ""


@looked_at("papers", field="paper")
@transaction.atomic(durable=True)
def record_default(
    registration_id: int, debt: Debt, *, papers: Sequence["File[Any]"], actor: Actor, now: datetime
) -> Default:
    """Record the default on the loan of a registered pledge. Raises Invalid with the field, WrongState, Forbidden."""
    file = locked(registration_id)
    loan = Loan.objects.filter(registration=file).first()
    there = Default.objects.filter(registration=file, cured_at=None).exists()
    rules.can_record_default(actor, file, paid_out=loan is not None, open_default=there).require()
    assert loan is not None
    wrong: dict[str, str] = {}
    if debt.defaulted_on > local_date(now):
        wrong["defaulted_on"] = "违约日期不能晚于今天。"
    elif debt.defaulted_on < loan.disbursed_on:
        wrong["defaulted_on"] = f"违约日期不能早于放款日期{full_date_cn(loan.disbursed_on)}。"
    if debt.principal > loan.amount:
        wrong["principal"] = f"尚欠本金不能超过放款金额 {money_wan(loan.amount)}。"
    if not papers:
        wrong["paper"] = "上传违约证明，例如催收通知或账户明细。"
    if wrong:
        raise Invalid("default", "违约信息有误，请改正。", fields=wrong)
    if len(papers) > MAX_PAPERS:
        raise TooLarge("quota", f"一次最多 {MAX_PAPERS} 个文件。", fields={"paper": f"一次最多 {MAX_PAPERS} 个文件。"})
    made = Default.objects.create(
        registration=file,
        defaulted_on=debt.defaulted_on,
        principal=debt.principal,
        interest=debt.interest,
        costs=debt.costs,
        note=debt.note.strip(),
        recorded_by=actor.label,
        recorded_at=now,
    )
    for paper in papers:
        checked = admit(paper, actor=actor, now=now, field="paper")
        DefaultPaper.objects.create(default=made, uploaded_by=actor.label, uploaded_at=now, **checked.fields())
    record(
        "default.recorded",
        actor=actor,
        now=now,
        subject=made.subject,
        case_number=file.application.number,
        text=f"{file.pledgee.title} 记录违约（{full_date_cn(debt.defaulted_on)}），质押 {file.number}",
        data={
            "registration": file.pk,
            "number": file.number,
            "principal": str(debt.principal),
            "interest": str(debt.interest),
            "costs": str(debt.costs),
        },
        parties=list(file.parties),
    )
    return made


@transaction.atomic(durable=True)
def cure(default_id: int, *, note: str, actor: Actor, now: datetime) -> Default:
    """已清偿: the default ends, and a disposal that is not yet awarded is withdrawn with it."""
    default, live = locked_default(default_id)
    rules.can_cure(actor, default, live).require()
    if not note.strip():
        raise Invalid("note", "写明清偿情况。", fields={"note": "写明清偿情况，例如“本息已结清”。"})
    default.cured_at, default.cured_by, default.cure_note = now, actor.label, note.strip()
    default.save(update_fields=["cured_at", "cured_by", "cure_note"])
    file = default.registration
    record(
        "default.cured",
        actor=actor,
        now=now,
        subject=default.subject,
        case_number=file.application.number,
        text=f"{file.pledgee.title} 记录债务已清偿，质押 {file.number}",
        data={"registration": file.pk, "number": file.number},
        parties=list(file.parties),
    )
    if live is not None:
        end(live, note="债务已清偿", actor=actor, now=now)
    return default
