"""The office's verbs: accept, take over, assign, tick, ask for correction, register, refuse.

Every decision locks application → registration → patents by pk → clock, checks the grounds once more and decides then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, OperationalError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from applications.actions import progress
from pledges import checks, notices, places, receipts, rules
from pledges.actions import forwarding
from pledges.locking import absent_until, in_conflict, lock_patents, locked
from pledges.models import Check, Correction, Ground, Notice, PledgedPatent, Registration
from portal.foundation.accounts.models import Membership, Role, User
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import Busy, Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record
from portal.foundation.sla import clocks, facts

MAX_DEFECTS = 30
DEADLOCK = "40P01"  # PostgreSQL: deadlock_detected


def _tell(verb: str, file: Registration, *, actor: Actor, now: datetime, text: str, **data: object) -> None:
    record(
        verb,
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=text[:500],
        data={"registration": file.pk, "number": file.number, **data},
        parties=[*file.parties, file.office_id],
    )


@transaction.atomic(durable=True)
def accept(registration_id: int, *, actor: Actor, now: datetime) -> Registration:
    """受理: the file gets its clerk, and the automatic checks run on today's facts."""
    file = locked(registration_id)
    rules.can_accept(actor, file, conflict=in_conflict(actor.user_id, file)).require()
    file.accept(clerk_id=actor.user_id, now=now)
    file.save(update_fields=["state", "clerk", "clerk_since", "accepted_at"])
    checks.store(file, checks.run(file, now=now, filing=False), now=now)
    _tell("pledge.accepted", file, actor=actor, now=now, text=f"{file.office.title} 受理，{actor.name} 审查")
    receipts.issue(file, now=now)  # last: its number is taken to the end of the transaction
    failpoint("examine.before_commit")
    return file


@transaction.atomic(durable=True)
def take_over(registration_id: int, *, from_clerk_id: int, actor: Actor, now: datetime) -> Registration:
    """接手, said explicitly: `from_clerk_id` is the colleague that was shown, so a third one is never pushed aside unseen."""
    file = locked(registration_id)
    rules.can_take_over(actor, file, conflict=in_conflict(actor.user_id, file)).require()
    if file.clerk_id != from_clerk_id:
        raise WrongState("held", f"{rules.held_by(file)}，请重新确认是否接手。")
    before = str(file.clerk)
    file.clerk_id, file.clerk_since = actor.user_id, now
    file.save(update_fields=["clerk", "clerk_since"])
    _tell("pledge.taken_over", file, actor=actor, now=now, text=f"{actor.name} 接手审查（原由 {before} 办理）")
    return file


@transaction.atomic(durable=True)
def assign(
    registration_id: int, *, clerk_id: int, from_clerk_id: int | None = None, actor: Actor, now: datetime
) -> Registration:
    """The chief hands a file to a clerk of the office who is there and has no seat in a party. `from_clerk_id`: only
    while that clerk still holds it."""
    file = locked(registration_id)
    rules.can_assign(actor, file).require()
    if from_clerk_id is not None and file.clerk_id != from_clerk_id:
        raise WrongState("held", f"这一件已改由 {file.clerk or '他人'} 办理，没有转派。")
    file.clerk, file.clerk_since = free_clerk(file, clerk_id, now=now), now
    file.save(update_fields=["clerk", "clerk_since"])
    _tell("pledge.assigned", file, actor=actor, now=now, text=f"转派给 {file.clerk}", clerk=clerk_id)
    return file


def free_clerk(file: Registration, clerk_id: int, *, now: datetime) -> User:
    """Who may be given this file or what comes after it: of its office, there today, with no seat in a party and no reason to
    stand aside. Raises Invalid with a sentence at the field `clerk`."""
    seats = Membership.objects.select_related("user").filter(user_id=clerk_id, active=True, user__is_active=True)
    seat = seats.filter(organisation_id=file.office_id, role__in=(Role.CLERK, Role.CHIEF)).first()
    if seat is None:
        raise Invalid("clerk", "选择本处在岗的审查员。", fields={"clerk": "选择本处在岗的审查员。"})
    if until := absent_until(clerk_id, file.office_id, today=local_date(now)):
        said = f"{seat.user} 请假至{full_date_cn(until)}，请选择其他审查员。"
        raise Invalid("away", said, fields={"clerk": said})
    if in_conflict(clerk_id, file):
        said = f"{seat.user} 是当事人单位的成员或已申请回避，应当回避，请选择其他审查员。"
        raise Invalid("conflict", said, fields={"clerk": said})
    return seat.user


@transaction.atomic(durable=True)
def tick(
    registration_id: int, *, ticked: Sequence[str], shown: Sequence[str], actor: Actor, now: datetime
) -> Registration:
    """Record what the clerk has looked at: of the lines that were `shown` («R07:match»), those in `ticked` are clear."""
    file = locked(registration_id)
    rules.can_examine(actor, file, conflict=in_conflict(actor.user_id, file)).require()
    wanted, seen = set(ticked), set(shown)
    for check in file.checks.all():
        value = f"{check.ground}:{check.point}"
        is_clear = not check.automatic and check.result == Check.Result.CLEAR
        if value in seen and checks.is_manual(check) and is_clear != (value in wanted):
            checks.tick(check, ticked=value in wanted, actor=actor, now=now)
    return file


@dataclass(frozen=True, slots=True)
class Defect:
    """One line of a correction list: where (a code of `places`) and what."""

    place: str
    defect: str


@transaction.atomic(durable=True)
def ask_correction(registration_id: int, defects: Sequence[Defect], *, actor: Actor, now: datetime) -> Notice:
    """补正: everything that is missing, told once; the clock pauses until every defect is answered."""
    file = locked(registration_id)
    rules.can_examine(actor, file, conflict=in_conflict(actor.user_id, file)).require()
    said = [Defect(d.place, d.defect.strip()) for d in defects if d.defect.strip()]
    if not said:
        raise Invalid("defects", "至少列出一项需要补正的问题。", fields={"__all__": "至少列出一项需要补正的问题。"})
    if len(said) > MAX_DEFECTS or any(d.place not in places.PLACES for d in said):
        raise Invalid("defects", f"每项要选择位置，一次最多 {MAX_DEFECTS} 项。")
    file.ask_correction()
    file.save(update_fields=["state", "correction_rounds"])
    rows = Correction.objects.bulk_create(
        Correction(registration=file, round=file.correction_rounds, position=i, field=d.place, defect=d.defect[:300])
        for i, d in enumerate(said, start=1)
    )
    failpoint("correction.before_pause")
    paused: Sequence[facts.Fact] = ()
    if file.clock_id is not None:
        why = f"第 {file.correction_rounds} 次补正，共 {len(rows)} 项"
        paused = clocks.pause(file.clock_id, now=now, reason=why).facts
    failpoint("correction.paused")
    _tell(
        "pledge.correction",
        file,
        actor=actor,
        now=now,
        text=f"要求补正 {len(rows)} 项（第 {file.correction_rounds} 次），登记时限暂停",
        round=file.correction_rounds,
        count=len(rows),
        clocks=paused,
    )
    content = notices.correction_facts(file, rows, received=file.submitted_at or now)
    return notices.issue(file, Notice.Kind.CORRECTION, content, now=now)


@transaction.atomic(durable=True)
def register(registration_id: int, *, national_number: str = "", actor: Actor, now: datetime) -> Notice:
    """予以登记: the pledge exists from this commit (民法典 444), for every patent of the contract or for none.

    The grounds run once more on locked patents. Raises WrongState naming the first line that is not settled, or the patent
    that another file registered a moment earlier (R09, held by the exclusion constraint); Invalid when the registrar's number
    is another file's.
    """
    file = locked(registration_id)
    rules.can_examine(actor, file, conflict=in_conflict(actor.user_id, file)).require()
    lock_patents(file)
    rows = checks.store(file, checks.run(file, now=now, filing=False), now=now)
    if open_lines := checks.unsettled(rows):
        first = open_lines[0]
        if first.result == Check.Result.FOUND:
            raise WrongState("ground", f"{first.ground} {Ground(first.ground).label}：{first.evidence}不能予以登记。")
        raise WrongState("unticked", f"还有 {len(open_lines)} 项没有核对：{first.ground} {first.evidence}")
    _make_effective(file, now=now)
    failpoint("register.effective")
    file.national_number = forwarding.spelled(national_number)
    file.register(by=actor.label, now=now)
    fields = ["state", "decided_by", "decided_at", "national_number", *Registration.AS_REGISTERED]
    forwarding.keep(file, fields, field="national_number")
    stopped: Sequence[facts.Fact] = ()
    if file.clock_id is not None:
        stopped = clocks.stop(file.clock_id, now=now, reason="registered").facts
    progress.registered(file.application)
    said = f"予以登记 {file.number}，质权自今日起设立"
    _tell("pledge.registered", file, actor=actor, now=now, text=said, clocks=stopped)
    return notices.issue(file, Notice.Kind.REGISTERED, notices.registration_facts(file, now=now), now=now)


def _make_effective(file: Registration, *, now: datetime) -> None:
    """Open every patent's pledge period, in order of number, so that two files meet in one order and one of them loses."""
    for row in PledgedPatent.objects.filter(registration=file).order_by("number"):
        row.effective = DateTimeTZRange(now, None)
        try:
            _open_period(row)
        except IntegrityError as error:
            if _code(error) != "23P01":  # exclusion_violation
                raise
            dotted = f"{row.number[:-1]}.{row.number[-1]}"
            raise WrongState(
                "R09", f"R09 {Ground.R09.label}：专利 {dotted} 刚刚被另一件登记，本件不能予以登记。"
            ) from error
        except OperationalError as error:
            if _code(error) not in (DEADLOCK, "55P03"):  # or lock time-out
                raise
            raise Busy("busy", "另一件含有相同专利的登记正在办理，请稍候再试。") from error


def _open_period(row: PledgedPatent) -> None:
    """In a savepoint: a refusal of the database takes back this row alone.

    Two who enter a patent in the same instant wait for each other, and PostgreSQL lets one of them go. With its entry taken
    back that one waits for the other's end, and learns who was first.
    """
    try:
        with transaction.atomic():
            row.save(update_fields=["effective"])
    except OperationalError as error:
        if _code(error) != DEADLOCK:
            raise
        with transaction.atomic():
            row.save(update_fields=["effective"])


def _code(error: Exception) -> str:
    """PostgreSQL's name of what went wrong."""
    return getattr(error.__cause__, "pgcode", "") or ""


def complete_since(file: Registration, *, now: datetime) -> datetime:
    """The moment the file was complete: the last answer to a correction, else its submission."""
    answered = file.corrections.exclude(answered_at=None).order_by("-answered_at").first()
    return (answered.answered_at if answered else None) or file.submitted_at or now


@transaction.atomic(durable=True)
def refuse(registration_id: int, *, ground: str, note: str, actor: Actor, now: datetime) -> Notice:
    """不予登记 with its ground; the request goes back to where another file can be handed in."""
    file = locked(registration_id)
    rules.can_examine(actor, file, conflict=in_conflict(actor.user_id, file)).require()
    if ground not in Ground.values:
        raise Invalid("ground", "选择不予登记的理由。", fields={"ground": "选择不予登记的理由。"})
    if ground == Ground.R12 and not note.strip():
        raise Invalid(
            "note", "理由为其他情形时，请写明查明的情况。", fields={"note": "理由为其他情形时，请写明查明的情况。"}
        )
    file.refuse(by=actor.label, ground=ground, note=note.strip()[:500], now=now)
    file.save(update_fields=["state", "decided_by", "decided_at", "refusal_ground", "refusal_note"])
    stopped: Sequence[facts.Fact] = ()
    if file.clock_id is not None:
        stopped = clocks.stop(file.clock_id, now=now, reason="refused").facts
    progress.registration_failed(file.application)
    text = f"不予登记：{ground} {Ground(ground).label}"
    _tell("pledge.refused", file, actor=actor, now=now, text=text, ground=ground, clocks=stopped)
    since = complete_since(file, now=now)
    content = notices.refusal_facts(file, ground=ground, note=file.refusal_note, received=since)
    return notices.issue(file, Notice.Kind.REFUSED, content, now=now)
