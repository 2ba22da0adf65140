"""Setting a new version of a promise. The old version stays: clocks that run keep the rule they started under."""

import re
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
from .models import NEXT_LENDER, Kind, Policy, PolicyLevel

MAX_DAYS = 60
MAX_MINUTES_BEFORE = 60 * 9 * 20  # twenty working days
MAX_DAYS_AFTER = 20
MAX_LEVELS = 8
BEFORE, AFTER = PolicyLevel.Anchor.BEFORE, PolicyLevel.Anchor.AFTER
CODE = re.compile(r"[a-z][a-z0-9_]{0,19}", re.ASCII)
_ANSWERING = (Role.OFFICER, Role.MANAGER, Role.REGULATOR)
_DECIDING = (Role.CLERK, Role.CHIEF, Role.REGULATOR)
TOLD: dict[str, tuple[Role, ...]] = {
    Kind.RESPONSE: _ANSWERING,
    Kind.REGISTRATION: _DECIDING,
    Kind.NEXT_LENDERS: _ANSWERING,
    Kind.COVER: _ANSWERING,
    Kind.AMENDMENT: _DECIDING,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One level of a ladder: `offset` working minutes before the due moment, or working days after it (0: at it)."""

    code: str
    label: str
    anchor: str
    offset: int
    recipients: Sequence[str]


@transaction.atomic(durable=True)
def set_policy(
    kind: str,
    *,
    days: int,
    day_zero: str,
    closes: time | None,
    valid_on: date,
    ground: str,
    levels: Sequence[Step],
    actor: Actor,
    now: datetime,
    anew_when_reassigned: bool = False,
) -> Policy:
    """Write a new version of a promise, in force from 0:00 (Asia/Shanghai) of a day after today.

    `days` are working days, `closes` None means 24:00, `ground` is the document it rests on, `levels` the whole ladder in any
    order. Raises Forbidden, Invalid with field sentences (those of a level under «levels-<place>-<field>»), WrongState when
    this promise already has a version from that day.
    """
    if actor.role != Role.REGULATOR:
        raise Forbidden("role", "只有监管人员可以设定时限规则。")
    # One writer per promise: the second of two regulators sees the version of the first.
    versions = list(Policy.objects.select_for_update(of=("self",)).filter(kind=kind).order_by("valid_from"))
    wrong = _wrong(kind, days, day_zero, valid_on, ground, today=local_date(now)) | wrong_levels(kind, levels)
    if wrong:
        raise Invalid("policy", next(iter(wrong.values())), fields=wrong)
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
        anew_when_reassigned=anew_when_reassigned,
        valid_from=valid_from,
        ground=ground.strip(),
        decided_by=actor.label,
    )
    written = write_levels(policy, levels)
    record(
        "policy.set",
        actor=actor,
        now=now,
        subject=f"policy:{policy.pk}",
        text=f"{Kind(kind).label}时限改为 {days} 个工作日，{valid_on:%Y-%m-%d} 起生效，依据 {ground.strip()}"[:500],
        data=facts.policy_set(policy, written),
    )
    failpoint("policy.before_commit")
    return policy


def write_levels(policy: Policy, levels: Sequence[Step]) -> list[PolicyLevel]:
    """The ladder of a new version, numbered in the order in which it is climbed."""
    ordered = sorted(levels, key=lambda step: -step.offset if step.anchor == BEFORE else 1 + step.offset)
    return PolicyLevel.objects.bulk_create(
        PolicyLevel(
            policy=policy,
            position=place,
            code=step.code,
            label=step.label.strip(),
            anchor=step.anchor,
            offset=step.offset,
            recipients=[str(role) for role in step.recipients],
        )
        for place, step in enumerate(ordered, 1)
    )


def _wrong(kind: str, days: int, day_zero: str, valid_on: date, ground: str, *, today: date) -> dict[str, str]:
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
    return wrong


def wrong_levels(kind: str, levels: Sequence[Step]) -> dict[str, str]:
    """What is wrong with a ladder, by «levels-<place>-<field>», or «levels» for the whole of it; empty when it is sound."""
    wrong: dict[str, str] = {}
    if not 1 <= len(levels) <= MAX_LEVELS:
        wrong["levels"] = f"提醒级次为 1 至 {MAX_LEVELS} 级。"
    elif all(step.anchor == BEFORE for step in levels):
        wrong["levels"] = "至少要有一级在到期时或到期后：否则超期了没有人知道。"
    codes, moments = [step.code for step in levels], [(step.anchor, step.offset) for step in levels]
    for place, step in enumerate(levels):
        said = {
            "code": _wrong_code(kind, step, first=codes.index(step.code) == place),
            "label": "" if 1 <= len(step.label.strip()) <= 40 else "请填写名称，最多 40 个字。",
            "anchor": "" if step.anchor in PolicyLevel.Anchor.values else "请选择到期前或到期后。",
            "offset": _wrong_offset(step, first=moments.index((step.anchor, step.offset)) == place),
            "recipients": _wrong_roles(kind, step),
        }
        wrong |= {f"levels-{place}-{field}": text for field, text in said.items() if text}
    return wrong


def _wrong_code(kind: str, step: Step, *, first: bool) -> str:
    if not CODE.fullmatch(step.code):
        return "代码用小写英文字母、数字和下划线，以字母开头，最多 20 个字符。"
    if not first:
        return f"代码 {step.code} 用了两次，每级要有自己的代码。"
    if step.code == NEXT_LENDER and (kind != Kind.RESPONSE or step.anchor != AFTER):
        return f"{NEXT_LENDER} 会为企业推荐下一家机构，只能用于金融机构响应，并且在到期之后。"
    return ""


def _wrong_offset(step: Step, *, first: bool) -> str:
    if step.anchor == BEFORE and not 1 <= step.offset <= MAX_MINUTES_BEFORE:
        return f"到期前为 1 至 {MAX_MINUTES_BEFORE} 工作分钟。"
    if step.anchor == AFTER and not 0 <= step.offset <= MAX_DAYS_AFTER:
        return f"到期后为 0 至 {MAX_DAYS_AFTER} 个工作日。"
    if not first:  # the sweep announces the highest level reached: the other one of the two would never be heard
        return "与另一级在同一时刻，只会发出其中一级，请错开或合并。"
    return ""


def _wrong_roles(kind: str, step: Step) -> str:
    roles, allowed = set(step.recipients), {role.value for role in TOLD.get(kind, ())}
    return "" if roles and roles <= allowed else "请至少选择一个与这项承诺有关的角色。"
