"""`bin/portal prove --mutants [names]`: every seeded bug in a world of its own, under the load and the faults it needs.

Caught means: one of the invariants named with it reports it. The first world has the same load and faults and no bug; it must
hold everything, otherwise being caught would mean nothing.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.proof import processes
from portal.proof.load import CaseWork, Load
from portal.proof.world import NotSettled, Result, World
from portal.run import embedded
from portal.run.environment import environment, temporary_servers, throw_away
from portal.run.places import ROOT, RunError

LADDER = (4.0, 7.0, 10.0)  # seconds: short, so that every clock that is left alone climbs to the end
SUBMISSIONS, SECONDS = 120, 10.0
KILL_EVERY, FREEZE_AT, FREEZE = 2.0, 5.0, 9.0  # seconds
PLEDGES = "0.15"  # share of cases that go all the way, where the bug is one of registrations
KEPT = ROOT / ".data" / "prove" / "mutants"  # histories and logs of each world, the last of its name


class Prepared(World):
    """A world whose database is a copy of one that has its tables and its reference data already."""

    def __init__(self, template: Path, **options: Any) -> None:
        super().__init__(**options)
        self.template = template

    def __enter__(self) -> "Prepared":
        super().__enter__()
        home = self.postgres.home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", f"{self.template}/.", str(home)], check=True)
        return self

    def _to_the_end(self, module: str, *arguments: str, **variables: str) -> None:
        if module != "portal.run.prepare":
            super()._to_the_end(module, *arguments, **variables)

    def plant(self, name: str) -> None:
        """Drop in this world's database what would stop the bug."""
        self._to_the_end("portal.proof.seeding", "prepare", name)


@contextmanager
def template() -> Iterator[Path]:
    """A cluster with tables and reference data, stopped, to be copied: making one takes longer than hunting in it."""
    with throw_away("hunt") as where:
        with temporary_servers(where, "proof", broker=False) as addresses:
            variables = environment(where, PORTAL_ENV="demo", **addresses)
            argv = [sys.executable, "-m", "portal.run.prepare", "--no-demo", str(where.run / "prepared.json")]
            subprocess.run(argv, cwd=ROOT, env=variables, check=True, stdout=subprocess.DEVNULL)
        yield embedded.Postgres(where, purpose="proof").home


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one bug: the invariants that reported something, and which of them it was expected from."""

    name: str
    expected: Sequence[str]
    reported: Mapping[str, int]
    unsettled: str
    seconds: float

    @property
    def caught(self) -> bool:
        return any(name in self.reported for name in self.expected)


def known() -> dict[str, dict[str, Any]]:
    """The list of mutants, asked of a process that has Django."""
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.proof.settings",
        "PORTAL_ENV": "demo",
        "PROOF_MUTANT": "",
    }
    argv = [sys.executable, "-m", "portal.proof.seeding"]
    done = subprocess.run(argv, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    return {row["name"]: row for row in json.loads(done.stdout)}


def main(names: Sequence[str] = (), *, seed: int = 1, control: bool = True) -> int:
    """Hunt these (none: all), print a table; the exit code: 0 when the control held and all were caught."""
    mutants = known()
    if unknown := [name for name in names if name not in mutants]:
        raise RunError(f"没有名为 {'、'.join(unknown)} 的变异。现有：{'、'.join(mutants)}。")
    chosen = [mutants[name] for name in names] or list(mutants.values())
    with template() as prepared:
        return _hunt(chosen, prepared, seed=seed, control=control)


def _hunt(chosen: Sequence[Mapping[str, Any]], prepared: Path, *, seed: int, control: bool) -> int:
    held = True
    if control:
        began = time.monotonic()
        results, unsettled = run({"name": "", "needs": _everything(chosen)}, prepared, seed=seed)
        broken = {r.name: r.samples[:2] for r in results if r.count}
        held = not broken and not unsettled
        print(
            f"{'对照（无变异）':24} {'成立' if held else '未成立'} {time.monotonic() - began:5.0f} 秒 {unsettled} {broken or ''}",
            flush=True,
        )
    verdicts = [judge(mutant, prepared, seed=seed) for mutant in chosen]
    caught = sum(v.caught for v in verdicts)
    print(f"{caught} of {len(verdicts)} mutants caught", flush=True)
    return 0 if held and caught == len(verdicts) else 1


def _everything(chosen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All that any of them needs, except for failpoints: those have a proof of their own."""
    needs = [mutant["needs"] for mutant in chosen]
    return {
        "failpoints": "",
        "processes": (),
        "kill": sorted({name for each in needs for name in each["kill"]}),
        "freeze": max((each["freeze"] for each in needs), key=len, default=()),
        "skew": next((each["skew"] for each in needs if each["skew"]), ""),
        "pledges": any(each["pledges"] for each in needs),
        "broker": "flush" if any(each["broker"] == "flush" for each in needs) else "ok",
        "patience": max(each["patience"] for each in needs),
    }


def judge(mutant: Mapping[str, Any], prepared: Path, *, seed: int) -> Verdict:
    """One bug in its world; prints a line."""
    began = time.monotonic()
    try:
        results, unsettled = run(mutant, prepared, seed=seed)
    except RunError as error:  # its world broke down: that is no catch
        results, unsettled = [], str(error)
    reported = {result.name: result.count for result in results if result.count}
    verdict = Verdict(mutant["name"], mutant["caught_by"], reported, unsettled, time.monotonic() - began)
    said = "，".join(f"{name} {count}" for name, count in reported.items())
    print(
        f"{verdict.name:24} {'捕获' if verdict.caught else '漏网'} {verdict.seconds:5.0f} 秒 {said} {unsettled}",
        flush=True,
    )
    return verdict


def run(mutant: Mapping[str, Any], prepared: Path, *, seed: int) -> tuple[list[Result], str]:
    """A world with this bug (none: ""), its load and its faults; every invariant's result, and what never settled."""
    needs = mutant["needs"]
    armed = {"PORTAL_FAILPOINTS": needs["failpoints"]} if needs["failpoints"] else {}
    everybody = "*" in needs["processes"]
    only = {} if everybody else dict.fromkeys(needs["processes"], armed)
    wanted = {"PROOF_MUTANT": mutant["name"]} | (armed if everybody else {})
    if needs["pledges"]:
        wanted["PROOF_PLEDGES"] = PLEDGES
    unsettled = ""
    with Prepared(
        prepared,
        seed=seed,
        submissions=SUBMISSIONS,
        environment=wanted,
        only=only,
        ladder=LADDER,
        say=lambda text: None,
        keep=KEPT / (mutant["name"] or "control"),
    ) as world:
        world.start()
        if mutant["name"]:
            world.plant(mutant["name"])
        load = Load(world, seconds=SECONDS)
        load.start()
        casework = CaseWork(world)
        casework.start()
        _faults(world, load, needs, seed=seed)
        if not all(one.finish(90) for one in (load, casework)):
            unsettled = "压力未完成"
        try:
            world.settle(needs["patience"])
        except NotSettled as left:
            unsettled = str(left)
        return world.check(), unsettled


def _faults(world: World, load: Load, needs: Mapping[str, Any], *, seed: int) -> None:
    """Break what this bug needs broken while the load goes on, and note each in the history."""
    dice = random.Random(seed)
    began = time.monotonic()
    if needs["skew"]:
        for name in processes.SKEWED:
            world.clock(name, needs["skew"])
    flushed = frozen = False
    if needs["failpoints"]:  # each death is a fault that may repeat one message; how many there were is not known here
        for _ in range(50):
            world.history.note("fault", kind="failpoint", began=time.time(), recovered=time.time())
    while not load.done and time.monotonic() - began < SECONDS + 20:
        world.wait(KILL_EVERY)
        if needs["kill"]:
            _kill(world, dice.choice(needs["kill"]))
        if needs["freeze"] and not frozen and time.monotonic() - began > FREEZE_AT:
            frozen = True
            _freeze(world, needs["freeze"])
        if needs["broker"] == "flush" and not flushed and time.monotonic() - began > FREEZE_AT:
            flushed = True
            _flush(world)


def _kill(world: World, name: str) -> None:
    began = time.time()
    if pid := world.pid(name):
        processes.send(processes.tree(pid), signal.SIGKILL)
        world.until(lambda: world.pid(name) not in (None, pid), 15)
        if name == "postgres":
            world.until(lambda: bool(world.rows("SELECT 1")), 30)
        world.history.note("fault", kind=f"kill {name}", began=began, recovered=time.time())


def _freeze(world: World, names: Sequence[str]) -> None:
    began = time.time()
    stopped = [pid for name in names if (own := world.pid(name)) for pid in processes.tree(own)]
    processes.send(stopped, signal.SIGSTOP)
    world.wait(FREEZE)
    processes.send(stopped, signal.SIGCONT)
    world.history.note("fault", kind=f"freeze {' '.join(names)}", began=began, recovered=time.time())


def _flush(world: World) -> None:
    began = time.time()
    if pid := world.pid("valkey"):
        processes.send([pid], signal.SIGKILL)
        world.until(lambda: world.pid("valkey") not in (None, pid), 15)
    world.history.note("fault", kind="broker lost", began=began, recovered=time.time())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RunError as error:
        sys.exit(f"错误：{error}")
