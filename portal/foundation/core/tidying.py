"""Files that no row points to: a process died between writing the bytes and committing the row.

Nobody can reach them (a file is only ever sent by way of its row), but they hold what people uploaded, so they go.
"""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models

log = logging.getLogger(__name__)

# The server ends a transaction long before (settings.py), so a file of this age without a row will never get one.
OLD = timedelta(minutes=30)


def stored() -> set[str]:
    """The name of every file that some row points to, in any model."""
    names: set[str] = set()
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.FileField):
                names.update(filter(None, model._base_manager.values_list(field.name, flat=True)))
    return names


def orphans(*, older_than: timedelta = OLD) -> Iterator[Path]:
    """Files under MEDIA_ROOT that were written longer ago than that and that no row points to."""
    root, before = Path(settings.MEDIA_ROOT), time.time() - older_than.total_seconds()
    old = [path for path in root.rglob("*") if path.is_file() and path.stat().st_mtime < before]
    known = stored() if old else set()  # looked up after the files: a row that appears meanwhile is seen
    yield from (path for path in old if str(path.relative_to(root)) not in known)


def tidy() -> int:
    """Delete them; returns how many there were. Safe to repeat and to run beside everything."""
    gone = 0
    for path in orphans():
        path.unlink(missing_ok=True)
        log.warning("a file without a row is deleted: %s", path.name)
        gone += 1
    return gone
