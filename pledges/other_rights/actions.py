"""The verbs of a followed right: add it, correct its facts, tell how far it is, attach papers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django_fsm import can_proceed

from applications.models import Application
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import Invalid, TooLarge, WrongState
from portal.foundation.core.intake.gate import admit, looked_at
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

from . import rules
from .formats import REGISTRARS, RightKind, normal
from .models import OtherRight, OtherRightPaper

State = OtherRight.State
MAX_PAPERS = 20
MAX_RIGHTS = 50  # of one financing
VERBS = {
    State.SUBMITTED: "submit",
    State.ACCEPTED: "accept",
    State.REGISTERED: "register",
    State.REFUSED: "refuse",
    State.CANCELLED: "cancel",
}
DAYS = {State.SUBMITTED: "submitted_on", State.ACCEPTED: "accepted_on", State.REGISTERED: "registered_on"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What both sides write about the right; validated by the form. Days in Asia/Shanghai."""

    kind: str
    title: str
    number: str = ""
    classes: str = ""
    right_registered_on: date | None = None
    published_on: date | None = None
    valid_until: date | None = None
    registrar: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is: the new state, the day it happened, the registrar's number of it; `correct` puts the present one right."""

    state: str
    on: date
    number: str = ""
    correct: bool = False


def _tell(verb: str, right: OtherRight, *, actor: Actor, now: datetime, text: str) -> None:
    application = right.application
    offer = application.accepted_offer
    parties = [application.organisation_id, *([offer.referral.institution_id] if offer is not None else [])]
    record(
        verb,
        actor=actor,
        now=now,
        subject=right.subject,
        case_number=application.number,
        text=text,
        data={"right": str(right.ref), "state": right.state, "kind": right.kind},
        parties=parties,
    )


def _application(pk: int) -> Application:
    """Locked; with the lender of its accepted offer."""
    lock(Application.objects.filter(pk=pk))
    return Application.objects.select_related("organisation", "accepted_offer__referral").get(pk=pk)


def locked(right_id: int) -> OtherRight:
    """The right under its request, both locked and fresh."""
    application = _application(OtherRight.objects.values_list("application_id", flat=True).get(pk=right_id))
    right = lock(OtherRight.objects.filter(pk=right_id))
    right.application = application
    return right


def _checked(facts: Facts) -> dict[str, Any]:
    if facts.kind not in RightKind.values:
        raise Invalid("kind", "选择权利种类。", fields={"kind": "选择权利种类。"})
    if not facts.title.strip():
        raise Invalid("title", "填写名称。", fields={"title": "填写名称。"})
    given = asdict(facts)
    given["number"] = normal(facts.number)
    given["registrar"] = facts.registrar.strip() or REGISTRARS[facts.kind]
    return given


@transaction.atomic(durable=True)
def add(application_id: int, facts: Facts, *, actor: Actor, now: datetime) -> OtherRight:
    """Record another right of this financing. Raises Forbidden, WrongState, Invalid with the field."""
    application = _application(application_id)
    rules.can_add(actor, application).require()
    if OtherRight.objects.filter(application=application).count() >= MAX_RIGHTS:
        raise TooLarge("many", f"一笔融资最多登记 {MAX_RIGHTS} 项其他权利。")
    right = OtherRight(application=application, created_by=actor.label, created_at=now, **_checked(facts))
    right.save(force_insert=True)
    _tell(
        "right.added",
        right,
        actor=actor,
        now=now,
        text=f"登记一项{right.get_kind_display()}质押，向{right.registrar}办理",
    )
    return right


@transaction.atomic(durable=True)
def save(right_id: int, facts: Facts, *, version: int, actor: Actor, now: datetime) -> OtherRight:
    """Correct the facts. Raises WrongState when somebody else saved since `version`."""
    right = locked(right_id)
    rules.can_edit(actor, right).require()
    if right.version != version:
        raise WrongState("stale", f"{right.saved_by or '对方'} 刚刚保存过，请核对后再改。")
    given = _checked(facts)
    for name, value in given.items():
        setattr(right, name, value)
    right.version, right.saved_by, right.saved_at = right.version + 1, actor.label, now
    right.save(update_fields=[*given, "version", "saved_by", "saved_at"])
    _tell("right.changed", right, actor=actor, now=now, text=f"更正{right.get_kind_display()}质押的内容")
    return right


@transaction.atomic(durable=True)
def advance(right_id: int, step: Step, *, actor: Actor, now: datetime) -> OtherRight:
    """Tell how far the registrar is, or put the day and number of the present state right.

    Raises Invalid with the field, WrongState when this cannot follow.
    """
    right = locked(right_id)
    rules.can_edit(actor, right).require()
    if step.state not in VERBS:
        raise Invalid("state", "选择进度。", fields={"state": "选择进度。"})
    verb, again = getattr(right, VERBS[State(step.state)]), step.correct and State(step.state) in DAYS
    if not (step.state == right.state if again else can_proceed(verb)):
        raise WrongState("state", f"这一项现在是“{right.get_state_display()}”，不能改为“{State(step.state).label}”。")
    said: dict[str, str] = {}
    if step.on > local_date(now):
        said["on"] = "日期不能晚于今天。"
    days = {
        State.SUBMITTED: right.submitted_on, State.ACCEPTED: right.accepted_on, State.REGISTERED: right.registered_on,
    }  # fmt: skip
    earlier = [day for state, day in days.items() if day is not None and not (again and state == step.state)]
    if earlier and step.on < max(earlier):
        said["on"] = f"日期不能早于上一步的日期{full_date_cn(max(earlier))}。"
    number = step.number.strip()
    if step.state == State.REGISTERED and not number:
        said["number"] = "填写质权登记证号。"
    if said:
        raise Invalid("step", "；".join(said.values()), fields=said)
    if again:
        setattr(right, DAYS[State(step.state)], step.on)
    else:
        verb(on=step.on)
    if number:
        if step.state == State.REGISTERED:
            right.pledge_number = number[:60]
        else:
            right.filing_number = number[:60]
    right.version, right.saved_by, right.saved_at = right.version + 1, actor.label, now
    right.save(
        update_fields=[
            "state", "submitted_on", "accepted_on", "registered_on", "ended_on", "pledge_number", "filing_number",
            "version", "saved_by", "saved_at",
        ]
    )  # fmt: skip
    done = "更正" if again else ""
    text = f"{right.get_kind_display()}质押：{done}{State(right.state).label}（{right.registrar}）"
    _tell("right.advanced", right, actor=actor, now=now, text=text)
    return right


@looked_at("uploads", field="paper")
@transaction.atomic(durable=True)
def attach(right_id: int, uploads: Sequence["File[Any]"], *, actor: Actor, now: datetime) -> list[OtherRightPaper]:
    """Add papers. Raises TooLarge or WrongType with the field `paper`."""
    right = locked(right_id)
    rules.can_add(actor, right.application).require()
    if right.papers.count() + len(uploads) > MAX_PAPERS:
        said = f"一项最多 {MAX_PAPERS} 个文件，请合并后再上传。"
        raise TooLarge("quota", said, fields={"paper": said})
    made = []
    for upload in uploads:
        checked = admit(upload, actor=actor, now=now, field="paper")
        made.append(
            OtherRightPaper.objects.create(right=right, uploaded_by=actor.label, uploaded_at=now, **checked.fields())
        )
    _tell("right.papers", right, actor=actor, now=now, text=f"上传{right.get_kind_display()}质押材料 {len(made)} 份")
    return made
