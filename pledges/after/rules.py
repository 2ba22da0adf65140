"""Who may do what after the registration: allowed or not, with a reason a person can read."""

from datetime import datetime, timedelta

from django_fsm import can_proceed

from pledges.models import Registration
from pledges.particulars.rules import signatories
from pledges.rules import BANKING, OFFICE, state_label
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.moments import local_date
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from .models import Matter, Revocation, UseConsent

State = Matter.State


def party(actor: Actor, file: Registration) -> Verdict:
    pledgor = actor.role == Role.ENTERPRISE and actor.organisation_id == signatories(file)[0]
    pledgee = actor.role in BANKING and actor.organisation_id == file.pledgee_id
    return YES if pledgor or pledgee else not_you("role", "只有出质人和质权人的经办人可以办理。")


def still_registered(file: Registration) -> Verdict:
    if file.state != Registration.State.REGISTERED:
        return no("pledge", f"这件质押登记现在是“{state_label(file)}”，不能再办理变更、注销或解除。")
    return YES


def can_begin(actor: Actor, file: Registration) -> Verdict:
    """Either party, while the pledge stands."""
    return party(actor, file) and still_registered(file)


def _now_is(matter: Matter) -> str:
    return f"{matter.number} 现在是“{State(matter.state).label}”，"


def can_revise(actor: Actor, matter: Matter, file: Registration) -> Verdict:
    verdict = can_begin(actor, file)
    if verdict and actor.organisation_id != matter.started_by_org_id:
        return not_you("other", "这份申请由对方填写，您可以核对后确认或退回。")
    if verdict and matter.state != State.DRAFT:
        return no("state", f"{_now_is(matter)}不能修改。")
    return verdict


def can_confirm(actor: Actor, matter: Matter, file: Registration) -> Verdict:
    """The side that did not apply: a change, a cancellation or a release is the will of both."""
    verdict = can_begin(actor, file)
    if verdict and actor.organisation_id == matter.started_by_org_id:
        return not_you("own", "这份申请由本方提出，须由对方确认。")
    if verdict and matter.state != State.CONFIRMING:
        return no("state", f"{_now_is(matter)}不在等待确认。")
    return verdict


def can_withdraw(actor: Actor, matter: Matter, file: Registration) -> Verdict:
    verdict = party(actor, file)
    if verdict and not can_proceed(matter.withdraw):
        return no("state", f"{_now_is(matter)}不能撤回。")
    return verdict


def can_answer(actor: Actor, matter: Matter, file: Registration) -> Verdict:
    verdict = party(actor, file)
    if verdict and matter.state != State.CORRECTING:
        return no("state", f"{_now_is(matter)}没有等待补正的事项。")
    return verdict


# --- the office -----------------------------------------------------------------------------------------------------


def _clerk(actor: Actor, file: Registration, *, conflict: bool) -> Verdict:
    if actor.role not in OFFICE or actor.organisation_id != file.office_id:
        return not_you("role", "只有受理机构的审查员可以办理。")
    if conflict:
        return not_you("conflict", "您是出质人或质权人单位的成员，应当回避，请由其他审查员办理。")
    return YES


def can_accept(actor: Actor, matter: Matter, file: Registration, *, conflict: bool) -> Verdict:
    verdict = _clerk(actor, file, conflict=conflict)
    if verdict and matter.clerk_id not in (None, actor.user_id):
        return no("held", f"这一件已转派给 {matter.clerk}，由其受理。")
    if verdict and matter.state != State.SUBMITTED:
        return no("state", f"{_now_is(matter)}不在待受理。")
    return verdict


def can_take_over(actor: Actor, matter: Matter, file: Registration, *, conflict: bool) -> Verdict:
    verdict = _clerk(actor, file, conflict=conflict)
    held = matter.clerk_id not in (None, actor.user_id)
    if verdict and not (held and matter.submitted_at is not None and matter.live):
        return no("state", f"{_now_is(matter)}不能接手。")
    return verdict


def can_assign(actor: Actor, matter: Matter, file: Registration) -> Verdict:
    """The office's chief, from the hand-in to the decision."""
    if actor.role != Role.CHIEF or actor.organisation_id != file.office_id:
        return not_you("role", "只有登记处负责人可以转派。")
    if matter.submitted_at is None or not matter.live:
        return no("state", f"{_now_is(matter)}不能转派。")
    return YES


def can_examine(actor: Actor, matter: Matter, file: Registration, *, conflict: bool) -> Verdict:
    """Ask for correction, approve, refuse: the clerk who accepted it, while it is examined."""
    verdict = _clerk(actor, file, conflict=conflict)
    if verdict and matter.clerk_id not in (None, actor.user_id):
        return no("held", f"{matter.clerk} 正在办理，如需由您办理，请先接手。")
    if verdict and matter.state != State.EXAMINING:
        return no("state", f"{_now_is(matter)}不能办理。")
    return verdict


# --- revocation -----------------------------------------------------------------------------------------------------


def can_propose_revocation(actor: Actor, file: Registration, *, conflict: bool) -> Verdict:
    """While the pledge is registered. One that was cancelled has no effect any more to be taken away: the figures published
    of it stay, and a damage done by fraud is for the courts (domain.md §1 leads to 撤销 from 已登记 only)."""
    verdict = _clerk(actor, file, conflict=conflict)
    if verdict and file.state != Registration.State.REGISTERED:
        return no("state", f"这件质押登记现在是“{state_label(file)}”，不能撤销。")
    return verdict


def can_state(actor: Actor, revocation: Revocation, file: Registration) -> Verdict:
    """Pledgor and pledgee, from the moment they were told until the decision, also after the term."""
    verdict = party(actor, file)
    if verdict and (revocation.told_at is None or revocation.state != Revocation.State.PROPOSED):
        return no("state", "现在没有需要陈述意见的撤销事项。")
    return verdict


def heard(revocation: Revocation, file: Registration, *, now: datetime) -> Verdict:
    """Nobody loses a registration unheard: the parties were told, and both have spoken or had their time to.

    No provision of the measures in hand names a term (domain.md §1); the setting's is the portal's own.
    """
    if revocation.told_at is None or revocation.heard_until is None:
        return no("untold", "请先告知当事人拟撤销的理由，听取意见后再决定。")
    spoken = {said.organisation_id for said in revocation.statements.all()}
    if now < revocation.heard_until and not set(signatories(file)) <= spoken:
        last = full_date_cn(local_date(revocation.heard_until - timedelta(microseconds=1)))
        return no("unheard", f"当事人陈述意见的期限到{last}，期满或者双方都已陈述后再决定。")
    return YES


def can_decide_revocation(actor: Actor, revocation: Revocation, file: Registration, *, conflict: bool) -> Verdict:
    """The office's chief, and never the person who proposed it."""
    verdict = _clerk(actor, file, conflict=conflict)
    if verdict and actor.role != Role.CHIEF:
        return not_you("role", "撤销登记由登记处负责人决定。")
    if verdict and revocation.proposed_by_id == actor.user_id:
        return not_you("own", "这份撤销建议由您提出，须由另一位负责人决定。")
    if verdict and revocation.state != Revocation.State.PROPOSED:
        return no("state", f"这份撤销建议现在是“{Revocation.State(revocation.state).label}”。")
    return verdict


# --- consent of the pledgee -----------------------------------------------------------------------------------------


def can_ask_consent(actor: Actor, file: Registration) -> Verdict:
    if actor.role != Role.ENTERPRISE or actor.organisation_id != signatories(file)[0]:
        return not_you("role", "由出质人向质权人提出。")
    return still_registered(file)


def can_answer_consent(actor: Actor, consent: UseConsent, file: Registration) -> Verdict:
    if actor.role not in BANKING or actor.organisation_id != file.pledgee_id:
        return not_you("role", "由质权人答复。")
    if consent.state != UseConsent.State.ASKED:
        return no("state", f"这项请求现在是“{UseConsent.State(consent.state).label}”。")
    return still_registered(file)


def can_withdraw_consent(actor: Actor, consent: UseConsent, file: Registration) -> Verdict:
    if actor.role != Role.ENTERPRISE or actor.organisation_id != signatories(file)[0]:
        return not_you("role", "由提出请求的出质人撤回。")
    if consent.state != UseConsent.State.ASKED:
        return no("state", f"这项请求现在是“{UseConsent.State(consent.state).label}”，不能撤回。")
    return YES
