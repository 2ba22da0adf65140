"""The worker of large files: each call asks about one part of one file. Callers: a Celery timer and the broker-free loop."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from portal.foundation.accounts.models import Membership
from portal.foundation.assets.register import actions as register
from portal.foundation.assets.register import choice
from portal.foundation.assets.register.interface import MOST
from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM, Actor

from .actions import finish
from .models import LEASE, RegisterJob

log = logging.getLogger("portal.register")
MOST_ATTEMPTS = 3


def work() -> bool:
    """Ask about the next part of one file; whether there was one. Runs outside a transaction: its progress is seen at once."""
    now = moments.now()
    job = _claim(now=now)
    if job is None:
        return False
    try:
        _step(job, now=now)
    except Exception:  # somebody else tries again when the lease is over
        log.exception("register job %s failed", job.pk)
        RegisterJob.objects.filter(pk=job.pk).update(leased_until=moments.now() + timedelta(seconds=10))
    return True


@transaction.atomic(durable=True)
def _claim(*, now: datetime) -> RegisterJob | None:
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    waiting = RegisterJob.objects.filter(free, finished_at=None).order_by("pk")
    job = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    if job is None:
        return None
    job.leased_until, job.attempts = now + LEASE, job.attempts + 1
    job.save(update_fields=["leased_until", "attempts"])
    return job


def _step(job: RegisterJob, *, now: datetime) -> None:
    actor = _actor(job)
    if job.attempts > MOST_ATTEMPTS or not choice.can_be_asked():
        finish(job.pk, register.Outcome(0, 0, 0, (), "系统多次查询失败"), actor=actor, now=now)
        return
    part = job.numbers[job.done : job.done + MOST]
    outcome = register.refresh(part, actor=actor, now=now) if part else register.Outcome(0, 0, 0, ())
    if outcome.problem or job.done + len(part) >= job.total:
        finish(job.pk, outcome, actor=actor, now=moments.now())
        return
    # Only its own progress: another who took the job up meanwhile has moved `done`, and this part was asked twice.
    RegisterJob.objects.filter(pk=job.pk, done=job.done, finished_at=None).update(
        done=job.done + len(part),
        found=F("found") + outcome.found,
        changed=F("changed") + len(outcome.changed),
        leased_until=None,
        attempts=0,
    )


def _actor(job: RegisterJob) -> Actor:
    """The clerk who asked, as the journal knows them; the system when the seat is gone."""
    seats = Membership.objects.select_related("user", "organisation")
    seat = seats.filter(user_id=job.asked_by_id, organisation_id=job.office_id).first()
    return seat.actor if seat else SYSTEM


def waiting() -> bool:
    """Whether a file waits for somebody; one index look."""
    free = Q(leased_until=None) | Q(leased_until__lt=moments.now())
    return RegisterJob.objects.filter(free, finished_at=None).exists()


def work_all() -> None:
    """For a thread of its own or a timer: everything that waits. Never raises."""
    try:
        while work():
            pass
    except Exception:  # the next tick begins anew
        log.exception("register jobs stopped")
