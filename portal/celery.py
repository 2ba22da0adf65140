"""The Celery application: timers that call idempotent sweeps, and heavy work fed from the journal."""

import os
import signal
from typing import Any

from celery import Celery
from celery.signals import before_task_publish, task_postrun, task_prerun, worker_process_init

from portal.foundation.core import logs
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.orphans import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def _end_with_worker(**kwargs: Any) -> None:
    """A child whose worker was killed would wait for work for ever."""
    end_with_parent(signal.SIGKILL, parent=os.getppid())()


@before_task_publish.connect
def _say_who_asked(headers: dict[str, Any], **kwargs: Any) -> None:
    headers["portal_request"] = logs.request_id()


@task_prerun.connect
def _begin(task: Any, **kwargs: Any) -> None:
    logs.cause(getattr(task.request, "portal_request", None) or "")
    failpoint("task.begin")


@task_postrun.connect
def _end(**kwargs: Any) -> None:
    failpoint("task.end")
    logs.cause("")
