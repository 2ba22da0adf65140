"""Break the portal at named points and see whether it heals: `python -m portal.proof.inside failpoints …` (see failpoints.py).

Each point: a scene is set, the point armed, the verb sent; the process must die exactly there. Then the point is disarmed, the
client asks again as a client does, everything settles, and the fact must have happened once, with every invariant intact.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection, connections

from portal.proof import scenes_calendar as calendars
from portal.proof import scenes_cases as cases
from portal.proof import scenes_pledges as pledges
from portal.proof import scenes_time as times
from portal.proof.checking import violations
from portal.proof.scene import Scene, World
from portal.proof.stage import Stage

REACH, RETRY, SETTLE = 20.0, 25.0, 40.0  # seconds: to the point, until the client is answered, until nothing waits
DONE = frozenset({200, 302})
CLIENTS, MIXED_RULE = 4, "*=kill@0.05"


@dataclass(frozen=True, slots=True)
class Trial:
    """The scene that crosses a point, and whether the fact stands when nobody tries again (None: nobody has to)."""

    scene: Callable[[World], Scene]
    stands: bool | None


def _of(scene: Callable[[World], Scene], stands: bool | None, *names: str) -> dict[str, Trial]:
    return {name: Trial(scene, stands) for name in names}


REQUESTS: dict[str, Trial] = {
    **_of(cases.submit, False, "submit.begin", "submit.case_written", "submit.clocks_running", "submit.before_journal",
          "submit.before_commit"),
    **_of(cases.submit, True, "web.answer_lost"),
    **_of(cases.save_draft, False, "draft.before_save", "draft.saved"),
    **_of(cases.attach, False, "file.before_write", "file.written", "attachment.before_commit"),
    **_of(cases.answer, False, "answer.before_journal"),
    **_of(cases.claim, False, "claim.before"),
    **_of(cases.claim, True, "claim.committed"),
    **_of(cases.take, True, "take.committed"),
    **_of(cases.pool, False, "pool.locked", "pool.before_commit"),
    **_of(cases.ask, False, "ask.before_commit"),
    **_of(cases.offer, False, "offer.rows_written", "offer.before_commit"),
    **_of(cases.decline, False, "decline.clock_stopped", "decline.all_declined"),
    **_of(cases.accept, False, "accept.rivals_closed", "accept.before_commit"),
    **_of(cases.withdraw, False, "withdraw.clocks_stopped", "withdraw.before_commit"),
    **_of(pledges.hand_in, False, "filing.clock_running", "filing.before_commit"),
    **_of(pledges.take_in, False, "examine.before_commit"),
    **_of(pledges.ask_correction, False, "correction.before_pause", "correction.paused"),
    **_of(pledges.complete, False, "complete.before_resume", "complete.resumed"),
    **_of(pledges.register, False, "register.effective", "register.number_taken", "register.before_commit"),
    **_of(pledges.register, True, "register.committed", "notice.laid_out", "notice.file_written"),
    **_of(pledges.lend, False, "loan.before_commit"),
    **_of(pledges.cancel, False, "matter.decided"),
    **_of(pledges.set_policy, False, "policy.before_commit"),
}  # fmt: skip
TIMES: dict[str, Trial] = {
    **_of(times.falls_due, None, "sweep.before", "sweep.swept", "clock.swept", "clock.dispatched", "clock.sealed",
          "dispatcher.fanning_out", "dispatcher.fanned_out", "dispatcher.leased", "dispatcher.before_handler",
          "dispatcher.after_hand_over", "dispatcher.marked", "notices.before_write", "notices.written",
          "mail.before_send", "mail.sent", "mail.marked", "seal.before_commit", "seal.committed"),
    **_of(times.falls_due_by_celery, None, "task.begin", "task.end"),
}  # fmt: skip
CALENDARS: dict[str, Trial] = {
    **_of(calendars.late_holiday, False, "calendar.before_recompute", "calendar.before_commit"),
    **_of(calendars.late_holiday, True, "calendar.committed"),
}
TRIALS = REQUESTS | TIMES | CALENDARS


@dataclass(slots=True)
class Verdict:
    """What became of one point."""

    name: str
    reached: bool = False
    died: bool = False
    recovered: bool = False
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def survived(self) -> bool:
        return self.reached and self.died and self.recovered and not self.wrong


def judge(world: World, name: str, *, action: str = "kill") -> Verdict:
    """Break this point once and heal."""
    began, stage, trial, verdict = time.monotonic(), world.stage, TRIALS[name], Verdict(name)
    scene = trial.scene(world)
    if before := scene.facts():
        verdict.wrong.append(f"发生之前已有 {before} 次")
    stage.arm(f"{name}={action}")
    status = scene.act()
    verdict.reached = stage.until(lambda: bool(stage.hits()), REACH)
    stage.disarm()
    hit = stage.hits()
    verdict.died = action != "kill" or all(stage.gone(pid) for _, pid in hit)
    if any(found != name for found, _ in hit):
        verdict.wrong.append(f"在别处中断：{hit}")
    if trial.stands is not None:
        if action == "kill" and status is not None:
            verdict.wrong.append(f"进程已死，仍有答复 {status}")
        if action == "kill" and (stood := scene.facts()) != trial.stands:
            verdict.wrong.append(f"中断后应有 {int(trial.stands)} 次，实有 {stood} 次")
        _ask_again(stage, scene, verdict)
    verdict.recovered = stage.until(lambda: scene.facts() == 1 and scene.afterwards(), RETRY)
    if not verdict.recovered:
        verdict.wrong.append(f"恢复后有 {scene.facts()} 次")
    stage.release()  # one scene holds the loops, so that Celery is alone
    _settle(world, verdict, sealed=name in TIMES)
    verdict.seconds = time.monotonic() - began
    return verdict


def _ask_again(stage: Stage, scene: Scene, verdict: Verdict) -> None:
    """As a client does that heard nothing: the same again, until there is an answer."""
    seen: list[int | None] = []

    def answered() -> bool:
        seen.append(scene.act())
        return seen[-1] in DONE or (seen[-1] in scene.refused and scene.facts() == 1)

    if not stage.until(answered, RETRY):
        verdict.wrong.append(f"重试没有成功：{seen[-3:]}")


def _settle(world: World, verdict: Verdict, *, sealed: bool = True) -> None:
    """With `sealed` also until the last entry is chained, which a request has no part in and takes two seconds."""
    if not world.stage.until(lambda: quiet(sealed=sealed), SETTLE):
        verdict.wrong.append("没有平静下来")
    verdict.wrong += violations(world)


_LEFT = """
SELECT NOT EXISTS (SELECT FROM sla_clock WHERE next_at <= statement_timestamp())
   AND NOT EXISTS (SELECT FROM journal_outbox) AND (NOT %s OR NOT EXISTS (SELECT FROM journal_unsealed))
   AND NOT EXISTS (SELECT FROM journal_delivery WHERE state <> 'sent' AND (retry_at IS NULL OR retry_at <= now()))
"""


def quiet(*, sealed: bool) -> bool:
    """Nothing is due, nothing waits."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, [sealed])
        return bool(cursor.fetchone()[0])


def mixed(world: World, *, seconds: float) -> Verdict:
    """Every point kills one time in twenty while some clients go on with everything at once; each insists until it is answered."""
    began, stage, verdict = time.monotonic(), world.stage, Verdict(f"mixed {MIXED_RULE}", reached=True, died=True)
    builders = list({trial.scene: None for trial in REQUESTS.values()})
    stage.arm(MIXED_RULE)
    until = began + seconds
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients: list[Future[list[Scene]]] = [
            pool.submit(_insist, world, builders[n::CLIENTS], until) for n in range(CLIENTS)
        ]
        stage.until(lambda: all(client.done() for client in clients), seconds + RETRY + ANSWERED)
        stage.disarm()
        scenes = [scene for client in clients for scene in client.result()]
    hits = stage.hits()
    verdict.recovered = stage.until(lambda: all(s.facts() == 1 and s.afterwards() for s in scenes), RETRY)
    if not verdict.recovered:
        counted = Counter((s.name, s.facts()) for s in scenes if s.facts() != 1 or not s.afterwards())
        verdict.wrong.append(f"每件应发生 1 次，例外：{dict(counted)}")
    _settle(world, verdict)
    verdict.seconds = time.monotonic() - began
    verdict.name += f"：{len(scenes)} 件，{len(hits)} 次杀死，{len({name for name, _ in hits})} 个断点"
    return verdict


ANSWERED = 60.0  # seconds a client may still insist when the time is up


def _insist(world: World, builders: Sequence[Callable[[World], Scene]], until: float) -> list[Scene]:
    """One client: scene after scene, each sent until it is answered."""
    scenes = []
    try:
        while time.monotonic() < until:
            for build in builders:
                scene = build(world)
                scene.name = build.__name__
                scenes.append(scene)
                last = time.monotonic() + ANSWERED
                while time.monotonic() < last:
                    status = scene.act()
                    if status in DONE or (status in scene.refused and scene.facts() == 1):
                        break
                    time.sleep(0.05)
                if time.monotonic() > until:
                    break
    finally:
        connections.close_all()
    return scenes


def main(arguments: Sequence[str]) -> None:
    """`--names a,b --mixed SECONDS --action kill --logs DIR --work DIR REPORT`: judge, print a line each, write the report."""
    parser = argparse.ArgumentParser("failpoints")
    parser.add_argument("--names", default="")
    parser.add_argument("--mixed", type=float, default=0.0)
    parser.add_argument("--action", default="kill")
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("report", type=Path)
    options = parser.parse_args(arguments)
    verdicts = []
    with Stage(options.logs, options.work) as stage:
        world = World(stage, tuple(getattr(settings, "PROOF_LADDER", ())))
        for name in filter(None, options.names.split(",")):
            verdicts.append(judge(world, name, action=options.action))
            if name == options.names.split(",")[-1]:
                _settle(world, verdicts[-1])  # all of it once more, when the journal is chained to its end
            print(line(verdicts[-1]), flush=True)
        if options.mixed:
            verdicts.append(mixed(world, seconds=options.mixed))
            print(line(verdicts[-1]), flush=True)
    options.report.write_text(json.dumps([asdict(v) | {"survived": v.survived} for v in verdicts], ensure_ascii=False))


def line(verdict: Verdict) -> str:
    """name, reached, died, recovered, seconds, verdict."""
    marks = ["是" if flag else "否" for flag in (verdict.reached, verdict.died, verdict.recovered)]
    said = "经受住" if verdict.survived else "没有经受住：" + "；".join(verdict.wrong or ["见前几列"])
    return f"{verdict.name:28} {marks[0]:4} {marks[1]:4} {marks[2]:4} {verdict.seconds:5.1f}  {said}"
