"""Deriving every verdict again from journal entries alone, and saying where they contradict what was recorded. Pure.

Entries are plain dicts (journal/extract.py, or lines of an exported package). Policies, calendars, pauses and stops come from
them; due moments, ladders, minutes and verdicts are counted again by the same calendar arithmetic that wrote them. What was
recorded is only compared. A difference is a Chinese sentence; a note explains something that is unusual and not wrong.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from portal.foundation.core.moments import local_date

from . import clocks
from .clocks import Plan, office_of
from .replay_rules import VERBS, Rules, Unknown
from .replayed import Announcement, Replayed, Rest, Term, moment
from .workdays import OutsideCalendar, WorkCalendar

KEY = "clocks"  # where an entry's data keeps what happened to clocks
ESCALATED = "clock.escalated"
GENERAL, OF_CLOCKS = VERBS, (ESCALATED,)
GRACE = timedelta(seconds=30)  # an announcement may still be under way
# Reasons under which an answer that nobody gave is not counted, when the clock had not run out before.
EXCUSING = frozenset({"withdrawn", "not_selected", "revoked", "taken", "answered", "replaced", "settled", "ended"})
COUNTING = frozenset(
    {"claimed", "asked", "offered", "declined", "dispatched", "lapsed", "none_left", "registered", "refused"}
)
_MOMENT = timedelta(microseconds=1)

Fact = Mapping[str, Any]
Entry = Mapping[str, Any]


@dataclass(slots=True)
class Replay:
    """Feed it with entries in the order of their ids, then `finish`. One for a case, or for a whole journal."""

    rules: Rules = field(default_factory=Rules)
    clocks: dict[int, Replayed] = field(default_factory=dict)
    differences: list[tuple[str, str]] = field(default_factory=list)  # (case number, sentence) about no clock we know
    only: Container[int] | None = None  # clocks to look at; a package holds entries that also tell of others

    def take(self, entry: Entry) -> None:
        """Learn from one entry."""
        self.rules.take(entry)
        told = [fact for fact in entry["data"].get(KEY, ()) if self.only is None or fact["clock"] in self.only]
        for fact in told:
            self._happened(fact, entry)
        if entry["verb"] == ESCALATED and (self.only is None or entry["data"]["clock"] in self.only):
            self._escalated(entry)

    def finish(self, *, as_of: datetime) -> None:
        """Say what should have happened by then and did not."""
        for clock in self.clocks.values():
            if clock.stopped_at is None and clock.paused_at is None:
                _missed(clock, until=as_of, still=True)
                self._overlooked_change(clock, as_of=as_of)

    def sentences(self) -> list[tuple[str, str]]:
        """Every difference with its case."""
        found = [(clock.case_number, text) for clock in self.clocks.values() for text in clock.differences]
        return [*self.differences, *found]

    def _happened(self, fact: Fact, entry: Entry) -> None:
        did, clock = str(fact["did"]), self.clocks.get(fact["clock"])
        if did == "started":
            if clock is not None:
                clock.differences.append(f"日志第 {entry['id']} 条说它又开始了一次")
                return
            self._started(fact, entry)
            return
        if clock is None:
            said = f"日志第 {entry['id']} 条提到时限 {fact['clock']}（{fact['subject']}），但没有它开始的记录"
            self.differences.append((entry["case_number"], said))
            return
        clock.entries.append(entry["id"])
        if clock.stopped_at is not None:
            clock.differences.append(f"日志第 {entry['id']} 条发生在它停止之后")
            return
        happened = _DID.get(did)
        if happened is None:
            clock.differences.append(f"日志第 {entry['id']} 条的“{did}”无法识别")
            return
        try:
            happened(self, clock, fact, entry)
        except (Unknown, OutsideCalendar) as error:
            clock.differences.append(f"日志第 {entry['id']} 条无法推算：{error}")

    def _started(self, fact: Fact, entry: Entry) -> None:
        at = _at(fact["started_at"])
        try:
            rule = self.rules.in_force(fact["kind"], at=at)
            clock = Replayed(
                clock=fact["clock"],
                kind=fact["kind"],
                subject=fact["subject"],
                case_number=entry["case_number"],
                organisation=fact["organisation"],
                started_at=at,
                rule=rule,
                entries=[entry["id"]],
            )
            self._count(clock, fact, entry, began_at=at, why="开始")
        except (Unknown, OutsideCalendar) as error:
            said = f"时限 {fact['clock']}（{fact['subject']}）无法推算：{error}"
            self.differences.append((entry["case_number"], said))
            return
        self.clocks[clock.clock] = clock
        told, policy = fact["policy"], rule.policy
        in_force = (policy.pk, policy.days, policy.day_zero, policy.closes and policy.closes.isoformat())
        if (told["id"], told["days"], told["day_zero"], told["closes"]) != in_force:
            clock.differences.append(
                f"开始时记的规则是第 {told['id']} 号（{told['days']} 个工作日），当时生效的是第 {policy.pk} 号（{policy.days} 个工作日）"
            )

    def _paused(self, clock: Replayed, fact: Fact, entry: Entry) -> None:
        if clock.paused_at is not None:
            clock.differences.append(f"日志第 {entry['id']} 条说它暂停，但它已在暂停")
            return
        at = _at(fact["at"])
        _missed(clock, until=at, still=False)
        clock.pauses.append(Rest(at, str(fact["reason"])))

    def _resumed(self, clock: Replayed, fact: Fact, entry: Entry) -> None:
        if clock.paused_at is None:
            clock.differences.append(f"日志第 {entry['id']} 条说它恢复，但它没有暂停")
            return
        at, was_late = _at(fact["at"]), clock.paused_at >= clock.due_at
        clock.pauses[-1].ended_at = at
        if fact["anew"] is was_late:
            clock.differences.append(
                f"暂停时{'已' if was_late else '未'}超期，恢复后时限{'不应' if was_late else '应'}重新起算，记录与此相反"
            )
        if was_late:
            _compare_term(clock, fact, entry)
            return
        clock.done = 0
        self._count(clock, fact, entry, began_at=at, why="恢复，时限重新起算")

    def _recomputed(self, clock: Replayed, fact: Fact, entry: Entry) -> None:
        if _at(fact["old_due_at"]) != clock.due_at:
            clock.differences.append(
                f"日志第 {entry['id']} 条说重算前的截止时刻是 {moment(_at(fact['old_due_at']))}，推算为 {moment(clock.due_at)}"
            )
        told = {level for level, _ in clock.term.ladder[: clock.done]}
        why = f"工作日历变更后重算（{fact['reason']}）"
        resting = clock.paused_at is not None and clock.paused_at < clock.due_at
        self._count(clock, fact, entry, began_at=clock.term.began_at, why=why, resting=resting)
        clock.done = max((i for i, (level, _) in enumerate(clock.term.ladder, 1) if level in told), default=0)

    def _reassigned(self, clock: Replayed, fact: Fact, entry: Entry) -> None:
        if fact["from_organisation"] != clock.organisation:
            clock.differences.append(f"日志第 {entry['id']} 条的原责任单位与推算的不一致")
        clock.moved.append((_at(fact["at"]), clock.organisation, fact["organisation"]))
        clock.organisation = fact["organisation"]
        if bool(fact["anew"]) is not clock.rule.policy.anew_when_reassigned:
            clock.differences.append("改派后时限是否重新起算，与规则所定的相反")
        if fact["anew"]:
            clock.done = 0
            self._count(clock, fact, entry, began_at=_at(fact["at"]), why="改派给另一单位，时限重新起算")

    def _stopped(self, clock: Replayed, fact: Fact, entry: Entry) -> None:
        at, resting_since = _at(fact["at"]), clock.paused_at
        end = resting_since or at
        if resting_since is None:
            _missed(clock, until=at, still=False)
        else:
            clock.pauses[-1].ended_at = at
        clock.stopped_at, clock.reason = at, str(fact["reason"])
        minutes = {self._minutes(clock, calendar, end) for calendar in self._calendars(clock)}
        clock.working_minutes = min(minutes)
        if fact["working_minutes"] in minutes:  # counted a moment before or after a change of the calendar
            clock.working_minutes = fact["working_minutes"]
        else:
            clock.differences.append(
                f"所用工作时间推算为 {clock.working_minutes} 分钟，记录为 {fact['working_minutes']} 分钟"
            )
        excusing = clock.reason in EXCUSING or (clock.reason not in COUNTING and bool(fact["excused"]))
        clock.excused = excusing and end < clock.due_at
        if clock.excused is not bool(fact["excused"]):
            clock.differences.append(
                f"推算为{'不计' if clock.excused else '计入'}（停止原因 {clock.reason}），记录为{'不计' if fact['excused'] else '计入'}"
            )
        _compare_due(clock, fact, entry)

    def _escalated(self, entry: Entry) -> None:
        data = entry["data"]
        clock = self.clocks.get(data["clock"])
        if clock is None:
            said = f"日志第 {entry['id']} 条提醒的时限 {data['clock']}（{entry['subject']}）没有开始的记录"
            self.differences.append((entry["case_number"], said))
            return
        clock.entries.append(entry["id"])
        level, due, at = str(data["level"]), _at(data["moment"]), _at(entry["at"])
        label = clock.rule.labels.get(level, level)
        rounds = len([rest for rest in clock.pauses if rest.ended_at is not None])
        place = next((i for i, step in enumerate(clock.term.ladder, 1) if step == (level, due)), None)
        if place is None:
            clock.differences.append(
                f"日志第 {entry['id']} 条提醒“{label}”（应于 {moment(due)}），推算的阶梯里没有这一步"
            )
        elif place <= clock.done:
            clock.differences.append(f"日志第 {entry['id']} 条重复提醒“{label}”")
        else:
            skipped = [step for step, _ in clock.term.ladder[clock.done : place - 1]]
            if skipped != list(data["overtaken"]):
                clock.differences.append(f"日志第 {entry['id']} 条记的越过级次与推算的不一致")
            clock.done = place
        if at < due:
            clock.differences.append(f"“{label}”应于 {moment(due)} 提醒，却在 {moment(at)} 提前提醒")
        if clock.paused_at is not None or clock.stopped_at is not None:
            clock.differences.append(f"日志第 {entry['id']} 条提醒“{label}”时，它已停止或暂停")
        if data["organisation"] != clock.organisation or _at(data["due_at"]) != clock.due_at:
            clock.differences.append(f"日志第 {entry['id']} 条提醒“{label}”所记的责任单位或截止时刻与推算的不一致")
        told = clock.rule.recipients(level)
        clock.announced.append(
            Announcement(entry["id"], level, label, due, at, told, [str(each) for each in data["overtaken"]], rounds)
        )

    def _count(
        self, clock: Replayed, fact: Fact, entry: Entry, *, began_at: datetime, why: str, resting: bool = False
    ) -> None:
        """Count a term again with the calendar its fact names, and compare. Raises Unknown, OutsideCalendar."""
        number, office = int(str(fact["calendar"]).partition("-")[0]), office_of(clock.kind, clock.organisation)
        calendar = self.rules.calendar(number, office)
        if resting:  # it gets its term anew when it goes on, so only the mark of its due moment is looked at
            provisional = calendar.is_provisional(local_date(clock.due_at - _MOMENT))
            old = clock.term
            plan = Plan(old.due_at, provisional, [s[0] for s in old.ladder], [s[1] for s in old.ladder])
        else:
            plan = clocks.plan(clock.rule.policy, clock.rule.levels, started_at=began_at, calendar=calendar)
        ladder = list(zip(plan.levels, plan.moments, strict=True))
        clock.terms.append(Term(why, entry["id"], began_at, plan.due_at, plan.provisional, calendar, number, ladder))
        if calendar.version != fact["calendar"]:
            clock.differences.append(f"所记的日历版本 {fact['calendar']} 与日志推算的 {calendar.version} 不一致")
        _compare_term(clock, fact, entry)

    def _calendars(self, clock: Replayed) -> list[WorkCalendar]:
        """The calendar of the term, and the newest one the journal knows by now."""
        office = office_of(clock.kind, clock.organisation)
        return [clock.term.calendar, self.rules.calendar(self.rules.newest(office), office)]

    @staticmethod
    def _minutes(clock: Replayed, calendar: WorkCalendar, end: datetime) -> int:
        total = calendar.working_minutes(clock.started_at, end)
        ended = [(rest.began_at, rest.ended_at) for rest in clock.pauses if rest.ended_at and rest.ended_at < end]
        return total - sum(calendar.working_minutes(*rest) for rest in ended)

    def _overlooked_change(self, clock: Replayed, *, as_of: datetime) -> None:
        """A running clock stands as the newest calendar counts it."""
        calendar = self._calendars(clock)[1]
        plan = clocks.plan(clock.rule.policy, clock.rule.levels, started_at=clock.term.began_at, calendar=calendar)
        if plan.due_at != clock.due_at:
            clock.differences.append(f"按最新的工作日历应截止于 {moment(plan.due_at)}，还没有重算")


_DID: dict[str, Callable[[Replay, Replayed, Fact, Entry], None]] = {
    "paused": Replay._paused,
    "resumed": Replay._resumed,
    "recomputed": Replay._recomputed,
    "reassigned": Replay._reassigned,
    "stopped": Replay._stopped,
}


def derive(entries: Iterable[Entry], *, as_of: datetime, only: Container[int] | None = None) -> Replay:
    """Replay entries (any order) and finish at a moment."""
    replay = Replay(only=only)
    for entry in sorted(entries, key=lambda each: int(each["id"])):
        replay.take(entry)
    replay.finish(as_of=as_of)
    return replay


def mentions(entry: Entry) -> set[int]:
    """The clocks an entry tells of."""
    found = {int(fact["clock"]) for fact in entry["data"].get(KEY, ())}
    return found | {int(entry["data"]["clock"])} if entry["verb"] == ESCALATED else found


def _compare_term(clock: Replayed, fact: Fact, entry: Entry) -> None:
    _compare_due(clock, fact, entry)
    recorded = [(step["level"], _at(step["moment"])) for step in fact["ladder"]]
    if recorded != clock.term.ladder:
        clock.differences.append(f"日志第 {entry['id']} 条记的提醒时刻与推算的不一致")


def _compare_due(clock: Replayed, fact: Fact, entry: Entry) -> None:
    if (recorded := _at(fact["due_at"])) != clock.due_at:
        clock.differences.append(
            f"截止时刻推算为 {moment(clock.due_at)}，日志第 {entry['id']} 条记为 {moment(recorded)}"
        )
    if bool(fact["provisional"]) is not clock.term.provisional:
        clock.differences.append(
            f"截止时刻推算为{'暂定' if clock.term.provisional else '正式'}，日志第 {entry['id']} 条记的相反"
        )


def _missed(clock: Replayed, *, until: datetime, still: bool) -> None:
    """Levels whose moment came while it ran and that nobody announced: wrong while it runs; a fact worth a note once it ended."""
    for level, due in clock.term.ladder[clock.done :]:
        if until - due <= GRACE:
            return
        label = clock.rule.labels.get(level, level)
        if still:
            clock.differences.append(f"“{label}”应于 {moment(due)} 提醒，至 {moment(until)} 没有提醒")
        else:
            clock.notes.append(f"“{label}”应于 {moment(due)} 提醒，到 {moment(until)} 停止或暂停时还没有提醒")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
