"""How to check: what the command line says, and what the environment of a proof says."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.foundation.core.pdf import engine

from .model import Run

DISPATCHERS = (
    4  # processes that hand deliveries over: two loops and two children of the worker, one message under way in each
)


@dataclass(frozen=True, slots=True)
class Options:
    """Seconds, files and flags of one check. `durable` False only in tests, which look from within their transaction."""

    grace: float = 5.0
    outage: float = 30.0
    ladder: Sequence[float] = ()
    untouched: bool = False
    history: Path | None = None
    mails: Path | None = None
    repeats: int | None = None
    durable: bool = True

    def run(self, *, now: datetime, commit_times: bool) -> Run:
        history, mails = _read(self.history), _read(self.mails)
        faults = [line for line in history or () if line.get("what") == "fault"]
        lengths = [float(f["recovered"]) - float(f["began"]) for f in faults if f.get("recovered")]
        repeats = self.repeats
        if repeats is None and history is not None:
            repeats = DISPATCHERS * len(faults)
        return Run(
            now=now,
            grace=timedelta(seconds=self.grace),
            outage=timedelta(seconds=max([self.outage, *lengths]) if lengths else self.outage),
            ladder=self.ladder,
            untouched=self.untouched,
            commit_times=commit_times,
            printing=engine.available().ok,
            history=history,
            mails=mails,
            repeats=repeats,
        )


def _read(path: Path | None) -> list[dict[str, Any]] | None:
    """One JSON object a line; None without a file. A half line at the end is one that a killed client was writing."""
    if path is None or not path.exists():
        return None
    lines = []
    for line in path.read_text("utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines


def arguments(parser: ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--json", action="store_true", help="以 JSON 输出")
    parser.add_argument("--grace", type=float, default=5.0, help="在途宽限（秒，默认 5）")
    parser.add_argument("--outage", type=float, default=30.0, help="停止前可能无人提醒的最长时间（秒，默认 30）")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="只查这一条（可重复）")
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="NAME",
        help="不查这一条（可重复），例如很大的库上的 journal.replay",
    )
    parser.add_argument("--untouched", action="store_true", help="数据库未曾由备份恢复：再查同一事务")
    parser.add_argument("--history", type=Path, help="压力程序记下的回执（JSON Lines）")
    parser.add_argument("--mails", type=Path, help="收件方记下的邮件（JSON Lines）")
    parser.add_argument("--repeats", type=int, help="容许因故障重复的邮件数（默认按故障次数推算）")


def chosen(given: dict[str, Any]) -> Options:
    """Options from parsed arguments; under proof settings time is compressed and the database its own."""
    ladder = tuple(getattr(settings, "PROOF_LADDER", ()))
    return Options(
        grace=given["grace"],
        outage=given["outage"],
        ladder=ladder,
        untouched=given["untouched"] or bool(ladder),
        history=given["history"],
        mails=given["mails"],
        repeats=given["repeats"],
    )
