"""Timers of the pledges, thin: printing what could not be printed, asking the register, watching effective pledges."""

from typing import Any

from celery import shared_task

from portal.foundation.core import moments

from . import notices, printing
from .checking import work
from .watch import daily


@shared_task(name="pledges.render_notice")
def render_notice(notice_id: int | None = None, **kwargs: Any) -> None:
    """Print one notice, or every paper that has no file yet (safe to repeat)."""
    if notice_id is None:
        printing.print_missing()
    else:
        notices.print_notice(notice_id)


@shared_task(name="pledges.work_register")
def work_register(**kwargs: Any) -> None:
    """One part of one large file: the next tick takes the next."""
    work.work()


@shared_task(name="pledges.watch")
def watch(**kwargs: Any) -> None:
    """Look at every effective pledge; however often it is called, each alert is written once."""
    daily.run(now=moments.now())
