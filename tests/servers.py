"""Servers for the tests. `bin/portal test` starts them and says where; a bare `pytest` starts its own PostgreSQL here.

tests/conftest.py imports the hooks.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import environ
import pytest
from django.conf import settings
from django.db import connections

from portal.run import testing

# Half a minute and more each.
LONGEST = (
    "tests/security/test_matrix.py",
    "tests/run/test_backup.py",
    "tests/security/test_every_field.py",
    "tests/run/test_shutdown.py",
)
_started = ExitStack()
# What `bin/portal test` sets for us, and what must not reach a portal that a test starts as a newcomer would.
OURS = (
    *("DATABASE_URL", "REDIS_URL", "PORTAL_ENV", "PORTAL_DATA", "PORTAL_TEST_TEMPLATE", "PORTAL_FAILED_BEFORE"),
    *("SECRET_KEY", "PUBLIC_URL", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "PYTHONSAFEPATH"),
)


def pytest_configure(config: pytest.Config) -> None:
    """Make sure there is a database server before the first test; xdist's workers inherit the first one's."""
    if not os.environ.get("DATABASE_URL") and not config.option.collectonly:
        variables = _started.enter_context(testing.servers(broker=False))
        os.environ |= {name: variables[name] for name in OURS if name in variables}
        # The settings were read before us, without that address and as a trial.
        connections["default"].settings_dict |= environ.Env.db_url_config(variables["DATABASE_URL"])
        settings.MEDIA_ROOT = Path(variables["PORTAL_DATA"]) / "files"
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        settings.TRUST_OTHER_LOGINS, settings.REGISTRATION_BY_CODE = True, False
    settings.COUNT_REQUESTS = False  # no thread of ours writes between the tests
    if template := os.environ.get("PORTAL_TEST_TEMPLATE"):
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = template


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker is alone with one of them at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_unconfigure(config: pytest.Config) -> None:
    _started.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once more, just above the closing line, which linters failed, or that the proof did, before these tests ran."""
    if failed := os.environ.get("PORTAL_FAILED_BEFORE"):
        terminalreporter.section("之前未通过", red=True)
        terminalreporter.line(f"{failed}（详见上文；因此退出码不为 0）")


def newcomer_environment(**more: str) -> dict[str, str]:
    """The environment of somebody who has just cloned: nothing of the test run's; `more` is added."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | more
