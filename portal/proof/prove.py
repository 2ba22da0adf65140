"""`bin/portal prove`: set up, load with faults, settle, burst, invariants, figures. Exit code 1 when anything was not as promised."""

import argparse
import importlib.metadata
import json
import os
import platform
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from portal.proof import report
from portal.proof.faults import KINDS, Faults
from portal.proof.load import CaseWork, Load
from portal.proof.world import NotSettled, Result, World
from portal.run.supervisor import Stopped

FULL_SUBMISSIONS, FULL_FAULTS = 10_000, 57
QUICK_SUBMISSIONS = 600
QUIET_SHARE = 0.15  # of the cases are submitted as fast as they go, before the first fault
QUIET_MOST = 300  # but no more: what is still waiting then would be a second fault beside the first
BURST_INVARIANTS = ("escalation.early", "escalation.early_by_commit", "escalation.doubled", "escalation.journalled")
PACKAGES = ("Django", "celery", "kombu", "redis", "psycopg2-binary", "gunicorn")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much: submissions, faults, the probability that two come together, seconds of rest after one and seconds that one
    takes (so long the load goes on), and the compressed ladder (seconds)."""

    submissions: int
    faults: int
    overlap: float
    pause: float
    each: float
    ladder: tuple[float, ...]
    quiet: float  # seconds at the beginning in which nothing is broken


def main(arguments: Sequence[str]) -> int:
    """The subcommand; the exit code."""
    options = _options(arguments)
    os.umask(0o077)  # histories and logs hold what people typed
    if options.mutants is not None:
        from portal.proof import hunt

        return hunt.main(options.mutants, seed=options.seed)
    if options.failpoints is not None:
        from portal.proof import failpoints

        return int(failpoints.main(options.failpoints))
    try:
        return Proof(options).run()
    except Stopped:
        print("已中止，全部进程已停止。", flush=True)
        return 130


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bin/portal prove", description="在真实进程上证明：不丢、不重、不早、不漏")
    parser.add_argument("--quick", action="store_true", help=f"3 分钟以内：{QUICK_SUBMISSIONS} 笔，每种故障一次")
    parser.add_argument("--seed", type=int, default=None, help="随机种子（默认随机，打印出来可重现）")
    parser.add_argument("--submissions", type=int, help="提交多少笔")
    parser.add_argument("--faults", type=int, help="制造多少次故障")
    parser.add_argument("--only", action="append", choices=list(KINDS), metavar="KIND", help="只用这种故障（可重复）")
    parser.add_argument("--no-broker", action="store_true", help="全程没有消息队列")
    parser.add_argument("--mutants", nargs="*", metavar="NAME", help="逐个植入缺陷，看证明能否发现")
    parser.add_argument("--failpoints", nargs="*", metavar="NAME", help="逐个在命名的断点杀死进程")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="把历史、邮件记录和日志留在这个目录")
    options = parser.parse_args(arguments)
    options.seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    return options


class Proof:
    """One run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        submissions = options.submissions or (QUICK_SUBMISSIONS if options.quick else FULL_SUBMISSIONS)
        faults = options.faults if options.faults is not None else (len(KINDS) if options.quick else FULL_FAULTS)
        self.scale = Scale(
            submissions,
            faults,
            overlap=1.0 if options.quick else 0.3,
            pause=0.5 if options.quick else 8.0,
            each=3.0 if options.quick else 13.0,
            ladder=(6.0, 10.0, 14.0) if options.quick else (10.0, 20.0, 30.0),
            quiet=14.0 if options.quick else 30.0,
        )
        self.began = time.monotonic()
        self.missed: list[str] = []  # what must hold and did not
        self.slow: list[str] = []  # times that were not kept: a busy machine can be the reason
        self.figures: dict[str, Any] = {}

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f}  {text}", flush=True)

    def run(self) -> int:
        options, scale = self.options, self.scale
        versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
        print(
            f"种子 {options.seed}，{scale.submissions} 笔提交，{'没有消息队列，' if options.no_broker else ''}Python {platform.python_version()}"
        )
        print("，".join(versions), flush=True)
        keep = options.keep or Path.cwd() / ".data" / "prove" / str(options.seed)
        with World(
            seed=options.seed, submissions=scale.submissions, broker=not options.no_broker, ladder=scale.ladder, keep=keep,
            say=self.say,
        ) as world:  # fmt: skip
            world.start()
            faults = Faults(world, seed=options.seed, brief=options.quick, overlap=scale.overlap)
            self._load(world, faults)
            self._settle(world)
            results = world.check()
            if said := world.replay():
                self.missed.append(f"只凭日志重新推算，与库中的时限不一致：{said}")
            self._judge(world, faults, results)
            self._burst(world)
            self._write(world, faults, results)
        self.say(f"历史在 {keep}/history.jsonl")
        for text in (*self.missed, *self.slow):
            print(f"未达到  {text}")
        if self.missed:
            print(f"证明没有成立：{len(self.missed)} 项。", flush=True)
        elif self.slow:
            print(f"不丢、不重、不早、不漏；但有 {len(self.slow)} 项时间没有达到。", flush=True)
        else:
            print("证明成立。", flush=True)
        return 1 if self.missed or self.slow else 0

    def _load(self, world: World, faults: Faults) -> None:
        """A quiet beginning as fast as it goes, then the rest of the cases beside the faults."""
        scale = self.scale
        first = min(max(int(scale.submissions * QUIET_SHARE), 1), QUIET_MOST)
        quiet = Load(world, cases=slice(0, first), name="quiet")
        quiet.start()
        casework = CaseWork(world)
        casework.start()
        began = time.monotonic()
        world.until(lambda: world.history.count("submitted") >= first, 120)
        self.figures["rate"] = report.rate(world.history.rows())
        self.say(f"平静时提交 {first} 笔，每秒 {self.figures['rate']:.0f} 笔")
        order = [kind for kind in faults.order(scale.faults) if not self.options.only or kind in self.options.only]
        load = Load(world, cases=slice(first, None), seconds=scale.quiet + len(order) * scale.each)
        load.start()
        world.until(lambda: time.monotonic() - began > scale.quiet, 60)
        for together in faults.campaign(order, pause=scale.pause):
            for fault in together:
                back = f"{fault.seconds:.1f} 秒后恢复" if fault.seconds is not None else "没有恢复"
                self.say(f"故障 {fault.kind:18} {back}  已提交 {world.history.count('submitted')}  {fault.detail}")
        for name, why in faults.skipped.items():
            self.say(f"略过 {name}：{why}")
        for one in (quiet, load, casework):
            if not one.finish(max(400, scale.submissions / 4)):  # seconds: two cores answer some ten cases a second
                self.missed.append(f"{one.name} 没有做完")
        self.say(f"压力结束，已提交 {world.history.count('submitted')} 笔")

    def _settle(self, world: World) -> None:
        try:
            seconds = world.settle(120)
            self.figures["settled"] = seconds
            self.say(f"{seconds:.1f} 秒后全部提醒、投递和封存完成")
        except NotSettled as error:
            self.missed.append(str(error))

    def _burst(self, world: World) -> None:
        """Ten thousand due at once, in the database of this run; its own invariants, because the burst has its own ladder."""
        seconds = world.burst(report.BURST)
        self.figures["burst"] = seconds
        if seconds is None:
            self.missed.append(f"{report.BURST} 个时限同时到期，始终没有全部提醒")
        else:
            self.say(f"{report.BURST} 个时限同时到期，{seconds:.2f} 秒后全部提醒")
            if seconds > report.BURST_SECONDS:
                self.slow.append(
                    f"{report.BURST} 个时限同时到期，{report.BURST_SECONDS:g} 秒内没有全部提醒（{seconds:.1f}）"
                )
        for result in world.check(*(word for name in BURST_INVARIANTS for word in ("--only", name))):
            if result.count:
                self.missed.append(f"同时到期之后 {result.name} 违反 {result.count} 处：{result.samples[:2]}")

    def _judge(self, world: World, faults: Faults, results: Sequence[Result]) -> None:
        for result in results:
            self.say(f"{'成立' if not result.count else '违反'} {result.count:4} {result.name}：{result.about}")
            for sample in result.samples[:5]:
                print(f"                 {sample}")
            if result.count:
                self.missed.append(f"{result.name} 违反 {result.count} 处")
        rows = world.rows("SELECT extract(epoch FROM moment), extract(epoch FROM announced_at) FROM sla_escalation")
        late = report.lateness([(float(m), float(a)) for m, a in rows], faults.happened)
        self.slow += late.missed()
        spread, again = report.calls(world.history.rows())
        unanswered = world.history.count("unanswered")
        if unanswered:
            self.missed.append(f"{unanswered} 次调用始终没有得到意料之中的回答")
        self.say(f"提醒迟到  平静时 {late.quiet}")
        self.say(f"          故障中 {late.faults}")
        self.say(f"          中断结束后 {late.after}")
        self.say(f"提交用时  {spread}，{again} 笔重试过；平静时每秒 {self.figures['rate']:.0f} 笔")
        back = report.Spread.of(f.seconds for f in faults.happened if f.seconds is not None)
        self.say(f"恢复用时  {back}")
        for fault in faults.happened:
            limit = report.DATABASE_BACK
            if fault.recovered is None or fault.recovered - fault.lifted > limit:
                self.slow.append(f"{fault.kind} 之后 {limit:g} 秒内没有恢复")
        self.figures |= {"lateness": asdict(late), "submit": asdict(spread), "retried": again, "recovery": asdict(back)}

    def _write(self, world: World, faults: Faults, results: Sequence[Result]) -> None:
        """The whole report as JSON, beside the history."""
        (world.home / "report.json").write_text(
            json.dumps(
                {
                    "seed": self.options.seed,
                    "submissions": self.scale.submissions,
                    "faults": [asdict(fault) for fault in faults.happened],
                    "skipped": faults.skipped,
                    "invariants": [{"name": r.name, "count": r.count, "samples": r.samples} for r in results],
                    "figures": self.figures,
                    "missed": self.missed,
                    "slow": self.slow,
                },
                ensure_ascii=False,
                indent=1,
            )
        )
