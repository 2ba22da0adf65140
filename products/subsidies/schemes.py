"""Setting up a subsidy scheme and changing it: by the regulator, for a reason; what it was before stays in the journal."""

from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.display import money_wan
from portal.foundation.core.errors import Invalid
from portal.foundation.core.money import MAX_YUAN, format_wan
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from .models import SubsidyScheme

TAKEN = {"new", "apply", "schemes", "claims"}  # words that stand in addresses where a code may stand
MOST_BUDGET = MAX_YUAN * 100


@dataclass(frozen=True, slots=True)
class Figures:
    """What may change of a scheme: rate in percent, cap and budget in yuan, the period of claims, what is confirmed."""

    rate: Decimal
    most: Decimal | None
    budget: Decimal
    valid_from: date
    valid_until: date
    rate_confirmed: bool
    confirmed: bool
    ground: str
    rule: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What never changes of a scheme; `district` is a code, None for the whole city."""

    code: str
    name: str
    kind: str
    district: str | None


def can_set(actor: Actor) -> Verdict:
    return YES if actor.role == Role.REGULATOR else not_you("role", "补贴方案由监管部门设定。")


@transaction.atomic(durable=True)
def begin(identity: Identity, figures: Figures, *, actor: Actor, now: datetime) -> SubsidyScheme:
    """A new scheme, or that of a new year under a code of its own. Raises Invalid with every rule it breaks."""
    can_set(actor).require()
    said = _wrong(figures)
    if identity.code in TAKEN or SubsidyScheme.objects.filter(code=identity.code).exists():
        said["code"] = "这个代码已经用了，请换一个，例如加上年份。"
    if not identity.name.strip():
        said["name"] = "请填写名称。"
    if said:
        raise Invalid("scheme", "；".join(said.values()), fields=said)
    try:
        with transaction.atomic():  # two at once: the database lets one through
            scheme = SubsidyScheme.objects.create(
                code=identity.code,
                name=identity.name.strip(),
                kind=identity.kind,
                district_id=identity.district,
                **asdict(figures),
            )
    except IntegrityError as error:
        taken = "这个代码刚刚被用了，请换一个。"
        raise Invalid("code", taken, fields={"code": taken}) from error
    text = f"新设补贴方案“{scheme.name}”：{'，'.join(words(figures).values())}"
    _tell(scheme, text, {"after": _plain(figures)}, actor=actor, now=now)
    return scheme


@transaction.atomic(durable=True)
def change(scheme_id: int, figures: Figures, *, why: str, actor: Actor, now: datetime) -> SubsidyScheme:
    """New figures from now on; claims that were made keep their amounts, and the budget never falls below what is approved."""
    can_set(actor).require()
    scheme = lock(SubsidyScheme.objects.filter(pk=scheme_id))
    said = _wrong(figures)
    if not why.strip():
        said["why"] = "写明这次调整的依据或原因。"
    if figures.budget < scheme.reserved:
        said["budget"] = f"已核定 {format_wan(scheme.reserved)} 万元，预算不能低于它。"
    before = figures_of(scheme)
    if figures == before:
        said[""] = "没有改动。"
    if said:
        raise Invalid("scheme", "；".join(said.values()), fields=said)
    for name, value in asdict(figures).items():
        setattr(scheme, name, value)
    scheme.save(update_fields=[field.name for field in fields(Figures)])
    old, new = words(before), words(figures)
    moved = "；".join(f"{old[part]} → {new[part]}" for part in new if old[part] != new[part])
    text = f"调整“{scheme.name}”：{moved}。原因：{why.strip()}"
    data = {"before": _plain(before), "after": _plain(figures), "why": why.strip()}
    _tell(scheme, text, data, actor=actor, now=now)
    return scheme


def figures_of(scheme: SubsidyScheme) -> Figures:
    """As they stand."""
    return Figures(**{field.name: getattr(scheme, field.name) for field in fields(Figures)})


def words(figures: Figures) -> dict[str, str]:
    """The figures as the record of a change writes them, by part."""
    return {
        "rate": f"比例 {figures.rate.normalize():f}%{_sure(figures.rate_confirmed)}",
        "most": f"单笔上限 {money_wan(figures.most)}",
        "budget": f"预算 {money_wan(figures.budget)}{_sure(figures.confirmed)}",
        "period": f"申请期 {figures.valid_from} 至 {figures.valid_until}",
        "ground": f"依据 {figures.ground}",
        "rule": f"条件 {figures.rule}",
    }


def _sure(confirmed: bool) -> str:
    return "（已核实）" if confirmed else "（待确认）"


def _wrong(figures: Figures) -> dict[str, str]:
    said: dict[str, str] = {}
    if not Decimal(0) < figures.rate <= 100:
        said["rate"] = "比例要大于 0、不超过 100。"
    if figures.most is not None and not Decimal(0) < figures.most <= MAX_YUAN:
        said["most"] = "单笔上限要大于 0；没有上限就空着。"
    if not Decimal(0) <= figures.budget <= MOST_BUDGET:
        said["budget"] = "预算不能小于 0，请核对单位。"
    if figures.valid_until < figures.valid_from:
        said["valid_until"] = "申请期止日不能早于起日。"
    if not figures.ground.strip():
        said["ground"] = "填写依据的文件名称和文号。"
    if not figures.rule.strip():
        said["rule"] = "写明申请条件。"
    return said


def _plain(figures: Figures) -> dict[str, Any]:
    return {name: value if isinstance(value, bool) else str(value) for name, value in asdict(figures).items()}


def _tell(scheme: SubsidyScheme, text: str, data: dict[str, Any], *, actor: Actor, now: datetime) -> None:
    record(
        "subsidy.scheme_set",
        actor=actor,
        now=now,
        subject=scheme.subject,
        text=text,
        data={"scheme": scheme.pk, "code": scheme.code, **data},
    )
