"""Running the list: one read-only snapshot, every invariant in turn, counts and the first violations."""

import itertools
import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from . import clocks, disposals, escalations, journal, outside, pledges, requests
from .model import SAMPLE, Invariant, Result, Row, Run
from .options import Options

ALL: tuple[Invariant, ...] = (
    *requests.ALL,
    *clocks.ALL,
    *escalations.ALL,
    *journal.ALL,
    *pledges.ALL,
    *disposals.ALL,
    *outside.ALL,
)


def check(run_of: Options, *, only: Iterable[str] = ()) -> list[Result]:
    """Look at everything (or at the named invariants) in one REPEATABLE READ, READ ONLY snapshot; the portal works on meanwhile.

    Raises KeyError for a name that is not in the list, RuntimeError inside a transaction.
    """
    names = list(only)
    known = {invariant.name: invariant for invariant in ALL}
    chosen = [known[name] for name in names] if names else list(ALL)
    with transaction.atomic(durable=run_of.durable):
        with connection.cursor() as cursor:
            if run_of.durable:  # a test looks from within its own transaction
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Half a million rows take longer than a page may; and hashing them happens between two fetches.
            cursor.execute(
                "SET LOCAL statement_timeout = '5min'; SET LOCAL idle_in_transaction_session_timeout = '5min'"
            )
            cursor.execute("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute("SELECT clock_timestamp(), current_setting('track_commit_timestamp', true) = 'on'")
            now, commit_times = cursor.fetchone()
        run = run_of.run(now=now, commit_times=bool(commit_times))
        return [_look(invariant, run) for invariant in chosen]


def _look(invariant: Invariant, run: Run) -> Result:
    began = time.monotonic()
    if not invariant.applies(run):
        return Result(invariant.name, invariant.holds, 0, (), 0.0, skipped=True)
    if isinstance(invariant.look, str):
        count, samples = _query(invariant.look, run.parameters)
    else:
        rows = iter(invariant.look(run))
        samples = list(itertools.islice(rows, SAMPLE))
        count = len(samples) + sum(1 for _ in rows)
    return Result(invariant.name, invariant.holds, count, samples, round(time.monotonic() - began, 3))


def _query(sql: str, parameters: dict[str, Any]) -> tuple[int, Sequence[Row]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) OVER (), v.* FROM ({sql}) AS v (what, said) LIMIT {SAMPLE}",  # noqa: S608 — our own list
            parameters,
        )
        rows = cursor.fetchall()
    return (rows[0][0] if rows else 0), [(what, said) for _, what, said in rows]
