"""How a file looks on a page: its lamp, its stages, its story, and the one thing to do next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse

from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.lamps import Lamp

from . import rules
from .models import Check, Document, Loan, PledgedPatent, Registration
from .particulars import telling as particulars

State = Registration.State
TAGS: dict[str, str] = {
    State.DRAFT: "",
    State.CONFIRMING: "info",
    State.SUBMITTED: "info",
    State.EXAMINING: "info",
    State.CORRECTING: "warn",
    State.REGISTERED: "ok",
    State.REFUSED: "bad",
    State.WITHDRAWN: "",
    State.CANCELLED: "",
    State.REVOKED: "bad",
}
RESULT_TAGS: dict[str, tuple[str, str]] = {
    Check.Result.CLEAR: ("ok", "通过 ✓"),
    Check.Result.FOUND: ("bad", "存在 ✕"),
    Check.Result.WAIVED: ("warn", "已声明"),
    Check.Result.MANUAL: ("", "待核对"),
}
STAGES = ("填写申请", "双方确认", "受理审查", "质押登记", "放款")
MOST_PATENTS = 50  # on a page about something else
OLD_DAYS, GOAL_DAYS = 15, 7  # the reform's own measure: from 15 working days to 7


@dataclass(frozen=True, slots=True)
class Step:
    """The one thing to do next: `url` leads there; without it somebody else is to act."""

    title: str
    text: str
    url: str = ""
    action: str = ""
    kind: str = ""  # "", warn, bad, ok, pause


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    who: str
    text: str
    css: str
    effect: str


def lamp(file: Registration, *, now: datetime) -> Lamp | None:
    """The office's promise on this file; None before it is handed in."""
    if file.clock is None:
        return None
    return lamps.of(file.clock, now=now, calendar=calendars_in_use.current())


def loan_of(file: Registration) -> Loan | None:
    return getattr(file, "loan", None)


def stages(file: Registration) -> list[dict[str, str]]:
    """The five stages with their states, for the stages tag."""
    current = {State.DRAFT: 1, State.CONFIRMING: 2, State.REGISTERED: 5, State.CANCELLED: 5, State.REVOKED: 4}.get(
        State(file.state), 3
    )
    if loan_of(file) is not None:
        current = 6
    stopped = {State.CORRECTING: "等待补正", State.REFUSED: "不予登记", State.WITHDRAWN: "已撤回"}.get(
        State(file.state), ""
    )
    stopped = stopped or {State.CANCELLED: "已注销", State.REVOKED: "已撤销"}.get(State(file.state), "")
    if file.state == State.WITHDRAWN and file.submitted_at is None:
        current = 2 if file.proposed_at else 1
    rows = []
    for number, label in enumerate(STAGES, start=1):
        here = "stopped" if stopped else "now"
        state = "done" if number < current else here if number == current else "later"
        rows.append({"label": label, "state": state, "detail": stopped if number == current else ""})
    return rows


_EFFECTS: dict[str, tuple[str, str]] = {
    "pledge.submitted": ("", "登记时限开始"),
    "pledge.correction": ("pause", "登记时限暂停"),
    "pledge.amended": ("pause", "等待确认"),
    "pledge.completed": ("", "登记时限重新起算"),
    "pledge.registered": ("ok", "登记时限停止"),
    "pledge.refused": ("bad", "登记时限停止"),
    "pledge.returned": ("warn", ""),
    "matter.submitted": ("", "办理时限开始"),
    "matter.correction": ("pause", "办理时限暂停"),
    "matter.completed": ("", "办理时限重新起算"),
    "matter.refused": ("bad", "办理时限停止"),
    "matter.withdrawn": ("pause", ""),
    "matter.ended": ("pause", ""),
    "pledge.changed": ("ok", "办理时限停止"),
    "pledge.released": ("ok", "办理时限停止"),
    "pledge.cancelled": ("ok", "质权自注销之日起消灭"),
    "pledge.revocation_told": ("warn", "请在期限内陈述意见"),
    "pledge.revoked": ("bad", "登记自始无效"),
    "use.agreed": ("ok", ""),
    "use.declined": ("warn", ""),
    "pledge.withdrawn": ("pause", "登记时限停止"),
    "pledge.discarded": ("pause", ""),
    "pledge.alert": ("warn", "质押提醒"),
    "pledge.alert_ended": ("ok", "提醒消除"),
    "clock.escalated": ("warn", ""),
    "loan.recorded": ("ok", ""),
}


def events(entries: Iterable[Entry]) -> list[Event]:
    return [Event(e.at, e.actor_label, e.text, *_EFFECTS.get(e.verb, ("", ""))) for e in entries]


def next_step(file: Registration, actor: Actor) -> Step | None:
    """What this reader does next, or whom everybody waits for."""
    number = [file.number]
    other = file.pledgee if actor.organisation_id == file.pledgor_id else file.pledgor
    if file.state == State.DRAFT:
        if rules.is_proposer(actor, file):
            text = (
                f"{other.title} 退回修改：{file.sent_back_note}"
                if file.sent_back_note
                else "大部分内容已带出，补上合同信息和合同文本后预检。"
            )
            kind = "warn" if file.sent_back_note else ""
            return Step("继续填写申请", text, reverse("pledges:edit", args=number), "继续填写", kind)
        return Step("对方正在填写", f"{other.title} 填好后会送您确认，届时有消息提醒。")
    if file.state == State.CONFIRMING:
        if rules.is_proposer(actor, file):
            return Step("等待对方确认", f"已送 {other.title} 确认。确认前可以取回修改。")
        if not rules.can_send_back(actor, file):
            return Step(
                "等待出质人和质权人确认", f"由出质人 {file.pledgor.title} 和质权人 {file.pledgee.title} 确认后提交。"
            )
        return Step(
            "请确认登记申请",
            f"{other.title} 已填好，请核对后确认，双方共同提交。",
            reverse("pledges:confirm", args=number),
            "核对并确认",
        )
    if file.state == State.CORRECTING:
        return Step(
            "需要补正",
            "登记时限已暂停。全部问题逐项答复后自动送回审查；改动了双方签名的内容的，须另一方确认。",
            reverse("pledges:correct", args=number),
            "去补正",
            "warn",
        )
    if file.state in (State.SUBMITTED, State.EXAMINING):
        return Step("登记机构正在审查", f"{file.office.title} 力争 1 个工作日内办结，结果会发消息。现在不用您做什么。")
    if file.state == State.REGISTERED and loan_of(file) is None:
        if rules.can_record_loan(actor, file):
            return Step(
                "登记放款",
                "质押已登记。放款后在这里登记金额、利率和日期。",
                reverse("pledges:loan", args=number),
                "登记放款",
                "ok",
            )
        return Step("等待银行放款", f"质押已登记，{file.pledgee.title} 放款后这里会显示总用时。", kind="ok")
    return None


def day(value: date | None) -> str:
    return full_date_cn(value) if value else "未填"


def facts(file: Registration) -> list[tuple[str, str]]:
    """The application form as name and value, for every page that shows it."""
    return [
        ("出质人", file.pledgor.name),
        ("质权人", file.pledgee.name),
        ("债务人", file.debtor_name),
        ("质押合同编号", file.contract_number or "未填"),
        ("合同签订日期", day(file.contract_signed_on)),
        ("债权种类", file.get_debt_kind_display()),
        ("被担保债权数额", money_wan(file.debt_amount)),
        ("债务履行期限", f"{day(file.debt_from)}至{day(file.debt_to)}"),
        ("质押担保的范围", file.get_scope_display()),
        ("价值确定方式", file.get_valuation_display() + (f"，{money_wan(file.valued_at)}" if file.valued_at else "")),
        ("身份证明", "双方承诺书代替" if file.identity_promise else "已上传身份证明"),
        *particulars.rows(file),
    ]


def papers(documents: Iterable[Document]) -> dict[str, list[Document]]:
    """Current papers by kind."""
    found: dict[str, list[Document]] = {}
    for document in documents:
        if document.replaced_at is None:
            found.setdefault(document.kind, []).append(document)
    return found


def patents(file: Registration, *, most: int | None = None) -> list[PledgedPatent]:
    """By number; `most` where a page shows the first ones and links to the rest."""
    return list(file.patents.order_by("number")[:most])


def numbers(file: Registration, shown: list[PledgedPatent]) -> list[str]:
    """All patents' numbers; a query only when the page does not show them all."""
    if len(shown) < MOST_PATENTS:
        return [p.number for p in shown]
    return list(file.patents.order_by("number").values_list("number", flat=True))
