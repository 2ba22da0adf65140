"""`manage.py agency_simulator`: the credit agency's stand-in on this machine (docs/contracts/valuation.md). Not for production."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.foundation.assets.valuation import simulator


class Command(BaseCommand):
    help = "启动模拟信用机构（只监听本机）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8901)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("生产环境不能使用模拟信用机构。")
        agency = simulator.server(options["port"], token=settings.VALUATION_AGENCY_TOKEN)
        self.stdout.write(f"VALUATION_AGENCY_URL=http://127.0.0.1:{agency.server_port}")
        try:
            agency.serve_forever()
        except KeyboardInterrupt:
            agency.server_close()
