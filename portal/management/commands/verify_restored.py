"""`manage.py verify_restored --files DIR`: after a restore, fetch the files that rows name and check what is there; JSON on stdout.

For `bin/portal restore`; it reads the database and writes only files that are missing.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor

from portal.foundation.core.tidying import stored
from portal.foundation.journal import anchors, exporting, verifying
from portal.foundation.journal.models import Entry

COUNTED = {
    "用户": "accounts.User",
    "机构": "accounts.Organisation",
    "需求": "applications.Application",
    "质押登记": "pledges.Registration",
    "时限": "sla.Clock",
}


class Command(BaseCommand):
    help = "核对恢复出来的数据：日志封存链、数量、文件（供 bin/portal restore 使用）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--files", type=Path, required=True, help="备份中的文件目录")

    def handle(self, *args: Any, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("备份来自较早的程序版本：请用那个版本的程序恢复，再更新程序。")
        missing = _fetched(options["files"])
        told = _anchors(options["files"].parent / "anchors")
        # A journal that tells of no anchor was never anchored: then there are none to ask for.
        chain = verifying.check_with(exporting.lines(), anchors.folder() if told else None)
        found = {
            "entries": _count("SELECT count(*) FROM journal_entry"),
            "unsealed": _count("SELECT count(*) FROM journal_unsealed"),
            "sent_again": _count(
                "SELECT (SELECT count(*) FROM journal_outbox) + (SELECT count(*) FROM journal_delivery WHERE state = 'waiting')"
            ),
            "chain_findings": chain.count,
            "first_finding": chain.findings[0].said if chain.findings else "",
            "anchors": chain.anchors,
            "counts": {name: apps.get_model(label)._base_manager.count() for name, label in COUNTED.items()},
            "files": len(stored()),
            "files_missing": len(missing),
            "files_changed": sum(1 for path, digest in _digested() if not _holds(path, digest)),
        }
        self.stdout.write(json.dumps(found, ensure_ascii=False))


def _fetched(folder: Path) -> list[str]:
    """Copy what rows name from the backup; the names of what it does not hold."""
    missing = []
    for name in sorted(stored()):
        there, here = folder / name, Path(settings.MEDIA_ROOT) / name
        if here.exists():
            continue
        # Rows and disk may have been in strangers' hands: nothing is fetched through a link or laid outside.
        inside = here.resolve().is_relative_to(Path(settings.MEDIA_ROOT).resolve())
        if not inside or there.is_symlink() or not there.is_file():
            missing.append(name)
            continue
        here.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(there, here)
    return missing


def _anchors(folder: Path) -> bool:
    """Copy the anchors of which this journal tells; those of later hours are not its own. Whether it tells of any."""
    names = [
        subject.removeprefix("anchor:")
        for subject in Entry.objects.filter(verb=anchors.VERB).values_list("subject", flat=True)
    ]
    anchors.folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in filter(re.compile(r"\d{4}-\d\d-\d\dT\d\d").fullmatch, names):
        there, here = folder / f"{name}.json", anchors.folder() / f"{name}.json"
        if there.is_file() and not there.is_symlink() and not here.exists():
            shutil.copyfile(there, here)
            here.chmod(0o400)
    return bool(names)


def _digested() -> Iterator[tuple[Path, str]]:
    """Every file whose row knows its digest, and that digest."""
    for model in apps.get_models():
        names = {field.name for field in model._meta.get_fields()}
        for field in model._meta.get_fields():
            if isinstance(field, models.FileField) and "sha256" in names:
                for name, digest in model._base_manager.values_list(field.name, "sha256"):
                    if name and digest:
                        yield Path(settings.MEDIA_ROOT) / name, digest


def _holds(path: Path, digest: str) -> bool:
    """A file that is missing is counted as missing, not as changed."""
    if not path.exists():
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def _count(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])
