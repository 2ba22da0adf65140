"""`manage.py tidy_files`: delete what a process was writing when it died (retention does the same once a day)."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.foundation.core.tidying import tidy


class Command(BaseCommand):
    help = "删除没有记录指向、且写入超过半小时的文件（进程在写文件时中断所留）"

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"已删除 {tidy()} 个无主文件")
