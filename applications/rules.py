"""Who may do what to a request, in which state: allowed or not, with a reason a person can read.

The state machine says which state follows which; here stand the roles, the owners and the sentences.
"""

from datetime import date, datetime, timedelta

from django_fsm import can_proceed

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from .models import Application, NextRound, Offer, Referral

# Pages with legal or financial effect can be undone without a reason for ten minutes (MIIT 适老化通用设计规范, ux.md §4).
UNDO = timedelta(minutes=10)
ANSWERING = (Role.OFFICER, Role.MANAGER)


def _officer(actor: Actor, referral: Referral) -> Verdict:
    if actor.role not in ANSWERING or actor.organisation_id != referral.institution_id:
        return not_you("role", "只有被推送机构的经办人或负责人可以办理。")
    return YES


def _still_open(referral: Referral) -> Verdict:
    said = {
        Referral.State.WITHDRAWN: "企业已撤回这笔需求，不必再答复。",
        Referral.State.NOT_SELECTED: "企业已选定其他机构的方案，这一件已结束。",
        Referral.State.DECLINED: "本机构已婉拒这笔需求。",
        Referral.State.REASSIGNED: "这一件已改派给其他机构。",
        Referral.State.LAPSED: "本机构一直没有答复，企业已改选其他机构，不必再答复。",
        Referral.State.ACCEPTED: "企业已选定本机构的方案，请办理签约和质押登记。",
    }
    state = Referral.State(referral.state)
    return no("closed", said[state]) if state in said else YES


def can_claim(actor: Actor, referral: Referral) -> Verdict:
    """Claim (接单): once, by the addressed institution, while it still waits."""
    verdict = _officer(actor, referral) and _still_open(referral)
    if not verdict:
        return verdict
    if not can_proceed(referral.claim):
        return no("claimed", "这一件已由本机构同事接单，请刷新后查看。")
    return YES


def can_take(actor: Actor) -> Verdict:
    """Put one's own name on a waiting referral of one's institution; which ones, the statement itself checks."""
    if actor.role not in ANSWERING:
        return not_you("role", "只有机构经办人或负责人可以领取。")
    return YES


def can_ask(actor: Actor, referral: Referral) -> Verdict:
    verdict = _officer(actor, referral) and _still_open(referral)
    if verdict and not can_proceed(referral.ask):
        return no("state", "现在不能要求补充：上一次的问题还没有答复，或方案已经发出。")
    return verdict


def can_offer(actor: Actor, referral: Referral) -> Verdict:
    verdict = _officer(actor, referral) and _still_open(referral)
    if verdict and referral.institution.dispatcher:
        return no("dispatcher", "调度台不出方案，请分派给机构。")
    if verdict and not can_proceed(referral.offer):
        return no("state", "这一件现在不能出方案。")
    return verdict


def can_decline(actor: Actor, referral: Referral) -> Verdict:
    verdict = _officer(actor, referral) and _still_open(referral)
    if verdict and not can_proceed(referral.decline):
        return no("state", "这一件现在不能婉拒。")
    return verdict


def can_answer(actor: Actor, referral: Referral) -> Verdict:
    """The enterprise answers an institution's question."""
    if actor.role != Role.ENTERPRISE or actor.organisation_id != referral.application.organisation_id:
        return not_you("role", "只有提交需求的企业可以答复。")
    if not can_proceed(referral.answer):
        return no("state", "这家机构现在没有等待答复的问题。")
    return YES


def can_assign(actor: Actor, referral: Referral) -> Verdict:
    """A manager hands a referral to a colleague."""
    if actor.role != Role.MANAGER or actor.organisation_id != referral.institution_id:
        return not_you("role", "只有本机构负责人可以转派。")
    return _still_open(referral)


def can_dispatch(actor: Actor, referral: Referral) -> Verdict:
    """The dispatcher's desk hands an unmatched request to institutions."""
    verdict = _officer(actor, referral)
    if verdict and not (referral.institution.dispatcher and can_proceed(referral.reassign)):
        return no("state", "这一件不在调度台，或已经分派。")
    return verdict


def can_propose_lenders(actor: Actor, owed: NextRound) -> Verdict:
    """The desk that owes an enterprise its next lenders names them, or says that there are none."""
    if actor.role not in ANSWERING or owed.clock is None or actor.organisation_id != owed.clock.organisation_id:
        return not_you("role", "只有承办这一件的调度台可以推荐机构。")
    if owed.state != NextRound.State.OWED:
        return no("state", f"这一件现在是“{NextRound.State(owed.state).label}”，不用再推荐。")
    return YES


def can_claim_from_pool(actor: Actor, application: Application, *, already: bool, revoked: bool = False) -> Verdict:
    """Any institution may take an open call that was not addressed to it; `revoked`: the enterprise shut this one out."""
    if actor.role not in ANSWERING:
        return not_you("role", "只有金融机构的经办人或负责人可以认领。")
    if application.state != Application.State.OPEN or not application.open_call:
        return no("state", "这笔需求已不在需求池：企业已选定方案或已撤回。")
    if already:
        return no("already", "这笔需求已在本机构名下，请到工作台办理。")
    if revoked:
        return no("revoked", "企业已收回对本机构的授权，不能再认领这笔需求。")
    return YES


def can_accept(actor: Actor, offer: Offer, application: Application, *, now: datetime, today: date) -> Verdict:
    """The enterprise takes an offer."""
    if actor.role != Role.ENTERPRISE or actor.organisation_id != application.organisation_id:
        return not_you("role", "只有提交需求的企业可以选择方案。")
    if application.state != Application.State.OPEN:
        return no("state", f"这笔需求现在是“{Application.State(application.state).label}”，不能再选择方案。")
    if offer.state != Offer.State.OPEN:
        return no("replaced", "这份方案已被机构的新方案替代或已结束，请刷新后按最新方案选择。")
    if offer.valid_until < today:
        return no("expired", "这份方案已过有效期，请联系机构重新出具。")
    if (
        not offer.referral.institution.lends
    ):  # only a cover counts to the household's limit and settles who carries a loss
        return no("cover", "担保、保险机构的方案供参考。银行接单后，请从办件页“申请担保、保险”，连同银行方案一并选定。")
    return YES


def can_withdraw(actor: Actor, application: Application) -> Verdict:
    if actor.role != Role.ENTERPRISE or actor.organisation_id != application.organisation_id:
        return not_you("role", "只有提交需求的企业可以撤回。")
    if not can_proceed(application.withdraw):
        return no("state", f"这笔需求现在是“{Application.State(application.state).label}”，不能撤回。")
    return YES


def can_extend(actor: Actor, application: Application) -> Verdict:
    """Address further institutions, with fresh consent."""
    if actor.role != Role.ENTERPRISE or actor.organisation_id != application.organisation_id:
        return not_you("role", "只有提交需求的企业可以增加机构。")
    if application.state != Application.State.OPEN:
        return no("state", f"这笔需求现在是“{Application.State(application.state).label}”，不能再增加机构。")
    return YES


def can_close_unmet(actor: Actor, application: Application, *, busy: bool) -> Verdict:
    """End a request that nobody works on any more; `busy` says that an institution still does."""
    if actor.role != Role.ENTERPRISE or actor.organisation_id != application.organisation_id:
        return not_you("role", "只有提交需求的企业可以结束。")
    if not can_proceed(application.close_unmet):
        return no("state", f"这笔需求现在是“{Application.State(application.state).label}”，不能这样结束。")
    if busy:
        return no("open", "还有机构在办理。如不再需要，请使用“撤回需求”。")
    return YES


def can_revoke(actor: Actor, referral: Referral) -> Verdict:
    """Take the authorisation of one institution back, as long as its offer has not been accepted."""
    if actor.role != Role.ENTERPRISE or actor.organisation_id != referral.application.organisation_id:
        return not_you("role", "只有提交需求的企业可以收回授权。")
    if referral.state not in Referral.OPEN_STATES:
        return no("state", f"这家机构现在是“{Referral.State(referral.state).label}”，不能单独收回授权。")
    return YES
