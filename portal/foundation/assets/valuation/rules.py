"""Who may value which patents: allowed or not, with a reason a person can read."""

from collections.abc import Sequence
from datetime import date

from portal.foundation.accounts.models import Role
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from . import indicators
from .models import Valuation

VALUERS = (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER)
MOST_PATENTS = 20
VALID_DAYS = 365  # a valuation speaks of one year at most


def can_value(actor: Actor) -> Verdict:
    return YES if actor.role in VALUERS else not_you("role", "估值由企业经办人和机构经办人编制。")


def can_be_valued(patents: Sequence[Patent], *, today: date) -> Verdict:
    """Inventions and utility models in force."""
    if not patents:
        return no("none", "请至少选择一件发明或实用新型专利。")
    if len(patents) > MOST_PATENTS:
        return no("many", f"一次最多评估 {MOST_PATENTS} 件专利，请分开评估。")
    if any(p.kind == PatentKind.DESIGN for p in patents):
        return no("design", indicators.DESIGN_REFUSED)
    ended = next((p for p in patents if not p.in_force(on=today)), None)
    if ended is not None:
        return no("ended", f"{ended.dotted} 不在有效期内或尚未授权，不能评估。请先在专利清单核对。")
    return YES


def can_edit(actor: Actor, valuation: Valuation) -> Verdict:
    """Only the owner, and only before it is final."""
    if valuation.organisation_id != actor.organisation_id:
        return not_you("owner", "只有编制单位可以修改估值。")
    if valuation.kind == Valuation.Kind.AGENCY:
        return no("agency", "信用机构的报告不能修改。")
    if valuation.state != Valuation.State.DRAFT:
        return no("final", "已定稿的估值不能修改。需要调整时请编制新的估值来替代它。")
    return can_value(actor)


def can_renew(actor: Actor, valuation: Valuation) -> Verdict:
    """Begin a new valuation that takes this one's place when it becomes final."""
    if valuation.organisation_id != actor.organisation_id:
        return not_you("owner", "只有编制单位可以更新估值。")
    if valuation.kind == Valuation.Kind.AGENCY or valuation.state != Valuation.State.FINAL:
        return no("state", "只有本单位已定稿的估值可以更新。")
    if Valuation.objects.filter(replaces=valuation).exists():
        return no("renewed", "已有一份新估值正在替代它，请在估值清单里继续编制。")
    return can_value(actor)
