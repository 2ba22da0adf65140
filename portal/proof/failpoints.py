"""`bin/portal prove --failpoints [names]`: every named point kills its process once, then all of them at random.

Servers and databases of our own, thrown away afterwards. Several worlds, because terms are compressed per world: in the first
nothing falls due, so that each request stands alone; in the second everything does, in the third the calendar counts. The
last is the mixed run.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2

from portal.foundation.core.failpoints import POINTS
from portal.run.embedded import DATABASE, ROLE
from portal.run.environment import environment, temporary_servers, throw_away, with_pdf_libraries
from portal.run.places import ROOT, Places, RunError
from portal.run.testing import share_typefaces

SETTINGS = "portal.proof.settings"
# Seconds after its start at which a clock climbs its ladder, in each world; "": the working-day calendar decides.
LADDERS = {"requests": "3600,7200,10800,14400", "deadlines": "1,2,3,4", "calendar": "", "mixed": "5,10,15,20"}
LEASE = "1.5"  # seconds; a dispatcher that dies keeps its batch from the others for so long
# The world of a point by the first word of its name; all others are of the first.
WORLDS = {
    **dict.fromkeys(("sweep", "clock", "dispatcher", "notices", "mail", "seal", "task"), "deadlines"),
    "calendar": "calendar",
}


def main(names: Sequence[str] = (), *, mixed: float | None = None, action: str = "kill") -> int:
    """Break at `names` (none: everywhere, and a mixed run of 30 seconds), print a table; the exit code: 0 when all survived."""
    if unknown := [name for name in names if name not in POINTS]:
        raise RunError(f"没有名为 {'、'.join(unknown)} 的断点。全部名字见 docs/reliability.md。")
    mixed = (0.0 if names else 30.0) if mixed is None else mixed
    wanted = list(names) or list(POINTS)
    began = time.monotonic()
    print(f"{'断点':26} 到达 死亡 恢复    秒  结论", flush=True)
    with throw_away("failpoints") as where, temporary_servers(where, "test") as addresses:
        variables = environment(where, DJANGO_SETTINGS_MODULE=SETTINGS, PROOF_LEASE=LEASE, **addresses)
        variables = with_pdf_libraries(variables, where)
        _run(["-m", "portal.run.prepare", "--no-demo", str(where.run / "prepared.json")], variables)
        worlds = {
            world: points
            for world in ("requests", "deadlines", "calendar")
            if (points := [name for name in wanted if world_of(name) == world])
        }
        for world in (*worlds, "mixed"):
            _copy_database(where, f"{DATABASE}_{world}")
        with ThreadPoolExecutor(len(worlds)) as pool:  # most of the time each of them waits for something to fall due
            running = [
                pool.submit(_judge, where, variables, world, "--names", ",".join(points), "--action", action)
                for world, points in worlds.items()
            ]
            verdicts = [verdict for one in running for verdict in one.result()]
        storm = _judge(where, variables, "mixed", "--mixed", str(mixed)) if mixed else []
    survived = sum(v["survived"] for v in verdicts)
    print(f"{survived} of {len(verdicts)} survived，用时 {time.monotonic() - began:.0f} 秒", flush=True)
    return 0 if survived == len(verdicts) and all(v["survived"] for v in storm) else 1


def world_of(name: str) -> str:
    """Where a point is broken."""
    return WORLDS.get(name.partition(".")[0], "requests")


def _judge(where: Places, variables: Mapping[str, str], world: str, *arguments: str) -> list[dict[str, Any]]:
    """One world on a database and a data directory of its own; its verdicts."""
    data = where.data / world
    for directory in (data, data / "logs", data / "work"):
        directory.mkdir(mode=0o700)
    share_typefaces(data)
    address = variables["DATABASE_URL"].rpartition("/")[0] + f"/{DATABASE}_{world}"
    report = data / "report.json"
    command = ["-m", "portal.proof.inside", "failpoints", *arguments, "--logs", str(data / "logs"), "--work",
               str(data / "work"), str(report)]  # fmt: skip
    _run(command, {**variables, "DATABASE_URL": address, "PORTAL_DATA": str(data), "PROOF_LADDER": LADDERS[world]})
    found: list[dict[str, Any]] = json.loads(report.read_text("utf-8"))
    return found


def _run(command: Sequence[str], variables: Mapping[str, str]) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=dict(variables), check=False)
    if done.returncode:
        raise RunError(f"{command[1]} 以 {done.returncode} 结束。")


def _copy_database(where: Places, name: str) -> None:
    connection = psycopg2.connect(host=str(where.socket_directory("pg")), user=ROLE, dbname="postgres")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'create database "{name}" template "{DATABASE}"')
    finally:
        connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m portal.proof.failpoints")
    parser.add_argument("--action", default="kill", choices=["kill", "raise", "drop_connection"])
    parser.add_argument("--mixed", type=float, help="混合运行的秒数")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    try:
        sys.exit(main(options.names, mixed=options.mixed, action=options.action))
    except RunError as error:
        sys.exit(f"错误：{error}")
