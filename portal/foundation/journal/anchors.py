"""Anchors: once a day the head of the chain goes into a file of its own, and each file carries the digest of the one before.

Whoever can write everything in the database could write the whole chain anew; the anchors, copied elsewhere day by day (they
stand in the data folder for the backup to take), show that it was. A file is made once and never opened for writing again.
"""

import hashlib
import json
import os
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.crypto import sm3
from portal.foundation.core.moments import iso, local_date

from .models import Seal
from .record import record


def folder() -> Path:
    return Path(settings.DATA_DIR) / "anchors"


def write(*, now: datetime) -> Path | None:
    """The anchor of the day that has ended (in Asia/Shanghai), if it is not there yet; the journal tells of it.

    Cheap to ask often: a second call on the same day only looks at a name. Two processes at once write one file.
    """
    day = local_date(now) - timedelta(days=1)
    path = folder() / f"{day}.json"
    if path.exists():
        return None
    head = Seal.objects.order_by("-id").values_list("id", "digest").first()
    if head is None:
        return None
    last, digest = head
    anchor = {
        "day": str(day),
        "sealed": Seal.objects.filter(id__lte=last).count(),
        "head": digest,
        "sm3": sm3(digest.encode()).hex(),  # the same head once more by the national algorithm (GB/T 32905)
        "at": iso(now),
        "previous": _previous(day),
    }
    if not _make(path, json.dumps(anchor, sort_keys=True).encode() + b"\n"):
        return None
    with transaction.atomic():
        record(
            "journal.anchored",
            actor=SYSTEM,
            now=now,
            subject=f"anchor:{day}",
            text=f"日志锚点 {day}",
            data={"digest": hashlib.sha256(path.read_bytes()).hexdigest(), "sealed": anchor["sealed"]},
        )
    return path


def _previous(day: date) -> str:
    """The digest of the newest anchor before that day; empty for the first."""
    before = [path for path in sorted(folder().glob("*.json")) if path.stem < str(day)]
    return hashlib.sha256(before[-1].read_bytes()).hexdigest() if before else ""


def _make(path: Path, body: bytes) -> bool:
    """Write a file whole or not at all, once: False when it is there already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_bytes(body)
    try:
        half.chmod(0o400)
        os.link(half, path)  # fails when somebody else was first
    except FileExistsError:
        return False
    finally:
        with suppress(FileNotFoundError):
            half.unlink()
    return True
