"""`manage.py import_holidays 2027.toml [--ground TEXT] [--apply]`: what a calendar year would change, then do it."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.errors import DomainError
from portal.foundation.sla import calendar_imports
from portal.foundation.sla.calendar_files import BadCalendarFile, YearFile, parse_year
from portal.foundation.sla.calendar_imports import Preview
from portal.foundation.sla.lamps import WEEKDAYS, due_text
from portal.foundation.sla.models import Kind
from portal.foundation.sla.recounting import Move


class Command(BaseCommand):
    """Without --apply nothing is changed: it prints the days that change and every open deadline that would move."""

    help = "导入年度工作日历：先看哪些日子变、哪些在办时限会移动，加 --apply 才生效"

    def add_arguments(self, parser: CommandParser) -> None:
        """Files, the ground, and whether to do it."""
        parser.add_argument(
            "files", nargs="+", type=Path, metavar="FILE.toml", help="年度日历文件，格式同随附的 2026.toml"
        )
        parser.add_argument("--ground", default="", help="依据，如 国办发明电〔2019〕2号；新年度可省略，取文件里的文号")
        parser.add_argument("--apply", action="store_true", help="确认导入")

    def handle(self, *_args: object, **options: Any) -> None:
        """Raises CommandError with a Chinese sentence for a bad file or a refused import."""
        now = moments.now()
        try:
            files = [self._read(path) for path in options["files"]]
            if options["apply"]:
                found = calendar_imports.import_years(files, ground=options["ground"], actor=SYSTEM, now=now)
            else:
                found = calendar_imports.preview(files)
        except (BadCalendarFile, DomainError) as error:
            fields = getattr(error, "fields", {})
            raise CommandError("\n".join(dict.fromkeys([str(error), *fields.values()]))) from error
        self._print(found, now=now)
        self.stdout.write(
            "已导入并移动上述时限。" if options["apply"] else "以上只是预览，没有任何改动；加 --apply 导入。"
        )

    @staticmethod
    def _read(path: Path) -> YearFile:
        try:
            return parse_year(path.read_text(encoding="utf-8"), name=path.name)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"读不到 {path}：请核对路径，文件应为 UTF-8 编码。") from error

    def _print(self, found: Preview, *, now: datetime) -> None:
        for year in found.years:
            what = "更正" if year.old else "新增"
            self.stdout.write(f"{what} {year.file.year} 年 {year.file.document or '（文号未填）'}")
            for day in year.days:
                name = f"（{day.name}）" if day.name else ""
                weekday = WEEKDAYS[day.day.weekday()]
                self.stdout.write(f"  {day.day} 周{weekday}  {day.before} → {day.after}{name}")
            if not year.days:
                self.stdout.write("  没有一天改变性质")
        for move in found.moves:
            if move.moved or move.confirmed:
                self.stdout.write(self._line(move, now=now))
        moved = Counter(Kind(move.clock.kind).label for move in found.moved)
        counts = "、".join(f"{kind} {count} 件" for kind, count in sorted(moved.items())) or "0 件"
        self.stdout.write(
            f"截止时刻移动：{counts}；暂定转正式而不移动：{len(found.confirmed)} 件；只有提醒时刻改变：{found.reminders} 件。"
        )

    @staticmethod
    def _line(move: Move, *, now: datetime) -> str:
        clock = move.clock
        old = due_text(clock.due_at) + ("（暂定）" if clock.provisional else "")
        new = due_text(move.plan.due_at) + ("（暂定）" if move.plan.provisional else "")
        late = "  ← 移动后已经超期" if move.late(now=now) else ""
        return f"  {clock.case_number}  {clock.organisation.title}  {Kind(clock.kind).label}  {old} → {new}{late}"
