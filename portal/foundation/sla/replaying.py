"""Replaying what is in this database: journal tables first, the clocks' own tables only to compare with.

`derived` and `everything` read journal_entry and journal_seal and nothing else (a test counts the tables).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from portal.foundation.journal import extract
from portal.foundation.journal.chain import Links

from . import replay, replay_words, stored
from .models import Clock
from .package import Package
from .replay import Replay

Row = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """A replay with its seals: every difference as (case number, sentence)."""

    replay: Replay
    links: Links
    as_of: datetime
    rows: list[Row] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    compared: list[tuple[str, str]] = field(default_factory=list)

    @property
    def differences(self) -> list[tuple[str, str]]:
        """Within the journal, then with its seals, then with the stored clocks."""
        clocks = [(c.case_number, f"{c.name}：{said}") for c in self.replay.clocks.values() for said in c.differences]
        seals = [("", said) for said in replay_words.of_links(self.links, self.lost)]
        return [*self.replay.differences, *clocks, *seals, *self.compared]


@contextmanager
def snapshot() -> Iterator[None]:
    """Journal and clocks as they are at one moment, however much is going on."""
    with transaction.atomic(durable=not connection.in_atomic_block):
        with connection.cursor() as cursor:
            if len(connection.savepoint_ids) == 0:  # the outermost: nothing was asked in it yet
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield


def derived(number: str, *, as_of: datetime) -> Outcome:
    """One case from the journal alone."""
    rows = [
        row
        for row in extract.of_case(number, general=replay.GENERAL)
        if row["verb"] in replay.GENERAL or replay.mentions(row)
    ]
    return of_rows(rows, as_of=as_of, gaps=True)


def of_rows(rows: list[Row], *, as_of: datetime, only: frozenset[int] | None = None, gaps: bool = False) -> Outcome:
    """Rows that were read somewhere; `gaps` looks in this database for links after the first of them whose entry is gone."""
    links = Links()
    for row in rows:
        links.take(row)
    lost = extract.lost(first=links.first) if gaps and links.first else []
    return Outcome(replay.derive(rows, as_of=as_of, only=only), links, as_of, rows, lost)


def of_package(package: Package) -> Outcome:
    """A file, without any database. What its first line announces and it does not hold, is a difference."""
    outcome = of_rows(package.rows, as_of=package.as_of, only=package.clocks)
    for pk in package.missing:
        outcome.compared.append((package.case_number, f"证据包缺少日志第 {pk} 条"))
    for pk in sorted(package.clocks - set(outcome.replay.clocks)):
        outcome.compared.append((package.case_number, f"证据包里没有时限 {pk} 开始的记录"))
    return outcome


def everything(*, as_of: datetime) -> Outcome:
    """Every case of the journal, streamed."""
    outcome = Outcome(Replay(), Links(), as_of)
    for row in extract.everything(verbs=(*replay.GENERAL, *replay.OF_CLOCKS), key=replay.KEY):
        outcome.links.take(row)
        outcome.replay.take(row)
    outcome.replay.finish(as_of=as_of)
    outcome.lost = extract.lost()
    return outcome


def compare(outcome: Outcome, *, number: str | None = None, since: datetime | None = None) -> None:
    """Put what the stored clocks say otherwise into the outcome: those of one case, or those that started since, or all."""
    clocks = Clock.objects.all()
    if number is not None:
        clocks = clocks.filter(case_number=number)
    if since is not None:
        clocks = clocks.filter(started_at__gte=since)
    rows = stored.read(clocks)
    told = {pk: clock for pk, clock in outcome.replay.clocks.items() if since is None or clock.started_at >= since}
    for pk, clock in told.items():
        outcome.compared += [
            (clock.case_number, f"{clock.name}：{said}") for said in stored.differences(clock, rows.get(pk))
        ]
    outcome.compared += stored.unknown(told, rows)
