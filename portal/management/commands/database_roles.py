"""`manage.py database_roles`: make PostgreSQL's roles and write their rights anew; run it after every migration.

APP_DB_PASSWORD, WORKER_DB_PASSWORD, CLOCK_DB_PASSWORD, AUDITOR_DB_PASSWORD set the passwords of the log-ins.
"""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from portal.foundation.journal import database_roles


class Command(BaseCommand):
    help = "建立数据库角色（网站、后台、时钟、审计）并重写各自的权限；每次迁移后执行"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sql", action="store_true", help="只显示语句，由数据库管理员执行")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sql"]:
            self.stdout.write("".join(f"{statement};\n" for statement in database_roles.statements()))
            return
        try:
            made = database_roles.apply(database_roles.passwords_from(os.environ))
        except ValueError as error:
            raise CommandError("两个数据库角色的密码相同，请各用一个。") from error
        except ProgrammingError as error:
            raise CommandError(
                f"不能建立角色：{str(error).strip()} 请用 --sql 导出语句，交数据库管理员执行。"
            ) from error
        for role in made:
            self.stdout.write(f"{role.name}：{role.about}，最多 {role.connections} 个连接")
