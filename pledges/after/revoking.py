"""撤销: a clerk proposes with what was found, the chief decides; the registration is void from the start (order 56 art. 13)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import transaction

from pledges import notices
from pledges.kinds import Ground
from pledges.locking import in_conflict
from pledges.locking import locked as locked_file
from pledges.models import Notice
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.journal.record import record

from . import ending, papers, rules
from .kinds import RevocationGround
from .locking import locked_revocation
from .models import Revocation
from .telling import keep_papers, tell


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
    # The parties hear of the decision, not of a suspicion.
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
def decide(revocation_id: int, *, note: str = "", actor: Actor, now: datetime) -> Notice:
    """The chief revokes: void from the start, published figures are restated, a loan not yet paid is never paid under it."""
    file, revocation = locked_revocation(revocation_id)
    rules.can_decide_revocation(actor, revocation, file, conflict=in_conflict(actor.user_id, file)).require()
    rules.can_propose_revocation(actor, file, conflict=False).require()
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
    """The chief does not revoke; the reason is kept."""
    file, revocation = locked_revocation(revocation_id)
    rules.can_decide_revocation(actor, revocation, file, conflict=in_conflict(actor.user_id, file)).require()
    if not note.strip():
        raise Invalid("note", "写明不予撤销的理由。", fields={"note": "写明不予撤销的理由。"})
    revocation.drop(by=actor.user_id, note=note.strip()[:300], now=now)
    revocation.save(update_fields=["state", "decided_by", "decided_at", "note"])
    tell_office("pledge.revocation_dropped", revocation, actor=actor, now=now, text=f"不予撤销 {file.number}")
    return revocation
