"""The same case as a viewflow process: submit, claim, respond, with viewflow's own tables for process and tasks.

viewflow brings the process, the tasks and who may take them; what a request is (rows, clock, journal) is written beside it
with the ordinary ORM, as its documentation shows. Claiming is viewflow's own «assign», responding is «execute»; each step
is one transaction under viewflow's lock on the process row. The forms are left out on both sides.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.views.generic import TemplateView
from viewflow import this
from viewflow.workflow import flow, lock
from viewflow.workflow.models import Process, Task

from applications.models import Application, ApplicationPatent, Offer, Referral
from benchmarks.ordinary import next_number, refer
from portal.foundation.accounts.models import Organisation, User
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from portal.foundation.sla.calendars_in_use import current
from portal.foundation.sla.models import Clock
from products.models import Product


class RequestFlow(flow.Flow):
    """Request, claimed and answered by one institution."""

    process_class = Process
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle(this.on_submit).Next(this.respond)
    respond = flow.View(TemplateView.as_view()).Next(this.end)
    end = flow.End()

    def on_submit(
        self, activation: Any, *, token: Any, by: User, organisation: Organisation, patents: list[int], product: int
    ) -> Process:
        """Save the request and make the referral the process's subject."""
        now = moments.now()
        application = Application.objects.create(
            number=next_number(), token=token, organisation=organisation, organisation_name=organisation.name,
            district_code=organisation.district_id or "", industry_letter=organisation.industry_id or "",
            amount=Decimal(8_000_000), term_months=24, purpose="working_capital", contact_name="林示例",
            contact_phone="13800000000", submitted_by=by, submitted_at=now,
        )  # fmt: skip
        for patent in Patent.objects.filter(organisation=organisation, removed_at=None, pk__in=patents):
            ApplicationPatent.objects.create(
                application=application, patent=patent, number=patent.number, kind=patent.kind, title=patent.title,
                expires_on=patent.expires_on,
            )  # fmt: skip
        chosen = Product.objects.get(pk=product, state=Product.State.PUBLISHED)
        referral = refer(application, chosen, label=by.name, now=now)
        activation.process.artifact = referral
        journal("application.submitted", application, referral, by=by, text="提交融资需求")
        return activation.process  # type: ignore[no-any-return]


def journal(verb: str, application: Application, referral: Referral, *, by: User, text: str) -> None:
    Entry.objects.create(
        at=moments.now(), verb=verb, actor_id=by.pk, actor_label=by.name, organisation_id=referral.institution_id,
        subject=f"referral:{referral.pk}", case_number=application.number, text=text,
        data={"institution": referral.institution_id}, parties=sorted([application.organisation_id, referral.institution_id]),
    )  # fmt: skip


@transaction.atomic
def submit(**facts: Any) -> Process:
    """Start the process. viewflow opens a transaction only in `execute`, so the request's own rows need one around it."""
    return RequestFlow.start.run(**facts)  # type: ignore[no-any-return]


def claim(task: Task, *, by: User) -> None:
    """Take the task; contact and next step go to the referral, and its clock stops."""
    with task.activation() as activation:
        activation.assign(by)
        referral = activation.process.artifact
        referral.claim(
            officer_id=by.pk, contact_name=by.name, contact_phone="023-00000000", next_step="明天上门尽调",
            now=moments.now(),
        )  # fmt: skip
        referral.save()
        stop(referral.clock)
        journal("referral.claimed", referral.application, referral, by=by, text="已接单")


def respond(task: Task, *, by: User) -> Referral:
    """Put terms to the enterprise and finish the task, with which the process ends."""
    with task.activation() as activation:
        activation.start(None)
        referral = activation.process.artifact
        version = referral.offers.count() + 1
        Offer.objects.create(
            referral=referral, version=version, amount=Decimal(8_000_000), term_months=24, annual_rate=Decimal("3.45"),
            valid_until=timezone.localdate() + timedelta(days=30), made_by=by.name, made_at=moments.now(),
        )  # fmt: skip
        referral.offer(officer_id=by.pk, now=moments.now())
        referral.save()
        journal("referral.offered", referral.application, referral, by=by, text="出具方案")
        activation.execute()
        return referral  # type: ignore[no-any-return]


def stop(clock: Clock) -> None:
    """Stop the clock with the working minutes it took."""
    now = moments.now()
    clock.stopped_at, clock.next_at, clock.stop_reason = now, None, "claimed"
    clock.working_minutes = current().working_minutes(clock.started_at, now)
    clock.save()
