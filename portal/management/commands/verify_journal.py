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
        parser.add_argument("--anchors", type=Path, help="锚点所在的目录（核验数据库时默认是数据目录下的 anchors）")
        parser.add_argument(
            "--head", default="", help="导出时记下的摘要（至少前 16 位）：最后一个锚点之后的截断和改写靠它发现"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["file"] is not None:
            report = verifying.check_file(options["file"], anchors=options["anchors"], head=options["head"])
        else:
            report = verifying.check_with(
                exporting.lines(), options["anchors"] or anchors.folder(), head=options["head"]
            )
        for line in verifying.told(report):
            self.stdout.write(line)
        if not report.ok:
            raise SystemExit(1)
