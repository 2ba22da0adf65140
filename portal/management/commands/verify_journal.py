"""`manage.py verify_journal [FILE]`: is the journal whole? Of an exported file without any database, else of the live one."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.foundation.journal import anchors, exporting, verifying


class Command(BaseCommand):
    help = "核验日志：逐条核对摘要、顺序和锚点；给出文件时离线核验，不连数据库"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="export_journal 导出的文件；不给就核验数据库")
        parser.add_argument("--anchors", type=Path, help="锚点所在的目录（默认：数据目录下的 anchors）")

    def handle(self, *args: Any, **options: Any) -> None:
        where: Path | None = options["anchors"]
        if where is None and options["file"] is None and anchors.folder().is_dir():
            where = anchors.folder()
        if options["file"] is not None:
            report = verifying.check_file(options["file"], anchors=where)
        else:
            early = verifying.Report()
            known = verifying.read_anchors(where, early) if where else {}
            report = verifying.check(exporting.lines(), anchors=known)
            report.findings[:0] = early.findings
            report.count += early.count
        for line in verifying.told(report):
            self.stdout.write(line)
        if not report.ok:
            raise SystemExit(1)
