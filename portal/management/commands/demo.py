"""`manage.py demo`: demonstration data on an empty portal. Refuses in production and when people are already there."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.demo.people import LOGINS, PASSWORD
from portal.demo.story import Story
from portal.foundation.accounts.models import User
from portal.foundation.core import moments


class Command(BaseCommand):
    help = "写入示例数据（生产环境拒绝执行）"

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("生产环境不写入示例数据。")
        if User.objects.exists():
            raise CommandError("已经有用户，示例数据只写入空的数据库。")
        Story(moments.now()).tell()
        self.stdout.write(f"示例账号：{'、'.join(LOGINS)}；密码均为 {PASSWORD}")
