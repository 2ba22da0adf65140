"""`manage.py invariants`: does the data hold what the portal promises? Reads only, in one snapshot, while the portal works."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.proof.invariants import checker, options
from portal.proof.invariants.model import Result


class Command(BaseCommand):
    help = "检查数据是否处处满足应当成立的事（只读，可在运行中的系统上执行）"

    def add_arguments(self, parser: CommandParser) -> None:
        options.arguments(parser)

    def handle(self, *args: Any, **given: Any) -> None:
        names = [invariant.name for invariant in checker.ALL]
        if unknown := {*given["only"], *given["skip"]} - set(names):
            raise CommandError(f"没有名为 {'、'.join(sorted(unknown))} 的一条。")
        chosen = [name for name in given["only"] or names if name not in given["skip"]]
        results = checker.check(options.chosen(given), only=chosen)
        broken = sum(result.count for result in results)
        if given["json"]:
            self.stdout.write(json.dumps([_plain(result) for result in results], ensure_ascii=False))
        else:
            for result in results:
                self._print(result)
            looked = sum(not result.skipped for result in results)
            self.stdout.write(f"共 {looked} 条，用时 {sum(r.seconds for r in results):.1f} 秒，违反 {broken} 处。")
        if broken:
            raise SystemExit(1)

    def _print(self, result: Result) -> None:
        mark = "略过" if result.skipped else ("违反" if result.count else "成立")
        self.stdout.write(f"{mark} {result.name}（{result.seconds:.2f} 秒）{result.about}")
        for what, said in result.samples:
            self.stdout.write(f"       {what}：{said}")
        if result.count > len(result.samples):
            self.stdout.write(f"       ……共 {result.count} 处")


def _plain(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "about": result.about,
        "count": result.count,
        "samples": [f"{what}：{said}" for what, said in result.samples],
        "seconds": result.seconds,
        "skipped": result.skipped,
    }
