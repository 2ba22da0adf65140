"""Timers of the library: thin. Several callers do no harm, and none of them is needed by a request."""

from typing import Any

from celery import shared_task

from portal.foundation.core import moments

from . import imports
from .staleness import watch


@shared_task(name="products.work_imports")
def work_imports(**kwargs: Any) -> None:
    """One step of one import at most: the next tick takes the next."""
    imports.work()


@shared_task(name="products.watch")
def watch_library(**kwargs: Any) -> None:
    watch(now=moments.now())
