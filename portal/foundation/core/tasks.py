"""Timer of the files: thin."""

from typing import Any

from celery import shared_task

from . import moments, once, rates, tidying


@shared_task(name="core.tidy_files")
def tidy_files(**kwargs: Any) -> None:
    tidying.tidy()
    now = moments.now()
    rates.tidy(now=now)
    once.tidy(now=now)
