"""A newcomer starts the portal, stops it, starts it again; and processes die under it.

Everything here is real: the launcher, PostgreSQL, Valkey, gunicorn, Celery.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psycopg2
import pytest

from portal.run.doctor import connection_parameters
from portal.run.lock import running_addresses
from portal.run.places import ROOT, Places
from portal.run.testing import share_typefaces
from tests.servers import newcomer_environment

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes"), pytest.mark.timeout(600)]
PROCESSES = {"web", "worker", "beat", "clock", "dispatch", "postgres", "valkey"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def descendants(pid: int) -> dict[int, str]:
    """Every process below `pid`, whatever group or session it moved to, with its command line."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(entry.name))
    found: dict[int, str] = {}
    waiting = list(parents.get(pid, []))
    while waiting:
        child = waiting.pop()
        try:
            found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        waiting += parents.get(child, [])
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def manage(data: Path) -> str:
    """What `bin/portal manage showmigrations` prints about the journal."""
    command = [ROOT / "bin/portal", "manage", "showmigrations", "journal", "--plan"]
    environment = newcomer_environment(PORTAL_DATA=str(data))
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True).stdout


@dataclass
class Portal:
    data: Path
    port: int
    process: "subprocess.Popen[str]"
    printed: Path

    @classmethod
    def start(cls, data: Path, port: int, *more: str, **environment: str) -> "Portal":
        printed = data.with_name(f"{data.name}.{time.monotonic_ns()}.txt")
        process = subprocess.Popen(
            [ROOT / "bin/portal", "up", "--port", str(port), "--data", data, *more],
            cwd=data.parent,  # it must not matter where one stands
            env=newcomer_environment(**environment),
            stdout=printed.open("w"),
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return cls(data, port, process, printed)

    def text(self) -> str:
        return self.printed.read_text()

    def wait_until_ready(self, seconds: float = 180) -> None:
        line = f"ready http://127.0.0.1:{self.port}\n"
        wait_for(lambda: line in self.text() or self.process.poll() is not None, seconds, self.text())
        assert line in self.text(), self.text()

    def health(self) -> dict[str, object]:
        with urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
            said: dict[str, object] = json.load(answer)
            return said

    def answers(self) -> bool:
        try:
            return self.health()["ok"] is True
        except OSError:
            return False

    def query(self, sql: str) -> list[tuple[object, ...]]:
        addresses = running_addresses(Places(self.data))
        assert addresses is not None
        connection = psycopg2.connect(**connection_parameters(addresses["DATABASE_URL"]))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def one(self, words: str) -> int:
        """The topmost process whose command line contains `words`."""
        return min(pid for pid, command in descendants(self.process.pid).items() if words in command)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Signal the launcher alone; the seconds until it was gone."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data directory with a space and Chinese in its path; not pytest's, which it closes to PostgreSQL's account."""
    parent = Path(tempfile.mkdtemp(prefix="portal-newcomer-"))
    parent.chmod(0o711)
    share_typefaces(parent / "我的 数据")
    yield parent / "我的 数据"
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="module")
def portal(data: Path) -> Iterator[Portal]:
    started = Portal.start(data, free_port(), "--no-demo")
    try:
        started.wait_until_ready()
        yield started
    finally:
        if started.process.poll() is None:
            started.stop()


def test_up_answers_and_a_second_up_goes_on_where_the_first_stopped(data: Path) -> None:
    first = Portal.start(data, free_port(), "--no-demo")
    first.wait_until_ready()
    assert first.health()["ok"] is True
    assert (data / "logs/web.log").exists()
    first.query("create table left_by_the_first as select '渝' as word")
    children = descendants(first.process.pid)
    assert len(children) >= len(PROCESSES)

    assert first.stop() <= 15
    assert first.process.returncode == 0
    assert [command for pid, command in children.items() if alive(pid)] == []
    with pytest.raises(OSError, match="refused"):
        first.health()

    second = Portal.start(data, free_port(), "--no-demo")
    second.wait_until_ready()
    assert second.query("select word from left_by_the_first") == [("渝",)]
    second.query("drop table left_by_the_first")
    # Ctrl-C ends it the same way.
    children = descendants(second.process.pid)
    assert second.stop(signal.SIGINT) <= 15
    assert [command for pid, command in children.items() if alive(pid)] == []


def test_all_processes_together_stay_below_900_mib(portal: Portal) -> None:
    used = 0.0
    for pid in (portal.process.pid, *descendants(portal.process.pid)):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:  # ended meanwhile
            continue
        # PSS counts a page that several processes share once, divided among them.
        used += float(rollup.partition("Pss:")[2].split()[0]) / 1024
    assert 100 < used <= 900


@pytest.mark.parametrize(
    "words",
    [
        "gunicorn portal.wsgi",
        "portal.celery worker",
        "portal.celery beat",
        "clock --duties sweep",
        "clock --name dispatch",
        "valkey-server",
    ],
)
def test_a_killed_process_comes_back(portal: Portal, words: str) -> None:
    victim = portal.one(words)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not alive(victim), 5, "the kill")
    wait_for(
        lambda: any(words in command for command in descendants(portal.process.pid).values()), 15, f"{words} again"
    )
    wait_for(portal.answers, 60, "an answer")


def test_a_killed_database_comes_back_with_what_it_had(portal: Portal) -> None:
    portal.query("create table if not exists kept as select 1 as number")
    os.kill(portal.one("bin/postgres -D"), signal.SIGKILL)
    wait_for(lambda: not portal.answers() or "postgres 结束" in portal.text(), 10, "the fall")
    wait_for(portal.answers, 60, "an answer")
    assert portal.query("select number from kept") == [(1,)]
    portal.query("drop table kept")


def test_a_second_up_on_the_same_data_or_port_is_refused_in_a_sentence(portal: Portal, tmp_path: Path) -> None:
    same_data = Portal.start(portal.data, free_port())
    assert same_data.process.wait(60) == 1
    assert "正被另一个 bin/portal 使用" in same_data.text()
    assert f"http://127.0.0.1:{portal.port}" in same_data.text()

    same_port = Portal.start(tmp_path / "other", portal.port)
    assert same_port.process.wait(60) == 1
    assert f"端口 {portal.port} 已被其他程序占用" in same_port.text()
    assert portal.health()["ok"] is True


def test_manage_uses_the_running_portals_database(portal: Portal) -> None:
    assert "[X]  journal.0001_initial" in manage(portal.data)


def test_production_never_starts_an_embedded_server(tmp_path: Path) -> None:
    refused = Portal.start(
        tmp_path / "production",
        free_port(),
        PORTAL_ENV="production",
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS="portal.example",
    )
    assert refused.process.wait(60) == 1
    assert "必须设置 DATABASE_URL" in refused.text()
    assert not (tmp_path / "production/postgres").exists()


def test_when_the_launcher_itself_is_killed_nothing_is_orphaned_and_manage_brings_its_own_database(
    portal: Portal,
) -> None:
    # The last test of this file: it takes the portal away.
    children = descendants(portal.process.pid)
    portal.process.kill()
    portal.process.wait()
    wait_for(lambda: not any(alive(pid) for pid in children), 30, "the end of its children")
    assert "[X]  journal.0001_initial" in manage(portal.data)
    assert not (portal.data / "postgres" / "postmaster.pid").exists()
