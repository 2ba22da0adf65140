"""A replayed clock in words, for the command and for the printed record. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from portal.foundation.accounts.models import Role
from portal.foundation.core.moments import local_date
from portal.foundation.journal.chain import Links

from .models import Kind
from .replay_rules import Rules
from .replayed import Replayed, Term, Verdict, moment

_WEEKDAYS = "一二三四五六日"
_MOMENT = timedelta(microseconds=1)
REASONS = {
    "claimed": "机构接单",
    "asked": "机构要求补充资料",
    "offered": "机构出具方案",
    "declined": "机构婉拒",
    "dispatched": "调度台分派",
    "lapsed": "超期未响应，企业已另选机构",
    "registered": "予以登记",
    "refused": "不予登记",
    "withdrawn": "申请人撤回",
    "not_selected": "企业选定其他机构",
    "revoked": "企业收回授权",
    "taken": "企业已改选",
    "none_left": "暂无其他机构",
    "answered": "机构已答复",
    "replaced": "已有新一轮推荐",
    "settled": "企业已选定方案",
    "ended": "需求已结束",
    "intent": "机构表示意向",
    "terms": "机构提出条件",
    "approved": "准予办理",
}
_NEXT = {"offered": "已向企业推荐下一批机构"}  # the same word, said of another promise


@dataclass(frozen=True, slots=True)
class CountedDay:
    """One day of the count: `number` is its place («第 1 日»), None for a day that does not count."""

    day: date
    number: int | None
    what: str

    @property
    def shown(self) -> str:
        return f"{self.day.year}年{self.day.month}月{self.day.day}日（周{_WEEKDAYS[self.day.weekday()]}）"

    @property
    def place(self) -> str:
        return "不计" if self.number is None else f"第 {self.number} 日"


def counted_days(clock: Replayed, term: Term, rules: Rules) -> Iterator[CountedDay]:
    """The term day by day, from the day of receipt to the last day."""
    policy, calendar, day = clock.rule.policy, term.calendar, local_date(term.began_at)
    received = "收到当日" if clock.kind != Kind.NEXT_LENDERS else "起算当日"
    zero = received if term is clock.terms[0] or term.began_at == clock.started_at else "材料补齐当日"
    if policy.day_zero == "next_open" and not calendar.is_workday(day):
        while not calendar.is_workday(day):
            yield CountedDay(day, None, f"{_kind(day, term, rules)}，视为下一工作日收到")
            day += timedelta(days=1)
        zero = "视为收到之日"
    yield CountedDay(day, 0, f"{zero}，不计入")
    number = 0
    while number < policy.days:
        day += timedelta(days=1)
        if calendar.is_workday(day):
            number += 1
            ends = f"，{_closes(term, day)} 届满" if number == policy.days else ""
            yield CountedDay(day, number, _kind(day, term, rules) + ends)
        else:
            yield CountedDay(day, None, _kind(day, term, rules))


def _closes(term: Term, day: date) -> str:
    """«24:00» or the hour of closing, as the due moment has it."""
    last = local_date(term.due_at - _MOMENT)
    return moment(term.due_at).partition("）")[2] if last == day else moment(term.due_at)


def _kind(day: date, term: Term, rules: Rules) -> str:
    calendar, name = term.calendar, rules.named(day, term.number)
    if day in calendar.closures:
        what = "登记机构停办日"
    elif calendar.is_workday(day):
        what = f"调休上班（{name}）" if day.weekday() >= 5 else "工作日"
    elif day.weekday() >= 5:
        what = f"周末（{name}）" if name else "周末"
    else:
        what = f"{name or '法定节假日'}放假"
    return f"{what}（日历暂定）" if calendar.is_provisional(day) else what


def lateness(clock: Replayed, *, as_of: datetime) -> str:
    """How the verdict follows from two moments, e.g. «停止于 … ，早于截止 …»."""
    due = f"截止 {moment(clock.due_at)}"
    if clock.stopped_at is None:
        if clock.paused_at:
            return f"已暂停，恢复后时限{'不变' if clock.paused_at >= clock.due_at else '重新起算'}，{due}"
        return f"还没有停止，{'已过' if as_of >= clock.due_at else '未到'}{due}"
    stopped = f"停止于 {moment(clock.stopped_at)}"
    if clock.verdict is Verdict.EXCUSED:
        return f"{stopped}（{reason(clock)}），在截止前不再需要答复，不计入考核"
    word = "早于" if clock.verdict is Verdict.ON_TIME else "不早于"
    return f"{stopped}，{word}{due}，{clock.verdict}"


def verdict(clock: Replayed, *, as_of: datetime) -> str:
    """The verdict, and of a running clock whether it is late or rests."""
    if clock.verdict is Verdict.RUNNING and overdue(clock, as_of=as_of):
        return f"{clock.verdict}（已超期）"
    if clock.verdict is Verdict.RUNNING and clock.paused_at:
        return f"{clock.verdict}（已暂停）"
    return str(clock.verdict)


def overdue(clock: Replayed, *, as_of: datetime) -> bool:
    """Still open past its due moment; one that rests is late only if it was when it began to."""
    return clock.stopped_at is None and (clock.paused_at or as_of) >= clock.due_at


def reason(clock: Replayed) -> str:
    words = REASONS | _NEXT if clock.kind == Kind.NEXT_LENDERS else REASONS
    return words.get(clock.reason, clock.reason)


def roles(codes: list[str]) -> str:
    """«机构经办人、机构负责人»."""
    return "、".join(str(Role(code).label) if code in Role.values else code for code in codes) or "—"


def late_by(late: timedelta) -> str:
    """How long after its moment something was announced: «0.4 秒», «12 分», «3 天 4 小时»."""
    seconds = late.total_seconds()
    if seconds < 0:
        return f"提前 {late_by(-late)}"
    if seconds < 60:
        return f"{seconds:.1f} 秒"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} 分"
    hours = minutes // 60
    return f"{hours} 小时 {minutes % 60} 分" if hours < 24 else f"{hours // 24} 天 {hours % 24} 小时"


def lines(clock: Replayed, rules: Rules, *, as_of: datetime) -> Iterator[str]:
    """The whole record as indented text."""
    policy = clock.rule.policy
    yield f"{Kind(clock.kind).label}时限 {clock.clock}（{clock.subject}，责任单位 {clock.organisation}）"
    closes = policy.closes.strftime("%H:%M") if policy.closes else "24:00"
    yield f"  规则：第 {policy.pk} 号，{policy.days} 个工作日，末日 {closes} 届满，依据 {policy.ground}（日志第 {clock.rule.entry} 条）"
    for term in clock.terms:
        mark = "，暂定" if term.provisional else ""
        yield f"  {term.why}：{moment(term.began_at)} 起算，日历 {term.calendar.version}，截止 {moment(term.due_at)}{mark}"
        for day in counted_days(clock, term, rules):
            yield f"    {day.place}　{day.shown}　{day.what}"
    for rest in clock.pauses:
        ended = f"至 {moment(rest.ended_at)}" if rest.ended_at else "起，尚未恢复"
        yield f"  暂停：{moment(rest.began_at)} {ended}，{rest.reason}"
    for told in clock.announced:
        over = f"，越过 {len(told.overtaken)} 级" if told.overtaken else ""
        yield f"  提醒：{told.label}，应于 {moment(told.moment)}，实于 {moment(told.at)}（迟 {late_by(told.lateness)}）{over}，告知{roles(told.recipients)}"
    if clock.stopped_at is not None:
        yield f"  停止：{moment(clock.stopped_at)}，{reason(clock)}，所用工作时间 {clock.working_minutes} 分钟"
    yield f"  结论：{verdict(clock, as_of=as_of)}，{lateness(clock, as_of=as_of)}"
    for note in clock.notes:
        yield f"  说明：{note}"


def of_links(links: Links, lost: list[tuple[int, int]]) -> list[str]:
    """What is wrong with the seals, one sentence each."""
    found = [f"日志第 {pk} 条的内容与封存摘要不符：封存之后被改动过" for pk in links.broken]
    found += [f"日志第 {pk} 条的封存环节没有接在前一环上" for pk in links.torn()]
    return found + [f"封存链第 {number} 环对应的日志第 {pk} 条不见了" for number, pk in lost]


def of_seals(links: Links) -> str:
    """One sentence on what was checked."""
    said = f"核对封存 {links.intact + len(links.broken)} 条，相符 {links.intact} 条"
    if links.waiting:
        said += f"，{len(links.waiting)} 条等待封存"
    if links.hidden:
        said += f"，{len(links.hidden)} 条含其他当事人的内容，已略去，不能在此核对"
    return said
