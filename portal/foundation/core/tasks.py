"""Timer of the files: thin."""

from typing import Any

from celery import shared_task

from . import moments, rates, tidying


@shared_task(name="core.tidy_files")
def tidy_files(**kwargs: Any) -> None:
    tidying.tidy()
    rates.tidy(now=moments.now())
