"""Who may record and follow another right; the two sides edit together, the regulator reads."""

from applications.models import Application
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from .models import OtherRight

OPEN = (
    Application.State.ACCEPTED,
    Application.State.REGISTERING,
    Application.State.REGISTERED,
    Application.State.DISBURSED,
)
FINAL = (OtherRight.State.REFUSED, OtherRight.State.CANCELLED)


def can_add(actor: Actor, application: Application) -> Verdict:
    """The enterprise, or the bank whose offer it took, from that moment on."""
    offer = application.accepted_offer
    enterprise = actor.role == Role.ENTERPRISE and actor.organisation_id == application.organisation_id
    lender = offer.referral.institution_id if offer is not None else None
    bank = actor.role in (Role.OFFICER, Role.MANAGER) and lender is not None and actor.organisation_id == lender
    if not enterprise and not bank:
        return not_you("role", "只有提交需求的企业和方案被选定的银行可以登记。")
    if offer is None or application.state not in OPEN:
        return no("state", f"这笔需求现在是“{application.get_state_display()}”，选定银行方案后才能登记其他质押。")
    return YES


def can_edit(actor: Actor, right: OtherRight) -> Verdict:
    verdict = can_add(actor, right.application)
    if verdict and right.state in FINAL:
        return no("final", f"这一项已经“{right.get_state_display()}”，不能再改。")
    return verdict
