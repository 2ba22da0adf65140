"""A whole portal in a temporary folder: servers, two of each process, a network that can be made bad, people and drafts.

    with World(seed=1, submissions=300) as world:
        world.start()
        load = Load(world)
        world.wait(30)          # supervises meanwhile: whatever dies is started again within a second
        load.finish()
        world.settle()
        results = world.check()

No Django in this process: it judges, so it must not share a fault with what it judges.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from portal.proof import processes
from portal.proof.history import History
from portal.proof.judging import Judge
from portal.proof.judging import NotSettled as NotSettled
from portal.proof.judging import Result as Result
from portal.proof.processes import LOOPS
from portal.run import binaries, embedded
from portal.run.environment import environment, throw_away, with_pdf_libraries
from portal.run.places import ROOT, RunError, places
from portal.run.processes import Process
from portal.run.supervisor import Supervisor
from portal.run.testing import share_typefaces
from portal.run.watchdog import Signs, Watchdog, answers

LADDER = (10.0, 20.0, 30.0)  # seconds after a clock's start: due soon, due, supervised
LEASE = 15  # seconds a dead dispatcher's deliveries wait; the portal's own minute would only make the proof longer
PATIENCE = {"web": 30.0, "clock": 15.0, "dispatch": 45.0, "worker": 60.0}  # seconds without progress
STOP_ORDER = (
    ("web",),
    ("worker", "beat-1", "beat-2", *LOOPS),
    ("receiver", "proxy", "valkey"),
    ("postgres",),
)
# What must be there before the portal's processes, and is none of them.
GROUND = ("postgres", "valkey", "proxy", "receiver")


class World(Judge):
    """See the module. `environment` goes to every process of the portal, `only` to the one named."""

    def __init__(
        self,
        *,
        seed: int = 1,
        submissions: int = 300,
        environment: Mapping[str, str] | None = None,
        only: Mapping[str, Mapping[str, str]] | None = None,
        broker: bool = True,
        ladder: Sequence[float] = LADDER,
        keep: Path | None = None,
        say: Callable[[str], None] = lambda text: print(text, flush=True),
    ) -> None:
        self.seed, self.submissions, self.broker, self.ladder, self.keep = seed, submissions, broker, ladder, keep
        self.extra, self.only = dict(environment or {}), {k: dict(v) for k, v in (only or {}).items()}
        self.say = say
        self.stack = ExitStack()

    # --- beginning and end ------------------------------------------------------------------------------------------

    def __enter__(self) -> "World":
        self.places = self.stack.enter_context(throw_away("prove"))
        self.home = self.places.data
        self.history = History(self.home / "history.jsonl")
        self.mails = self.home / "mail.jsonl"
        self.plan = self.home / "plan.json"
        names = [f"{caller}>{server}" for server, found in processes.LINKS.items() for caller in found]
        ports = processes.free_ports(len(names) + 2)
        self.web_port, self.mail_port = ports[:2]
        self.links = dict(zip(names, ports[2:], strict=True))
        self.url = f"http://127.0.0.1:{self.web_port}"
        self.postgres = embedded.Postgres(self.places, purpose="proof")
        self.valkey = embedded.Valkey(self.places, persistent=False)
        share_typefaces(self.home)
        self.environment = with_pdf_libraries(self._environment(), places())
        self.supervisor = Supervisor(self.environment, self.places.logs, longest_back_off=1.0)
        self.supervisor.console = False
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._keep()
            self.stack.close()

    def _keep(self) -> None:
        """Leave the evidence where it was asked for: histories, logs and reports, not the database."""
        if self.keep is None:
            return
        self.keep.mkdir(parents=True, exist_ok=True)
        for name in ("history.jsonl", "mail.jsonl", "plan.json", "report.json"):
            with suppress(OSError):
                shutil.copy(self.home / name, self.keep / name)
        shutil.copytree(self.places.logs, self.keep / "logs", dirs_exist_ok=True)

    def _environment(self) -> dict[str, str]:
        broker = str(self.places.run / "no-broker.sock")
        made = environment(
            self.places,
            PORTAL_ENV="demo",
            DJANGO_SETTINGS_MODULE="portal.proof.settings",
            DATABASE_URL=self.postgres.url,
            REDIS_URL=self.valkey.url if self.broker else f"unix://{broker}",
            PUBLIC_URL=self.url,
            PROOF_LADDER=",".join(f"{s:g}" for s in self.ladder),
            PROOF_LEASE=str(LEASE),
            PROOF_SMTP=f"127.0.0.1:{self.mail_port}",
            PYTHONWARNINGS="ignore:You're running the worker,ignore:No directory at",
            LOG_LEVEL="WARNING",
            **self.extra,
        )
        for name in ("PORTAL_TEST_TEMPLATE", "PORTAL_FAILED_BEFORE", "EMAIL_BACKEND", "DEBUG"):
            made.pop(name, None)
        return made

    def start(self) -> None:
        """Servers, tables, reference data, people and drafts, processes; returns when the web answers."""
        began = time.monotonic()
        self.postgres.initialise()
        self._run(self.postgres.process(), self.postgres.wait_until_ready)
        if self.broker:
            self._run(self.valkey.process(), self.valkey.wait_until_ready)
        self._network()
        self._to_the_end("portal.run.prepare", "--no-demo", str(self.places.run / "prepared.json"))
        self._to_the_end(
            *("portal.proof.inside", "cast", "--submissions", str(self.submissions), "--seed", str(self.seed)),
            str(self.plan),
        )
        self.say(f"数据库、参考数据和 {self.submissions} 份草稿就绪（{time.monotonic() - began:.1f} 秒）")
        for process in processes.callers(self.places, port=self.web_port, variables=self._variables()):
            self.supervisor.start(process)
        if not self.until(self.answers, 90):
            raise RunError(f"网站没有启动。请看 {self.places.logs / 'web.log'}。")
        if not self.until(lambda: self.beating(*LOOPS), 60):
            raise RunError(f"时钟没有启动。请看 {self.places.logs / 'clock-1.log'}。")
        self._watch()
        self.say(f"全部进程就绪（{time.monotonic() - began:.1f} 秒）：{self.url}")

    def _watch(self) -> None:
        """Who makes no progress is started anew, as `up` does it; only the patience is as compressed as the terms."""
        signs = Signs(self.direct)
        looks = {"web": (answers(self.web_port, signs=signs), PATIENCE["web"])}
        looks |= {name: (signs.of(name), PATIENCE[name[:-2]]) for name in LOOPS}
        if self.broker:
            looks["worker"] = (Signs(self.direct).of("celery"), PATIENCE["worker"])
        self.supervisor.watchdog = Watchdog(looks).start()

    def stop(self) -> None:
        """End every process that was started here, in order."""
        if self.supervisor.watchdog is not None:
            self.supervisor.watchdog.stop()
        for child in self.supervisor.children.values():
            if child.popen is not None:  # whoever is stopped hears nothing
                processes.send(processes.tree(child.popen.pid), signal.SIGCONT)
        portal = {name for group in STOP_ORDER for name in group}
        self.supervisor.stop(([name for name in self.supervisor.children if name not in portal], *STOP_ORDER))

    def _run(self, process: Process, ready: Callable[[Callable[[], bool]], None]) -> None:
        child = self.supervisor.start(replace(process, console=False))

        def alive() -> bool:
            self.supervisor.tick(0)
            return not child.deaths

        ready(alive)

    def _network(self) -> None:
        """The receiver, and one link from each process to each server, all of them good for now."""
        targets = {
            "postgres": str(self.postgres.sockets / ".s.PGSQL.5432"),
            "valkey": str(self.valkey.socket),
            "receiver": str(self.mail_port),
        }
        links = {name: (port, targets[name.partition(">")[2]]) for name, port in self.links.items()}
        (self.home / "links.json").write_text(json.dumps(links))
        self.network({})
        self.mail("ok")
        self.supervisor.start(processes.part("proxy", str(self.home / "links.json"), str(self.home / "network.json")))
        self.supervisor.start(
            processes.part("receiver", str(self.mail_port), str(self.mails), str(self.home / "receiver.mode"))
        )

    def _variables(self) -> dict[str, dict[str, str]]:
        """Each caller's own addresses, and its wall clock where one can be set."""
        found: dict[str, dict[str, str]] = {}
        library = binaries.faketime()
        for caller in processes.CALLERS:
            links = {server: self.links.get(f"{caller}>{server}") for server in processes.LINKS}
            own = found[caller] = {}
            if port := links["postgres"]:
                own["DATABASE_URL"] = f"postgres://{embedded.ROLE}@127.0.0.1:{port}/{embedded.DATABASE}?sslmode=disable"
            if (port := links["valkey"]) and self.broker:
                own["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
            if port := links["receiver"]:
                own["PROOF_SMTP"] = f"127.0.0.1:{port}"
            if library and caller in processes.SKEWED:
                self.clock(caller, "+0")
                own |= {
                    "LD_PRELOAD": library,
                    "PYTHONPATH": f"{Path(__file__).parent / 'faketime'}:{ROOT}",
                    "DONT_FAKE_MONOTONIC": "1",
                    "FAKETIME_TIMESTAMP_FILE": str(self.home / f"{caller}.time"),
                    "FAKETIME_CACHE_DURATION": "1",
                }
            own |= self.only.get(caller, {})
        return found

    def _to_the_end(self, module: str, *arguments: str, **variables: str) -> None:
        """Run one of our programs on the direct line to the database; RunError with its last words when it fails."""
        name = arguments[0] if module == "portal.proof.inside" else module.rpartition(".")[2]
        argv = (sys.executable, "-m", module, *arguments)
        child = self.supervisor.start(Process(name, argv, console=False, variables=variables), restart=False)
        self.supervisor.until(lambda: bool(child.codes), 600)
        if child.codes != [0]:
            raise RunError(f"{module} 失败：{Path(child.log.name).read_text(errors='replace')[-2000:]}")

    # --- switches ---------------------------------------------------------------------------------------------------

    def network(self, modes: Mapping[str, str]) -> None:
        """Make links bad: {pattern: mode} as in proxy.py; everything that is not named is good again."""
        _replace(self.home / "network.json", json.dumps(dict(modes)))

    def mail(self, mode: str) -> None:
        """How the receiver behaves: ok, refuse, hang."""
        _replace(self.home / "receiver.mode", mode)

    def clock(self, caller: str, shift: str) -> None:
        """Set a process' wall clock: `+3d`, `-3d`, `-3600s`, `+0` (within a second)."""
        _replace(self.home / f"{caller}.time", shift)


def _replace(path: Path, text: str) -> None:
    """Written whole or not at all, for a reader that looks at any moment."""
    half = path.with_suffix(".new")
    half.write_text(text)
    os.replace(half, path)
