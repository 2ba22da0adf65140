"""Applying for a change, a cancellation or a partial release: one side writes it, the other confirms, the clock starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import transaction

from pledges.grounds import CheckResult
from pledges.locking import locked as locked_file
from pledges.models import Registration
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.intake.gate import looked_at
from portal.foundation.core.models import take
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbering import compose
from portal.foundation.sla import clocks, facts
from portal.foundation.sla.models import Kind

from . import contents, rules
from .kinds import PROOF, EndGround, MatterKind
from .locking import locked
from .models import Matter
from .telling import keep_papers, tell_matter


@dataclass(frozen=True, slots=True)
class Wish:
    """What is applied for, validated by the form. `changes`: field of contents.LABELS → new value (yuan, date, text)."""

    reason: str = ""
    end_ground: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    numbers: Sequence[str] = ()


@looked_at("uploads", field="papers")
@transaction.atomic(durable=True)
def start(
    registration_id: int, kind: str, wish: Wish, uploads: Sequence["File[Any]"] = (), *, actor: Actor, now: datetime
) -> Matter:
    """Write an application and hand it to the other side. Raises Forbidden, WrongState, Invalid with the field.

    One application of a kind at a time; a change and a cancellation may be under way together, and the end of the pledge
    ends the change.
    """
    file = locked_file(registration_id)
    rules.can_begin(actor, file).require()
    kind = MatterKind(kind)
    content = checked(file, kind, wish, papers=len(uploads), now=now)
    today = local_date(now)
    if other := Matter.objects.filter(registration=file, kind=kind, state__in=Matter.LIVE_STATES).first():
        raise WrongState("live", f"这件登记已有一份{kind.label}申请 {other.number} 正在办理。")
    matter = Matter(
        number=compose("ZYSX", today, take(f"matter:{today:%Y%m%d}")),
        registration=file,
        kind=kind,
        started_by_org_id=actor.organisation_id or 0,
        created_at=now,
        proposed_by=actor.label,
        proposed_at=now,
    )
    _write(matter, wish, content)
    matter.save(force_insert=True)
    keep_papers(file, uploads, actor=actor, now=now, matter=matter)
    said = f"{actor.organisation_name} 申请{matter.title}，送对方确认"
    tell_matter("matter.proposed", file, matter, actor=actor, now=now, text=said, kind=kind.value)
    return matter


def _write(matter: Matter, wish: Wish, content: dict[str, str]) -> None:
    matter.reason = wish.reason.strip()[:500]
    matter.end_ground = wish.end_ground if matter.kind == MatterKind.CANCELLATION else ""
    matter.content = content
    matter.numbers = sorted(set(wish.numbers)) if matter.kind == MatterKind.RELEASE else []


def checked(file: Registration, kind: MatterKind, wish: Wish, *, papers: int, now: datetime) -> dict[str, str]:
    """The content of a change as text. Raises Invalid with sentences beside the fields."""
    wrong: dict[str, str] = {}
    content: dict[str, str] = {}
    if kind == MatterKind.CHANGE:
        content = contents.differing(file, wish.changes)
        wrong |= _wrong_change(file, content, papers=papers, now=now)
    elif kind == MatterKind.CANCELLATION:
        if wish.end_ground not in EndGround.values:
            wrong["end_ground"] = "选择注销的原因。"
        elif not papers:
            wrong["papers"] = f"上传{PROOF[EndGround(wish.end_ground)]}。"
        if wish.end_ground == EndGround.OTHER and not wish.reason.strip():
            wrong["reason"] = "写明法律规定的情形。"
    else:
        still = set(file.patents.filter(effective__upper_inf=True).values_list("number", flat=True))
        chosen = set(wish.numbers)
        if not chosen or not chosen <= still:
            wrong["numbers"] = "从仍在质押的专利中选择要解除的。"
        elif chosen == still:
            wrong["numbers"] = "全部专利都要解除的，请办理注销登记。"
    if wrong:
        raise Invalid("matter", next(iter(wrong.values())), fields=wrong)
    return content


def _wrong_change(file: Registration, content: Mapping[str, str], *, papers: int, now: datetime) -> dict[str, str]:
    if not content:
        return {"__all__": "没有与登记不同的内容。至少改动一项。"}
    new = contents.values(content)
    maximum, (begins, ends) = contents.maximum_with(file, new), contents.period_with(file, new)
    if maximum is not None and maximum.determined_to <= maximum.determined_from:
        return {"determined_to": "债权确定期间的届满日要晚于起始日。"}
    if begins and ends and ends <= begins:
        return {"debt_to": "届满日要晚于起始日。"}
    if not papers:
        return {"papers": "上传变更协议或证明变更的文件。"}
    found = contents.stopping(contents.touched(file, content, now=now))
    if found is None:
        return {}
    place = "pledgor_name" if "pledgor_name" in content and found.place == "patents" else found.place
    if place == "debt_to" and maximum is not None:
        place = next((field for field in ("determined_to", "term_months") if field in content), place)
    said = f"{found.ground} {found.evidence}{found.fix}"
    return {place if place in content else "__all__": said}


@looked_at("uploads", field="papers")
@transaction.atomic(durable=True)
def revise(
    matter_id: int, wish: Wish, uploads: Sequence["File[Any]"] = (), *, version: int, actor: Actor, now: datetime
) -> Matter:
    """Write the application anew after the other side sent it back, and hand it over again; new papers add to the old."""
    file, matter = locked(matter_id)
    rules.can_revise(actor, matter, file).require()
    if matter.version != version:
        raise WrongState("stale", "同事刚刚修改了这份申请，请按最新内容修改。")
    papers = len(uploads) + matter.papers.count()
    content = checked(file, MatterKind(matter.kind), wish, papers=papers, now=now)
    _write(matter, wish, content)
    matter.version += 1
    matter.propose_again(by=actor.label, now=now)
    matter.save(
        update_fields=[
            *("state", "reason", "end_ground", "content", "numbers", "version"),
            *("proposed_by", "proposed_at", "sent_back_note"),
        ]
    )
    keep_papers(file, uploads, actor=actor, now=now, matter=matter)
    said = f"{actor.organisation_name} 修改{matter.title}申请，再送对方确认"
    tell_matter("matter.proposed", file, matter, actor=actor, now=now, text=said, kind=matter.kind)
    return matter


@transaction.atomic(durable=True)
def send_back(matter_id: int, *, note: str, actor: Actor, now: datetime) -> Matter:
    """The other side wants it otherwise; the note says how."""
    file, matter = locked(matter_id)
    rules.can_confirm(actor, matter, file).require()
    if not note.strip():
        raise Invalid("note", "写明需要修改什么。", fields={"note": "写明需要修改什么。"})
    matter.send_back(note=note.strip()[:300])
    matter.save(update_fields=["state", "sent_back_note"])
    said = f"{actor.organisation_name} 退回{matter.title}申请：{matter.sent_back_note}"
    tell_matter("matter.returned", file, matter, actor=actor, now=now, text=said)
    return matter


@transaction.atomic(durable=True)
def confirm(matter_id: int, *, version: int, actor: Actor, now: datetime) -> Matter:
    """The other side agrees: the application goes to the office and its clock starts, or, after a correction that changed
    it, goes back to its clerk and the clock runs again. `version` is what was read."""
    file, matter = locked(matter_id)
    rules.can_confirm(actor, matter, file).require()
    if matter.version != version:
        raise WrongState("stale", "对方刚刚修改了申请，请按最新内容核对后再确认。")
    wish = Wish(matter.reason, matter.end_ground, contents.values(matter.content), matter.numbers)
    checked(file, MatterKind(matter.kind), wish, papers=matter.papers.count(), now=now)
    if matter.submitted_at is not None:
        matter.rejoin(by=actor.label)
        complete(file, matter, actor=actor, now=now)
        return matter
    matter.submit(by=actor.label, now=now)
    matter.clock = clocks.start(
        Kind.AMENDMENT,
        organisation_id=file.office_id,
        case_number=file.application.number,
        subject=matter.subject,
        watchers=list(file.parties),
        now=now,
    )
    matter.save(update_fields=["state", "confirmed_by", "submitted_at", "clock"])
    said = f"双方共同申请{matter.title} {matter.number}"
    tell_matter("matter.submitted", file, matter, actor=actor, now=now, text=said, clocks=matter.clock.facts)
    return matter


def look(file: Registration, matter: Matter, *, now: datetime) -> list[CheckResult]:
    """The grounds that a change touches, as they stand now; kept with the matter, which the caller saves."""
    if matter.kind != MatterKind.CHANGE:
        return []
    results = contents.touched(file, matter.content, now=now)
    matter.checks = contents.as_checks(results, now=now)
    return results


def complete(file: Registration, matter: Matter, *, actor: Actor, now: datetime) -> None:
    """A matter that is back with its clerk after a correction: looked at again, its clock with the full term. Inside the
    caller's transaction, which has made the transition."""
    look(file, matter, now=now)
    matter.save(update_fields=["state", "confirmed_by", "content", "version", "checks"])
    resumed: Sequence[facts.Fact] = ()
    if matter.clock_id is not None:
        resumed = clocks.resume(matter.clock_id, now=now).facts
    said = f"{matter.title}第 {matter.correction_rounds} 次补正完成，办理时限重新起算"
    tell_matter(
        "matter.completed",
        file,
        matter,
        actor=actor,
        now=now,
        text=said,
        round=matter.correction_rounds,
        clocks=resumed,
    )


@transaction.atomic(durable=True)
def withdraw(matter_id: int, *, reason: str, actor: Actor, now: datetime) -> Matter:
    """Either party, until the decision; the pledge stays as it is registered."""
    file, matter = locked(matter_id)
    rules.can_withdraw(actor, matter, file).require()
    said = f"{actor.organisation_name} 撤回{matter.title}申请" + (f"：{reason.strip()[:200]}" if reason.strip() else "")
    ended(file, matter, "matter.withdrawn", by=actor.label, actor=actor, now=now, text=said)
    return matter


def ended(file: Registration, matter: Matter, verb: str, *, by: str, actor: Actor, now: datetime, text: str) -> None:
    """A live matter ends without a decision: its clock stops, excused if it was not due yet. Inside the caller's transaction."""
    matter.withdraw(by=by, now=now)
    stopped: Sequence[facts.Fact] = ()
    if matter.clock_id is not None:
        stopped = clocks.stop(matter.clock_id, now=now, reason="withdrawn", excused=True).facts
    matter.save(update_fields=["state", "decided_by", "decided_at"])
    tell_matter(verb, file, matter, actor=actor, now=now, text=text, clocks=stopped)
