"""Enterprises and officers at work: `python -m portal.proof.load …`, and `Load`, which runs that process in a world.

Every call is tried until it is answered, with the same token or the same referral; what was answered goes into the history.
An answer that never came leaves open whether the call was carried out: the facts after it say `sure: false`.
"""

import argparse
import heapq
import itertools
import json
import random
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from portal.proof.calls import Answer, Caller
from portal.proof.history import History
from portal.run.processes import Process

if TYPE_CHECKING:
    from portal.proof.world import World

ENTERPRISES, OFFICERS = 8, 8  # callers at once
PATIENCE = 180.0  # seconds of trying before a call counts as never answered
_CASE = re.compile(r"/cases/([^/]+)/")
CONTACT = {"contact_name": "经办示例", "contact_phone": "13800000000", "next_step": "安排尽职调查（示例）"}
Act = Callable[["Caller", threading.Barrier], None]  # tried when everybody has come to the gate


class Scheduler:
    """Calls with their moments; several threads take them in order of time."""

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, Callable[[Caller], None]]] = []
        self.count = itertools.count()
        self.open = 0
        self.changed = threading.Condition()

    def at(self, moment: float, act: Callable[[Caller], None]) -> None:
        with self.changed:
            heapq.heappush(self.heap, (moment, next(self.count), act))
            self.open += 1
            self.changed.notify()

    def work(self, caller: Caller) -> None:
        """A thread's life."""
        while True:
            with self.changed:
                while not self.heap or self.heap[0][0] > time.monotonic():
                    self.changed.wait(max(self.heap[0][0] - time.monotonic(), 0.001) if self.heap else None)
                _, _, act = heapq.heappop(self.heap)
                self.changed.notify()
            try:
                act(caller)
            except Exception as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            with self.changed:
                self.open -= 1
                self.changed.notify_all()

    def wait(self) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.open == 0)


class Clients:
    """All callers of a run."""

    def __init__(self, plan: dict[str, Any], history: History, *, port: int, database: str, late: float) -> None:
        """`late`: seconds after the submission at which the ladder has been climbed for a while."""
        self.plan, self.history, self.port, self.database, self.late = plan, history, port, database, late
        self.submissions, self.answers = Scheduler(), Scheduler()
        self.look = threading.Lock()
        self.line: Any = None

    def run(self, cases: Sequence[dict[str, Any]], *, seconds: float) -> None:
        """Submit these cases, evenly within `seconds` (0: as fast as they are answered), and do what is planned for each."""
        for scheduler, many in ((self.submissions, ENTERPRISES), (self.answers, OFFICERS)):
            for _ in range(many):
                threading.Thread(target=scheduler.work, args=(Caller(self.port),), daemon=True).start()
        began = time.monotonic()
        for i, case in enumerate(cases):
            self.submissions.at(began + seconds * i / len(cases), lambda caller, case=case: self.submit(case, caller))  # type: ignore[misc]
        self.submissions.wait()
        self.answers.wait()

    # --- the enterprise ---------------------------------------------------------------------------------------------

    def submit(self, case: dict[str, Any], caller: Caller) -> None:
        fields = {"token": case["token"]}
        path = f"/apply/{case['draft']}/submit/"
        began = time.monotonic()
        twin = None
        if case["repeated"] and case["n"] % 2:  # a double click: both at the same time
            twin = threading.Thread(target=self.repeat, args=(case, path, fields), daemon=True)
            twin.start()
        answer, tries = caller.insist(path, case["session"], fields, until=began + PATIENCE)
        number = self.acknowledge("submitted", case, answer, tries, time.monotonic() - began)
        if number is None:
            return
        self.plan_answers(case, number)
        if twin is not None:
            twin.join()
        elif case["repeated"]:
            self.repeat(case, path, fields, caller)

    def repeat(self, case: dict[str, Any], path: str, fields: dict[str, str], caller: Caller | None = None) -> None:
        began = time.monotonic()
        with_ = caller or Caller(self.port)
        answer, tries = with_.insist(path, case["session"], fields, until=began + PATIENCE)
        self.acknowledge("repeated", case, answer, tries, time.monotonic() - began)
        if caller is None:
            with_.close()

    def acknowledge(self, what: str, case: dict[str, Any], answer: Answer, tries: int, seconds: float) -> str | None:
        """Note the number that was answered; None when there is none."""
        facts = {"token": case["token"], "organisation": case["organisation"], "case": case["n"], "act": case["act"],
                 "tries": tries, "seconds": round(seconds, 4)}  # fmt: skip
        found = _CASE.search(answer.location) if answer.status == 302 else None
        if found is None:
            self.history.note("unanswered", call=what, status=answer.status, location=answer.location, **facts)
            print(f"case {case['n']}: {what} {answer.status} {answer.body[:3000]!r}", file=sys.stderr, flush=True)
            return None
        self.history.note(what, number=found[1], **facts)
        return found[1]

    def withdraw(self, case: dict[str, Any], number: str, gate: threading.Barrier, caller: Caller) -> None:
        _meet(gate)
        path = f"/cases/{number}/withdraw/"
        answer, tries = caller.insist(path, case["session"], {"reason": "need", "note": ""}, until=_until())
        self.told("withdrawn", "withdraw", answer, tries, number=number, organisation=case["organisation"])

    # --- the institutions -------------------------------------------------------------------------------------------

    def plan_answers(self, case: dict[str, Any], number: str) -> None:
        """Who answers this case, and when. An act that nobody knows is left to its ladder."""
        act, at = case["act"], time.monotonic() + case["delay"]
        if act in ("claim", "race", "late", "decline", "offer", "withdraw"):
            when = at + self.late if act == "late" else at
            self.answers.at(when, lambda caller: self.answer(case, number, caller))
        elif act == "pool":

            def from_pool(officer: tuple[int, str]) -> Act:
                return lambda caller, gate: self.pool(case, number, officer, gate, caller)

            self.together(at, [from_pool(officer) for officer in self.officers(case["outsider"])])

    def officers(self, bank: int) -> list[tuple[int, str]]:
        return [(user, session) for user, session in self.plan["officers"][str(bank)]]

    def together(self, at: float, acts: Sequence[Act]) -> None:
        """Several callers at the same instant."""
        gate = threading.Barrier(len(acts))
        for act in acts:
            self.answers.at(at, lambda caller, act=act: act(caller, gate))  # type: ignore[misc]

    def answer(self, case: dict[str, Any], number: str, caller: Caller) -> None:
        """The planned answer of each asked bank."""
        alone = threading.Barrier(1)

        def claiming(what: dict[str, Any], officer: tuple[int, str]) -> Act:
            return lambda caller, gate: self.claim(what, officer, gate, caller)

        def withdrawing() -> Act:
            return lambda caller, gate: self.withdraw(case, number, gate, caller)

        for bank, ref in self.referrals(number):
            if bank not in case["banks"]:
                continue
            first, second = self.officers(bank)
            known = {"referral": ref, "number": number, "institution": bank}
            if case["act"] in ("claim", "late"):
                self.claim(known, first, alone, caller)
            elif case["act"] == "race":
                self.together(time.monotonic(), [claiming(known, first), claiming(known, second)])
            elif case["act"] == "withdraw":
                # Every second one at the instant at which an officer claims it.
                rival = [claiming(known, first)] if case["n"] % 2 else []
                self.together(time.monotonic(), [*rival, withdrawing()])
                return
            elif case["act"] == "decline":
                fields = {"code": "policy", "note": "", "confirmed": "on"}
                self.call("declined", "decline", known, first, fields, caller)
            else:
                day = time.strftime("%Y-%m-%d", time.localtime(time.time() + 20 * 86400))
                fields = {"amount": "300", "term_months": "24", "annual_rate": "3.45", "other_fees": "",
                          "repayment": "等额本息", "conditions": "", "valid_until": day}  # fmt: skip
                self.call("offered", "offer", known, first, fields, caller)

    def claim(self, known: dict[str, Any], officer: tuple[int, str], gate: threading.Barrier, caller: Caller) -> None:
        _meet(gate)
        self.call("claimed", "claim", known, officer, CONTACT, caller)

    def call(
        self,
        what: str,
        verb: str,
        known: dict[str, Any],
        officer: tuple[int, str],
        fields: dict[str, str],
        caller: Caller,
    ) -> None:
        user, session = officer
        answer, tries = caller.insist(f"/desk/referrals/{known['referral']}/{verb}/", session, fields, until=_until())
        self.told(what, verb, answer, tries, user=user, **known)

    def pool(
        self, case: dict[str, Any], number: str, officer: tuple[int, str], gate: threading.Barrier, caller: Caller
    ) -> None:
        _meet(gate)
        user, session = officer
        answer, tries = caller.insist(f"/desk/pool/{number}/", session, CONTACT, until=_until())
        self.told("pooled", "pool", answer, tries, number=number, institution=case["outsider"], user=user)

    def told(self, what: str, call: str, answer: Answer, tries: int, **known: Any) -> None:
        """Note what came of a call. 302 is done, 409 refused; anything else was never expected."""
        if answer.status == 302:
            self.history.note(what, sure=True, tries=tries, **known)
        elif answer.status in (404, 409):
            self.history.note("refused", call=call, status=answer.status, sure=tries == 0, tries=tries, **known)
        else:
            self.history.note("unanswered", call=call, status=answer.status, tries=tries, **known)
            print(f"{call} {known}: {answer.status} {answer.body[:3000]!r}", file=sys.stderr, flush=True)

    def referrals(self, number: str) -> list[tuple[int, str]]:
        """(bank, ref) of a case. An officer would read it on the desk; here the database is asked, until it answers."""
        with self.look:
            while True:
                with suppress(psycopg2.Error):
                    if self.line is None:
                        self.line = psycopg2.connect(
                            self.database, connect_timeout=2, options="-c statement_timeout=5s"
                        )
                        self.line.autocommit = True
                    with self.line.cursor() as cursor:
                        cursor.execute(
                            "SELECT r.institution_id, r.ref::text FROM applications_referral r"
                            " JOIN applications_application a ON a.id = r.application_id WHERE a.number = %s ORDER BY r.id",
                            [number],
                        )
                        return list(cursor.fetchall())
                self.line = None
                time.sleep(0.2)


def _until() -> float:
    return time.monotonic() + PATIENCE


def _meet(gate: threading.Barrier) -> None:
    """Wait for the others; whoever finds nobody in time goes alone."""
    with suppress(threading.BrokenBarrierError):
        gate.wait(3)


class Load:
    """The load of a world as a process of its own. `cases` is a slice of the plan, `seconds` how long it is to take."""

    def __init__(self, world: "World", *, cases: slice = slice(None), seconds: float = 0.0, name: str = "load") -> None:
        self.world, self.name = world, name
        chosen = range(world.submissions)[cases]
        self.expected = len(chosen)
        argv = (
            *(sys.executable, "-m", "portal.proof.load", str(world.plan), str(world.history.path)),
            *("--port", str(world.web_port), "--database", world.direct),
            *("--first", str(chosen.start), "--last", str(chosen.stop), "--seconds", f"{seconds:g}"),
            *("--late", f"{world.ladder[-1] * 0.8:g}"),
        )
        self.process = Process(name, argv, grace=1.0, console=False)

    def start(self) -> None:
        self.child = self.world.supervisor.start(self.process, restart=False)

    @property
    def done(self) -> bool:
        return bool(self.child.codes)

    def finish(self, timeout: float = 240) -> bool:
        """Supervise until every call of the plan is answered; False when that took longer than `timeout` or failed."""
        return self.world.until(lambda: self.done, timeout) and self.child.codes == [0]


class CaseWork(Load):
    """The case worker of a world, as a process of its own: the way to a registration for the cases that go all of it."""

    def __init__(self, world: "World") -> None:
        self.world, self.name = world, "caseworker"
        argv = (sys.executable, "-m", "portal.proof.inside", "worker", str(world.plan), str(world.history.path))
        self.process = Process(self.name, argv, grace=1.0, console=False)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("plan", type=Path)
    parser.add_argument("history", type=Path)
    for name, kind in (
        ("port", int),
        ("first", int),
        ("last", int),
        ("seconds", float),
        ("late", float),
        ("database", str),
    ):
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args()
    plan = json.loads(options.plan.read_text())
    random.seed(plan["seed"])
    clients = Clients(plan, History(options.history), port=options.port, database=options.database, late=options.late)
    clients.run(plan["cases"][options.first : options.last], seconds=options.seconds)


if __name__ == "__main__":
    main()
