"""Timers of the promises: thin, each calls one function. They carry no deadline of their own."""

from typing import Any

from celery import shared_task

from portal.foundation.core import moments

from .horizon import watch
from .sweep import beat
from .sweep import sweep as run_sweep


@shared_task(name="sla.sweep")
def sweep(**kwargs: Any) -> None:
    run_sweep()
    watch(now=moments.now())
    beat("celery")
