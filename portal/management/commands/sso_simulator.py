"""`manage.py sso_simulator`: the government's single sign-on as a stand-in on this machine (docs/contracts/sso.md). Not for production."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.foundation.accounts.sso import simulator


class Command(BaseCommand):
    help = "启动模拟统一身份登录（只监听本机）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8903)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("生产环境不能使用模拟统一身份登录。")
        made, government = simulator.server(options["port"])
        self.stdout.write(f"SSO_ISSUER={government.issuer} SSO_CLIENT_ID={simulator.CLIENT_ID}")
        try:
            made.serve_forever()
        except KeyboardInterrupt:
            made.server_close()
