"""Bring the database up to date in one process: migrations, reference data, demonstration data.

Run as `python -m portal.run.prepare [--no-demo] RESULT`; RESULT is a JSON file that says what is there afterwards.
One process, because starting Django costs more than all of this when nothing is to be done.
"""

import argparse
import io
import json
import os
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import ERROR, CheckMessage, run_checks
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal.foundation.core import state_guard

# Whoever gives these wants the log-ins of the roles to work.
ROLE_PASSWORDS = ("APP_DB_PASSWORD", "WORKER_DB_PASSWORD", "CLOCK_DB_PASSWORD", "AUDITOR_DB_PASSWORD")
# The log-in whose presence says that demonstration data is loaded.
DEMONSTRATION_LOGIN = "enterprise"


def prepare(*, demo: bool) -> bool:
    """Migrate, load reference data and (with `demo`, never in production) demonstration data; True when that is there."""
    # The portal's short statement timeout is for requests; a migration may take longer.
    connection.settings_dict.setdefault("OPTIONS", {})["options"] = "-c lock_timeout=5s"
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print("更新数据表……", flush=True)
        call_command("migrate", interactive=False, verbosity=0)
    state_guard.install()  # a transition may be new although no migration is
    commands = get_commands()
    if "load_reference" in commands:
        call_command("load_reference", verbosity=0, stdout=io.StringIO())
    if settings.PORTAL_ENV == "production":
        call_command("collectstatic", interactive=False, verbosity=0)
        return False
    users = get_user_model()._default_manager.filter(username=DEMONSTRATION_LOGIN)
    if demo and "demo" in commands and not users.exists():
        print("写入示例数据……", flush=True)
        call_command("demo", verbosity=0)
    return users.exists()


def give_roles() -> bool:
    """Write the rights of PostgreSQL's roles anew; False where whoever connects may not (a database given to us)."""
    try:
        call_command("database_roles", stdout=io.StringIO())
    except CommandError:
        return False
    return True


def wrong_here() -> list[CheckMessage]:
    """Errors of this installation as the owner's log-in sees them; warnings stop no deployment, and that we are the owner is right."""
    found = run_checks(include_deployment_checks=True, databases=["default"])
    return [m for m in found if m.level >= ERROR and not m.is_silenced() and m.id != "portal.E011"]


def refuse_what_is_wrong() -> None:
    """Ends the deployment with a sentence for each thing that must not go live; nothing else waits for this process then."""
    wrong = wrong_here()
    if wrong:
        said = "".join(f"\n  {m.id}：{m.msg}{f'（{m.hint}）' if m.hint else ''}" for m in wrong)
        raise SystemExit(f"部署检查没有通过，网站没有启动。请逐项改正后再启动（编号见 docs/security/web.md）：{said}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-demo", action="store_true")
    parser.add_argument("result", type=Path)
    options = parser.parse_args()
    django.setup()
    there = prepare(demo=not options.no_demo)
    roles = give_roles()
    if settings.PRODUCTION and not roles and any(os.environ.get(name) for name in ROLE_PASSWORDS):
        raise SystemExit("数据库角色没有建好，网站用各自的账号登录不了。请执行 manage.py database_roles 查看原因。")
    if settings.PRODUCTION:
        refuse_what_is_wrong()
    options.result.write_text(json.dumps({"demo": there, "roles": roles}))


if __name__ == "__main__":
    main()
