"""From rows and histories to figures, and the sentences in which they are printed. Pure: no world, no database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from portal.proof.faults import Fault

# What was promised (seconds): lateness of an announcement in a quiet hour, under faults, and after the end of an outage.
QUIET_P99, FAULTS_P99, AFTER_OUTAGE = 2.0, 10.0, 5.0
BURST, BURST_SECONDS = 10_000, 10.0
PROCESS_BACK, DATABASE_BACK = 10.0, 30.0  # seconds from the end of a fault to full recovery


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, 99th percentile and the most, of so many seconds."""

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        ordered = sorted(values)
        if not ordered:
            return cls(0, 0.0, 0.0, 0.0)
        return cls(len(ordered), _at(ordered, 0.50), _at(ordered, 0.99), ordered[-1])

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} 秒，p99 {self.p99:.2f} 秒，最长 {self.most:.2f} 秒（{self.count} 次）"


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late announcements came: in quiet times, while faults went on, and counted from the end of the outage."""

    quiet: Spread
    faults: Spread
    after: Spread

    def missed(self) -> list[str]:
        """The figures that were promised and not kept."""
        said = []
        if self.quiet.p99 > QUIET_P99:
            said.append(f"平静时提醒迟到 p99 {self.quiet.p99:.2f} 秒，应不超过 {QUIET_P99:g} 秒")
        if self.faults.p99 > FAULTS_P99:
            said.append(f"故障中提醒迟到 p99 {self.faults.p99:.2f} 秒，应不超过 {FAULTS_P99:g} 秒")
        if self.after.most > AFTER_OUTAGE:
            said.append(f"中断结束后 {self.after.most:.2f} 秒才提醒，应不超过 {AFTER_OUTAGE:g} 秒")
        return said


def lateness(announced: Iterable[tuple[float, float]], faults: Sequence[Fault]) -> Lateness:
    """From (moment, announced) in Unix time. A moment is quiet when no fault lay between it and its announcement."""
    quiet: list[float] = []
    during: list[float] = []
    after: list[float] = []
    for moment, at in announced:
        met = [f for f in faults if f.began <= at and (f.recovered or f.lifted) >= moment]
        late = max(at - moment, 0.0)
        (during if met else quiet).append(late)
        if met:
            after.append(max(at - max(moment, max(f.recovered or f.lifted for f in met)), 0.0))
    return Lateness(Spread.of(quiet), Spread.of(during), Spread.of(after))


def calls(rows: Iterable[dict[str, Any]]) -> tuple[Spread, int]:
    """How long submissions took from the first try to the number, and how many needed more than one try."""
    found = [(r["seconds"], r["tries"]) for r in rows if r["what"] == "submitted"]
    return Spread.of(seconds for seconds, _ in found), sum(tries > 0 for _, tries in found)


def rate(rows: Iterable[dict[str, Any]]) -> float:
    """Submissions a second between the first and the last of these."""
    moments = [r["at"] for r in rows if r["what"] == "submitted"]
    return (len(moments) - 1) / (max(moments) - min(moments)) if len(moments) > 1 else 0.0
