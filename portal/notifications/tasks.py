"""Timer of the dispatcher: thin."""

from typing import Any

from celery import shared_task

from portal.foundation.core.moments import now
from portal.foundation.journal.dispatcher import dispatch


@shared_task(name="notifications.deliver")
def deliver(**kwargs: Any) -> None:
    dispatch(now=now())
