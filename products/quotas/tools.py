"""Setting up a monetary tool and changing it: by the regulator, for a reason; what it was before stays in the journal."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.display import money_wan
from portal.foundation.core.errors import Invalid
from portal.foundation.core.money import format_wan
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from .models import QuotaTool

MOST_TOTAL = Decimal(10_000_000_000_000)  # yuan: above it it is a slip of the unit
TAKEN = {"new"}


@dataclass(frozen=True, slots=True)
class Figures:
    """What may change of a tool; `total` in yuan, None while it is not published here."""

    total: Decimal | None
    confirmed: bool
    ground: str


def can_set(actor: Actor) -> Verdict:
    return YES if actor.role == Role.REGULATOR else not_you("role", "货币政策工具由监管部门设定。")


@transaction.atomic(durable=True)
def begin(code: str, name: str, *, restricted: bool, figures: Figures, actor: Actor, now: datetime) -> QuotaTool:
    """A new tool; `restricted` to the institutions on its list. Raises Invalid with every rule it breaks."""
    can_set(actor).require()
    said = _wrong(figures)
    if code in TAKEN or QuotaTool.objects.filter(code=code).exists():
        said["code"] = "这个代码已经用了，请换一个。"
    if not name.strip():
        said["name"] = "请填写名称。"
    if said:
        raise Invalid("tool", "；".join(said.values()), fields=said)
    try:
        with transaction.atomic():  # two at once: the database lets one through
            tool = QuotaTool.objects.create(code=code, name=name.strip(), restricted=restricted, **asdict(figures))
    except IntegrityError as error:
        taken = "这个代码刚刚被用了，请换一个。"
        raise Invalid("code", taken, fields={"code": taken}) from error
    _tell(tool, f"新设货币政策工具“{tool.name}”：{'，'.join(words(figures).values())}", {}, actor=actor, now=now)
    return tool


@transaction.atomic(durable=True)
def change(tool_id: int, figures: Figures, *, why: str, actor: Actor, now: datetime) -> QuotaTool:
    """A new total, never below what is allotted."""
    can_set(actor).require()
    tool = lock(QuotaTool.objects.filter(pk=tool_id))
    said, before = _wrong(figures), figures_of(tool)
    if not why.strip():
        said["why"] = "写明这次调整的依据或原因。"
    if figures.total is not None and "total" not in said and figures.total < tool.allotted:
        said["total"] = f"已分配 {format_wan(tool.allotted)} 万元，总额度不能低于它；可以先调减机构额度。"
    if figures == before:
        said[""] = "没有改动。"
    if said:
        raise Invalid("tool", "；".join(said.values()), fields=said)
    for name, value in asdict(figures).items():
        setattr(tool, name, value)
    tool.save(update_fields=[field.name for field in fields(Figures)])
    old, new = words(before), words(figures)
    moved = "；".join(f"{old[part]} → {new[part]}" for part in new if old[part] != new[part])
    text = f"调整“{tool.name}”：{moved}。原因：{why.strip()}"
    _tell(tool, text, {"before": _plain(before), "why": why.strip()}, actor=actor, now=now)
    return tool


def figures_of(tool: QuotaTool) -> Figures:
    """As they stand."""
    return Figures(total=tool.total, confirmed=tool.confirmed, ground=tool.ground)


def words(figures: Figures) -> dict[str, str]:
    """The figures as the record of a change writes them, by part."""
    sure = "（已核实）" if figures.confirmed else "（待确认）"
    return {"total": f"总额度 {money_wan(figures.total)}{sure}", "ground": f"依据 {figures.ground}"}


def _wrong(figures: Figures) -> dict[str, str]:
    said: dict[str, str] = {}
    if figures.total is not None and not Decimal(0) < figures.total <= MOST_TOTAL:
        said["total"] = "总额度要大于 0，请核对单位；没有公布就空着。"
    if figures.total is None and figures.confirmed:
        said["confirmed"] = "总额度空着，不能勾选已核实。"
    if not figures.ground.strip():
        said["ground"] = "填写依据的文件名称和文号。"
    return said


def _plain(figures: Figures) -> dict[str, Any]:
    total = None if figures.total is None else str(figures.total)
    return {"total": total, "confirmed": figures.confirmed, "ground": figures.ground}


def _tell(tool: QuotaTool, text: str, data: dict[str, Any], *, actor: Actor, now: datetime) -> None:
    record(
        "quota.tool_set",
        actor=actor,
        now=now,
        subject=tool.subject,
        text=text,
        data={"tool": tool.pk, "after": _plain(figures_of(tool)), **data},
    )
