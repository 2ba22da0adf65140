"""Who may change which patent: allowed or not, with a reason a person can read."""

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from .models import Patent


def can_keep(actor: Actor) -> Verdict:
    """Record patents at all."""
    return YES if actor.role == Role.ENTERPRISE else not_you("role", "只有企业经办人可以登记本企业的专利。")


def can_edit(actor: Actor, patent: Patent) -> Verdict:
    verdict = can_keep(actor)
    if verdict and patent.organisation_id != actor.organisation_id:
        return not_you("role", "只能修改本企业的专利。")
    if verdict and patent.removed_at is not None:
        return no("removed", "这件专利已被同事移除，请回到列表查看。")
    return verdict


def can_remove(actor: Actor, patent: Patent, *, requested: bool, pledged: bool) -> Verdict:
    """`requested`: part of a financing request that is not over; `pledged`: filed for pledge or in pledge."""
    verdict = can_edit(actor, patent)
    if not verdict:
        return verdict
    if pledged:
        return no("pledged", "这件专利正在办理质押登记或处于质押期间，不能移除。")
    if requested:
        return no("requested", "这件专利在办理中的融资需求里，不能移除。需求办结或撤回后再移除。")
    return YES
