"""B2: ten thousand clocks are due at once, among a million open and nine million closed ones.

Ours is the portal's sweep: clocks moved on, an escalation and a journal entry each, which is its outbox row as well. The limit
is one UPDATE that only moves the clocks on. The peers go from clock to clock: a django-fsm loop, a loop that takes the first
due one again and again as uptime monitors do, and viewflow, each timer a node of a process; they get a few hundred clocks and
are compared per clock. Everybody commits to disk, as the portal does in production: to commit a thousand at once is part of what
is compared. The ratios without waiting for the disk stand beside them.
"""

import json
import os
from typing import Any

from django.db import connection

from benchmarks import clock_loops, clocks, world
from benchmarks.rounds import medians
from portal.foundation.sla.models import Clock
from portal.foundation.sla.sweep import sweep

DUE, ROUNDS = 10_000, 7
LOOPED, LOOP_ROUNDS = 300, 3

_BARE = """
UPDATE sla_clock SET level = level + 1, next_at = moments[level + 2]
 WHERE next_at IS NOT NULL AND next_at <= statement_timestamp()
"""


def bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BARE)
        assert cursor.rowcount == DUE, cursor.rowcount


def ours() -> None:
    assert sweep() == DUE


def timers() -> list[Any]:
    clocks.make_due(LOOPED)
    due = Clock.objects.filter(next_at__lte=clocks.now()).order_by("pk").values_list("pk", flat=True)
    return clock_loops.start_timers(list(due))


def looped(loop: Any) -> tuple[Any, Any]:
    return lambda: clocks.make_due(LOOPED), lambda _: _exactly(loop(LOOPED, now=clocks.now()))


def _exactly(done: int) -> None:
    assert done == LOOPED, done


def seconds_each(commit: str, rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds a clock, medians; `commit` is PostgreSQL's synchronous_commit."""
    with world.commits(commit), clocks.schema():
        due = (lambda: clocks.make_due(DUE), lambda _: ours())
        limit = (lambda: clocks.make_due(DUE), lambda _: bare())
        seconds = {name: value / DUE for name, value in medians({"ours": due, "limit": limit}, rounds).items()}
        loops = {
            "FSM loop": looped(clock_loops.fsm_loop),
            "one after another (poll)": looped(clock_loops.poll_loop),
            "viewflow timers": (timers, lambda tasks: _exactly(clock_loops.run_timers(tasks))),
        }
        seconds |= {name: value / LOOPED for name, value in medians(loops, LOOP_ROUNDS).items()}
    return seconds


def _ratios(seconds: dict[str, float]) -> dict[str, float]:
    rest = {name: value for name, value in seconds.items() if name not in ("ours", "limit")}
    return {"over the bare UPDATE": seconds["ours"] / seconds["limit"]} | {
        f"{name} to ours": value / seconds["ours"] for name, value in rest.items()
    }


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """With and without waiting for the disk."""
    seconds, unwaited = seconds_each("on", rounds), seconds_each("off", rounds)
    ratios = _ratios(seconds)
    mine, limit_seconds = seconds.pop("ours"), seconds.pop("limit")
    met = (
        ratios["over the bare UPDATE"] <= 2.5
        and ratios["FSM loop to ours"] >= 100
        and ratios["one after another (poll) to ours"] >= 100
        and ratios["viewflow timers to ours"] >= 500
    )
    ratios |= {f"{name}, no waiting for the disk": value for name, value in _ratios(unwaited).items()}
    return {
        "line": "B2",
        "ours": mine,
        "limit": limit_seconds,
        "peers": seconds,
        "unit": "s",
        "rows": clocks.OPEN + clocks.CLOSED,
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
        "goal": "≤ 2.5× the bare UPDATE, ≥ 100× the FSM loop and the poll loop, ≥ 500× viewflow timers",
        "met": met,
    }


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    django.setup()
    print(json.dumps(measure(), ensure_ascii=False))
