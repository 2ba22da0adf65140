"""The verbs of duty: 请假 and its end, 转派 of everything an absent clerk holds, 回避."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from pledges import checks, rules
from pledges.actions import examination
from pledges.after import examination as after
from pledges.locking import in_conflict, locked
from pledges.models import Registration
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import DomainError, Invalid, WrongState
from portal.foundation.core.moments import local_date
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from . import queries
from .models import Absence, Recusal

OFFICE = (Role.CLERK, Role.CHIEF)
LONGEST_DAYS = 366
State = Registration.State


def can_set_absence(actor: Actor, user_id: int) -> Verdict:
    """One's own; the chief anybody's."""
    if actor.role not in OFFICE:
        return not_you("role", "只有登记机构的审查员可以登记请假。")
    if actor.role != Role.CHIEF and user_id != actor.user_id:
        return not_you("other", "只能登记本人的请假，同事的请假由登记处负责人登记。")
    return YES


@transaction.atomic(durable=True)
def set_absence(user_id: int, *, first: date, last: date, note: str, actor: Actor, now: datetime) -> Absence:
    """Say that a clerk of the actor's office is away, both days included. Files stay theirs until a colleague takes them."""
    can_set_absence(actor, user_id).require()
    seats = Membership.objects.select_related("user").filter(user_id=user_id, active=True, role__in=OFFICE)
    seat = seats.filter(organisation_id=actor.organisation_id).first()
    wrong = {}
    if seat is None:
        wrong["user"] = "选择本处在岗的审查员。"
    if last < first:
        wrong["last"] = "结束日期不能早于开始日期。"
    elif last < local_date(now):
        wrong["last"] = "结束日期已经过去。"
    elif (last - first).days > LONGEST_DAYS:
        wrong["last"] = "一次最多登记一年。"
    if wrong or seat is None:
        raise Invalid("absence", next(iter(wrong.values())), fields=wrong)
    absence = Absence.objects.create(
        user=seat.user,
        office_id=actor.organisation_id,
        first=first,
        last=last,
        note=note.strip()[:100],
        set_at=now,
        set_by=actor.label,
    )
    office = actor.organisation_id or 0
    held = Registration.objects.filter(office_id=office, clerk_id=user_id, state__in=queries.IN_HAND).count()
    held += queries.matters_in_hand(office).filter(clerk_id=user_id).count()
    said = f"{seat.user} {full_date_cn(first)}至{full_date_cn(last)}请假，名下 {held} 件可由同事接手"
    _tell("duty.absence_set", absence, said, actor=actor, now=now, files=held)
    return absence


@transaction.atomic(durable=True)
def end_absence(absence_id: int, *, actor: Actor, now: datetime) -> Absence:
    """Back early, or entered by mistake."""
    absence = lock(Absence.objects.filter(pk=absence_id, office_id=actor.organisation_id))
    can_set_absence(actor, absence.user_id).require()
    if absence.ended_at is not None:
        raise WrongState("ended", "这次请假已经结束。")
    absence.ended_at = now
    absence.save(update_fields=["ended_at"])
    _tell("duty.absence_ended", absence, f"{absence.user} 的请假提前结束", actor=actor, now=now)
    return absence


def _tell(verb: str, absence: Absence, text: str, *, actor: Actor, now: datetime, **data: object) -> None:
    record(
        verb,
        actor=actor,
        now=now,
        subject=f"absence:{absence.pk}",
        text=text,
        data={"absence": absence.pk, "user": absence.user_id, "organisation": absence.office_id, **data},
        parties=[absence.office_id],
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of each file: numbers that went over, and (number, reason) of those that could not."""

    moved: tuple[str, ...]
    kept: tuple[tuple[str, str], ...]


def reassign_all(from_id: int, *, to_id: int, actor: Actor, now: datetime) -> Moved:
    """The chief gives everything one clerk holds to another, files and matters one by one: what the other must stand aside
    from stays.

    One transaction each, with its own check: one that somebody decided meanwhile does not hold up the others.
    """
    if actor.role != Role.CHIEF:
        not_you("role", "只有登记处负责人可以转派。").require()
    office = actor.organisation_id or 0
    files = Registration.objects.filter(office_id=office, clerk_id=from_id, state__in=queries.IN_HAND)
    matters = queries.matters_in_hand(office).filter(clerk_id=from_id)
    work: list[tuple[Callable[..., object], int, str]] = [
        *((examination.assign, pk, number) for pk, number in files.order_by("pk").values_list("pk", "number")),
        *((after.assign, pk, number) for pk, number in matters.order_by("pk").values_list("pk", "number")),
    ]
    moved, kept = [], []
    for give, pk, number in work:
        try:
            give(pk, clerk_id=to_id, from_clerk_id=from_id, actor=actor, now=now)
        except DomainError as error:
            kept.append((number, error.reason))
        else:
            moved.append(number)
    return Moved(tuple(moved), tuple(kept))


@transaction.atomic(durable=True)
def recuse(registration_id: int, *, reason: str, actor: Actor, now: datetime) -> Registration:
    """回避: the clerk stands aside for good. A file that was theirs goes back to the queue and is read by another from the start."""
    file = locked(registration_id)
    rules.can_recuse(actor, file, conflict=in_conflict(actor.user_id, file)).require()
    if not reason.strip():
        raise Invalid("reason", "写明回避的原因。", fields={"reason": "写明回避的原因。"})
    Recusal.objects.create(registration=file, user_id=actor.user_id, reason=reason.strip()[:150], said_at=now)
    if file.clerk_id == actor.user_id:
        file.hand_over(office_id=file.office_id)
        file.save(update_fields=["state", "office", "clerk", "clerk_since", "accepted_at"])
        checks.look_again(file, now=now)
    record(
        "pledge.recused",
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=f"{actor.name} 申请回避，由其他审查员办理",
        data={"registration": file.pk, "number": file.number, "reason": reason.strip()[:150]},
        parties=[file.office_id],
    )
    return file
