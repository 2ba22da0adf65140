"""`manage.py replay <case>`: the verdict of every clock of a case, derived again from the journal alone.

    manage.py replay YZD202611230001              from this database's journal, compared with the stored clocks
    manage.py replay YZD202611230001 --export f   the same, and the evidence as a file
    manage.py replay --journal f                  from a file, without any database
    manage.py replay --all [--since 2026-11-01]   every case; only differences and a count

Exit code 1 when anything differs.
"""

import json
import sys
from argparse import ArgumentParser
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.foundation.core import moments
from portal.foundation.core.moments import iso, midnight_after
from portal.foundation.sla import package, replay_words, replaying
from portal.foundation.sla.replayed import Replayed, moment
from portal.foundation.sla.replaying import Outcome


class Command(BaseCommand):
    help = "只凭日志重新推算办件的全部时限，并与当时的记录比较（有不一致时退出码为 1）"
    requires_system_checks = ()  # with --journal it needs neither the database nor the site

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("case", nargs="?", default="", help="办件编号")
        parser.add_argument("--journal", type=Path, help="从证据包文件推算，不用数据库")
        parser.add_argument("--export", type=Path, help="把用到的日志写成证据包文件")
        parser.add_argument("--json", action="store_true", help="输出 JSON")
        parser.add_argument("--all", action="store_true", help="推算全部办件，只列不一致和件数")
        parser.add_argument("--since", type=date.fromisoformat, help="与 --all 相同，只看这一天起开始的时限")

    def handle(self, *_args: object, **options: Any) -> None:
        """Raises CommandError with the number of differences, or saying what was typed wrong."""
        whole = bool(options["all"] or options["since"])
        if sum((bool(options["case"]), whole, options["journal"] is not None)) != 1:
            raise CommandError("请写一个办件编号，或用 --all、--since、--journal 之一。")
        if options["export"] and not options["case"]:
            raise CommandError("--export 要与办件编号一起用。")
        if options["journal"]:
            outcome = _of_file(options["journal"])
        elif whole:
            outcome = _of_all(options["since"])
        else:
            outcome = _of_case(options["case"], options["export"])
        if options["json"]:
            self.stdout.write(json.dumps(_plain(outcome), ensure_ascii=False, indent=2))
        else:
            self._tell(outcome, whole=whole, exported=options["export"])
        if outcome.differences:
            raise CommandError(f"{len(outcome.differences)} 处不一致。")

    def _tell(self, outcome: Outcome, *, whole: bool, exported: Path | None) -> None:
        for clock in () if whole else outcome.replay.clocks.values():
            for line in replay_words.lines(clock, outcome.replay.rules, as_of=outcome.as_of):
                self.stdout.write(line)
        for number, said in outcome.differences:
            self.stdout.write(f"不一致：{number + ' ' if number else ''}{said}")
        cases = len({clock.case_number for clock in outcome.replay.clocks.values()})
        self.stdout.write(
            f"截至 {moment(outcome.as_of)}，推算 {cases} 件、{len(outcome.replay.clocks)} 个时限；"
            f"{replay_words.of_seals(outcome.links)}；不一致 {len(outcome.differences)} 处"
        )
        if exported:
            self.stdout.write(f"证据包已写入 {exported.name}，共 {len(outcome.rows)} 条日志。")


def _of_file(path: Path) -> Outcome:
    try:
        with sys.stdin if str(path) == "-" else path.open(encoding="utf-8") as file:
            return replaying.of_package(package.read(file))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"读不了文件 {path.name}：{error}。") from error
    except package.BadPackage as error:
        raise CommandError(str(error)) from error


def _of_all(since: date | None) -> Outcome:
    begun = midnight_after(since - timedelta(days=1)) if since else None
    now = moments.now()
    with replaying.snapshot():
        outcome = replaying.everything(as_of=now)
        replaying.compare(outcome, since=begun)
    if begun is not None:
        told = outcome.replay.clocks
        outcome.replay.clocks = {pk: clock for pk, clock in told.items() if clock.started_at >= begun}
    return outcome


def _of_case(number: str, export: Path | None) -> Outcome:
    now = moments.now()
    with replaying.snapshot():
        outcome = replaying.derived(number, as_of=now)
        replaying.compare(outcome, number=number)
    if not outcome.replay.clocks and not outcome.differences:
        raise CommandError(f"日志里没有办件 {number} 的时限，请核对编号。")
    if export:
        written = package.lines(outcome.rows, case_number=number, clocks=outcome.replay.clocks, as_of=now)
        try:
            export.write_text("".join(written), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"写不了文件 {export.name}：{error}。") from error
    return outcome


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "as_of": iso(outcome.as_of),
        "clocks": [_clock(clock) for clock in outcome.replay.clocks.values()],
        "seals": {
            "intact": outcome.links.intact,
            "waiting": outcome.links.waiting,
            "hidden": outcome.links.hidden,
        },
        "differences": [{"case_number": number, "text": said} for number, said in outcome.differences],
    }


def _clock(clock: Replayed) -> dict[str, Any]:
    return {
        "clock": clock.clock,
        "kind": clock.kind,
        "subject": clock.subject,
        "case_number": clock.case_number,
        "organisation": clock.organisation,
        "policy": clock.rule.policy.pk,
        "calendar": clock.term.calendar.version,
        "started_at": iso(clock.started_at),
        "due_at": iso(clock.due_at),
        "provisional": clock.term.provisional,
        "pauses": [[iso(r.began_at), _iso(r.ended_at), r.reason] for r in clock.pauses],
        "stopped_at": _iso(clock.stopped_at),
        "reason": clock.reason,
        "working_minutes": clock.working_minutes,
        "verdict": str(clock.verdict),
        "escalations": [[a.level, iso(a.moment), iso(a.at)] for a in clock.announced],
        "entries": clock.entries,
        "notes": clock.notes,
    }


def _iso(at: datetime | None) -> str | None:
    return iso(at) if at else None
