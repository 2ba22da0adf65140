"""A case told: the five official stages and the events of its time line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portal.foundation.core.display import moment_cn
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import NEXT_LENDER, Kind

from .models import Application

NAMES = ("产品选择", "需求提交", "评估价值", "申请质押", "获得贷款")  # the official path (domain.md, real channel)
_AT = {  # how many stages are done
    Application.State.OPEN: 2,
    Application.State.ACCEPTED: 3,
    Application.State.REGISTERING: 3,
    Application.State.REGISTERED: 4,
    Application.State.DISBURSED: 5,
    Application.State.WITHDRAWN: 2,
    Application.State.UNMET: 2,
}
STOPPED = (Application.State.WITHDRAWN, Application.State.UNMET)
# What an event does to a promise, and how it looks; verbs of the apps above are shown by their text alone.
_EFFECTS = {
    "application.submitted": ("ok", "各机构的 2 个工作日响应时限开始"),
    "application.extended": ("ok", "新增机构的 2 个工作日响应时限开始"),
    "application.withdrawn": ("pause", "未到期的时限停止，授权同时收回"),
    "application.all_declined": ("warn", ""),
    "consent.revoked": ("pause", "对这家机构的时限停止"),
    "referral.lapsed": ("pause", "这家机构的响应时限停止，记为超期，授权同时收回"),
    "next.owed": ("warn", "调度台在下一工作日结束前答复"),
    "next.offered": ("ok", "等您逐家授权"),
    "next.none": ("warn", ""),
    "referral.claimed": ("ok", "这家机构的响应时限停止"),
    "referral.asked": ("warn", "这家机构已响应，等您答复"),
    "referral.answered": ("ok", ""),
    "referral.offered": ("ok", "这家机构的响应时限停止"),
    "referral.declined": ("pause", "这家机构的响应时限停止"),
    "offer.accepted": ("ok", ""),
    "cover.proposed": ("warn", "等您同意"),
    "cover.asked": ("ok", "这家机构的响应时限开始"),
    "cover.intent": ("ok", ""),
    "cover.terms": ("ok", ""),
    "cover.committed": ("ok", "可以连同银行方案选定"),
    "cover.declined": ("pause", ""),
    "cover.withdrawn": ("pause", ""),
    "clock.escalated": ("bad", ""),
}
# Each of these can be an institution's first substantive reply.
_REPLIES = ("referral.claimed", "referral.asked", "referral.offered", "referral.declined")
_LEVELS = {
    "due_soon": "的时限将到，已提醒",
    "overdue": "超过时限，已通知其负责人",
    "supervise": "超过时限满 1 个工作日，已报监管部门督办",
    NEXT_LENDER: "一直没有答复，可以改选其他机构",
}


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    who: str
    text: str
    css: str
    effect: str


def events(entries: Sequence[Entry], names: Mapping[int, str]) -> list[Event]:
    """The time line, newest first; `names` of the institutions in the case, by id."""
    told: list[Event] = []
    answered: set[str] = set()  # whose clock a first reply has stopped: a later one stops nothing
    for e in sorted(entries, key=lambda entry: (entry.at, entry.pk)):
        css, effect = _EFFECTS.get(e.verb, ("", ""))
        if e.verb in _REPLIES or e.verb == "consent.revoked":
            if (e.subject in answered and e.verb != "referral.asked") or e.data.get("pool"):
                effect = ""  # stopped before, or never run: who came from the pool had promised nothing
            answered.add(e.subject)
        text = e.text
        if e.verb == "referral.not_selected":  # its own text speaks to the institution
            text = f"{names.get(int(e.data.get('institution') or 0), '一家机构')} 未选中，停止办理"
        if e.verb == "referral.lapsed":  # so does this one
            text = f"{names.get(int(e.data.get('institution') or 0), '一家机构')} 一直没有答复，已停止办理"
        if e.verb == "clock.escalated" and e.data.get("kind") == Kind.NEXT_LENDERS:
            text, css = "调度台还没有推荐下一家机构，已提醒", "warn"
        elif e.verb == "clock.escalated":
            level = str(e.data.get("level", ""))
            late = names.get(int(e.data.get("organisation") or 0), "承办单位")
            said = _LEVELS.get(level) or f"：{e.data.get('label') or '时限提醒'}，已按时限规则提醒"
            text = text or f"{late}{said}"
            css = "warn" if level == "due_soon" else "bad"
        told.append(Event(e.at, e.actor_label, text or e.verb, css, effect))
    return told[::-1]


def stages(case: Application, *, today: date) -> list[dict[str, str]]:
    """The five stages with their state and what is known of each."""
    done = 3 if case.state in STOPPED and case.accepted_at else _AT[Application.State(case.state)]
    details = ["", moment_cn(case.submitted_at, today=today), "", "", ""]
    if case.accepted_at:
        details[2] = f"{moment_cn(case.accepted_at, today=today)}选定方案"
    elif case.state == Application.State.OPEN:
        details[2] = "机构评估，单笔 1000 万元以下可协商定价"
    if case.state == Application.State.REGISTERING:
        details[3] = "登记机构力争 1 个工作日内办结"
    if case.state == Application.State.DISBURSED and case.working_days is not None:
        details[4] = f"全程 {case.working_days} 个工作日"
    rows = []
    for index, (label, detail) in enumerate(zip(NAMES, details, strict=True)):
        state = "done" if index < done else "now" if index == done else "later"
        if index == done and case.state in STOPPED:
            state, detail = "stopped", Application.State(case.state).label
        rows.append({"label": label, "detail": detail, "state": state})
    return rows
