"""`manage.py export_journal FILE`: the whole journal as a file that anyone can check without the portal."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.foundation.journal import exporting


class Command(BaseCommand):
    help = "导出全部日志，供离线核验（verify_journal）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with path.open("xb", buffering=1 << 20) as file:
                path.chmod(0o600)
                last = b"{}"
                for last in exporting.lines():
                    file.write(last)
        except FileExistsError as error:
            raise CommandError(f"{path} 已经存在，请换一个文件名。") from error
        head = json.loads(last)["head"]
        self.stdout.write(f"已导出到 {path}。请另行记下最后的摘要：{head}")
        self.stdout.write(f"核验：bin/portal manage verify_journal {path} --anchors 锚点目录 --head {head}")
