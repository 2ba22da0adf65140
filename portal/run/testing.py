"""`bin/portal test` and `bin/portal bench`: servers first, then linters, the quick proof and all other tests; pytest has the last word."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from portal.run import lock
from portal.run.embedded import ROLE
from portal.run.environment import environment, temporary_servers, throw_away, with_pdf_libraries
from portal.run.places import ROOT, Places, places

TOOLS = Path(sys.executable).parent
TEMPLATE_DATABASE = "portal_template"
# A test run that takes longer than this hangs.
SECONDS = 40 * 60


def linters() -> list[tuple[str, list[str]]]:
    """Name and command of each check, quick ones first."""
    pages = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("templates/**/*.html"))
    pages += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("portal/**/templates/**/*.html"))
    python = [sys.executable, "-m"]
    return [
        ("ruff check", [*python, "ruff", "check", "."]),
        ("ruff format", [*python, "ruff", "format", "--check", "."]),
        ("djade", [str(TOOLS / "djade"), "--check", "--target-version", "5.2", *pages]),
        ("lint-imports", [str(TOOLS / "lint-imports")]),
        ("deptry", [str(TOOLS / "deptry"), "."]),
        ("migrations", [*python, "portal.run.migrations"]),
        ("mypy", [*python, "mypy"]),
    ]


def test(arguments: list[str]) -> int:
    """Run everything, or with `arguments` only pytest with those; the exit code."""
    with servers() as variables:
        failed = [] if arguments else lint(variables)
        pytest = [sys.executable, "-m", "pytest"]
        if arguments:
            return _run_to_the_end([*pytest, *arguments], variables)
        # The quick proof wants both cores for itself. It comes first, so that the other tests' closing line is the last.
        if _run_to_the_end([*pytest, "-m", "prove", "tests/proof/test_prove.py"], variables):
            failed.append("prove（bin/portal test tests/proof/test_prove.py）")
        if failed:
            # pytest's closing line stays the last; tests/servers.py repeats this just above it.
            variables["PORTAL_FAILED_BEFORE"] = "、".join(failed)
        code = _run_to_the_end(
            [*pytest, "-m", "not prove", "-n", "2", "--dist", "loadgroup", "--timeout", "300"], variables
        )
    return code or (1 if failed else 0)


def lint(variables: dict[str, str]) -> list[str]:
    """Run every linter, print what it found; the names of those that failed."""
    failed = []
    for name, command in linters():
        began = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        print(f"{'通过' if done.returncode == 0 else '未通过'} {name}（{time.monotonic() - began:.1f} 秒）", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout, done.stderr, sep="\n", flush=True)
    return failed


@contextmanager
def servers(*, broker: bool = True) -> Iterator[dict[str, str]]:
    """Fast, throw-away PostgreSQL and (with `broker`) Valkey, and a migrated template database.

    Yields the environment for pytest. With DATABASE_URL set that server is used and nothing is prepared.
    """
    with throw_away("test") as where, temporary_servers(where, "test", broker=broker) as addresses:
        variables = environment(where, PORTAL_ENV="test", **addresses)
        share_typefaces(where.data)
        variables = with_pdf_libraries(variables, places())
        if "DATABASE_URL" not in os.environ:
            _make_template(where, variables)
        yield variables


def share_typefaces(data: Path) -> None:
    """Let a throw-away data directory use the checkout's cut typefaces: cutting takes 13 s and depends on packages alone."""
    shared = places().data / "pdf-fonts"
    shared.mkdir(mode=0o700, parents=True, exist_ok=True)
    data.mkdir(exist_ok=True)
    (data / "pdf-fonts").symlink_to(shared)


def _make_template(where: Places, variables: dict[str, str]) -> None:
    """Migrate one database; every xdist worker copies it instead of migrating its own."""
    template = variables["DATABASE_URL"].rpartition("/")[0] + f"/{TEMPLATE_DATABASE}"
    _create_database(where, TEMPLATE_DATABASE)
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=variables | {"DATABASE_URL": template},
        check=False,
    )
    if done.returncode == 0:
        variables["PORTAL_TEST_TEMPLATE"] = TEMPLATE_DATABASE


def _create_database(where: Places, name: str) -> None:
    connection = psycopg2.connect(host=str(where.socket_directory("pg")), user=ROLE, dbname="postgres")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'create database "{name}"')
    finally:
        connection.close()


def _run_to_the_end(command: list[str], variables: dict[str, str]) -> int:
    """Run in the foreground; a signal to us goes on to the child, and a hanging run is ended after SECONDS."""
    child = subprocess.Popen(command, cwd=ROOT, env=variables)
    asked = 0

    def pass_on(number: int, _frame: object) -> None:
        nonlocal asked
        asked += 1
        child.send_signal(signal.SIGINT if asked == 1 else signal.SIGKILL)
        if number == signal.SIGALRM:
            print(f"测试超过 {SECONDS // 60} 分钟没有结束，已中止。", flush=True)
            signal.alarm(30)

    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, pass_on)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to pytest as well
    signal.alarm(SECONDS)
    try:
        return child.wait()
    finally:
        signal.alarm(0)


def bench(arguments: list[str]) -> int:
    """Run the benchmarks on a PostgreSQL of their own under `.data/bench`, kept so that its rows are loaded only once."""
    where = places(os.environ.get("PORTAL_DATA") or places().data / "bench")
    where.create()
    where.data.chmod(0o711)
    with lock.held(where, "bench"), temporary_servers(where, "bench") as addresses:
        variables = with_pdf_libraries(environment(where, **addresses), places())
        variables.setdefault("PORTAL_ENV", "test")
        return subprocess.call([sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, env=variables)
