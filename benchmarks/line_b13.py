"""B13: a hundred notices, numbered, laid out, sealed and stored, beside live traffic.

The notices are real rows of the registrations that B11 loads (one or two patents each); printing is `notices.print_notice`, which the timer and the
first reader call. Beside it another process opens public pages at a steady rate through the portal's whole stack. The limit is
the pages laid out alone, without seal, file and row; the peer is the same hundred with nobody else there. The other process reports the 95th
percentile of its pages, alone and beside the printing.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from django.db import transaction

NOTICES = 100
SECONDS = 30  # the goal for all of them
RATE = 20  # pages a second
PAGES = ("/", "/products/", "/verify/", "/search/", "/policy/", "/guide/")


def _registrations() -> list[Any]:
    from benchmarks.load_pledges import MARK, ROWS, load
    from pledges.models import Registration

    load(ROWS)
    found = Registration.objects.filter(number__startswith=MARK, notices=None).select_related(
        "pledgor", "pledgee", "office"
    )
    return list(found.exclude(decided_at=None).order_by("pk")[: NOTICES * 3])


def _issued(files: list[Any]) -> list[int]:
    from pledges import notices
    from pledges.models import Notice
    from portal.foundation.core import moments

    now, made = moments.now(), []
    for file in files:
        # Issued without the printing that follows a commit: that is what is timed.
        with transaction.atomic():
            facts = notices.registration_facts(file, now=now)
            made.append(notices.issue(file, Notice.Kind.REGISTERED, facts, now=now).pk)
            transaction.get_connection().run_on_commit.clear()
    return made


def _printed(ids: list[int]) -> float:
    from pledges import notices

    start = time.perf_counter()
    for pk in ids:
        notices.print_notice(pk)
    return time.perf_counter() - start


def _remove(ids: list[int]) -> None:
    from pledges.models import Notice

    for notice in Notice.objects.filter(pk__in=ids):
        notice.file.delete(save=False)
    Notice.objects.filter(pk__in=ids).delete()


def measure() -> dict[str, Any]:
    """Seconds for a hundred notices beside traffic, and alone."""
    from django.template.loader import render_to_string

    from pledges import notices
    from pledges.models import Notice
    from portal.foundation.core.pdf import engine

    files = _registrations()
    engine.warm()
    made: list[int] = []
    try:
        made += _issued(files)
        _printed(made[:1])
        sample = Notice.objects.get(pk=made[0])
        page = render_to_string("pdf/notice_registration.html", notices.context(sample))
        start = time.perf_counter()
        for _ in range(NOTICES):
            engine.render(page)
        limit = time.perf_counter() - start
        calm = _traffic(lambda: time.sleep(5))[1]
        alone = _printed(made[1 : NOTICES + 1])
        ours, busy = _traffic(lambda: _printed(made[NOTICES + 1 : 2 * NOTICES + 1]))
    finally:
        _remove(made)
    return {
        "line": "B13",
        "ours": ours,
        "limit": limit,
        "peers": {"nobody else there": alone},
        "unit": "s",
        "rows": NOTICES,
        "pages": {"alone": calm, "beside": busy},
        "ratios": {
            "over laying out": round(ours / limit, 2),
            "notices a second": round(NOTICES / ours, 1),
            "pages p95 beside (ms)": round(busy["p95"] * 1000, 1),
        },
        "goal": f"{NOTICES} notices ≤ {SECONDS} s beside {RATE} pages a second",
        "met": ours <= SECONDS,
    }


def _traffic(work: Any) -> tuple[float, dict[str, Any]]:
    """Do `work` while another process opens pages; (seconds of the work, what the other process says)."""
    other = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.line_b13", "traffic"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdin is not None
    assert other.stdout.readline() == "ready\n"
    start = time.perf_counter()
    work()
    spent = time.perf_counter() - start
    other.stdin.close()  # enough
    said: dict[str, Any] = json.loads(other.stdout.readline())
    other.wait(30)
    return spent, said


def traffic() -> None:
    """Open pages at a steady rate until standard input ends; print counts and the 95th percentile."""
    import select

    from benchmarks import world
    from benchmarks.line_b4 import Reader

    reader = Reader(world.people().banks[0].officer_id)
    for page in PAGES:
        reader.get(page)
    print("ready", flush=True)
    taken, begun = [], time.perf_counter()
    while not select.select([sys.stdin], [], [], max(0.0, begun + len(taken) / RATE - time.perf_counter()))[0]:
        start = time.perf_counter()
        reader.get(PAGES[len(taken) % len(PAGES)])
        taken.append(time.perf_counter() - start)
    p95 = statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else 0.0
    rate = len(taken) / (time.perf_counter() - begun)
    print(json.dumps({"pages": len(taken), "a second": round(rate, 1), "p95": round(p95, 4)}), flush=True)


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    django.setup()
    if sys.argv[1:] == ["traffic"]:
        traffic()
    else:
        print(json.dumps(measure(), ensure_ascii=False))
