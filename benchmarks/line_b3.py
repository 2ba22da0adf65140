"""B3: how dear is looking when nothing is due, and how soon is something noticed that falls due?

The look is the sweep itself on ten million clocks of which none is due; again right after 330,000 clocks were announced, when
the head of the index is full of dead entries. The limit is `select 1` on the same connection. Detection: the loop without a
broker (`manage.py clock`, a process of its own) beside a loop that polls every second; clocks fall due at random moments, and
what counts is the time from the moment to the announcement, by the database's clock.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

from django.db import connection

from benchmarks import clocks, world
from benchmarks.rounds import interleaved
from portal.foundation.sla.sweep import sweep

LOOKS = 400
CONSUMED = 330_000
FALLING, SPAN = 400, 20  # clocks, seconds
SEED = 20261123


def select_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def look() -> None:
    assert sweep() == 0


def fall_due(count: int, span: float, seed: int) -> None:
    """`count` clocks fall due at random moments of the next `span` seconds."""
    offsets = [random.Random(seed + i).uniform(1.5, span) for i in range(count)]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(clocks.WRITTEN)}")
        cursor.execute(
            """
            UPDATE sla_clock c
               SET level = 0, next_at = t, moments = ARRAY[t, due_at, due_at + interval '1 day']
              FROM (SELECT place * 100 AS id, statement_timestamp() + s * interval '1 second' AS t
                      FROM unnest(%s::float8[]) WITH ORDINALITY AS each (s, place)) AS falling
             WHERE c.id = falling.id
            """,
            [offsets],
        )


def lateness() -> list[float]:
    """Seconds from the moment to the announcement, in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM announced_at - moment)::float8 FROM sla_escalation ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def p99(values: list[float]) -> float:
    return values[min(int(len(values) * 0.99), len(values) - 1)]


def detected_by_ours() -> float:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "BENCH_SEARCH_PATH": clocks.SEARCH_PATH,
    }
    loop = subprocess.Popen([sys.executable, "manage.py", "clock", "--duties", "sweep"], env=environment)
    try:
        time.sleep(4)  # until it has started
        fall_due(FALLING, SPAN, SEED)
        time.sleep(SPAN + 2)
    finally:
        loop.send_signal(signal.SIGTERM)
        loop.wait(15)
    return _p99_of_all()


def detected_by_polling() -> float:
    fall_due(FALLING, SPAN, SEED)
    until = time.monotonic() + SPAN + 2
    while time.monotonic() < until:
        sweep()
        time.sleep(1)
    return _p99_of_all()


def _p99_of_all() -> float:
    found = lateness()
    assert len(found) == FALLING, len(found)
    return p99(found)


def measure() -> dict[str, Any]:
    """Seconds for one look; p99 of the detection in seconds."""
    with world.commits("off"), clocks.schema():
        sweep()
        quiet = interleaved({"ours": look, "limit": select_one}, rounds=LOOKS, warm=20)
        clocks.make_due(CONSUMED)
        began = time.perf_counter()
        assert sweep() == CONSUMED
        consumed = time.perf_counter() - began
        after = interleaved({"ours": look, "limit": select_one}, rounds=LOOKS, warm=0)
        ours, polling = detected_by_ours(), detected_by_polling()
    ratios = {
        "look over select 1": quiet["ours"] / quiet["limit"],
        "right after 330,000": after["ours"] / after["limit"],
        "detection p99, poll of 1 s to ours": polling / ours,
    }
    return {
        "line": "B3",
        "ours": quiet["ours"],
        "limit": quiet["limit"],
        "peers": {
            "look right after 330,000 were announced": after["ours"],
            "330,000 announced": consumed,
            "detection p99 ours": ours,
            "detection p99 poll of 1 s": polling,
        },
        "unit": "s",
        "rows": clocks.OPEN + clocks.CLOSED,
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
        "goal": "≤ 4× select 1, also right after a large consumption; detection p99 ≤ 1/10 of a 1 s poll",
        "met": ratios["look over select 1"] <= 4
        and ratios["right after 330,000"] <= 4
        and ratios["detection p99, poll of 1 s to ours"] >= 10,
    }


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    django.setup()
    print(json.dumps(measure(), ensure_ascii=False))
