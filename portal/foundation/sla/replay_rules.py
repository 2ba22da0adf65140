"""What the journal says about the rules: which policy was in force when, and how each calendar counted. Pure.

Nothing is looked up in a table or a file: policies come from `policy.set`, years from `calendar.loaded`, an office's days off
from `closure.set` and `closure.removed`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from .calendar_models import YearDays
from .calendars_in_use import of_days, with_closures
from .models import CalendarYear, Kind, Policy, PolicyLevel
from .workdays import WorkCalendar

POLICY, YEARS, CLOSED, REOPENED = "policy.set", "calendar.loaded", "closure.set", "closure.removed"
VERBS = (POLICY, YEARS, CLOSED, REOPENED)


class Unknown(LookupError):
    """The journal does not say it; str() is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a promise as its entry tells it; `policy` is a value here, it was not read from a table."""

    entry: int
    policy: Policy
    levels: list[PolicyLevel]

    @property
    def labels(self) -> dict[str, str]:
        return {level.code: level.label for level in self.levels}

    def recipients(self, code: str) -> list[str]:
        """The roles that are told at a level."""
        return next((list(level.recipients) for level in self.levels if level.code == code), [])


@dataclass(frozen=True, slots=True)
class Notice:
    """One year of working days as an entry tells it."""

    entry: int
    number: int
    year: int
    days: YearDays


@dataclass(slots=True)
class Rules:
    """Fed with entries in their order; asked at any point for what held there."""

    rules: list[Rule] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    closures: list[tuple[int, int, int, date, bool]] = field(default_factory=list)  # number, entry, office, day, set
    _built: dict[tuple[int, int | None], WorkCalendar] = field(default_factory=dict)

    def take(self, entry: Mapping[str, Any]) -> None:
        """Learn from one entry; other verbs say nothing here."""
        data = entry["data"]
        if entry["verb"] == POLICY:
            self.rules.append(_rule(entry["id"], data))
        elif entry["verb"] == YEARS:
            number = int(data["change"])
            self.notices += [Notice(entry["id"], number, int(year["year"]), _year(year)) for year in data["years"]]
        elif entry["verb"] in (CLOSED, REOPENED):
            self.closures += [
                (int(data["change"]), entry["id"], int(data["organisation"]), _day(day), entry["verb"] == CLOSED)
                for day in data["days"]
            ]

    def in_force(self, kind: str, *, at: datetime) -> Rule:
        """The version of a promise in force at a moment. Raises Unknown."""
        known = [r for r in self.rules if r.policy.kind == kind and r.policy.valid_from <= at]
        if not known:
            raise Unknown(f"日志中没有“{Kind(kind).label}”当时生效的时限规则")
        return max(known, key=lambda r: (r.policy.valid_from, r.policy.pk))

    def numbered(self, policy_id: int) -> Rule:
        """The version with that id. Raises Unknown."""
        for rule in self.rules:
            if rule.policy.pk == policy_id:
                return rule
        raise Unknown(f"日志中没有第 {policy_id} 号时限规则")

    def newest(self, office: int | None) -> int:
        """The number of the last change of the country's calendar, or of the office's own days."""
        numbers = [notice.number for notice in self.notices]
        numbers += [number for number, _, whose, _, _ in self.closures if whose == office]
        return max(numbers, default=0)

    def calendar(self, number: int, office: int | None) -> WorkCalendar:
        """The calendar with that number, of an office or of the country. Raises Unknown when the journal does not have it."""
        key = (number, office)
        if key not in self._built:
            self._built[key] = self._build(number, office)
        return self._built[key]

    def sources(self, number: int, office: int | None) -> list[int]:
        """The entries that calendar is made of."""
        newest = {year: notice.entry for year, notice in self._years(number).items()}
        return sorted(
            {*newest.values(), *(e for n, e, whose, _, _ in self.closures if whose == office and n <= number)}
        )

    def documents(self, number: int, first: date, last: date) -> list[str]:
        """The notices behind the years of these days, e.g. «2026 年：国办发明电〔2025〕7号»."""
        known = self._years(number)
        wanted = range(first.year, last.year + 1)
        return [
            f"{y} 年：{known[y].days.document or '文号未填'}" if y in known else f"{y} 年：尚未公布" for y in wanted
        ]

    def named(self, day: date, number: int) -> str:
        """The festival of a day off or of a make-up working day; empty for an ordinary day."""
        names = [n.days.names.get(day.isoformat(), "") for n in self.notices if n.number <= number]
        return next((name for name in reversed(names) if name), "")

    def _years(self, number: int) -> dict[int, Notice]:
        return {n.year: n for n in sorted(self.notices, key=lambda n: n.number) if n.number <= number}

    def _build(self, number: int, office: int | None) -> WorkCalendar:
        newest = self._years(number)
        if not newest:
            raise Unknown(f"日志中没有第 {number} 号工作日历")
        last = max(notice.number for notice in newest.values())
        national = of_days({year: notice.days for year, notice in newest.items()}, number=last)
        own = [(n, day, is_set) for n, _, whose, day, is_set in self.closures if whose == office and n <= number]
        if not own:
            return national
        days: set[date] = set()
        for _, day, is_set in sorted(own):
            days = days | {day} if is_set else days - {day}
        return with_closures(national, frozenset(days), number=max(n for n, _, _ in own))


def _rule(entry: int, data: Mapping[str, Any]) -> Rule:
    policy = Policy(
        pk=data["id"],
        kind=data["kind"],
        days=data["days"],
        day_zero=data["day_zero"],
        closes=time.fromisoformat(data["closes"]) if data["closes"] else None,
        valid_from=datetime.fromisoformat(data["valid_from"]),
        ground=data["ground"],
        decided_by=data.get("decided_by", ""),
        anew_when_reassigned=data.get("anew_when_reassigned", False),
    )
    levels = [PolicyLevel(policy=policy, **level) for level in data["levels"]]
    return Rule(entry, policy, levels)


def _year(said: Mapping[str, Any]) -> YearDays:
    return CalendarYear(
        year=said["year"],
        document=said["document"],
        source=said["source"],
        holidays=[_day(day) for day in said["holidays"]],
        makeup_workdays=[_day(day) for day in said["makeup_workdays"]],
        names=said.get("names", {}),
        digest=said["digest"],
    )


def _day(text: str) -> date:
    return date.fromisoformat(text)
