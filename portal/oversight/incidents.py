"""The verbs of an incident: record, report, close; and the alarm as its four hours run out."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import SYSTEM, Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.moments import local_date
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from .models import REPORT_WITHIN, WARN_BEFORE, Incident

KEEP = (Role.ADMIN, Role.SECURITY)
_LOOK = "SELECT 1 FROM oversight_incident WHERE reported_at IS NULL AND due_at <= %s AND overdue_at IS NULL LIMIT 1"


def can_keep(actor: Actor) -> Verdict:
    return YES if actor.role in KEEP else not_you("role", "安全事件由系统管理员和安全管理员登记、报告。")


@transaction.atomic(durable=True)
def open_incident(*, kind: str, what: str, affected: str, found_at: datetime, actor: Actor, now: datetime) -> Incident:
    """Record an incident; the four hours run from when it was found. Raises Invalid for a moment still to come."""
    can_keep(actor).require()
    if found_at > now:
        said = "发现时间不能晚于现在。"
        raise Invalid("future", said, fields={"found_at": said})
    with connection.cursor() as cursor:  # one at a time: the numbers of a day run on
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('oversight.incident'))")
    day = local_date(now)
    serial = Incident.objects.filter(number__startswith=f"AQ{day:%Y%m%d}").count() + 1
    made = Incident.objects.create(
        number=f"AQ{day:%Y%m%d}{serial:03d}",
        kind=kind,
        what=what,
        affected=affected,
        found_at=found_at,
        due_at=found_at + REPORT_WITHIN,
        recorded_by_id=actor.user_id,
        recorded_at=now,
    )
    _tell("incident.opened", made, actor=actor, now=now, text=f"登记安全事件 {made.number}：{made.get_kind_display()}")
    return made


@transaction.atomic(durable=True)
def report(incident_id: int, *, to: str, actor: Actor, now: datetime) -> Incident:
    """It was reported to whoever must know, now; a report after the four hours stays late for ever."""
    can_keep(actor).require()
    incident = lock(Incident.objects.filter(pk=incident_id))
    if incident.reported_at is not None:
        raise WrongState("reported", "这一事件已经报告过，请刷新后查看。")
    incident.reported_at, incident.reported_to, incident.reported_by_id = now, to, actor.user_id
    incident.save(update_fields=["reported_at", "reported_to", "reported_by"])
    late = "，已超过 4 小时" if incident.late(now=now) else ""
    _tell("incident.reported", incident, actor=actor, now=now, text=f"安全事件 {incident.number} 已报告{to}{late}")
    return incident


@transaction.atomic(durable=True)
def close(incident_id: int, *, conclusion: str, actor: Actor, now: datetime) -> Incident:
    can_keep(actor).require()
    incident = lock(Incident.objects.filter(pk=incident_id))
    if incident.reported_at is None:
        raise WrongState("unreported", "请先报告，再结案。")
    if incident.closed_at is not None:
        raise WrongState("closed", "这一事件已经结案，请刷新后查看。")
    incident.closed_at, incident.conclusion = now, conclusion
    incident.save(update_fields=["closed_at", "conclusion"])
    _tell("incident.closed", incident, actor=actor, now=now, text=f"安全事件 {incident.number} 结案")
    return incident


def watch(*, now: datetime) -> int:
    """Tell the administrators, once each, that an hour is left and that the four are over; how many were told.

    Called from the loops, by as many as like: a row is taken by one of them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [now + WARN_BEFORE])
        if cursor.fetchone() is None:
            return 0
    with transaction.atomic():
        running = Incident.objects.select_for_update(skip_locked=True).filter(
            reported_at=None, overdue_at=None, due_at__lte=now + WARN_BEFORE
        )
        told = 0
        for incident in running:
            if incident.due_at <= now:
                incident.overdue_at = now
                text = f"安全事件 {incident.number} 已超过 4 小时报告时限，请立即报告"
                _tell("incident.overdue", incident, actor=SYSTEM, now=now, text=text)
            elif incident.warned_at is None:
                incident.warned_at = now
                left = max(int((incident.due_at - now) / timedelta(minutes=1)), 0)
                text = f"安全事件 {incident.number} 距报告时限还有 {left} 分钟"
                _tell("incident.due_soon", incident, actor=SYSTEM, now=now, text=text)
            else:
                continue
            incident.save(update_fields=["warned_at", "overdue_at"])
            told += 1
    return told


def _tell(verb: str, incident: Incident, *, actor: Actor, now: datetime, text: str) -> None:
    record(
        verb, actor=actor, now=now, subject=incident.subject, text=text, data={"incident": incident.pk, "number": incident.number}
    )  # fmt: skip
