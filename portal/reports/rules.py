"""Who may ask and who may answer, with a reason a person can read."""

from datetime import datetime

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.verdict import YES, Verdict, no, not_you
from portal.foundation.sla.models import Clock

from .models import ANSWERING, SupervisionOrder


def can_order(actor: Actor, clock: Clock, *, waiting: SupervisionOrder | None, now: datetime) -> Verdict:
    """督办: by a regulator, about a promise that is broken now, while no earlier order still waits for its answer."""
    if actor.role != Role.REGULATOR:
        return not_you("role", "只有监管人员可以发督办单。")
    if clock.stopped_at is not None:
        return no("closed", "这一件刚刚办结，不再需要督办。请刷新亮灯清单。")
    if clock.paused_at is not None:
        return no("paused", "这一件正在补正，时限已暂停，补正期间不督办。")
    if now < clock.due_at:
        return no("not_due", "这一件还没有超期，不能发督办单。")
    if waiting is not None:
        return no(
            "waiting", f"这一件已有督办单 {waiting.number}（{waiting.issuer_label} 发出），尚待答复，不重复发出。"
        )
    return YES


def can_reply(actor: Actor, order: SupervisionOrder) -> Verdict:
    """The organisation asked answers, once."""
    if actor.role not in ANSWERING or actor.organisation_id != order.organisation_id:
        return not_you("role", "只有被督办单位的人员可以答复。")
    if order.replied_at is not None:
        return no("replied", f"这张督办单已由 {order.replier_label} 答复，不能再次答复。")
    return YES
