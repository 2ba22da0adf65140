"""Setting a new version of a promise. The old version stays: clocks that run keep the rule they started under."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.journal.record import record

from . import facts
from .models import Kind, Policy, PolicyLevel

MAX_DAYS = 60
MAX_MINUTES_BEFORE = 60 * 9 * 20  # twenty working days
MAX_DAYS_AFTER = 20
# What each step of the ladder may look like; lamps and the sweep know these codes.
STEPS: tuple[tuple[str, str], ...] = (
    ("due_soon", PolicyLevel.Anchor.BEFORE),
    ("overdue", PolicyLevel.Anchor.AFTER),
    ("supervise", PolicyLevel.Anchor.AFTER),
)
TOLD: dict[str, tuple[Role, ...]] = {
    Kind.RESPONSE: (Role.OFFICER, Role.MANAGER, Role.REGULATOR),
    Kind.REGISTRATION: (Role.CLERK, Role.CHIEF, Role.REGULATOR),
}


@dataclass(frozen=True, slots=True)
class Ladder:
    """When people are told, and who. Working minutes before the due moment, working days after it."""

    due_soon_minutes: int
    due_soon_roles: Sequence[str]
    overdue_roles: Sequence[str]
    supervise_days: int
    supervise_roles: Sequence[str]


@transaction.atomic(durable=True)
def set_policy(
    kind: str,
    *,
    days: int,
    day_zero: str,
    closes: time | None,
    valid_on: date,
    ground: str,
    ladder: Ladder,
    actor: Actor,
    now: datetime,
) -> Policy:
    """Write a new version of a promise, in force from 0:00 (Asia/Shanghai) of a day after today.

    `days` are working days, `closes` None means 24:00, `ground` is the document it rests on. Raises Forbidden, Invalid with
    field sentences, WrongState when this promise already has a version from that day.
    """
    if actor.role != Role.REGULATOR:
        raise Forbidden("role", "只有监管人员可以设定时限规则。")
    # One writer per promise: the second of two regulators sees the version of the first.
    versions = list(Policy.objects.select_for_update(of=("self",)).filter(kind=kind).order_by("valid_from"))
    _require_sound(kind, days, day_zero, valid_on, ground, ladder, today=local_date(now))
    valid_from = midnight_after(valid_on - timedelta(days=1))
    if any(version.valid_from == valid_from for version in versions):
        raise WrongState(
            "version",
            "这一天已有一个版本生效，请换一个生效日期。",
            fields={"valid_on": "这一天已有一个版本生效，请换一个日期。"},
        )
    policy = Policy.objects.create(
        kind=kind,
        days=days,
        day_zero=day_zero,
        closes=closes,
        valid_from=valid_from,
        ground=ground.strip(),
        decided_by=actor.label,
    )
    levels = PolicyLevel.objects.bulk_create(_levels(policy, ladder))
    record(
        "policy.set",
        actor=actor,
        now=now,
        subject=f"policy:{policy.pk}",
        text=f"{Kind(kind).label}时限改为 {days} 个工作日，{valid_on:%Y-%m-%d} 起生效，依据 {ground.strip()}"[:500],
        data=facts.policy_set(policy, levels),
    )
    failpoint("policy.before_commit")
    return policy


def _require_sound(
    kind: str, days: int, day_zero: str, valid_on: date, ground: str, ladder: Ladder, *, today: date
) -> None:
    """Every slip at once, each beside its field."""
    wrong: dict[str, str] = {}
    if kind not in Kind.values:
        wrong["kind"] = "请选择承诺。"
    if not 1 <= days <= MAX_DAYS:
        wrong["days"] = f"时限为 1 至 {MAX_DAYS} 个工作日。"
    if day_zero not in ("strict", "next_open"):
        wrong["day_zero"] = "请选择非工作日收到时如何起算。"
    if valid_on <= today:
        wrong["valid_on"] = "生效日期要在今天之后：已经开始的时限不能改变。"
    elif valid_on.year > today.year + 5:
        wrong["valid_on"] = "生效日期太远，请核对年份。"
    if not ground.strip():
        wrong["ground"] = "请填写依据的文件名称和文号。"
    elif len(ground.strip()) > 200:
        wrong["ground"] = "依据最多 200 个字。"
    if not 1 <= ladder.due_soon_minutes <= MAX_MINUTES_BEFORE:
        wrong["due_soon_minutes"] = f"到期前提醒为 1 至 {MAX_MINUTES_BEFORE} 工作分钟。"
    if not 1 <= ladder.supervise_days <= MAX_DAYS_AFTER:
        wrong["supervise_days"] = f"超期后升级为 1 至 {MAX_DAYS_AFTER} 个工作日。"
    allowed = {role.value for role in TOLD.get(kind, ())}
    for field in ("due_soon_roles", "overdue_roles", "supervise_roles"):
        roles = set(getattr(ladder, field))
        if not roles or roles - allowed:
            wrong[field] = "请至少选择一个与这项承诺有关的角色。"
    if wrong:
        raise Invalid("policy", next(iter(wrong.values())), fields=wrong)


def _levels(policy: Policy, ladder: Ladder) -> list[PolicyLevel]:
    offsets = (ladder.due_soon_minutes, 0, ladder.supervise_days)
    labels = ("即将到期", "已超期", f"超期 {ladder.supervise_days} 个工作日")
    roles = (ladder.due_soon_roles, ladder.overdue_roles, ladder.supervise_roles)
    return [
        PolicyLevel(
            policy=policy, position=i, code=code, anchor=anchor, label=label, offset=offset, recipients=list(told)
        )
        for i, ((code, anchor), label, offset, told) in enumerate(zip(STEPS, labels, offsets, roles, strict=True), 1)
    ]
