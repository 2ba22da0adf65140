"""Stored files are scanned behind the scenes; what is found leaves its place, is written down, and its sender is told.

A row's `scan` is empty until a scanner has said something, so a scanner that is set later also sees what came before it.
Safe to repeat and to run twice at once: a row is locked while its verdict is written, and the scan itself holds no lock.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import transaction

from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.files import StoredFile
from portal.foundation.core.scanning import scanner
from portal.foundation.core.scanning.clamd import NoVerdict, ScannerDown

from .record import record

log = logging.getLogger("portal.scanning")
AT_ONCE = 20  # files of one kind a round, and as many of the older ones
FOLDER = "quarantine"  # under MEDIA_ROOT; no address leads there, and `send` refuses by the row


def kinds() -> list[type[StoredFile]]:
    """Every model that keeps uploads."""
    return [model for model in apps.get_models() if issubclass(model, StoredFile)]


def scan_waiting(*, now: datetime) -> int:
    """Ask about what has not been asked about; returns how many got a verdict. Nothing without a scanner."""
    asked = scanner.from_settings()
    if asked is None:
        return 0
    done = 0
    for model in kinds():
        for pk in _waiting(model):
            try:
                done += _one(model, pk, asked, now=now)
            except NoVerdict as unsaid:  # of this file; the others are asked about
                log.warning("%s %s stays unscanned: %s", model._meta.label, pk, unsaid)
            except ScannerDown as down:
                log.warning("the scanner does not answer: %s", down)
                return done
    return done


def _waiting(model: type[StoredFile]) -> Iterator[int]:
    """The newest first: somebody is waiting for that one. Then as many by lot, so that files about which the scanner says
    nothing never keep it from the others."""
    found = model._base_manager.filter(scan=StoredFile.Scan.WAITING)
    newest = list(found.order_by("-pk").values_list("pk", flat=True)[:AT_ONCE])
    yield from newest
    if len(newest) == AT_ONCE:
        yield from found.filter(pk__lt=newest[-1]).order_by("?").values_list("pk", flat=True)[:AT_ONCE]


def _one(model: type[StoredFile], pk: int, asked: scanner.Scanner, *, now: datetime) -> bool:
    stored = model._base_manager.filter(pk=pk).first()
    if stored is None:
        return False
    try:
        with stored.file.open("rb") as stream:
            found = asked.scan(stream)
    except (FileNotFoundError, ValueError):  # deleted meanwhile, or a row without bytes: nobody can read it either
        return False
    if not found:
        clean = model._base_manager.filter(pk=pk, scan=StoredFile.Scan.WAITING)
        return bool(clean.update(scan=StoredFile.Scan.CLEAN))
    return _isolate(model, pk, found, now=now)


@transaction.atomic(durable=True)
def _isolate(model: type[StoredFile], pk: int, found: str, *, now: datetime) -> bool:
    stored = model._base_manager.select_for_update(of=("self",)).filter(pk=pk, scan=StoredFile.Scan.WAITING).first()
    if stored is None:
        return False
    old, new = Path(stored.file.path), Path(FOLDER) / stored.ref.hex
    target = Path(settings.MEDIA_ROOT) / new
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):  # a process died between the link and the commit
        os.link(old, target)
    target.chmod(0o600)
    stored.file.name, stored.scan, stored.scan_note = str(new), StoredFile.Scan.FOUND, found
    stored.save(update_fields=["file", "scan", "scan_note"])
    record(
        "file.quarantined",
        actor=SYSTEM,
        now=now,
        subject=f"file:{stored.ref}",
        text=f"“{stored.name}”查出恶意程序（{found}），已隔离，请重新提供没有问题的文件",
        data={"organisation": stored.sender, "model": model._meta.label_lower, "sha256": stored.sha256, "found": found},
        parties=[stored.sender],
    )
    transaction.on_commit(lambda: old.unlink(missing_ok=True), robust=True)
    return True
