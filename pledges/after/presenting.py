"""How a matter looks on a page: its tag, its lamp, what it says, and what this reader does next."""

from dataclasses import dataclass
from datetime import datetime

from pledges.models import PledgedPatent, Registration
from pledges.presenting import MOST_PATENTS
from portal.foundation.core.actor import Actor
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.lamps import Lamp

from . import contents, rules
from .kinds import EndGround, MatterKind
from .models import Matter

State = Matter.State
TAGS: dict[str, str] = {
    State.DRAFT: "warn",
    State.CONFIRMING: "info",
    State.SUBMITTED: "info",
    State.EXAMINING: "info",
    State.CORRECTING: "warn",
    State.APPROVED: "ok",
    State.REFUSED: "bad",
    State.WITHDRAWN: "",
}
USE_TAGS = {"asked": "info", "agreed": "ok", "declined": "bad", "withdrawn": ""}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is applied for, or was decided, in words."""

    lines: list[dict[str, str]]  # of a change: old beside new, as kept with the decision or as it stands now
    ground: str
    patents: list[PledgedPatent]  # of a release, the first of them; Matter.numbers has all


def shown(matter: Matter, file: Registration) -> Shown:
    lines: list[dict[str, str]] = []
    if matter.kind == MatterKind.CHANGE:
        lines = matter.kept or contents.as_kept(contents.lines(file, matter.content))
    ground = str(EndGround(matter.end_ground).label) if matter.end_ground else ""
    released = matter.kind == MatterKind.RELEASE
    found = file.patents.filter(number__in=matter.numbers).order_by("number")
    patents = list(found[:MOST_PATENTS]) if released else []
    return Shown(lines, ground, patents)


def lamp(matter: Matter, *, now: datetime) -> Lamp | None:
    """The office's promise on this matter; None before it is handed in."""
    if matter.clock is None:
        return None
    return lamps.of(matter.clock, now=now, calendar=calendars_in_use.current())


def waits(actor: Actor, matter: Matter, file: Registration) -> str:
    """Whom everybody waits for, in a sentence; empty when it is decided."""
    mine = actor.organisation_id == matter.started_by_org_id
    if matter.state == State.CONFIRMING and matter.submitted_at is not None:
        other = "请核对后确认；确认后送回审查，办理时限重新起算。"
        return "补正改动了申请内容，等待对方确认。" if mine else f"对方补正时改动了申请内容，{other}"
    if matter.state == State.CONFIRMING:
        return "等待对方确认，确认后提交登记机构。" if mine else "请核对后确认，双方共同提交。"
    if matter.state == State.DRAFT:
        return f"对方退回修改：{matter.sent_back_note}" if mine else "已退回对方修改。"
    if matter.state == State.CORRECTING:
        return "需要补正，办理时限已暂停；答复后时限重新起算。"
    if matter.state in (State.SUBMITTED, State.EXAMINING):
        return f"{file.office.title} 力争 1 个工作日内办结，结果会发消息。"
    return ""


def may(actor: Actor, matter: Matter, file: Registration) -> dict[str, bool]:
    """What this party can do now, for the page's forms."""
    return {
        "may_confirm": bool(rules.can_confirm(actor, matter, file)),
        "may_revise": bool(rules.can_revise(actor, matter, file)),
        "may_answer": bool(rules.can_answer(actor, matter, file)),
        "may_withdraw": bool(rules.can_withdraw(actor, matter, file)),
    }
