"""The processes of a world under proof: the portal's own commands, two of each, and their trees for those who kill them."""

import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from portal.run.places import Places
from portal.run.processes import Process, portal_processes

# Who talks to whom; each pair is a link of its own, so that a network can be bad for one of two.
LOOPS = ("clock-1", "clock-2", "dispatch-1", "dispatch-2")
CALLERS = ("web", "worker", "beat-1", "beat-2", *LOOPS)
SKEWED = ("web", "worker", "clock-1", "dispatch-1")  # processes whose wall clock can be set
LINKS: dict[str, tuple[str, ...]] = {
    "postgres": ("web", "worker", *LOOPS),
    "valkey": ("worker", "beat-1", "beat-2"),
    "receiver": ("worker", "dispatch-1", "dispatch-2"),
}


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def callers(places: Places, *, port: int, variables: Mapping[str, Mapping[str, str]]) -> list[Process]:
    """Web, worker, two beats, two clocks (sweep and seal) and two dispatchers, each with its own `variables`."""
    made = {p.name: p for p in portal_processes(bind=f"127.0.0.1:{port}", beat_schedule="")}
    worker, clock = made["worker"], made["clock"]
    found = [made["web"], worker]
    for n in (1, 2):
        schedule = str(places.run / f"beat-schedule-{n}")
        beat = next(p for p in portal_processes(bind=f"127.0.0.1:{port}", beat_schedule=schedule) if p.name == "beat")
        found.append(replace(beat, name=f"beat-{n}"))
        for name, duties in ((f"clock-{n}", "sweep,seal"), (f"dispatch-{n}", "dispatch")):
            argv = (*_manage_clock(clock), "--name", name, "--duties", duties)
            found.append(replace(clock, name=name, argv=argv))
    order = sorted(found, key=lambda p: CALLERS.index(p.name))
    return [replace(p, console=False, variables=dict(variables.get(p.name, {}))) for p in order]


def _manage_clock(clock: Process) -> tuple[str, ...]:
    """`python manage.py clock` without the name and the duties that `up` may give it."""
    return clock.argv[: clock.argv.index("clock") + 1]


def part(name: str, *arguments: str) -> Process:
    """A process of the harness itself: `python -m portal.proof.<name> …`."""
    return Process(name, (sys.executable, "-m", f"portal.proof.{name}", *arguments), grace=1.0, console=False)


def tree(pid: int) -> list[int]:
    """`pid` and everything below it, parents first. PostgreSQL's backends have their own process groups, hence the walk."""
    below: dict[int, list[int]] = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with suppress(OSError, ValueError):
                parent = int((directory / "stat").read_text().rpartition(")")[2].split()[1])
                below.setdefault(parent, []).append(int(directory.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop(0)
        found.append(one)
        todo += sorted(below.get(one, []))
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each of them; who is gone already is no error."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def titles(pids: list[int]) -> Iterator[tuple[int, str]]:
    """What each process calls itself (PostgreSQL's backends say there whom they serve)."""
    for pid in pids:
        with suppress(OSError):
            yield pid, Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
