"""Anchors: each hour in which something was written, the head of the chain goes into a file of its own, and each file carries
the digest of the one before.

Whoever can write everything in the database could write the whole chain anew; the anchors, copied elsewhere (the backup takes
them within seconds), show that it was. What was sealed after the last anchor they do not hold: less than an hour's. A file is
made once and never opened for writing again, and the journal tells of each.
"""

import hashlib
import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from portal.foundation.core import crypto
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.moments import SHANGHAI, iso

from .models import Entry, Seal
from .record import record

VERB = "journal.anchored"


def folder() -> Path:
    return Path(settings.DATA_DIR) / "anchors"


def write(*, now: datetime) -> Path | None:
    """The anchor of this hour (of Asia/Shanghai), if it is not there yet and something was sealed since the last one.

    Cheap to ask often: mostly it only looks at a name. Two processes at once write one file. None when there was nothing to do.
    """
    name = now.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H")
    path = folder() / f"{name}.json"
    if path.exists():
        return None
    head = Seal.objects.order_by("-id").values_list("id", "digest", "entry_id").first()
    if head is None:
        return None
    last, digest, entry_id = head
    names = _names()
    if names and (names[-1] > name or Entry.objects.filter(pk=entry_id, verb=VERB).exists()):
        return None  # the clock of this machine went back, or nothing is new but the line about the last anchor
    anchor = {
        "name": name,
        "sealed": Seal.objects.filter(id__lte=last).count(),
        "head": digest,
        "sm3": crypto.provider()
        .digest(digest.encode())
        .hex(),  # the same head once more by the national algorithm (GB/T 32905)
        "at": iso(now),
        "previous": hashlib.sha256((folder() / f"{names[-1]}.json").read_bytes()).hexdigest() if names else "",
    }
    if not _make(path, json.dumps(anchor, sort_keys=True).encode() + b"\n"):
        return None
    with transaction.atomic():
        record(
            VERB,
            actor=SYSTEM,
            now=now,
            subject=f"anchor:{name}",
            text=f"日志锚点 {name}",
            data={"digest": hashlib.sha256(path.read_bytes()).hexdigest(), "sealed": anchor["sealed"]},
        )
    return path


def _names() -> list[str]:
    """The names of all anchors, oldest first."""
    return sorted(path.stem for path in folder().glob("*.json"))


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
