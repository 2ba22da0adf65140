"""What an invariant is, and what a run of them knows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from portal.foundation.journal import dispatcher

SAMPLE = 10  # violating rows that are shown; all of them are counted

Row = tuple[str, str]  # which thing, and what is wrong with it


@dataclass(frozen=True, slots=True)
class Run:
    """The circumstances of one check. `now` is the database's moment of the snapshot (aware UTC).

    `grace`: how long work may be under way before its absence counts. `outage`: how long nothing may have run before a clock
    was stopped (a fault's length). `ladder`: seconds of compressed terms, empty when the working-day calendar counts.
    `untouched`: the database was never restored from a dump, so that row versions tell which transaction wrote them.
    `commit_times`: the server keeps the moment of each commit. `history`, `mails`: what the load and the receiver wrote down.
    `repeats`: how many mails may have come twice; None when nobody knows.
    """

    now: datetime
    grace: timedelta
    outage: timedelta
    ladder: Sequence[float] = ()
    untouched: bool = False
    commit_times: bool = False
    printing: bool = False
    history: Sequence[dict[str, Any]] | None = None
    mails: Sequence[dict[str, Any]] | None = None
    repeats: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What the SQL of an invariant may use."""
        return {"now": self.now, "grace": self.grace, "outage": self.outage, "lease": dispatcher.LEASE}


@dataclass(frozen=True, slots=True)
class Invariant:
    """One thing that must hold, in a Chinese sentence. `look` is SQL of (what, said) violating rows, or a function of a run.

    `applies` tells whether this run can look at all: without a history file nobody knows what was acknowledged.
    """

    name: str
    holds: str
    look: str | Callable[[Run], Iterable[Row]]
    applies: Callable[[Run], bool] = field(default=lambda run: True)


@dataclass(frozen=True, slots=True)
class Result:
    """What was found: `count` violations, the first of them, and how long looking took. `skipped`: nothing was looked at."""

    name: str
    about: str
    count: int
    samples: Sequence[Row]
    seconds: float
    skipped: bool = False
