"""The record of one clock, for the page and for paper: what was promised, counted, announced, kept, and what proves it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.foundation.core.display import full_date_cn
from portal.foundation.core.moments import local_date
from portal.foundation.journal import extract
from portal.foundation.sla import replay, replay_words, replaying, stored
from portal.foundation.sla.clocks import office_of
from portal.foundation.sla.models import Clock, Kind
from portal.foundation.sla.replayed import Replayed, Term, Verdict, moment, stamp
from portal.foundation.sla.replaying import Outcome

from .access import Seen

TAGS = {Verdict.ON_TIME: "ok", Verdict.LATE: "bad", Verdict.EXCUSED: "", Verdict.RUNNING: "info"}
SHORT = 12  # hexadecimal digits of a digest on the screen
VERBS = {
    "policy.set": "设定时限规则",
    "calendar.loaded": "载入工作日历",
    "closure.set": "设定停办日",
    "closure.removed": "撤销停办日",
}


@dataclass(frozen=True, slots=True)
class Behind:
    """A journal entry behind the record, with its seal."""

    id: int
    at: str
    said: str
    who: str
    digest: str
    state: str
    good: bool

    @property
    def short(self) -> str:
        return f"{self.digest[:SHORT]}…" if self.digest else "—"


@dataclass(frozen=True, slots=True)
class Record:
    """Everything the page and the paper say; texts are ready to print."""

    seen: Seen
    outcome: Outcome
    told: Replayed | None  # None when the journal knows no beginning
    rows: list[dict[str, Any]]
    differences: list[str]

    @property
    def tag(self) -> str:
        if self.told is None or replay_words.overdue(self.told, as_of=self.outcome.as_of):
            return "bad"
        return TAGS[self.told.verdict]

    @property
    def verdict(self) -> str:
        return replay_words.verdict(self.told, as_of=self.outcome.as_of) if self.told else "无法推算"

    @property
    def as_of(self) -> str:
        return moment(self.outcome.as_of)

    @property
    def seals(self) -> str:
        return replay_words.of_seals(self.outcome.links)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Label and text of what was promised and what became of it."""
        clock, told = self.seen.clock, self.told
        found = [
            ("承诺", f"{Kind(clock.kind).label}"),
            ("责任单位", clock.organisation.name),
            ("办件编号", clock.case_number),
        ]
        if told is None:
            return found
        policy = told.rule.policy
        closes = policy.closes.strftime("%H:%M") if policy.closes else "24:00"
        zero = "收到当日为第 0 日" if policy.day_zero == "strict" else "非工作日收到的，视为下一工作日收到"
        found += [
            ("起算", moment(told.started_at)),
            ("规则", f"第 {policy.pk} 号：{policy.days} 个工作日，{zero}，末日 {closes} 届满"),
            ("依据", f"{policy.ground}，{full_date_cn(local_date(policy.valid_from))}起生效"),
            ("截止", f"{moment(told.due_at)}{'（暂定）' if told.term.provisional else ''}"),
        ]
        if told.stopped_at:
            found.append(("停止", f"{moment(told.stopped_at)}，{replay_words.reason(told)}"))
        if told.working_minutes is not None:
            rest = f"，已减去暂停 {len(told.pauses)} 次" if told.pauses else ""
            found.append(("所用工作时间", f"{told.working_minutes} 分钟（工作日 9:00 至 18:00{rest}）"))
        return [*found, ("结论", replay_words.lateness(told, as_of=self.outcome.as_of))]

    @property
    def terms(self) -> list[dict[str, Any]]:
        return [self._term(term) for term in self.told.terms] if self.told else []

    def _term(self, term: Term) -> dict[str, Any]:
        assert self.told is not None
        days = list(replay_words.counted_days(self.told, term, self.outcome.replay.rules))
        documents = self.outcome.replay.rules.documents(term.number, days[0].day, days[-1].day)
        return {
            "why": term.why,
            "began": moment(term.began_at),
            "due": moment(term.due_at),
            "provisional": term.provisional,
            "calendar": term.calendar.version,
            "documents": "；".join(documents),
            "days": days,
        }

    @property
    def pauses(self) -> list[tuple[str, str, str]]:
        """From, until, reason."""
        rests = self.told.pauses if self.told else []
        return [(stamp(r.began_at), stamp(r.ended_at) if r.ended_at else "尚未恢复", r.reason) for r in rests]

    @property
    def steps(self) -> list[dict[str, str]]:
        """The ladder as it was announced."""
        return [
            {
                "label": a.label + (f"（越过 {len(a.overtaken)} 级）" if a.overtaken else ""),
                "moment": stamp(a.moment),
                "at": stamp(a.at),
                "late": replay_words.late_by(a.lateness),
                "told": replay_words.roles(a.recipients),
            }
            for a in (self.told.announced if self.told else [])
        ]

    @property
    def notes(self) -> list[str]:
        return self.told.notes if self.told else []

    @property
    def behind(self) -> list[Behind]:
        """The entries of this clock and of the rules and calendars it was counted with, oldest first."""
        used = self._used()
        return [self._behind(row) for row in self.rows if row["id"] in used]

    def _used(self) -> set[int]:
        if self.told is None:
            return {row["id"] for row in self.rows if row["verb"] not in replay.GENERAL}
        office = office_of(self.told.kind, self.told.organisation)
        calendars = {e for term in self.told.terms for e in self.outcome.replay.rules.sources(term.number, office)}
        return {*self.told.entries, self.told.rule.entry, *calendars}

    def _behind(self, row: dict[str, Any]) -> Behind:
        links, seal = self.outcome.links, row["seal"]
        if row["id"] in links.broken or row["id"] in links.torn():
            state = "与摘要不符"
        elif not seal:
            state = "等待封存"
        else:
            state = "相符"
        said = row["text"] or VERBS.get(row["verb"], "")
        if row["verb"] in replay.OF_CLOCKS and self.told is not None:
            level = str(row["data"]["level"])
            said = said or f"时限提醒：{self.told.rule.labels.get(level, level)}"
        return Behind(
            id=row["id"],
            at=stamp(datetime.fromisoformat(row["at"])),
            said=said or row["verb"],
            who=row["actor_label"],
            digest=seal["digest"] if seal else "",
            state=state,
            good=state == "相符",
        )


def build(found: Seen, *, now: datetime) -> Record:
    """Replay this clock now from its case's journal, and compare with the stored one; five queries."""
    rows = _rows(found.clock)
    outcome = replaying.of_rows(rows, as_of=now, only=frozenset({found.clock.pk}))
    told = outcome.replay.clocks.get(found.clock.pk)
    differences = [said for _, said in outcome.replay.differences]
    differences += replay_words.of_links(outcome.links, [])
    if told is None:
        differences.append("日志里没有这个时限开始的记录")
    else:
        kept = stored.read(Clock.objects.filter(pk=found.clock.pk)).get(found.clock.pk)
        differences += [*told.differences, *stored.differences(told, kept)]
    return Record(found, outcome, told, rows, differences)


def _rows(clock: Clock) -> list[dict[str, Any]]:
    return [
        row
        for row in extract.of_case(clock.case_number, general=replay.GENERAL)
        if row["verb"] in replay.GENERAL or clock.pk in replay.mentions(row)
    ]


def tables(record: Record) -> Iterator[dict[str, Any]]:
    """The record as tables for paper: {caption, about, css, columns, rows}; digests in full."""
    for term in record.terms:
        yield {
            "caption": f"逐日计算：{term['why']}",
            "about": f"{term['began']} 起算，工作日历 {term['calendar']}（{term['documents']}），截止 {term['due']}{'，暂定' if term['provisional'] else ''}",
            "css": "days",
            "columns": ["计数", "日期", "说明"],
            "rows": [[day.place, day.shown, day.what] for day in term["days"]],
        }
    if record.pauses:
        yield {"caption": "暂停", "css": "pauses", "columns": ["自", "至", "原因"], "rows": record.pauses}
    if record.steps:
        yield {
            "caption": "升级提醒",
            "css": "steps",
            "columns": ["级次", "应提醒", "实际提醒", "迟", "告知"],
            "rows": [[s["label"], s["moment"], s["at"], s["late"], s["told"]] for s in record.steps],
        }
    yield {
        "caption": "所据日志和封存摘要（SHA-256）",
        "css": "behind",
        "columns": ["日志", "时间和事项", "封存摘要"],
        "rows": [[str(b.id), f"{b.at}　{b.said}（{b.who}）", f"{b.digest} {b.state}".strip()] for b in record.behind],
    }
