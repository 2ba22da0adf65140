"""Scenes nobody clicks: a request falls due, is announced, written about, mailed and sealed, by the clock loop or by Celery alone."""

import time

from applications.models import Application
from portal.celery import app
from portal.foundation.journal.models import Delivery, Entry, Outbox, Seal, Unsealed
from portal.foundation.sla.models import Clock, Escalation
from portal.notifications.models import Notice
from portal.proof.scene import Scene, World

TASKS = ("sla.sweep", "notifications.deliver", "journal.seal")
TICK = 1.0  # seconds between two sendings of the tasks


def falls_due(world: World) -> Scene:
    """A request to two banks; nobody answers. Both clocks climb their ladder; both banks' people hear of every step once."""
    made: list[Application] = []

    def act() -> int | None:
        (firm, patent), banks = world.firm(), world.banks[:2]
        made.append(world.case(firm, patent, *banks))
        return None

    return Scene(act, lambda: _announced(made))


def falls_due_by_celery(world: World) -> Scene:
    """The loops that need no broker are frozen when the steps fall due, and Celery has to do everything; the tasks come as beat would send them."""
    made: list[Application] = []
    ticks = [0.0]

    def tick() -> None:
        if time.monotonic() - ticks[-1] > TICK:
            ticks.append(time.monotonic())
            for task in TASKS:
                app.send_task(task)

    def act() -> int | None:
        world.stage.hold()
        (firm, patent), banks = world.firm(), world.banks[:2]
        made.append(world.case(firm, patent, *banks))
        time.sleep(world.ladder[-1] + 0.1)
        tick()
        return None

    def facts() -> int:
        tick()
        return _announced(made)

    return Scene(act, facts)


def _announced(cases: list[Application]) -> int:
    """1 when every clock that still runs has announced its last level and every step was told, written and sealed; -1 when anything is double."""
    if not cases:
        return 0
    numbers = [c.number for c in cases]
    clocks = list(Clock.objects.filter(case_number__in=numbers))
    entries = Entry.objects.filter(case_number__in=numbers)
    steps = list(Escalation.objects.filter(clock__in=clocks).values_list("clock_id", "level"))
    told = entries.filter(verb="clock.escalated").count()
    if len(set(steps)) != len(steps) or told > len(steps):
        return -1
    # What the portal answered itself (next lenders) climbs no further.
    if any(clock.stopped_at is None and (clock.pk, clock.levels[-1]) not in steps for clock in clocks):
        return 0
    if told != len(steps):
        return 0
    ids = list(entries.values_list("id", flat=True))
    waiting = (
        Outbox.objects.filter(entry_id__in=ids).exists()
        or Unsealed.objects.filter(entry_id__in=ids).exists()
        or Seal.objects.filter(entry_id__in=ids).count() != len(ids)
        or Delivery.objects.filter(entry_id__in=ids).exclude(state=Delivery.State.SENT).exists()
    )
    return 0 if waiting or not Notice.objects.filter(entry_id__in=ids).exists() else 1
