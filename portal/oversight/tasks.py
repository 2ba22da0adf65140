"""Timers of oversight: thin, each calls one function."""

from typing import Any

from celery import shared_task

from portal.foundation.core import moments

from . import incidents, retention


@shared_task(name="oversight.watch_incidents")
def watch_incidents(**kwargs: Any) -> None:
    incidents.watch(now=moments.now())


@shared_task(name="oversight.keep_no_longer")
def keep_no_longer(**kwargs: Any) -> None:
    now = moments.now()
    if retention.due(now=now):
        retention.apply(now=now)
