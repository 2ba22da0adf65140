"""核对登记簿: up to fifty patents while the clerk waits, more of them in the background."""

from datetime import datetime

from django.db import transaction

from pledges import checks, rules
from pledges.locking import in_conflict, locked
from pledges.models import Registration
from portal.foundation.assets.register import actions as register
from portal.foundation.assets.register import choice
from portal.foundation.assets.register.interface import MOST
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.record import record

from .models import LEASE, RegisterJob
from .queries import Round

State = Registration.State


def check_register(registration_id: int, *, actor: Actor, now: datetime) -> RegisterJob:
    """Ask about every patent of the file and look at the grounds again; for more than fifty only begins it.

    The register is asked between two short transactions: one says that it is being asked, the other keeps the result.
    Raises WrongState where there is no register, or while an earlier round is still on its way.
    """
    if not choice.can_be_asked():
        raise WrongState("none", "没有接通登记簿。请上传登记簿摘录，或逐项人工核对。")
    job = begin(registration_id, actor=actor, now=now)
    if job.total > MOST:
        return job
    outcome = register.refresh(job.numbers, actor=actor, now=now)
    return finish(job.pk, outcome, actor=actor, now=now)


@transaction.atomic(durable=True)
def begin(registration_id: int, *, actor: Actor, now: datetime) -> RegisterJob:
    """Note that the register is asked. A small round that a request left lying gives way; a large one has its workers."""
    file = locked(registration_id)
    rules.can_check_register(actor, file, conflict=in_conflict(actor.user_id, file)).require()
    running = file.register_jobs.select_for_update(of=("self",)).filter(finished_at=None).first()
    if running is not None:
        if running.total > MOST or (running.leased_until is not None and running.leased_until > now):
            raise WrongState("running", "正在核对登记簿，请稍候。")
        running.finished_at, running.problem = now, "上一次核对没有完成"
        running.save(update_fields=["finished_at", "problem"])
    numbers = list(file.patents.order_by("number").values_list("number", flat=True))
    small = len(numbers) <= MOST
    return RegisterJob.objects.create(
        registration=file,
        numbers=numbers,
        asked_at=now,
        asked_by_id=actor.user_id,
        asked_by=actor.label,
        office=file.office,
        leased_until=now + LEASE if small else None,  # a small one is the request's own; a large one waits for a worker
    )


@transaction.atomic(durable=True)
def finish(job_id: int, outcome: register.Outcome, *, actor: Actor, now: datetime) -> RegisterJob:
    """Keep what came back and read the check list anew: never the state of the file, only its list. Safe to repeat."""
    registration_id = RegisterJob.objects.values_list("registration_id", flat=True).get(pk=job_id)
    file = locked(registration_id)
    job = RegisterJob.objects.select_for_update(of=("self",)).get(pk=job_id)
    if job.finished_at is not None:
        return job
    job.done, job.leased_until, job.finished_at = job.total, None, now
    job.found, job.changed, job.problem = (
        job.found + outcome.found,
        job.changed + len(outcome.changed),
        outcome.problem[:300],
    )
    job.save(update_fields=["done", "found", "changed", "problem", "leased_until", "finished_at"])
    if file.state == State.EXAMINING:
        checks.store(file, checks.run(file, now=now, filing=False), now=now)
    record(
        "pledge.register_checked",
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=summary(job),
        data={
            "registration": file.pk,
            "number": file.number,
            "total": job.total,
            "found": job.found,
            "changed": job.changed,
            "problem": job.problem,
        },
        parties=[*file.parties, file.office_id],
    )
    return job


def summary(job: RegisterJob | Round) -> str:
    """One sentence for the journal and the clerk."""
    if job.problem:
        return f"核对登记簿 {job.total} 件，查到 {job.found} 件；{job.problem}，没有查到的由审查员核对"
    missing = f"，{job.total - job.found} 件查无此号" if job.found < job.total else ""
    return f"核对登记簿 {job.total} 件{missing}，{job.changed} 件的记载有变化"
