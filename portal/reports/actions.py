"""The verbs of supervision: issue an order, answer it, and note that figures left the portal."""

from datetime import datetime

from django.db import transaction

from applications.models import Application
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Forbidden, Invalid
from portal.foundation.core.models import take
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbering import compose
from portal.foundation.journal.record import record
from portal.foundation.sla import calendars_in_use
from portal.foundation.sla.lamps import due_text
from portal.foundation.sla.models import Clock, Kind
from portal.foundation.sla.workdays import Deadline

from . import rules
from .models import SupervisionOrder

MAX_REPLY_DAYS = 10
LONGEST = 1000  # characters of a demand or an answer


@transaction.atomic(durable=True)
def issue(clock_id: int, *, demand: str, reply_days: int, actor: Actor, now: datetime) -> SupervisionOrder:
    """Issue a 督办单 about an overdue clock, to be answered within `reply_days` working days.

    The clock's row is locked, so of two regulators one issues and the other is told whose order it is (WrongState).
    Raises Clock.DoesNotExist, Forbidden, WrongState, Invalid with field sentences.
    """
    clock = lock(Clock.objects.filter(pk=clock_id))
    waiting = SupervisionOrder.objects.waiting().filter(clock=clock).first()
    rules.can_order(actor, clock, waiting=waiting, now=now).require()
    text = _words(demand, field="demand", what="督办要求")
    if not 1 <= reply_days <= MAX_REPLY_DAYS:
        said = f"答复时限为 1 至 {MAX_REPLY_DAYS} 个工作日。"
        raise Invalid("reply_days", said, fields={"reply_days": said})
    today, due = local_date(now), reply_due(now, reply_days)
    order = SupervisionOrder.objects.create(
        number=compose("DBD", today, take(f"order:{today:%Y%m%d}")),
        clock=clock,
        organisation_id=clock.organisation_id,
        issued_by_id=actor.user_id,
        issuing_organisation_id=actor.organisation_id,
        issuer_label=actor.label,
        issued_at=now,
        demand=text,
        reply_due=due.due_at,
    )
    record(
        "supervision.ordered",
        actor=actor,
        now=now,
        subject=f"supervision:{order.pk}",
        case_number=clock.case_number,
        text=f"督办单 {order.number}：{Kind(clock.kind).label}超期，请在 {due_text(due.due_at)}{'（暂定）' if due.provisional else ''} 前答复。",
        data={
            "order": order.number,
            "organisation": clock.organisation_id,
            "clock": clock.pk,
            "kind": clock.kind,
            "demand": text,
            "reply_due": order.reply_due,
        },
        parties=[clock.organisation_id],
    )
    return order


def reply_due(now: datetime, days: int) -> Deadline:
    """The end of the `days`-th working day after today, by the calendar in force (one query)."""
    return calendars_in_use.counted_with(None, number=calendars_in_use.number()).deadline(now, days=days)


@transaction.atomic(durable=True)
def reply(order_id: int, *, text: str, actor: Actor, now: datetime) -> SupervisionOrder:
    """Answer an order, once, for the organisation that was asked. A late answer is taken and marked as late.

    Raises SupervisionOrder.DoesNotExist, Forbidden, WrongState when a colleague was first, Invalid.
    """
    order = lock(SupervisionOrder.objects.filter(pk=order_id).select_related("clock"))
    rules.can_reply(actor, order).require()
    order.reply = _words(text, field="reply", what="答复")
    order.replied_at, order.replier_label = now, actor.label
    order.save(update_fields=["reply", "replied_at", "replier_label"])
    record(
        "supervision.replied",
        actor=actor,
        now=now,
        subject=f"supervision:{order.pk}",
        case_number=order.clock.case_number,
        text=f"{actor.organisation_name} 答复督办单 {order.number}：{order.reply}"[:500],
        data={
            "order": order.number,
            "organisation": order.organisation_id,
            "clock": order.clock_id,
            "late": order.late(now=now),
        },
        parties=[order.organisation_id, order.issuing_organisation_id],
    )
    return order


def _words(text: str, *, field: str, what: str) -> str:
    """The text without blanks around it. Raises Invalid when nothing, or too much, is left."""
    said = text.strip()
    if not said:
        sentence = f"请填写{what}。"
        raise Invalid(field, sentence, fields={field: sentence})
    if len(said) > LONGEST:
        sentence = f"{what}最多 {LONGEST} 个字，现在是 {len(said)} 个字，请删减。"
        raise Invalid(field, sentence, fields={field: sentence})
    return said


@transaction.atomic(durable=True)
def drill(application_id: int, *, ground: str, actor: Actor, now: datetime) -> None:
    """Record why a regulator opens one enterprise's case; the enterprise reads it. Raises Forbidden, Application.DoesNotExist."""
    if actor.role != Role.REGULATOR:
        raise Forbidden("role", "办件全貌由监管人员调阅。")
    case = Application.objects.visible_to(actor).get(pk=application_id)
    record(
        "supervision.drilled",
        actor=actor,
        now=now,
        subject=f"application:{case.pk}",
        case_number=case.number,
        text=f"监管调阅办件：{ground}",
        parties=[case.organisation_id],
    )
