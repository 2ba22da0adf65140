"""Who may do what to a guarantee or insurance request, in which state."""

from datetime import date

from django_fsm import can_proceed

from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from .cover_models import Cover
from .models import Application, Referral
from .rules import ANSWERING

COVERING = (OrganisationKind.GUARANTOR, OrganisationKind.INSURER)
# The bank has said that it works on the request: only then there is something to cover.
COVERABLE = (Referral.State.CLAIMED, Referral.State.INFO, Referral.State.OFFERED)


def can_ask(actor: Actor, referral: Referral) -> Verdict:
    """The enterprise, or the bank with the enterprise's agreement to come, asks for a guarantee or an insurance."""
    application = referral.application
    enterprise = actor.role == Role.ENTERPRISE and actor.organisation_id == application.organisation_id
    bank = actor.role in ANSWERING and actor.organisation_id == referral.institution_id
    if not (enterprise or bank):
        return not_you("role", "只有提交需求的企业或办理的银行可以申请担保、保险。")
    if not referral.institution.lends:
        return no("kind", "担保、保险附在银行的贷款上，请从银行的这一件申请。")
    if application.state != Application.State.OPEN:
        return no("state", f"这笔需求现在是“{Application.State(application.state).label}”，不能再申请担保、保险。")
    if referral.state not in COVERABLE:
        return no("referral", "银行接单之后，才能为它的贷款申请担保、保险。")
    return YES


def can_consent(actor: Actor, cover: Cover) -> Verdict:
    """The enterprise agrees to what its bank proposed."""
    if actor.role != Role.ENTERPRISE or actor.organisation_id != cover.application.organisation_id:
        return not_you("role", "只有提交需求的企业可以同意。")
    if not can_proceed(cover.consent):
        return no("state", f"这份申请现在是“{Cover.State(cover.state).label}”，不用再同意。")
    return YES


def can_withdraw(actor: Actor, cover: Cover) -> Verdict:
    """The enterprise takes it back, or the bank its own proposal; once chosen with the offer only the whole request."""
    enterprise = actor.role == Role.ENTERPRISE and actor.organisation_id == cover.application.organisation_id
    bank = (
        actor.role in ANSWERING
        and actor.organisation_id == cover.referral.institution_id
        and cover.state == Cover.State.PROPOSED
    )
    if not (enterprise or bank):
        return not_you("role", "只有提交需求的企业可以撤回。")
    if not can_proceed(cover.withdraw):
        return no("state", f"这份申请现在是“{Cover.State(cover.state).label}”，不能撤回。")
    if cover.accepted_at is not None:
        return no("accepted", "担保、保险已连同银行方案选定，只能撤回整笔需求。")
    return YES


def _own(actor: Actor, cover: Cover) -> Verdict:
    if actor.role not in ANSWERING or actor.organisation_id != cover.institution_id:
        return not_you("role", "只有被申请的担保、保险机构可以办理。")
    return YES


def _may(actor: Actor, cover: Cover, proceeds: bool, verb: str) -> Verdict:
    verdict = _own(actor, cover)
    if verdict and not proceeds:
        return no("state", f"这份申请现在是“{Cover.State(cover.state).label}”，不能{verb}。")
    return verdict


def can_intend(actor: Actor, cover: Cover) -> Verdict:
    return _may(actor, cover, can_proceed(cover.intend), "再表示意向")


def can_set_terms(actor: Actor, cover: Cover) -> Verdict:
    return _may(actor, cover, can_proceed(cover.set_terms), "提出条件")


def can_commit(actor: Actor, cover: Cover, *, today: date) -> Verdict:
    verdict = _may(actor, cover, can_proceed(cover.commit), "承诺：先提出条件")
    if verdict and cover.valid_until is not None and cover.valid_until < today:
        return no("expired", "所提条件已过有效期，请先重新提出。")
    return verdict


def can_decline(actor: Actor, cover: Cover) -> Verdict:
    return _may(actor, cover, can_proceed(cover.decline), "婉拒")


def can_release(actor: Actor, cover: Cover, *, today: date) -> Verdict:
    """After the loan was repaid, or where the commitment was never used and its day has passed: until then it binds."""
    verdict = _may(actor, cover, can_proceed(cover.release), "解除")
    if not verdict:
        return verdict
    if cover.accepted_at is None:
        if cover.valid_until is not None and cover.valid_until >= today:
            return no("valid", "承诺还在有效期内，企业仍可选定；有效期过后才能解除。")
    elif cover.application.state != Application.State.DISBURSED:
        return no("loan", "企业已连同银行方案选定，放款并结清以后才能解除；不办了由企业撤回整笔需求。")
    return verdict


def can_compensate(actor: Actor, cover: Cover) -> Verdict:
    verdict = _may(actor, cover, can_proceed(cover.compensate), "记录代偿")
    if verdict and cover.application.state != Application.State.DISBURSED:
        return no("loan", "贷款发放以后，才有代偿。")
    return verdict
