"""The promises as 渝银发〔2025〕58号 gives them, and the ladders of reminders, as the first policy versions."""

from datetime import datetime

from django.db import transaction

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

from . import facts
from .models import NEXT_LENDER, Kind, Policy, PolicyLevel
from .policies import Step, write_levels

GROUND = "渝银发〔2025〕58号第（一）条"
OWN_GROUND = "本平台服务承诺：机构婉拒或未答复的，下一工作日结束前推荐其他机构"
AMENDMENT_GROUND = f"本平台服务承诺：质押变更、注销、部分解除比照{GROUND}的登记时限办理"
COVER_GROUND = f"本平台服务承诺：担保、保险机构比照{GROUND}响应"
FIRST = "初始设定"  # who decided the first versions
IN_FORCE = datetime.fromisoformat("2025-08-18T00:00:00+08:00")  # the day of issue
BEFORE, AFTER = PolicyLevel.Anchor.BEFORE, PolicyLevel.Anchor.AFTER

_LENDERS = (
    Step("due_soon", "即将到期", BEFORE, 240, [Role.OFFICER]),
    Step("overdue", "已超期", AFTER, 0, [Role.OFFICER, Role.MANAGER]),
    Step("supervise", "超期 1 个工作日", AFTER, 1, [Role.MANAGER, Role.REGULATOR]),
)
_OFFICE = (
    Step("due_soon", "即将到期", BEFORE, 240, [Role.CLERK]),
    Step("overdue", "已超期", AFTER, 0, [Role.CLERK, Role.CHIEF]),
    Step("supervise", "超期 1 个工作日", AFTER, 1, [Role.CHIEF, Role.REGULATOR]),
)
LADDERS: dict[Kind, tuple[Step, ...]] = {
    Kind.RESPONSE: (*_LENDERS, Step(NEXT_LENDER, "改派下一家", AFTER, 2, [Role.MANAGER])),
    Kind.REGISTRATION: _OFFICE,
    Kind.NEXT_LENDERS: _LENDERS,
    Kind.COVER: _LENDERS,
    Kind.AMENDMENT: _OFFICE,
}
DAYS: dict[Kind, int] = {
    Kind.RESPONSE: 2,
    Kind.REGISTRATION: 1,
    Kind.NEXT_LENDERS: 1,
    Kind.COVER: 2,
    Kind.AMENDMENT: 1,
}
GROUNDS: dict[Kind, str] = {
    Kind.RESPONSE: GROUND,
    Kind.REGISTRATION: GROUND,
    Kind.NEXT_LENDERS: OWN_GROUND,
    Kind.COVER: COVER_GROUND,
    Kind.AMENDMENT: AMENDMENT_GROUND,
}


@transaction.atomic
def load(*, now: datetime) -> int:
    """Write the first versions where a promise has none yet; returns how many were written.

    An installation from before the ladder had its fourth step gets it as a new version from `now`: clocks that run keep
    theirs. Where a regulator has set a version of their own, the ladder is theirs to extend.
    """
    written = 0
    for kind, levels in LADDERS.items():
        versions = list(Policy.objects.filter(kind=kind).order_by("valid_from").prefetch_related("levels"))
        if versions and not _before_fourth_step(kind, versions):
            continue
        policy = Policy.objects.create(
            kind=kind,
            days=DAYS[kind],
            valid_from=now if versions else IN_FORCE,
            ground=GROUNDS[kind],
            decided_by=FIRST,
        )
        rows = write_levels(policy, levels)
        record(
            "policy.set",
            actor=SYSTEM,
            now=now,
            subject=f"policy:{policy.pk}",
            text=f"{kind.label}时限初始设定为 {policy.days} 个工作日，{local_date(policy.valid_from)} 起生效，依据 {policy.ground}",
            data=facts.policy_set(policy, rows),
        )
        written += 1
    return written


def _before_fourth_step(kind: Kind, versions: list[Policy]) -> bool:
    only = versions[0]
    return (
        kind == Kind.RESPONSE
        and len(versions) == 1
        and only.decided_by == FIRST
        and all(level.code != NEXT_LENDER for level in only.levels.all())
    )
