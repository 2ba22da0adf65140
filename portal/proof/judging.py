"""Looking at a world from outside and judging it: past every bad link, and through the portal's own checkers as processes."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from portal.proof.history import History
from portal.proof.processes import LOOPS
from portal.run import embedded
from portal.run.places import ROOT, RunError
from portal.run.supervisor import Child, Supervisor

BURST_LADDER = "9.999,10,10000000"


class NotSettled(RunError):
    """Something is still waiting to be announced or delivered."""


@dataclass(frozen=True, slots=True)
class Result:
    """One invariant: how often it is violated, with some examples."""

    name: str
    count: int
    samples: list[Any]
    about: str = ""


# A ladder under proof ends within a minute; a clock of another day is none of ours.
_LEFT = """
SELECT (SELECT count(*) FROM sla_clock WHERE next_at < now() + interval '1 hour'),
       (SELECT count(*) FROM journal_outbox),
       (SELECT count(*) FROM journal_delivery WHERE state = 'waiting'),
       (SELECT count(*) FROM journal_unsealed),
       (SELECT count(*) FROM journal_delivery WHERE state = 'dead')
"""


class Judge:
    """What a world can be asked, and the burst. The world itself (world.py) starts its processes; faults.py breaks them."""

    supervisor: Supervisor
    postgres: embedded.Postgres
    environment: dict[str, str]
    history: History
    mails: Path
    plan: Path
    home: Path
    web_port: int
    say: Callable[[str], None]

    def _to_the_end(self, module: str, *arguments: str, **variables: str) -> None:
        raise NotImplementedError

    # --- looking ----------------------------------------------------------------------------------------------------

    def child(self, name: str) -> Child:
        return self.supervisor.children[name]

    def pid(self, name: str) -> int | None:
        """The process of that name, while it runs."""
        child = self.child(name)
        return child.popen.pid if child.popen is not None else None

    def wait(self, seconds: float) -> None:
        """Supervise for that long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.supervisor.tick(min(left, 0.2))

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Supervise until it comes true, at most that long."""
        return self.supervisor.until(condition, seconds)

    def answers(self) -> bool:
        """Does the web reach the database?"""
        try:
            line = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=1)
            line.request("GET", "/healthz")
            return line.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the database itself, past every bad link; an empty list while it does not answer."""
        try:
            with ExitStack() as stack:
                line = psycopg2.connect(self.direct, connect_timeout=2, options="-c statement_timeout=20s")
                stack.callback(line.close)
                with line.cursor() as cursor:
                    cursor.execute(sql, values)
                    return list(cursor.fetchall())
        except psycopg2.Error:
            return []

    @property
    def direct(self) -> str:
        """The direct line as libpq writes it."""
        return f"host={self.postgres.sockets} user={embedded.ROLE} dbname={embedded.DATABASE}"

    @property
    def database_url(self) -> str:
        """The direct line."""
        return self.postgres.url

    def beating(self, *names: str, since: float = 0.0) -> bool:
        """Has each of these loops left a sign of life (after the Unix time `since`)?"""
        rows = self.rows("SELECT name, extract(epoch FROM at) FROM sla_heartbeat")
        beats = {name: float(at) for name, at in rows}
        return all(beats.get(name, 0.0) > since for name in names)

    def healthy(self, since: float) -> bool:
        """Everything is up, database and web answer, and every loop has left a sign of life after `since` (Unix time)."""
        if any(child.restart and not child.alive for child in self.supervisor.children.values()):
            return False
        return self.beating(*LOOPS, since=since) and self.answers()

    # --- judging ----------------------------------------------------------------------------------------------------

    def settle(self, timeout: float = 90) -> float:
        """Wait until nothing is due and nothing waits; the seconds it took. Raises NotSettled with what is left."""
        began = time.monotonic()
        left: dict[str, int] = {}
        while time.monotonic() - began < timeout:
            self.wait(0.5)
            rows = self.rows(_LEFT)
            if rows:
                left = dict(zip(("clocks", "outbox", "deliveries", "unsealed", "dead"), rows[0], strict=True))
                if not any(left[name] for name in ("clocks", "outbox", "deliveries", "unsealed")):
                    return time.monotonic() - began
        raise NotSettled(f"{timeout:.0f} 秒后仍未平静：{left}")

    def check(self, *more: str) -> list[Result]:
        """Every invariant of portal.proof.invariants on this world's database and histories."""
        argv = [sys.executable, "manage.py", "invariants", "--json", "--history", str(self.history.path), "--mails",
                str(self.mails), *more]  # fmt: skip
        done = subprocess.run(argv, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        try:
            rows = json.loads(done.stdout)
        except ValueError as error:
            raise RunError(f"invariants 没有给出结果：{done.stderr[-2000:]}") from error
        return [Result(r["name"], r["count"], r.get("samples", []), r.get("about", "")) for r in rows]

    def replay(self) -> str:
        """Derive every verdict again from the journal alone; an empty string when all agree, else what was said."""
        argv = [sys.executable, "manage.py", "replay", "--all"]
        done = subprocess.run(argv, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        self.say(f"重新推算：{(done.stdout.strip().splitlines() or [''])[-1]}")
        return "" if done.returncode == 0 else (done.stdout + done.stderr)[-1500:]

    def burst(self, clocks: int) -> float | None:
        """So many clocks due at one moment: seconds until the last of them is announced; None when that never came."""
        result = self.home / "burst.json"
        # Only one level is due at the moment, with the one before it overtaken; the others lie far away.
        self._to_the_end(
            "portal.proof.inside", "burst", str(self.plan), str(result), str(clocks), PROOF_LADDER=BURST_LADDER
        )
        due = float(json.loads(result.read_text())["due"])
        announced = (
            "SELECT count(*), extract(epoch FROM max(announced_at)) FROM sla_escalation WHERE moment = to_timestamp(%s)"
        )

        def cleared() -> bool:
            rows = self.rows(announced, [due])
            return bool(rows) and rows[0][0] >= clocks

        self.wait(max(due - time.time(), 0))
        if not self.until(cleared, 60):
            return None
        return float(self.rows(announced, [due])[0][1]) - due
