"""What is done to a running world: each fault by name, with what is broken, for how long, and how it is put right again.

A fault ends when the harness has undone it (`lifted`); killed processes come back by themselves through the supervisor.
`recovered` is when database and web answer and every loop has left a new sign of life.
"""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2

from portal.proof import processes
from portal.proof.processes import LOOPS
from portal.run import binaries
from portal.run.places import ROOT

if TYPE_CHECKING:
    from portal.proof.world import World

SWEEPERS = ("clock-1", "clock-2", "worker", "beat-1", "beat-2")
HARNESS = ("load", "quiet", "caseworker", "proxy", "burst")  # what we run ourselves is not the portal
FROZEN, BAD = 4.0, 5.0  # seconds of SIGSTOP; of a bad network, a bad clock, a bad mail server
GIVE_UP = 40.0  # seconds after which a world that has not recovered is let go on
MOST_CONNECTIONS = 200


@dataclass(slots=True)
class Fault:
    """One that happened. Unix times; `recovered` None when it took longer than GIVE_UP."""

    kind: str
    detail: str
    began: float
    lifted: float
    recovered: float | None = None

    @property
    def seconds(self) -> float | None:
        """From the end of the fault to full recovery."""
        return None if self.recovered is None else self.recovered - self.lifted


class Faults:
    """The faults of one run, drawn with one seed.

    `brief` shortens what lasts. With `overlap` as probability something is killed while another fault lasts.
    """

    def __init__(self, world: "World", *, seed: int, brief: bool = False, overlap: float = 0.0) -> None:
        self.world, self.rng, self.overlap = world, random.Random(seed), overlap
        self.frozen_for, self.bad_for = (3.0, 3.0) if brief else (FROZEN, BAD)
        self.happened: list[Fault] = []
        self.skipped: dict[str, str] = {}
        self.within: str | None = None

    def kinds(self) -> list[str]:
        """Every kind that this machine and this world can have."""
        able = dict(KINDS)
        if not self.world.broker:
            for kind in BROKER_KINDS:
                able.pop(kind)
        if binaries.faketime() is None:
            for kind in SKEW_KINDS:
                able.pop(kind)
                self.skipped[kind] = "本机没有 libfaketime（apt-get install libfaketime）"
        return list(able)

    def order(self, count: int) -> list[str]:
        """`count` kinds: each one as often as the others, in a drawn order."""
        kinds = self.kinds()
        drawn: list[str] = []
        while len(drawn) < count:
            self.rng.shuffle(kinds)
            drawn += kinds
        return drawn[:count]

    def campaign(self, order: list[str], *, pause: float) -> Iterator[list[Fault]]:
        """Strike them all, with a rest of up to `pause` seconds between; yields what happened together."""
        left = list(order)
        while left:
            kind = left.pop(0)
            self.within = None
            kills = [i for i, other in enumerate(left) if other.startswith("kill-")]
            if kind not in AT_ONCE and kills and self.rng.random() < self.overlap:
                self.within = left.pop(kills[0])
            yield self.strike(kind)
            self.world.wait(self.rng.uniform(0.3, 1.0) * pause)

    def strike(self, kind: str) -> list[Fault]:
        """Do it, undo it and see the world recover, supervised all the time; the fault, and the one within it if any."""
        before = len(self.happened)
        self._do(kind)
        happened = self.happened[before:]
        lifted = max(fault.lifted for fault in happened)
        back = time.time() if self.world.until(lambda: self.world.healthy(lifted), GIVE_UP) else None
        for fault in happened:
            fault.recovered = time.time() if back else None
            self.world.history.note(
                "fault", kind=fault.kind, detail=fault.detail, began=fault.began, lifted=fault.lifted,
                recovered=fault.recovered,
            )  # fmt: skip
        return happened

    def _do(self, kind: str) -> None:
        fault = Fault(kind, "", time.time(), 0.0)
        self.happened.append(fault)
        fault.detail = KINDS[kind](self) or ""
        fault.lifted = time.time()

    def endure(self, seconds: float) -> None:
        """Let a fault last; what is to be killed meanwhile is killed in its middle."""
        end = time.monotonic() + seconds
        self.world.wait(seconds / 2)
        if self.within is not None:
            kind, self.within = self.within, None
            self._do(kind)
        self.world.wait(end - time.monotonic())

    # --- tools ------------------------------------------------------------------------------------------------------

    def pids(self, *names: str) -> list[int]:
        """The trees of these processes, as far as they run."""
        found = [self.world.pid(name) for name in names if name in self.world.supervisor.children]
        return [pid for root in found if root is not None for pid in processes.tree(root)]

    def kill(self, *names: str) -> None:
        processes.send(self.pids(*names), signal.SIGKILL)

    def root(self, name: str) -> str:
        """Kill only the first process of that name; the kernel and the supervisor see to the rest."""
        if (pid := self.world.pid(name)) is not None:
            processes.send([pid], signal.SIGKILL)
        return name

    def below(self, name: str) -> str:
        """Kill one process below it."""
        found = self.pids(name)[1:]
        if found:
            processes.send([self.rng.choice(found)], signal.SIGKILL)
        return name

    def one(self, *names: str) -> str:
        chosen = self.rng.choice(names)
        self.kill(chosen)
        return chosen

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """Stop the whole trees and let them go on."""
        held = self.pids(*names)
        processes.send(held, signal.SIGSTOP)
        try:
            yield
        finally:
            processes.send(held, signal.SIGCONT)

    def freeze(self, *names: str) -> str:
        with self.frozen(*names):
            self.endure(self.frozen_for)
        return "、".join(names)

    def bad_network(self, modes: dict[str, str], seconds: float | None = None) -> str:
        self.world.network(modes)
        try:
            self.endure(self.bad_for if seconds is None else seconds)
        finally:
            self.world.network({})
            self.world.wait(0.3)
        return "，".join(f"{link} {mode}" for link, mode in modes.items())

    def skew(self, shift: str, *callers: str) -> str:
        for caller in callers:
            self.world.clock(caller, shift)
        try:
            self.endure(self.bad_for + 1)  # it is noticed within a second
        finally:
            for caller in callers:
                self.world.clock(caller, "+0")
            self.world.wait(1.2)
        return f"{'、'.join(callers)} {shift}"

    def bad_mail(self, mode: str) -> str:
        self.world.mail(mode)
        try:
            self.endure(self.bad_for)
        finally:
            self.world.mail("ok")
        return mode


def _backend(faults: Faults) -> str:
    """Kill one database session's process; PostgreSQL then throws all of them out and recovers."""
    found = [
        (pid, title)
        for pid, title in processes.titles(faults.pids("postgres"))
        if " portal portal " in title and "postgres:" in title
    ]
    if not found:
        return "没有会话"
    pid, title = faults.rng.choice(found)
    processes.send([pid], signal.SIGKILL)
    return title[:80]


def _everything(faults: Faults) -> str:
    faults.kill(*(name for name in faults.world.supervisor.children if name not in HARNESS))
    return "所有进程"


def _exhausted(faults: Faults) -> str:
    """Take every connection the database has, and throw the portal's own ones out, so that all of it stands outside."""
    taken: list[Any] = []
    world = faults.world
    with suppress(psycopg2.Error):
        operator = psycopg2.connect(world.direct, connect_timeout=2)
        operator.autocommit = True
        taken.append(operator)
        for _ in range(3):
            with suppress(psycopg2.OperationalError):
                for _ in range(MOST_CONNECTIONS):  # until it refuses
                    taken.append(psycopg2.connect(world.direct, connect_timeout=2))  # noqa: PERF401 - what was taken is kept
            with operator.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND client_addr IS NULL AND pid <> ALL(%s)",
                    [[line.info.backend_pid for line in taken]],
                )
    faults.endure(faults.frozen_for)
    for line in taken:
        with suppress(psycopg2.Error):
            line.close()
    return f"占用 {len(taken)} 个连接"


def _broker(faults: Faults, what: str, *arguments: str) -> str:
    """Something done to the queue by a process of its own: a hanging broker must not hang us."""
    url = f"redis+socket://{faults.world.valkey.socket}"
    argv = [sys.executable, "-m", "portal.proof.broker", what, url, str(faults.rng.randrange(1 << 30)), *arguments]
    try:
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)
    except subprocess.TimeoutExpired:
        return "没有回答"
    return done.stdout.strip() or done.stderr.strip()[-200:]


def _duplicates(faults: Faults) -> str:
    """The same tasks several times and out of order, and the old ones once more later."""
    kept = _broker(faults, "copy")
    faults.endure(faults.frozen_for)
    return f"{kept} 份，之后再 {_broker(faults, 'again')} 份"


KINDS: dict[str, Callable[[Faults], str | None]] = {
    "kill-web-worker": lambda f: f.below("web"),
    "kill-web-master": lambda f: f.root("web"),
    "kill-celery-worker": lambda f: f.root("worker"),
    "kill-celery-child": lambda f: f.below("worker"),
    "kill-beat": lambda f: f.one("beat-1", "beat-2"),
    "kill-clock": lambda f: f.one("clock-1", "clock-2"),
    "kill-dispatcher": lambda f: f.one("dispatch-1", "dispatch-2"),
    "kill-receiver": lambda f: f.one("receiver"),
    "kill-valkey": lambda f: f.one("valkey"),
    "kill-backend": _backend,
    "kill-postgres": lambda f: f.one("postgres"),
    "kill-sweepers": lambda f: f.kill(*SWEEPERS),
    "kill-everything": _everything,
    "stop-postgres": lambda f: f.freeze("postgres"),
    "stop-valkey": lambda f: f.freeze("valkey"),
    "stop-worker": lambda f: f.freeze("worker"),
    "stop-clocks": lambda f: f.freeze("clock-1", "clock-2"),
    "flush-broker": lambda f: _broker(f, "flush"),
    "no-broker": lambda f: f.bad_network({"*>valkey": "reset"}),
    "duplicates": _duplicates,
    "no-connections": _exhausted,
    "clock-ahead": lambda f: f.skew("+3d", *processes.SKEWED),
    "clock-behind": lambda f: f.skew("-3d", *processes.SKEWED),
    "clock-stepped": lambda f: f.skew("-3600s", f.rng.choice(processes.SKEWED)),
    "slow-network": lambda f: f.bad_network({"*>postgres": "slow:0.03", "*": "slow:0.2"}),
    "narrow-network": lambda f: f.bad_network(
        {f"{f.rng.choice(LOOPS)}>postgres": "narrow:1024", "*>valkey": "narrow:1024", "*>receiver": "narrow:1024"}
    ),
    "reset-network": lambda f: f.bad_network({"*": "reset"}, 2.0),
    "half-open": lambda f: f.bad_network({f"*-{f.rng.choice('12')}>postgres": "swallow", "w*>postgres": "swallow"}),
    "mail-refused": lambda f: f.bad_mail("refuse"),
    "mail-hangs": lambda f: f.bad_mail("hang"),
}
BROKER_KINDS = ("kill-valkey", "stop-valkey", "flush-broker", "no-broker", "duplicates")
AT_ONCE = ("flush-broker", *(kind for kind in KINDS if kind.startswith("kill-")))  # nothing can be killed within these
SKEW_KINDS = ("clock-ahead", "clock-behind", "clock-stepped")
