"""Timers of the journal: thin, each calls one function."""

from typing import Any

from celery import shared_task

from portal.foundation.core.moments import now

from . import anchors, quarantine, sealer


@shared_task(name="journal.seal")
def seal(**kwargs: Any) -> None:
    while sealer.seal(now=now()) == 1000:
        pass
    anchors.write(now=now())


@shared_task(name="journal.scan_files")
def scan_files(**kwargs: Any) -> None:
    quarantine.scan_waiting(now=now())
