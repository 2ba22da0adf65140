"""The Celery application: timers that call idempotent sweeps, and heavy work fed from the journal."""

import os
import signal
from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun, worker_process_init

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


@task_prerun.connect
def _begin(**kwargs: Any) -> None:
    failpoint("task.begin")


@task_postrun.connect
def _end(**kwargs: Any) -> None:
    failpoint("task.end")
