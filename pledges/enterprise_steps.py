"""What the pledge file asks of the enterprise, for its home and the page of its request (applications.next_steps)."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import JSONObject
from django.urls import NoReverseMatch, reverse

from applications.models import Application
from applications.next_steps import NextStep, Panel, Source, register
from applications.wording import about
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import moment_cn
from portal.foundation.core.moments import local_date

from .after.queries import waiting_for
from .models import Matter, Registration
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
        text = "登记机构一次性告知了需要补正的事项。补正期间时限暂停，补齐并由双方确认改动后重新计时。"
        return "补正质押登记材料", text, "去补正", _url("pledges:correct", file)
    return None


# What the enterprise does with a change, a cancellation or a release in this state: (title, text, button).
_MATTERS = {
    Matter.State.DRAFT: ("修改{}申请", "对方退回了申请，说明需要修改的内容。改好后再送对方确认。", "修改申请"),
    Matter.State.CONFIRMING: ("确认{}申请", "银行已提出申请。请核对内容和材料，确认后共同提交；有误的可以退回。", "核对并确认"),
    Matter.State.CORRECTING: ("补正{}申请", "登记机构告知了需要补正的事项。补正期间时限暂停。", "去补正"),
}  # fmt: skip


def _steps(actor: Actor, cases: Sequence[Application], now: datetime) -> dict[str, list[NextStep]]:
    """Of the live cases, and of finished ones whose pledge asks for something again."""
    found: dict[str, list[NextStep]] = {}
    turn = waiting_for(actor).filter(registration=OuterRef("pk"))
    again = Q(application__organisation_id=actor.organisation_id) & Exists(turn)
    rows = turn.order_by("pk").values(row=JSONObject(number="number", kind="kind", state="state"))
    files = (
        Registration.objects.visible_to(actor)
        .filter(Q(application__in=cases) | again, state__in=Registration.LIVE_STATES)
        .select_related("application", "pledgor")
        .annotate(asked=ArraySubquery(rows))
        .order_by("pk")
    )
    for file in files:
        todo = [_todo(actor, file), *(_of_matter(row) for row in file.asked)]  # type: ignore[attr-defined]
        number, case = file.application.number, about(file.application)
        found[number] = [
            NextStep(number, title, text, action, url, until=local_date(now), about=case)
            for title, text, action, url in (one for one in todo if one is not None)
            if url
        ]
    return found


def _of_matter(row: dict[str, str]) -> tuple[str, str, str, str]:
    title, text, action = _MATTERS[Matter.State(row["state"])]
    url = reverse("pledges:matter", args=[row["number"]])
    return title.format(Matter(kind=row["kind"]).title), text, action, url


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
