"""`manage.py reset_second_factor <user name>`: for who lost phone, passkeys and recovery codes, after somebody has checked who it is."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.foundation.accounts.identity import second
from portal.foundation.accounts.models import User
from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM


class Command(BaseCommand):
    help = "核对身份后清除一位用户的第二重验证；下次登录时重新绑定"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError("没有这个用户名。")
        ended = second.take_away_all(user, actor=SYSTEM, now=moments.now())
        self.stdout.write(f"已清除 {user.name} 的第二重验证，结束登录 {ended} 处。")
