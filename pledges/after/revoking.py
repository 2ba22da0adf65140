"""撤销: a clerk proposes with what was found, the chief tells the parties, hears them and decides; the registration is then
void from the start (order 56 art. 13)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import transaction

from pledges import notices
from pledges.kinds import Ground
from pledges.locking import in_conflict
from pledges.locking import locked as locked_file
from pledges.models import Notice
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.intake.gate import looked_at
from portal.foundation.journal.record import record
from portal.foundation.sla import calendars_in_use

from . import ending, papers, rules
from .kinds import RevocationGround
from .locking import locked_revocation
from .models import Revocation, RevocationStatement
from .telling import keep_papers, tell


@looked_at("uploads", field="papers")
@transaction.atomic(durable=True)
def propose(
    registration_id: int,
    *,
    ground: str,
    refusal_ground: str,
    found: str,
    uploads: Sequence["File[Any]"] = (),
    actor: Actor,
    now: datetime,
) -> Revocation:
    """Put it before the chief. Raises Forbidden, WrongState, Invalid with the field."""
    file = locked_file(registration_id)
    rules.can_propose_revocation(actor, file, conflict=in_conflict(actor.user_id, file)).require()
    wrong = {}
    if ground not in RevocationGround.values:
        wrong["ground"] = "选择撤销的理由。"
    if ground == RevocationGround.EXISTED and refusal_ground not in Ground.values:
        wrong["refusal_ground"] = "选择登记时存在的情形。"
    if not found.strip():
        wrong["found"] = "写明查明的情况和证据。"
    if wrong:
        raise Invalid("revocation", next(iter(wrong.values())), fields=wrong)
    if file.revocations.filter(state=Revocation.State.PROPOSED).exists():
        raise WrongState("live", "这件登记已有一份撤销建议等待负责人决定。")
    revocation = Revocation.objects.create(
        registration=file,
        ground=ground,
        refusal_ground=refusal_ground if ground == RevocationGround.EXISTED else "",
        found=found.strip()[:500],
        proposed_by_id=actor.user_id or 0,
        proposed_at=now,
    )
    keep_papers(file, uploads, actor=actor, now=now, revocation=revocation)
    # The parties hear of it from the chief (tell_parties), not of a suspicion.
    tell_office("pledge.revocation_proposed", revocation, actor=actor, now=now, text=f"建议撤销质押登记 {file.number}")
    return revocation


def tell_office(verb: str, revocation: Revocation, *, actor: Actor, now: datetime, text: str) -> None:
    """Within the office: the parties are not among the readers."""
    file = revocation.registration
    record(
        verb,
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=text,
        data={"registration": file.pk, "number": file.number, "revocation": revocation.pk},
        parties=[file.office_id],
    )


@transaction.atomic(durable=True)
def tell_parties(revocation_id: int, *, actor: Actor, now: datetime) -> Revocation:
    """告知: the chief takes the proposal up, and both parties read why their registration may be revoked and until when they
    may speak to it (REVOCATION_HEARING_DAYS working days). Raises Forbidden, WrongState when they were told already."""
    file, revocation = locked_revocation(revocation_id)
    rules.can_decide_revocation(actor, revocation, file, conflict=in_conflict(actor.user_id, file)).require()
    rules.can_propose_revocation(actor, file, conflict=False).require()
    if revocation.told_at is not None:
        raise WrongState("told", "已经告知当事人，不必重复告知。")
    deadline = calendars_in_use.current().deadline(now, days=settings.REVOCATION_HEARING_DAYS)
    revocation.told_at, revocation.heard_until = now, deadline.due_at
    revocation.save(update_fields=["told_at", "heard_until"])
    last = full_date_cn(deadline.last_day)
    text = f"拟撤销质押登记 {file.number}：{revocation.reason}；当事人可在{last}前（含当日）陈述意见"
    tell("pledge.revocation_told", file, actor=actor, now=now, text=text, office=True, revocation=revocation.pk)
    return revocation


@transaction.atomic(durable=True)
def state(revocation_id: int, *, text: str, actor: Actor, now: datetime) -> RevocationStatement:
    """陈述意见 of one party; it may add to it until the decision. The other party reads it too."""
    file, revocation = locked_revocation(revocation_id)
    rules.can_state(actor, revocation, file).require()
    if not text.strip():
        raise Invalid("text", "写明意见。", fields={"text": "写明意见。"})
    made = RevocationStatement.objects.create(
        revocation=revocation,
        organisation_id=actor.organisation_id or 0,
        text=text.strip()[:1000],
        said_by=actor.label,
        said_at=now,
    )
    said = f"{actor.organisation_name} 对拟撤销质押登记 {file.number} 陈述了意见"
    tell("pledge.revocation_stated", file, actor=actor, now=now, text=said, office=True, revocation=revocation.pk)
    return made


@transaction.atomic(durable=True)
def decide(revocation_id: int, *, note: str = "", actor: Actor, now: datetime) -> Notice:
    """The chief revokes: void from the start, published figures are restated, a loan not yet paid is never paid under it.

    Raises WrongState before the parties were heard or their term is over.
    """
    file, revocation = locked_revocation(revocation_id)
    rules.can_decide_revocation(actor, revocation, file, conflict=in_conflict(actor.user_id, file)).require()
    rules.can_propose_revocation(actor, file, conflict=False).require()
    rules.heard(revocation, file, now=now).require()
    revocation.decide(by=actor.user_id, note=note.strip()[:300], now=now)
    revocation.save(update_fields=["state", "decided_by", "decided_at", "note"])
    content = papers.revoked(file, revocation, now=now)
    ending.void(file, now=now)
    file.revoke(now=now)
    file.save(update_fields=["state", "ended_at"])
    paid = ending.release_request(file)
    ending.end_matters(file, but=None, actor=actor, now=now, why="质押登记已撤销")
    after = "贷款已发放，请质权人另行落实担保" if paid else "尚未放款，不得据此放款"
    text = f"撤销质押登记 {file.number}，登记自始无效；{after}"
    tell("pledge.revoked", file, actor=actor, now=now, text=text, office=True, revocation=revocation.pk)
    return notices.issue(file, Notice.Kind.REVOKED, content, now=now)


@transaction.atomic(durable=True)
def drop(revocation_id: int, *, note: str, actor: Actor, now: datetime) -> Revocation:
    """The chief does not revoke; the reason is kept, and parties that were told of the proposal hear of its end."""
    file, revocation = locked_revocation(revocation_id)
    rules.can_decide_revocation(actor, revocation, file, conflict=in_conflict(actor.user_id, file)).require()
    if not note.strip():
        raise Invalid("note", "写明不予撤销的理由。", fields={"note": "写明不予撤销的理由。"})
    revocation.drop(by=actor.user_id, note=note.strip()[:300], now=now)
    revocation.save(update_fields=["state", "decided_by", "decided_at", "note"])
    text = f"不予撤销 {file.number}"
    if revocation.told_at is None:
        tell_office("pledge.revocation_dropped", revocation, actor=actor, now=now, text=text)
    else:
        tell("pledge.revocation_dropped", file, actor=actor, now=now, text=text, office=True, revocation=revocation.pk)
    return revocation
