"""The two promises as 渝银发〔2025〕58号 gives them, and the ladder of reminders, as the first policy versions."""

from datetime import datetime

from django.db import transaction

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal.record import record

from . import facts
from .models import Kind, Policy, PolicyLevel

GROUND = "渝银发〔2025〕58号第（一）条"
IN_FORCE = datetime.fromisoformat("2025-08-18T00:00:00+08:00")  # the day of issue
BEFORE, AFTER = PolicyLevel.Anchor.BEFORE, PolicyLevel.Anchor.AFTER

# (code, label, anchor, offset, who is told). Working minutes before, working days after.
RESPONSE_LEVELS = [
    ("due_soon", "即将到期", BEFORE, 240, [Role.OFFICER]),
    ("overdue", "已超期", AFTER, 0, [Role.OFFICER, Role.MANAGER]),
    ("supervise", "超期 1 个工作日", AFTER, 1, [Role.MANAGER, Role.REGULATOR]),
]
REGISTRATION_LEVELS = [
    ("due_soon", "即将到期", BEFORE, 240, [Role.CLERK]),
    ("overdue", "已超期", AFTER, 0, [Role.CLERK, Role.CHIEF]),
    ("supervise", "超期 1 个工作日", AFTER, 1, [Role.CHIEF, Role.REGULATOR]),
]


@transaction.atomic
def load(*, now: datetime) -> int:
    """Write the first versions where a promise has none yet; returns how many were written."""
    written = 0
    for kind, days, levels in ((Kind.RESPONSE, 2, RESPONSE_LEVELS), (Kind.REGISTRATION, 1, REGISTRATION_LEVELS)):
        if Policy.objects.filter(kind=kind).exists():
            continue
        policy = Policy.objects.create(kind=kind, days=days, valid_from=IN_FORCE, ground=GROUND, decided_by="初始设定")
        rows = PolicyLevel.objects.bulk_create(
            PolicyLevel(
                policy=policy, position=i, code=code, label=label, anchor=anchor, offset=offset, recipients=recipients
            )
            for i, (code, label, anchor, offset, recipients) in enumerate(levels, start=1)
        )
        record(
            "policy.set",
            actor=SYSTEM,
            now=now,
            subject=f"policy:{policy.pk}",
            text=f"{kind.label}时限初始设定为 {days} 个工作日，{IN_FORCE:%Y-%m-%d} 起生效，依据 {GROUND}",
            data=facts.policy_set(policy, rows),
        )
        written += 1
    return written
