"""Who may do what to a pledge file, in which state: allowed or not, with a reason a person can read."""

from django_fsm import can_proceed

from applications.models import Application
from portal.foundation.accounts.models import Role
from portal.foundation.assets.valuation import needed
from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import local
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from .models import Document, Registration, Valuation
from .particulars.rules import signatories

State = Registration.State
BANKING = (Role.OFFICER, Role.MANAGER)
OFFICE = (Role.CLERK, Role.CHIEF)


def state_label(file: Registration) -> str:
    return str(State(file.state).label)


def _party(actor: Actor, file: Registration) -> Verdict:
    pledgor = actor.role == Role.ENTERPRISE and actor.organisation_id in (file.pledgor_id, file.debtor_org_id)
    pledgee = actor.role in BANKING and actor.organisation_id == file.pledgee_id
    return YES if pledgor or pledgee else not_you("role", "只有出质人和质权人的经办人可以办理。")


def is_proposer(actor: Actor, file: Registration) -> bool:
    """The side that fills in the form; the other one confirms."""
    return actor.organisation_id == file.started_by_org_id


def can_start(actor: Actor, application: Application) -> Verdict:
    """Either side of the accepted offer."""
    offer = application.accepted_offer
    lender = offer.referral.institution_id if offer else None
    own = actor.role == Role.ENTERPRISE and actor.organisation_id == application.organisation_id
    theirs = actor.role in BANKING and lender is not None and actor.organisation_id == lender
    if not own and not theirs:
        return not_you("role", "只有提交需求的企业和方案被选定的银行可以发起质押登记。")
    if application.state != Application.State.ACCEPTED or offer is None:
        label = Application.State(application.state).label
        return no("state", f"这笔需求现在是“{label}”，选定银行方案后才能发起质押登记。")
    return YES


def can_edit(actor: Actor, file: Registration) -> Verdict:
    verdict = _party(actor, file)
    if verdict and not is_proposer(actor, file):
        return not_you("other", "这份登记申请由对方填写，您可以核对后确认或退回。")
    if verdict and file.state != State.DRAFT:
        return no("state", f"这份登记申请现在是“{state_label(file)}”，不能再修改。")
    return verdict


def can_list(actor: Actor, file: Registration) -> Verdict:
    """Hand in the list of patents: whoever fills in the form, and either party while the office asks about the patents."""
    if file.state != State.CORRECTING:
        return can_edit(actor, file)
    verdict = can_answer(actor, file)
    if verdict and not file.corrections.filter(round=file.correction_rounds, field="patents").exists():
        return no("place", "补正通知没有要求更正质押专利，专利清单不能改动。")
    return verdict


def can_propose(actor: Actor, file: Registration, application: Application) -> Verdict:
    return can_edit(actor, file) and _still_wanted(application)


def value_proven(file: Registration) -> Verdict:
    """What was valued comes with its report (公告第461号第七条); whether something must be is said by valuation.needed."""
    if needed.required(file.debt_amount) and file.valuation != Valuation.REPORT:
        return no("valuation", f"债权数额{needed.limit().beyond}，价值确定方式须选“资产评估报告”，并上传报告。")
    there = file.documents.filter(kind=Document.Kind.VALUATION, replaced_at=None)
    if file.valuation == Valuation.REPORT and not there.exists():
        return no("valuation", "价值确定方式选了“资产评估报告”，请在“价值”一栏上传报告，或改选其他方式。")
    return YES


def can_confirm(actor: Actor, file: Registration, application: Application) -> Verdict:
    """The party that did not fill it in confirms it: a pledge is applied for by both together (公告第461号第三条)."""
    verdict = can_send_back(actor, file)
    return verdict and _still_wanted(application)


def can_send_back(actor: Actor, file: Registration) -> Verdict:
    verdict = _party(actor, file)
    if verdict and file.state != State.CONFIRMING:
        return no("state", f"这份登记申请现在是“{state_label(file)}”，不在等待确认。")
    if verdict and is_proposer(actor, file):
        return not_you("own", "这份登记申请由本方填写，须由对方确认。")
    if verdict and actor.organisation_id not in signatories(file):
        return not_you("debtor", f"登记由出质人和质权人共同申请，须由出质人 {file.pledgor.name} 确认。")
    return verdict


def can_read_contract(actor: Actor, file: Registration) -> Verdict:
    """Let the portal read the contract's words: the parties at any time before the decision, and the office in examining."""
    if actor.role in OFFICE and actor.organisation_id == file.office_id and file.submitted_at is not None:
        return YES
    verdict = _party(actor, file)
    if verdict and file.state not in (State.DRAFT, State.CONFIRMING, State.SUBMITTED, State.CORRECTING):
        return no("state", f"这份登记申请现在是“{state_label(file)}”，不再核对合同文字。")
    return verdict


def can_forward(actor: Actor, file: Registration) -> Verdict:
    """Record the registrar's number: the office, once the file is registered here."""
    if actor.role not in OFFICE or actor.organisation_id != file.office_id:
        return not_you("role", "只有受理机构的审查员可以登记国家登记号。")
    if file.decided_at is None or file.state in (State.REFUSED, State.WITHDRAWN):
        return no("state", f"这一件现在是“{state_label(file)}”，准予登记并转报后才有国家登记号。")
    return YES


def can_take_back(actor: Actor, file: Registration) -> Verdict:
    """The proposer goes on editing before the other side has confirmed."""
    verdict = _party(actor, file)
    if verdict and not (is_proposer(actor, file) and file.state == State.CONFIRMING):
        return no("state", "只有发起方在对方确认之前可以取回修改。")
    return verdict


def can_withdraw(actor: Actor, file: Registration) -> Verdict:
    """Either party, until the decision. A debtor for whom another pledges may give up its own draft, not what the two have
    applied for together."""
    verdict = _party(actor, file)
    if verdict and file.submitted_at is not None and actor.organisation_id not in signatories(file):
        return not_you("debtor", f"申请由出质人 {file.pledgor.name} 和质权人共同提交，由其中一方撤回。")
    if verdict and not can_proceed(file.withdraw):
        return no("state", f"这一件现在是“{state_label(file)}”，不能撤回。")
    return verdict


def can_answer(actor: Actor, file: Registration) -> Verdict:
    verdict = _party(actor, file)
    if verdict and file.state != State.CORRECTING:
        return no("state", f"这一件现在是“{state_label(file)}”，没有等待补正的事项。")
    return verdict


def can_record_loan(actor: Actor, file: Registration) -> Verdict:
    if actor.role not in BANKING or actor.organisation_id != file.pledgee_id:
        return not_you("role", "只有质权人（银行）可以登记放款。")
    if file.state != State.REGISTERED:
        return no("state", f"这一件现在是“{state_label(file)}”，质押登记后才能登记放款。")
    return YES


def _still_wanted(application: Application) -> Verdict:
    if application.state != Application.State.ACCEPTED:
        label = Application.State(application.state).label
        return no("application", f"对应的融资需求现在是“{label}”，不能提交质押登记。")
    return YES


# --- the office -----------------------------------------------------------------------------------------------------


def _clerk(actor: Actor, file: Registration, *, conflict: bool) -> Verdict:
    if actor.role not in OFFICE or actor.organisation_id != file.office_id:
        return not_you("role", "只有受理机构的审查员可以办理。")
    if conflict:
        return not_you("conflict", "您是出质人或质权人单位的成员，或已申请回避，应当回避，请由其他审查员办理。")
    return YES


def held_by(file: Registration) -> str:
    """«王审查 正在办理（10:42 起）»."""
    since = f"（{local(file.clerk_since):%H:%M} 起）" if file.clerk_since else ""
    return f"{file.clerk} 正在办理{since}"


def _mine(actor: Actor, file: Registration) -> Verdict:
    if file.clerk_id is not None and file.clerk_id != actor.user_id:
        return no("held", f"{held_by(file)}，如需由您办理，请先接手。")
    return YES


def can_accept(actor: Actor, file: Registration, *, conflict: bool) -> Verdict:
    verdict = _clerk(actor, file, conflict=conflict) and _mine(actor, file)
    if verdict and file.state != State.SUBMITTED:
        return no("state", f"这一件现在是“{state_label(file)}”，不在待受理。")
    return verdict


def can_take_over(actor: Actor, file: Registration, *, conflict: bool) -> Verdict:
    verdict = _clerk(actor, file, conflict=conflict)
    if verdict and file.state not in (State.EXAMINING, State.CORRECTING):
        return no("state", f"这一件现在是“{state_label(file)}”，不能接手。")
    if verdict and file.clerk_id == actor.user_id:
        return no("own", "这一件已经由您办理。")
    return verdict


def can_assign(actor: Actor, file: Registration) -> Verdict:
    if actor.role != Role.CHIEF or actor.organisation_id != file.office_id:
        return not_you("role", "只有登记处负责人可以转派。")
    if file.state not in (State.SUBMITTED, State.EXAMINING, State.CORRECTING):
        return no("state", f"这一件现在是“{state_label(file)}”，不能转派。")
    return YES


def can_hand_over(actor: Actor, file: Registration) -> Verdict:
    """To another office: by the office's chief, or by the regulator when the office is absent. Not while the parties correct."""
    chief = actor.role == Role.CHIEF and actor.organisation_id == file.office_id
    if not chief and actor.role != Role.REGULATOR:
        return not_you("role", "只有受理机构负责人或监管人员可以改由其他受理机构办理。")
    if not can_proceed(file.hand_over):
        return no("state", f"这一件现在是“{state_label(file)}”，不能改由其他受理机构办理。")
    return YES


def can_examine(actor: Actor, file: Registration, *, conflict: bool) -> Verdict:
    """Tick, ask for correction, register, refuse: the clerk who holds the file, while it is examined."""
    verdict = _clerk(actor, file, conflict=conflict) and _mine(actor, file)
    if verdict and file.state == State.SUBMITTED:
        return no("state", "请先受理这一件，再审查。")
    if verdict and file.state != State.EXAMINING:
        return no("state", f"这一件现在是“{state_label(file)}”，已不能办理。")
    return verdict


def can_check_register(actor: Actor, file: Registration, *, conflict: bool) -> Verdict:
    """Ask the register about the patents: the clerk who holds the file, or anybody of the office while nobody does."""
    verdict = _clerk(actor, file, conflict=conflict) and _mine(actor, file)
    if verdict and file.state not in (State.SUBMITTED, State.EXAMINING, State.CORRECTING):
        return no("state", f"这一件现在是“{state_label(file)}”，不必再核对登记簿。")
    return verdict


def can_recuse(actor: Actor, file: Registration, *, conflict: bool) -> Verdict:
    """Stand aside from a file one holds, or that nobody holds yet."""
    verdict = _clerk(actor, file, conflict=conflict) and _mine(actor, file)
    if verdict and file.state not in (State.SUBMITTED, State.EXAMINING):
        return no("state", f"这一件现在是“{state_label(file)}”，送回审查后再申请回避。")
    return verdict
