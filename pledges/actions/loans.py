"""After the registration: the bank reports the money, and the working days from request to money are known."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from applications.actions import progress
from pledges import rules
from pledges.locking import locked
from pledges.models import Loan
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.errors import Invalid
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record
from portal.foundation.sla import calendars_in_use


@dataclass(frozen=True, slots=True)
class Payment:
    """What the bank reports, validated by the form. Yuan, percent a year, a day in Asia/Shanghai."""

    amount: Decimal
    annual_rate: Decimal
    disbursed_on: date
    loan_number: str


@transaction.atomic(durable=True)
def record_loan(registration_id: int, payment: Payment, *, actor: Actor, now: datetime) -> Loan:
    """Record the payment; the request is done. Raises Invalid with the field, WrongState when it is recorded already."""
    file = locked(registration_id)
    rules.can_record_loan(actor, file).require()
    application = file.application
    registered_on, today = local_date(file.decided_at or now), local_date(now)
    wrong = {}
    if payment.amount > file.debt_amount:
        wrong["amount"] = f"放款金额不能超过被担保债权数额 {money_wan(file.debt_amount)}。"
    if payment.disbursed_on > today:
        wrong["disbursed_on"] = "放款日期不能晚于今天。"
    elif payment.disbursed_on < registered_on:
        wrong["disbursed_on"] = f"放款日期不能早于登记日期{full_date_cn(registered_on)}。"
    if not payment.loan_number.strip():
        wrong["loan_number"] = "填写借据号。"
    if wrong:
        raise Invalid("loan", "放款信息有误，请改正。", fields=wrong)
    days = calendars_in_use.current().workdays_between(local_date(application.submitted_at), payment.disbursed_on)
    progress.disburse(application, working_days=max(days, 0), now=now)
    loan = Loan.objects.create(
        registration=file,
        amount=payment.amount,
        annual_rate=payment.annual_rate,
        disbursed_on=payment.disbursed_on,
        loan_number=payment.loan_number.strip(),
        recorded_by=actor.label,
        recorded_at=now,
    )
    record(
        "loan.recorded",
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=application.number,
        text=f"{actor.organisation_name} 放款 {money_wan(loan.amount)}，从提交需求起 {application.working_days} 个工作日",
        data={"registration": file.pk, "loan": str(loan.ref), "working_days": application.working_days},
        parties=list(file.parties),
    )
    failpoint("loan.before_commit")
    return loan
