"""`manage.py deadline 2026-09-25T23:59 --days 2`: when a promise is due, from the published calendars alone."""

from argparse import ArgumentParser
from datetime import datetime

from django.core.management.base import BaseCommand, CommandError

from portal.foundation.core.moments import SHANGHAI, local
from portal.foundation.sla.calendar_files import packaged_calendar


class Command(BaseCommand):
    """Prints ISO 8601 in Asia/Shanghai, then `provisional` when a day in between is not published yet."""

    help = "工作日期限：从某一时刻起 N 个工作日的到期时刻（东八区，24:00 写作次日零点）"
    requires_system_checks = ()  # it needs neither the database nor the site

    def add_arguments(self, parser: ArgumentParser) -> None:
        """A moment, and how many working days."""
        parser.add_argument("started_at", help="开始时刻，如 2026-09-25T23:59；不写时区即为北京时间")
        parser.add_argument("--days", type=int, default=2, help="工作日数，默认 2")

    def handle(self, *_args: object, **options: object) -> None:
        """Raises CommandError with a Chinese sentence for a bad moment, a bad count or a year no calendar covers."""
        text, days = str(options["started_at"]), int(str(options["days"]))
        try:
            typed = datetime.fromisoformat(text)
        except ValueError as error:
            raise CommandError(f"看不懂时刻“{text}”，请写成 2026-09-25T23:59。") from error
        if days < 1:
            raise CommandError(f"工作日数至少为 1，现在是 {days}。")
        started_at = typed if typed.tzinfo else typed.replace(tzinfo=SHANGHAI)
        try:
            due = packaged_calendar().deadline(started_at, days=days)
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(local(due.due_at).isoformat() + (" provisional" if due.provisional else ""))
