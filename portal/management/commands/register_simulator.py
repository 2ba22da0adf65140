"""`manage.py register_simulator`: the patent register's stand-in on this machine (docs/contracts/patent-register.md). Not for production."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.foundation.assets.register import simulator


class Command(BaseCommand):
    help = "启动模拟专利登记簿（只监听本机）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8902)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("生产环境不能使用模拟登记簿。")
        register = simulator.server(options["port"], token=settings.PATENT_REGISTER_TOKEN)
        self.stdout.write(f"PATENT_REGISTER=http PATENT_REGISTER_URL=http://127.0.0.1:{register.server_port}")
        try:
            register.serve_forever()
        except KeyboardInterrupt:
            register.server_close()
