"""The processes of the portal, said once: the supervisor runs them, docker-compose.yml must say the same (a test compares)."""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import IO

from portal.foundation.core.orphans import end_with_parent
from portal.run.places import ROOT


@dataclass(frozen=True)
class Process:
    """One long-running child.

    `stop` is the signal that asks it to end, `grace` the seconds it gets before SIGKILL; `user` the account to run as
    (only root can ask for another one); `before` runs before every start, also before a restart; without `console` its
    output goes to its log alone. `orphaned` is what the kernel sends it when the supervisor itself was killed (else `stop`).
    `variables` are added to the environment that all share. A `bare` one gets no more of that than it takes to run: PostgreSQL
    belongs to another account when we are root, which could read our secrets in its environment.
    """

    name: str
    argv: tuple[str, ...]
    stop: signal.Signals = signal.SIGTERM
    grace: float = 3.0
    user: str | None = None
    before: Callable[[], None] | None = None
    console: bool = True
    orphaned: signal.Signals | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    bare: bool = False


def portal_processes(*, bind: str, beat_schedule: str, python: str = sys.executable) -> tuple[Process, ...]:
    """Web, worker, beat, clock and dispatch.

    `bind` is gunicorn's address (`host:port`); `beat_schedule` the file in which beat remembers its last runs.
    """
    web = (
        *("-m", "gunicorn", "portal.wsgi:application", "--bind", bind),
        # --preload shares the loaded code between the two workers; gunicorn 27 would open a control socket in the home.
        # A class of ours, so that whoever sends a request slowly does not keep a thread (portal/run/patience.py).
        *(
            "--worker-class",
            "portal.run.patience.PatientWorker",
            "--workers",
            "2",
            "--threads",
            "4",
            "--preload",
            "--no-control-socket",
        ),
        *("--timeout", "60", "--graceful-timeout", "3", "--keep-alive", "5", "--log-level", "warning"),
        *("--max-requests", "5000", "--max-requests-jitter", "500"),
    )
    worker = (
        *(
            "-m",
            "celery",
            "--quiet",
            "-A",
            "portal.celery",
            "worker",
            "--loglevel",
            "WARNING",
            "--hostname",
            "worker@%h",
        ),
        # One task is the unit that may be lost with a worker, so nothing is prefetched; a child is renewed for its memory.
        *("--pool", "prefork", "--concurrency", "2", "--prefetch-multiplier", "1", "--max-tasks-per-child", "2000"),
        # Nobody listens to its events; and a heartbeat that finds no broker tries for ever and is deaf to SIGTERM.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )
    beat = (
        *("-m", "celery", "--quiet", "-A", "portal.celery", "beat", "--loglevel", "WARNING"),
        *("--schedule", beat_schedule, "--pidfile="),
    )
    return (
        Process("web", (python, *web), grace=4.0),
        # Whatever it holds is given out again, so it may die; asked politely it could wait for its broker for ever.
        Process("worker", (python, *worker), grace=5.0, orphaned=signal.SIGKILL),
        Process("beat", (python, *beat), grace=5.0),
        # Two loops, because a mail server that hangs must not hold up whoever watches the deadlines.
        Process("clock", (python, "manage.py", "clock", "--duties", "sweep,seal"), grace=5.0),
        Process("dispatch", (python, "manage.py", "clock", "--name", "dispatch", "--duties", "dispatch"), grace=5.0),
    )


# Which of the database's roles (portal/foundation/journal/database_roles.py) each process logs in as.
ROLE_OF = {"web": "app", "worker": "worker", "beat": "worker", "clock": "clock", "dispatch": "worker"}


def with_role(process: Process, url_of: Callable[[str], str]) -> Process:
    """The process with the address of its own role; `url_of` makes one from the role's code."""
    return replace(process, variables={**process.variables, "DATABASE_URL": url_of(ROLE_OF[process.name])})


def start(process: Process, environment: Mapping[str, str], output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start `process` in a session of its own, so that a Ctrl-C in the terminal reaches only us and we stop in order."""
    if process.before:
        process.before()
    account: dict[str, object] = {}
    if process.user:
        account = {"user": process.user, "group": pwd.getpwnam(process.user).pw_gid, "extra_groups": []}
    child: subprocess.Popen[bytes] = subprocess.Popen(
        process.argv,
        cwd=ROOT if not process.user else "/",
        env={**(_bare(environment) if process.bare else environment), **process.variables},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=end_with_parent(process.orphaned or process.stop, parent=os.getpid()),
        **account,  # type: ignore[call-overload]
    )
    return child


def _bare(environment: Mapping[str, str]) -> dict[str, str]:
    """Where programs are, which language and which time: nothing that is a secret."""
    kept = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: value for name, value in environment.items() if name in kept or name.startswith("LC_")}


def end(child: "subprocess.Popen[bytes]", process: Process, grace: float | None = None) -> None:
    """Ask `child` to stop, wait for its grace, then kill what is left of its group."""
    if child.poll() is None:
        child.send_signal(process.stop)
        try:
            child.wait(process.grace if grace is None else grace)
        except subprocess.TimeoutExpired:
            child.kill()
    kill_group(child.pid)
    child.wait()


def kill_group(leader: int) -> None:
    """SIGKILL every process left in the group that `leader` founded; nothing left is fine."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
