"""What the pledge file asks of the enterprise, for its home and the page of its request (applications.next_steps)."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import NoReverseMatch, reverse

from applications.models import Application
from applications.next_steps import NextStep, Panel, Source, register
from applications.wording import about
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import moment_cn
from portal.foundation.core.moments import local_date

from .models import Registration
from .other_rights.listing import files_of
from .particulars.rules import signatories

State = Registration.State
TAGS = {
    State.REGISTERED: "ok",
    State.REFUSED: "bad",
    State.CORRECTING: "warn",
    State.CONFIRMING: "warn",
    State.REVOKED: "bad",
}


def _url(name: str, file: Registration) -> str:
    try:
        return reverse(name, args=[file.number])
    except NoReverseMatch:
        return ""


def _mine(actor: Actor, file: Registration) -> bool:
    return file.started_by_org_id == actor.organisation_id


def _todo(actor: Actor, file: Registration) -> tuple[str, str, str, str] | None:
    """(title, text, button, address) when it is the enterprise's turn."""
    if file.state == State.DRAFT and _mine(actor, file):
        text = "登记申请还没有填完。填好后发给银行确认，双方确认后一起提交。"
        return "填完质押登记申请", text, "继续填写", _url("pledges:edit", file)
    if file.state == State.CONFIRMING and not _mine(actor, file) and actor.organisation_id in signatories(file):
        text = "银行已填好登记申请。请核对合同、金额、期限和专利，确认后提交登记机构；有误的可以退回。"
        return "确认质押登记申请", text, "核对并确认", _url("pledges:confirm", file)
    if file.state == State.CORRECTING:
        text = "登记机构一次性告知了需要补正的事项。补正期间时限暂停，补齐后重新计时。"
        return "补正质押登记材料", text, "去补正", _url("pledges:correct", file)
    return None


def _steps(actor: Actor, cases: Sequence[Application], now: datetime) -> dict[str, list[NextStep]]:
    found: dict[str, list[NextStep]] = {}
    files = (
        Registration.objects.visible_to(actor)
        .filter(application__in=cases, state__in=Registration.LIVE_STATES)
        .select_related("application", "pledgor")
        .order_by("pk")
    )
    for file in files:
        number = file.application.number
        todo = _todo(actor, file)
        found[number] = (
            [NextStep(number, todo[0], todo[1], todo[2], todo[3], until=local_date(now), about=about(file.application))]
            if todo and todo[3]
            else []
        )
    return found


def _panel(actor: Actor, case: Application, now: datetime) -> Panel | None:
    files = files_of(case, actor)
    if not files:
        return None
    file = files[-1]
    state = State(file.state)
    todo = _todo(actor, file)
    title, text, action, url = todo or (
        "专利质押登记",
        _said(file, now),
        "看登记办理情况",
        _url("pledges:detail", file),
    )
    return Panel(
        title=title,
        text=text,
        url=url,
        action=action,
        tag=str(state.label),
        tag_kind=TAGS.get(state, "info"),
        number=file.number,
        todo=todo is not None,
        running=state in Registration.LIVE_STATES,
    )


def _said(file: Registration, now: datetime) -> str:
    """Where the file is when it is not the enterprise's turn."""
    today = local_date(now)
    if file.state in (State.SUBMITTED, State.EXAMINING) and file.clock is not None:
        mark = "（暂定）" if file.clock.provisional else ""
        return f"登记机构正在办理，办结时限 {moment_cn(file.clock.due_at, today=today)}{mark}。"
    if file.state == State.REGISTERED and file.decided_at:
        return f"已于 {moment_cn(file.decided_at, today=today)}登记，质权自此设立。通知书可以下载，接下来由银行放款。"
    if file.state == State.REFUSED:
        return f"登记机构不予登记：{file.get_refusal_ground_display()}。可以按理由改正后重新申请。"
    if file.state == State.CANCELLED and file.ended_at:
        return f"已于 {moment_cn(file.ended_at, today=today)}注销，质权自当日消灭。"
    if file.state == State.REVOKED and file.ended_at:
        return f"登记机构已于 {moment_cn(file.ended_at, today=today)}撤销，登记自始无效。理由见撤销通知书。"
    return {
        State.DRAFT: "银行正在填写登记申请，填好后会请您确认。",
        State.CONFIRMING: "已发给银行确认，确认后提交登记机构。",
    }.get(State(file.state), f"{file.get_state_display()}。可以重新申请。")


def connect() -> None:
    """Called from AppConfig.ready()."""
    register("pledges", Source(steps=_steps, panel=_panel))
