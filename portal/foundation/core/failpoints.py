"""Named places where the proof may break a process: right there, with `kill -9`, an exception, a pause or a dead database line.

    failpoint("dispatcher.after_hand_over")

In normal life the call compares one variable with None (tests hold it well under a microsecond). Only settings that carry
FAILPOINTS (portal.proof.settings, from the environment) arm it, and production refuses to start with them. Each name stands
here with what has happened and what has not yet, and exactly once in the code; a test compares the two.

A rule is `name=action[@probability|#nth]`, several are separated by commas, and `*` is every name:
`submit.before_commit=kill`, `mail.sent=kill#3`, `*=kill@0.05`, `sweep.swept=sleep:4`. `file:/path` reads the rules from a file,
again at each point, so that a running process can be armed and disarmed.
"""

import os
import random
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

POINTS: dict[str, str] = {
    # A request of an enterprise
    "submit.begin": "A submission was received, nothing is read or written yet.",
    "submit.case_written": "Case, patents and papers are written and the draft is gone, no institution has it yet.",
    "submit.clocks_running": "Referrals, consents and their clocks are written, the journal is not.",
    "submit.before_journal": "Everything of a submission is written but its journal entry.",
    "submit.before_commit": "Everything of a submission is written, the commit has not begun.",
    "web.answer_lost": "A view is done and its transaction committed, the answer has not left the process.",
    "draft.before_save": "The draft is locked, the step is not written.",
    "draft.saved": "The step of a draft is written, not committed.",
    "file.before_write": "An upload is checked, neither file nor row exists.",
    "file.written": "The bytes of a file are on disk, its row is not.",
    "attachment.before_commit": "File and row of an attachment exist, not committed.",
    "answer.before_journal": "The answer to a bank's question and its files are written, the journal is not.",
    # An institution
    "claim.before": "An officer claims, the statement has not been sent.",
    "claim.committed": "The claim is committed (one statement), the caller does not know.",
    "take.committed": "«Next for me» is committed, the caller does not know.",
    "pool.locked": "A request in the pool is locked for an institution, nothing is written.",
    "pool.before_commit": "A claim from the pool is written, not committed.",
    "ask.before_commit": "A question to the enterprise is written and the clock stopped, not committed.",
    "offer.rows_written": "An offer and its referral's state are written, the clock still runs.",
    "offer.before_commit": "An offer, its clock and its journal entry are written, not committed.",
    "decline.clock_stopped": "A refusal is written and its clock stopped, the journal is not.",
    "decline.all_declined": "The last institution declined, that all did is not journalled yet.",
    "accept.rivals_closed": "The rivals of a chosen offer are closed, the case is not moved yet.",
    "accept.before_commit": "The choice of an offer is written, not committed.",
    "withdraw.clocks_stopped": "Every clock of a withdrawn case is stopped, the case is not withdrawn yet.",
    "withdraw.before_commit": "A withdrawal is written, not committed.",
    # The registration of a pledge
    "filing.clock_running": "The registration clock runs, the file does not know it yet.",
    "filing.before_commit": "A file handed in by both parties is written, not committed.",
    "examine.before_commit": "A file has its clerk and its checks, not committed.",
    "correction.before_pause": "A list of defects is written, the clock still runs.",
    "correction.paused": "The clock pauses, the journal and the notice are not written.",
    "complete.before_resume": "The last defect is answered, the clock still pauses.",
    "complete.resumed": "The clock runs again, not committed.",
    "register.effective": "The pledge periods are open, the file is not registered yet.",
    "register.number_taken": "The number of a paper is taken, its row is not written.",
    "register.before_commit": "Registration and the paper's row are written, not committed.",
    "register.committed": "The pledge exists, its paper is not printed.",
    "notice.laid_out": "A paper is laid out in memory, neither file nor digest is stored.",
    "notice.file_written": "The paper's file is on disk, its digest is not stored.",
    "matter.decided": "A change, cancellation or release stands in the register's rows, its own state and clock do not say so yet.",
    "loan.before_commit": "The loan is written, not committed.",
    # Deadlines
    "sweep.before": "The sweep is due, its statement has not been sent.",
    "sweep.swept": "One batch of the sweep is committed, the caller does not know.",
    "clock.swept": "The clock loop has swept, nothing is dispatched.",
    "clock.dispatched": "The clock loop has dispatched, nothing is sealed.",
    "clock.sealed": "The clock loop has sealed, its sign of life is not written.",
    "task.begin": "A Celery worker has a task, it has not begun.",
    "task.end": "A Celery task is done, the broker does not know.",
    "calendar.before_recompute": "A calendar is loaded, open clocks are not recomputed, nothing is committed.",
    "calendar.before_commit": "Calendar and open clocks are written, not committed.",
    "calendar.committed": "A calendar is in force, who submitted meanwhile is not recomputed.",
    "policy.before_commit": "A new version of a promise is written, not committed.",
    # From the journal to people
    "dispatcher.fanning_out": "Deliveries are written, the outbox is not emptied, not committed.",
    "dispatcher.fanned_out": "Deliveries are committed, nobody has claimed them.",
    "dispatcher.leased": "Deliveries are leased and committed, none is handed over.",
    "dispatcher.before_handler": "The next delivery is to be handed over, its handler has not begun.",
    "dispatcher.after_hand_over": "The handler is done, the delivery is not marked.",
    "dispatcher.marked": "A delivery is marked, the next one of the batch is not begun.",
    "notices.before_write": "The readers of an entry are known, no notice is written.",
    "notices.written": "The notices of an entry are committed, the delivery is not marked.",
    "mail.before_send": "A notice is to be mailed, nothing has been sent.",
    "mail.sent": "The mail server has the mail, the notice is not marked.",
    "mail.marked": "One recipient has the mail and is marked, the next one is not begun.",
    "seal.before_commit": "The seals are written, not committed.",
    "seal.committed": "The seals are committed, the caller does not know.",
}


class Broken(Exception):
    """What a point armed with `raise` throws: no error anybody expects."""


@dataclass(slots=True)
class Rule:
    """What happens at a point: `action` kill, raise, sleep or drop_connection; at a hit by chance, or at the n-th only."""

    action: str
    seconds: float = 0.0  # of `sleep`
    probability: float = 1.0
    nth: int = 0  # 0: every hit
    hits: int = 0

    def fires(self) -> bool:
        self.hits += 1
        return self.hits == self.nth if self.nth else random.random() < self.probability


_hit: Callable[[str], None] | None = None


def failpoint(name: str) -> None:
    """Do nothing, unless the proof has armed this point in this process."""
    if _hit is not None:
        _hit(name)


def parse(text: str) -> dict[str, Rule]:
    """Rules by name, `*` last. Raises ValueError for an unknown name or action: a point that is never hit proves nothing."""
    rules = {}
    for part in filter(None, (p.strip() for p in text.replace("\n", ",").split(","))):
        name, _, what = part.partition("=")
        what, _, nth = what.partition("#")
        what, _, probability = what.partition("@")
        action, _, seconds = what.partition(":")
        if name != "*" and name not in POINTS:
            raise ValueError(f"no failpoint is named {name!r}")
        if action not in ACTIONS:
            raise ValueError(f"a failpoint can {', '.join(ACTIONS)}, not {action!r}")
        rules[name] = Rule(action, float(seconds or 0), float(probability or 1), int(nth or 0))
    return rules


def arm(rules: str, *, log: str = "") -> None:
    """Arm this process, or disarm it with "". `log` is a file that gets a line «name pid action» before anything happens.

    Raises ImproperlyConfigured in production, ValueError for a rule that cannot be.
    """
    global _hit
    if rules and settings.PRODUCTION:
        raise ImproperlyConfigured("failpoints break processes on purpose: never with PORTAL_ENV=production")
    if not rules:
        _hit = None
        return
    path = Path(rules.removeprefix("file:")) if rules.startswith("file:") else None
    fixed: Mapping[str, Rule] = {} if path else parse(rules)

    def hit(name: str) -> None:
        known = fixed if path is None else parse(_text(path))
        rule = known.get(name) or known.get("*")
        if rule is not None and rule.fires():
            _note(log, f"{name} {os.getpid()} {rule.action}\n")
            ACTIONS[rule.action](name, rule)

    _hit = hit


def _text(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text("utf-8")
    return ""


def _note(log: str, line: str) -> None:
    """One write to the end of the file, so that several dying processes do not mix their lines."""
    if log:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def _kill(name: str, rule: Rule) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _raise(name: str, rule: Rule) -> None:
    raise Broken(name)


def _sleep(name: str, rule: Rule) -> None:
    time.sleep(rule.seconds)


def _drop_connection(name: str, rule: Rule) -> None:
    """End the database line under libpq's feet, as a network would; both sides find out at their next read."""
    if connection.connection is not None:
        with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)


ACTIONS: dict[str, Callable[[str, Rule], None]] = {
    "kill": _kill,
    "raise": _raise,
    "sleep": _sleep,
    "drop_connection": _drop_connection,
}


def armed_by_settings() -> tuple[str, str]:
    """Rules and log as the settings name them; the portal's own settings name none."""
    return str(getattr(settings, "FAILPOINTS", "")), str(getattr(settings, "FAILPOINTS_LOG", ""))


def refused_in_production(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """System check core.E001: production with failpoints."""
    if settings.PRODUCTION and armed_by_settings()[0]:
        return [
            Error(
                "FAILPOINTS is set in production.",
                hint="Remove PORTAL_FAILPOINTS, use portal.settings.",
                id="core.E001",
            )
        ]
    return []


def table() -> str:
    """The points as a Markdown table, as docs/reliability.md prints them."""
    lines = ["| failpoint | what has happened, what has not |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {said} |" for name, said in POINTS.items())])
