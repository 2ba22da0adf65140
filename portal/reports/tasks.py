"""Timer of the orders: thin."""

from typing import Any

from celery import shared_task

from .reminders import remind


@shared_task(name="reports.remind")
def remind_late_answers(**kwargs: Any) -> None:
    remind()
