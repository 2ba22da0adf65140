"""`manage.py watch_pledges`: today's round over the effective pledges, as the timers walk it; safe to repeat."""

from typing import Any

from django.core.management.base import BaseCommand

from pledges.watch import daily
from portal.foundation.core import moments


class Command(BaseCommand):
    help = "核对全部有效质押：年费、届满、无效、保全、权属，有变化的提醒双方"

    def handle(self, *args: Any, **options: Any) -> None:
        new = daily.run(now=moments.now())
        self.stdout.write(f"新提醒 {new} 项。")
