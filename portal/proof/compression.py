"""Time compression: a promise of two working days becomes one of some seconds, written by the real code in the real transaction.

Only the plan of a new term is exchanged, and mail rests at no hour. Pauses, resumptions, sweeps and verdicts are the portal's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from portal.foundation.journal import dispatcher
from portal.foundation.sla import clocks
from portal.foundation.sla.clocks import Plan
from portal.foundation.sla.models import Policy, PolicyLevel
from portal.foundation.sla.workdays import WorkCalendar
from portal.notifications import digests, writing

DUE = "overdue"  # the level whose moment is the due moment


def offsets(seconds: Sequence[float], count: int) -> list[float]:
    """Seconds after the start for `count` levels; those beyond the named ones follow as far apart as the last two named."""
    gap = seconds[-1] - (seconds[-2] if len(seconds) > 1 else 0)
    return [seconds[i] if i < len(seconds) else seconds[-1] + gap * (i - len(seconds) + 1) for i in range(count)]


def term(seconds: Sequence[float], levels: Sequence[str]) -> float:
    """Seconds from the start of a term to its due moment, for a policy with these levels in order."""
    return offsets(seconds, len(levels))[list(levels).index(DUE) if DUE in levels else -1]


def plan(seconds: Sequence[float], levels: Sequence[PolicyLevel], *, started_at: datetime) -> Plan:
    """The same levels in the same order, some seconds apart."""
    codes = [level.code for level in levels]
    moments = [started_at + timedelta(seconds=offset) for offset in offsets(seconds, len(codes))]
    due_at = started_at + timedelta(seconds=term(seconds, codes))
    return Plan(due_at, False, codes, moments)


def install(seconds: Sequence[float], *, lease: float = 0.0) -> None:
    """Compress every term that begins in this process from now on; `lease` (seconds, 0: unchanged) that of a delivery."""

    def compressed(
        policy: Policy, levels: Sequence[PolicyLevel], *, started_at: datetime, calendar: WorkCalendar
    ) -> Plan:
        return plan(seconds, levels, started_at=started_at)

    clocks.plan = compressed
    writing.next_opening = lambda now: now
    digests.FIRST, digests.AGAIN = timedelta(seconds=1), timedelta(seconds=3)
    if lease:
        dispatcher.LEASE = timedelta(seconds=lease)
