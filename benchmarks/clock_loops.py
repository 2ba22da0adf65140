"""How the same is done elsewhere: one clock after another, in the ways people write it."""

from datetime import datetime
from typing import Any

from django.db import models, transaction
from django_fsm import FSMField, transition
from viewflow import this
from viewflow.workflow import flow, lock
from viewflow.workflow.models import Process, Task

from benchmarks import clocks
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock, Escalation


class TimedClock(models.Model):
    """The same table, with the level as a django-fsm state (kept in a column that is free while a clock runs)."""

    organisation_id = models.BigIntegerField()
    case_number = models.CharField(max_length=32)
    subject = models.CharField(max_length=80)
    level = models.SmallIntegerField()
    moments: Any = Clock._meta.get_field("moments").clone()
    next_at = models.DateTimeField(null=True)
    state = FSMField(db_column="stop_reason", default="")

    class Meta:
        managed = False
        db_table = "sla_clock"
        app_label = "benchmarks"

    def __str__(self) -> str:
        return self.subject

    @transition(field=state, source=["", "announced"], target="announced")
    def announce(self) -> None:
        self.level += 1
        self.next_at = self.moments[self.level] if self.level < len(self.moments) else None


def fsm_loop(count: int, *, now: datetime) -> int:
    """Lock one, transition, save, write the escalation and the journal entry; `count` times. Returns how many were announced."""
    ids = list(
        TimedClock.objects.filter(next_at__lte=now).order_by("next_at", "pk").values_list("pk", flat=True)[:count]
    )
    for pk in ids:
        with transaction.atomic():
            clock = TimedClock.objects.select_for_update().get(pk=pk)
            clock.announce()
            clock.save()
            _tell(clock.pk, clock.subject, clock.case_number, clock.organisation_id, now)
    return len(ids)


def poll_loop(count: int, *, now: datetime) -> int:
    """As uptime monitors do it: take the first that is due, flip it if nobody else did, write the event; `count` times."""
    done = 0
    while done < count:
        clock = Clock.objects.filter(next_at__lte=now).order_by("next_at").first()
        if clock is None:
            return done
        following = clock.moments[1]
        if Clock.objects.filter(pk=clock.pk, next_at=clock.next_at).update(level=1, next_at=following) != 1:
            continue
        _tell(clock.pk, clock.subject, clock.case_number, clock.organisation_id, now)
        done += 1
    return done


def _tell(clock: int, subject: str, number: str, organisation: int, now: datetime) -> None:
    Escalation.objects.create(clock_id=clock, level="due_soon", position=1, moment=now, announced_at=now)
    Entry.objects.create(
        at=now, verb="clock.escalated", actor_label="系统", subject=subject, case_number=number,
        data={"clock": clock, "level": "due_soon", "organisation": organisation}, parties=[organisation],
    )  # fmt: skip


class TimerFlow(flow.Flow):
    """A timer as a node of a viewflow process: when it is due, its handle runs and the process goes on."""

    process_class = Process
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle(this.on_start).Next(this.due)
    due = flow.Handle(this.on_due).Next(this.end)
    end = flow.End()

    def on_start(self, activation: Any, *, clock: int) -> Process:
        activation.process.data = {"clock": clock}
        return activation.process  # type: ignore[no-any-return]

    def on_due(self, activation: Any) -> None:
        now = clocks.now()
        clock = Clock.objects.get(pk=activation.process.data["clock"])
        clock.level, clock.next_at = 1, clock.moments[1]
        clock.save()
        _tell(clock.pk, clock.subject, clock.case_number, clock.organisation_id, now)


def start_timers(ids: list[int]) -> list[Task]:
    """A process that waits for its timer, for each clock (not timed)."""
    Task.objects.all().delete()
    Process.objects.all().delete()
    return [TimerFlow.start.run(clock=pk).task_set.get(flow_task=TimerFlow.due) for pk in ids]


def run_timers(tasks: list[Task]) -> int:
    """Fire each timer that is due."""
    for task in tasks:
        TimerFlow.due.run(task)
    return len(tasks)
