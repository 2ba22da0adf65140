"""The weights in force for each scene, and the verb that decides new ones."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.moments import local_date
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from . import indicators
from .models import Scene, WeightVersion

DECIDERS = (Role.REGULATOR, Role.ADMIN)
HUNDRED = Decimal(100)
CENT = Decimal("0.01")
INITIAL_NOTE = "平台初始值，不是标准原文的权重，待确认。"
# Our first shares of legal, technical and economic value; inside each, every indicator weighs the same.
_FIRST: Mapping[str, tuple[int, int, int]] = {
    Scene.FINANCE: (30, 25, 45),
    Scene.LICENCE: (30, 30, 40),
    Scene.REPORT: (25, 25, 50),
    Scene.INFRINGEMENT: (50, 30, 20),
    Scene.MANAGEMENT: (34, 33, 33),
}


def can_decide(actor: Actor) -> Verdict:
    return YES if actor.role in DECIDERS else not_you("role", "只有监管人员和系统管理员可以调整评估权重。")


def in_force(scene: str) -> WeightVersion:
    """The newest decision. Raises WrongState when none was ever loaded."""
    found = WeightVersion.objects.filter(scene=scene).order_by("-version").first()
    if found is None:
        raise WrongState("weights", "这一场景还没有评估权重，请联系系统管理员载入。")
    return found


def initial(scene: str) -> dict[str, str]:
    """Our first weights, percent with two decimals; the last indicator of a dimension takes what rounding leaves."""
    made: dict[str, str] = {}
    for dimension, share in zip(indicators.TREE, _FIRST[scene], strict=True):
        codes = [i.code for i in dimension.indicators]
        each = (Decimal(share) / len(codes)).quantize(CENT)
        for code in codes[:-1]:
            made[code] = str(each)
        made[codes[-1]] = str((Decimal(share) - each * (len(codes) - 1)).quantize(CENT))
    return made


def load(*, on: date) -> int:
    """The initial weights of every scene that has none; how many were written. Safe to repeat."""
    missing = [s for s in Scene if not WeightVersion.objects.filter(scene=s).exists()]
    WeightVersion.objects.bulk_create(
        [
            WeightVersion(
                scene=s, version=1, weights=initial(s), decided_by="系统初始值", decided_on=on, note=INITIAL_NOTE
            )
            for s in missing
        ],
        ignore_conflicts=True,
    )
    return len(missing)


@transaction.atomic(durable=True)
def decide(
    scene: str, given: Mapping[str, Decimal], *, seen: int, confirmed: bool, note: str, actor: Actor, now: datetime
) -> WeightVersion:
    """A new version of one scene's weights, percent by indicator code, together exactly 100.

    `seen` is the version the form showed. Raises Forbidden, Invalid for a wrong sum, WrongState when somebody decided
    meanwhile.
    """
    can_decide(actor).require()
    before = WeightVersion.objects.select_for_update().filter(scene=scene).order_by("-version").first()
    newest = before.version if before else 0
    if newest != seen:
        raise WrongState("stale", "其他人刚刚更新了这一场景的权重。请核对后再保存。")
    if set(given) != set(indicators.BY_CODE) or any(w < 0 for w in given.values()):
        raise Invalid("weights", "27 项指标都要填写 0 或以上的权重。")
    total = sum(given.values(), Decimal(0))
    if total != HUNDRED:
        raise Invalid("sum", f"27 项权重合计应为 100%，现在是 {total}%。")
    made = WeightVersion.objects.create(
        scene=scene,
        version=newest + 1,
        weights={code: str(weight) for code, weight in given.items()},
        confirmed=confirmed,
        decided_by=actor.label,
        decided_on=local_date(now),
        note=note.strip(),
    )
    record(
        "weights.decided",
        actor=actor,
        now=now,
        subject=f"weights:{scene}",
        text=f"更新评估权重：{made}{'' if confirmed else '（待确认）'}",
        data={"scene": scene, "version": made.version, "weights": made.weights},
    )
    return made
