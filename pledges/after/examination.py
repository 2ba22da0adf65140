"""The office's verbs on a matter: accept, take over, ask for correction, answer (the parties), approve, refuse."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import transaction

from pledges import notices
from pledges.actions.examination import free_clerk
from pledges.kinds import Ground
from pledges.locking import in_conflict
from pledges.models import Notice, Registration
from pledges.particulars import storing
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.intake.gate import looked_at
from portal.foundation.sla import clocks, facts

from . import contents, ending, papers, rules
from .filing import Wish, checked, complete, look
from .kinds import MatterKind
from .locking import locked
from .models import Matter, MatterCorrection
from .telling import keep_papers, tell_matter

MAX_DEFECTS = 20


@transaction.atomic(durable=True)
def accept(matter_id: int, *, actor: Actor, now: datetime) -> Matter:
    """受理: the matter gets its clerk."""
    file, matter = locked(matter_id)
    rules.can_accept(actor, matter, file, conflict=in_conflict(actor.user_id, file)).require()
    matter.accept(clerk_id=actor.user_id, now=now)
    look(file, matter, now=now)
    matter.save(update_fields=["state", "clerk", "accepted_at", "checks"])
    said = f"{file.office.title} 受理{matter.title}，{actor.name} 审查"
    tell_matter("matter.accepted", file, matter, actor=actor, now=now, text=said)
    return matter


@transaction.atomic(durable=True)
def take_over(matter_id: int, *, from_clerk_id: int, actor: Actor, now: datetime) -> Matter:
    """接手, said explicitly: `from_clerk_id` is the colleague that was shown, so a third one is never pushed aside unseen."""
    file, matter = locked(matter_id)
    rules.can_take_over(actor, matter, file, conflict=in_conflict(actor.user_id, file)).require()
    if matter.clerk_id != from_clerk_id:
        raise WrongState("held", f"{matter.clerk} 正在办理，请重新确认是否接手。")
    before, matter.clerk_id = str(matter.clerk), actor.user_id
    matter.save(update_fields=["clerk"])
    said = f"{actor.name} 接手审查{matter.title}（原由 {before} 办理）"
    tell_matter("matter.taken_over", file, matter, actor=actor, now=now, text=said)
    return matter


@transaction.atomic(durable=True)
def assign(matter_id: int, *, clerk_id: int, from_clerk_id: int | None = None, actor: Actor, now: datetime) -> Matter:
    """The chief hands a matter to a clerk of the office, like a file. `from_clerk_id`: only while that clerk still holds it."""
    file, matter = locked(matter_id)
    rules.can_assign(actor, matter, file).require()
    if from_clerk_id is not None and matter.clerk_id != from_clerk_id:
        raise WrongState("held", f"{matter.number} 已改由 {matter.clerk or '他人'} 办理，没有转派。")
    matter.clerk = free_clerk(file, clerk_id, now=now)
    matter.save(update_fields=["clerk"])
    said = f"{matter.title}转派给 {matter.clerk}"
    tell_matter("matter.assigned", file, matter, actor=actor, now=now, text=said, clerk=clerk_id)
    return matter


@transaction.atomic(durable=True)
def ask_correction(matter_id: int, defects: Sequence[str], *, actor: Actor, now: datetime) -> Notice:
    """补正: everything that is missing, told once; the clock pauses until it is answered."""
    file, matter = locked(matter_id)
    rules.can_examine(actor, matter, file, conflict=in_conflict(actor.user_id, file)).require()
    said = [d.strip()[:300] for d in defects if d.strip()]
    if not said or len(said) > MAX_DEFECTS:
        sentence = f"列出需要补正的问题，每行一项，最多 {MAX_DEFECTS} 项。"
        raise Invalid("defects", sentence, fields={"defects": sentence})
    matter.ask_correction()
    matter.save(update_fields=["state", "correction_rounds"])
    MatterCorrection.objects.create(matter=matter, round=matter.correction_rounds, defects=said, asked_at=now)
    paused: Sequence[facts.Fact] = ()
    if matter.clock_id is not None:
        why = f"第 {matter.correction_rounds} 次补正，共 {len(said)} 项"
        paused = clocks.pause(matter.clock_id, now=now, reason=why).facts
    text = f"{matter.title}要求补正 {len(said)} 项（第 {matter.correction_rounds} 次），办理时限暂停"
    tell_matter(
        "matter.correction",
        file,
        matter,
        actor=actor,
        now=now,
        text=text,
        round=matter.correction_rounds,
        clocks=paused,
    )
    content = papers.to_correct(file, matter, said)
    return notices.issue(file, Notice.Kind.TO_CORRECT, content, now=now)


@looked_at("uploads", field="papers")
@transaction.atomic(durable=True)
def answer(
    matter_id: int,
    *,
    text: str,
    changes: Mapping[str, Any] | None = None,
    uploads: Sequence["File[Any]"] = (),
    actor: Actor,
    now: datetime,
) -> Matter:
    """Answer the letter with words, papers or, for a change, other values.

    The clock runs again with the full term; where other values are applied for, when the other side has agreed to them.
    """
    file, matter = locked(matter_id)
    rules.can_answer(actor, matter, file).require()
    rules.still_registered(file).require()
    if not text.strip() and not uploads and not changes:
        sentence = "写明如何补正，或上传材料，至少一项。"
        raise Invalid("answer", sentence, fields={"text": sentence})
    said, otherwise = ([text.strip()] if text.strip() else []), False
    if changes and matter.kind == MatterKind.CHANGE:
        held = matter.papers.count() + len(uploads)
        content = checked(file, MatterKind.CHANGE, Wish(changes=changes), papers=held, now=now)
        if content != matter.content:
            matter.content, matter.version, otherwise = content, matter.version + 1, True
            said.append(f"改为申请变更{contents.in_words(content)}")
    made = keep_papers(file, uploads, actor=actor, now=now, matter=matter)
    said += [f"上传“{p.name}”" for p in made]
    matter.corrections.filter(round=matter.correction_rounds).update(
        answer="；".join(said)[:500], answered_by=actor.label, answered_at=now
    )
    if otherwise:
        matter.answer_otherwise(by=actor.label, organisation_id=actor.organisation_id or 0, now=now)
        matter.save(update_fields=["state", "content", "version", "started_by_org", "proposed_by", "proposed_at"])
        told = f"{actor.organisation_name} 补正时改动了{matter.title}申请，送对方确认后再审查"
        tell_matter("matter.proposed", file, matter, actor=actor, now=now, text=told, kind=matter.kind)
        return matter
    matter.complete()
    complete(file, matter, actor=actor, now=now)
    return matter


@transaction.atomic(durable=True)
def approve(matter_id: int, *, version: int, actor: Actor, now: datetime) -> Notice:
    """The decision: the register changes in this commit, or not at all.

    `version` is the application the clerk has read. Raises WrongState when the pledge ended a moment earlier, when a ground
    stands against the new values, or when the application was changed meanwhile.
    """
    file, matter = locked(matter_id)
    rules.can_examine(actor, matter, file, conflict=in_conflict(actor.user_id, file)).require()
    rules.still_registered(file).require()
    if matter.version != version:
        raise WrongState("stale", "申请内容刚刚有改动，请按最新内容核对后再决定。")
    matter.approve(by=actor.label, now=now)
    verb, kind, content, text = _DECIDE[MatterKind(matter.kind)](file, matter, actor=actor, now=now)
    failpoint("matter.decided")
    matter.save(update_fields=["state", "decided_by", "decided_at", "kept", "checks"])
    stopped: Sequence[facts.Fact] = ()
    if matter.clock_id is not None:
        stopped = clocks.stop(matter.clock_id, now=now, reason="approved").facts
    tell_matter(verb, file, matter, actor=actor, now=now, text=text, clocks=stopped)
    return notices.issue(file, kind, content, now=now)


Decided = tuple[str, str, dict[str, Any], str]


def _change(file: Registration, matter: Matter, *, actor: Actor, now: datetime) -> Decided:
    """The register takes the new values; what it had before is kept with the matter."""
    found = contents.stopping(look(file, matter, now=now))
    if found is not None:
        raise WrongState("ground", f"{found.ground} {Ground(found.ground).label}：{found.evidence}不能予以变更。")
    matter.kept = contents.as_kept(contents.lines(file, matter.content))
    new = contents.values(matter.content)
    maximum = contents.maximum_with(file, new)
    if maximum is not None and any(field in new for field in contents.MAXIMUM):
        storing.store_maximum(file, maximum)
        new = {field: value for field, value in new.items() if field not in contents.MAXIMUM}
        new |= {"debt_from": file.debt_from, "debt_to": file.debt_to}
    fields = list(new)
    if "debt_amount" in new and file.first_amount is None:
        file.first_amount = file.debt_amount
        fields.append("first_amount")
    for name, value in new.items():
        setattr(file, name, value)
    file.save(update_fields=fields)
    content = papers.changed(file, matter, lines=matter.kept, now=now)
    return "pledge.changed", Notice.Kind.CHANGED, content, f"变更登记：{contents.in_words(matter.content)}"


def _cancellation(file: Registration, matter: Matter, *, actor: Actor, now: datetime) -> Decided:
    """The effect ends today, for every patent that was still pledged."""
    content = papers.cancelled(file, matter, now=now)
    ending.close(file, now=now)
    file.cancel(now=now)
    file.save(update_fields=["state", "ended_at"])
    paid = ending.release_request(file)
    text = f"注销质押登记 {file.number}，质权自今日起消灭" + ("" if paid else "；尚未放款，可以重新办理登记")
    ending.end_matters(file, but=matter.pk, actor=actor, now=now, why="质押登记已注销")
    return "pledge.cancelled", Notice.Kind.CANCELLED, content, text


def _release(file: Registration, matter: Matter, *, actor: Actor, now: datetime) -> Decided:
    """A cancellation for some patents; at least one stays pledged."""
    still = papers.still_pledged(file)
    if not set(matter.numbers) < set(still):
        raise WrongState("release", "所列专利中有的已经解除，或解除后没有专利仍在质押，请申请人修改后再办。")
    count = ending.close(file, now=now, numbers=matter.numbers)
    content = papers.released(file, matter, now=now)
    text = f"解除 {count} 件专利的质押，其余 {len(still) - count} 件不变"
    return "pledge.released", Notice.Kind.RELEASED, content, text


_DECIDE: dict[MatterKind, Callable[..., Decided]] = {
    MatterKind.CHANGE: _change,
    MatterKind.CANCELLATION: _cancellation,
    MatterKind.RELEASE: _release,
}


@transaction.atomic(durable=True)
def refuse(matter_id: int, *, ground: str, note: str, actor: Actor, now: datetime) -> Notice:
    """不予办理 with its ground and what was found; the pledge stays as it is registered."""
    file, matter = locked(matter_id)
    rules.can_examine(actor, matter, file, conflict=in_conflict(actor.user_id, file)).require()
    wrong = {}
    if ground not in Ground.values:
        wrong["ground"] = "选择不予办理的理由。"
    if not note.strip():
        wrong["note"] = "写明查明的情况。"
    if wrong:
        raise Invalid("refuse", next(iter(wrong.values())), fields=wrong)
    matter.refuse(by=actor.label, ground=ground, note=note.strip()[:500], now=now)
    matter.save(update_fields=["state", "decided_by", "decided_at", "refusal_ground", "refusal_note"])
    stopped: Sequence[facts.Fact] = ()
    if matter.clock_id is not None:
        stopped = clocks.stop(matter.clock_id, now=now, reason="refused").facts
    text = f"{matter.title}不予办理：{ground} {Ground(ground).label}"
    tell_matter("matter.refused", file, matter, actor=actor, now=now, text=text, ground=ground, clocks=stopped)
    return notices.issue(file, Notice.Kind.NOT_DONE, papers.not_done(file, matter), now=now)
