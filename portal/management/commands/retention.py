"""`manage.py retention`: let go of what has been kept long enough; `--list` shows the rules."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.foundation.core import moments
from portal.oversight import retention


class Command(BaseCommand):
    help = "清理到期的数据（每天自动执行一次）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="只列出各类数据的保存期")

    def handle(self, *args: Any, **options: Any) -> None:
        done = {} if options["list"] else retention.apply(now=moments.now())
        for rule in retention.RULES:
            count = f"，清理 {done[rule.code]} 条" if done else ""
            self.stdout.write(f"{rule.what}：{rule.keep.days} 天（{rule.ground}）{count}")
