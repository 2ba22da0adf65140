"""Who may do what about a default and a disposal, in which state; a refusal has a sentence."""

from datetime import datetime

from django_fsm import can_proceed

from pledges.models import Registration
from pledges.particulars.rules import signatories
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from .models import BANKING, Default, Disposal, Path
from .settlement_models import Compensation, TakeOver

State = Disposal.State
BIDDING = (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER)
INSTITUTIONS = (OrganisationKind.BANK, OrganisationKind.GUARANTOR, OrganisationKind.INSURER)
# 428: an agreement made before the debt is due gives no more than priority; 436: after it, an agreed take-over at the market price.
FORFEIT = (
    "质权人不能直接取得专利：就拍卖、变卖的价款优先受偿（民法典第四百二十八条），或在违约后与出质人协议、参照市场价格折价"
    "（民法典第四百三十六条）。"
)
# The law lets a creditor bid; this portal does not, because it is the seller here, sets the reserve and opens the offers.
SELLER = "本单位是质权人，处置由本单位公告和开启报价，按本平台规则不能自己报价。要取得专利的，请在没有合适报价后向出质人提出折价。"
ENDED = "质押登记已不在有效期内，不能处置。"


def _pledgee(actor: Actor, file: Registration) -> Verdict:
    if actor.role not in BANKING or actor.organisation_id != file.pledgee_id:
        return not_you("role", "只有质权人（银行）可以办理。")
    return YES


def _in(disposal: Disposal, possible: bool, verb: str) -> Verdict:
    return YES if possible else no("state", f"这件处置现在是“{disposal.get_state_display()}”，不能{verb}。")


def can_record_default(actor: Actor, file: Registration, *, paid_out: bool, open_default: bool) -> Verdict:
    verdict = _pledgee(actor, file)
    if verdict and file.state != Registration.State.REGISTERED:
        return no("state", f"这件质押现在是“{file.get_state_display()}”，登记有效的质押才能记录违约。")
    if verdict and not paid_out:
        return no("loan", "还没有登记放款，没有可违约的债务。")
    if verdict and open_default:
        return no("open", "已经有一条没有清偿的违约记录。")
    return verdict


def can_cure(actor: Actor, default: Default, live: Disposal | None) -> Verdict:
    """The debt is paid: the default ends, and with it what is not yet awarded."""
    verdict = _pledgee(actor, default.registration)
    if verdict and default.cured_at is not None:
        return no("cured", "这条违约记录已经清偿。")
    if verdict and live is not None and not can_proceed(live.withdraw):
        return no("awarded", "处置已经成交，不能再撤回；受让方没有付款的，先记录未付款。")
    return verdict


def can_start(actor: Actor, default: Default, live: Disposal | None) -> Verdict:
    verdict = _pledgee(actor, default.registration)
    if verdict and default.cured_at is not None:
        return no("cured", "债务已经清偿，不能再处置。")
    if verdict and default.registration.state != Registration.State.REGISTERED:
        return no("state", "质押登记已不在有效期内，不能处置。")
    if verdict and live is not None:
        return no("live", f"已经有一件办理中的处置 {live.number}。")
    if verdict and default.disposals.filter(state=State.SETTLED).exists():
        return no("settled", "这笔违约已经处置并分配完毕。")
    return verdict


def can_edit(actor: Actor, disposal: Disposal) -> Verdict:
    return _pledgee(actor, disposal.registration) and _in(disposal, disposal.state == State.DRAFT, "修改")


def _stands(disposal: Disposal) -> Verdict:
    """A pledge that was cancelled or revoked meanwhile gives no right to sell."""
    return YES if disposal.registration.state == Registration.State.REGISTERED else no("pledge", ENDED)


def can_submit(actor: Actor, disposal: Disposal) -> Verdict:
    verdict = _pledgee(actor, disposal.registration) and _in(disposal, can_proceed(disposal.submit), "送复核")
    return verdict and _stands(disposal)


def can_check(actor: Actor, disposal: Disposal) -> Verdict:
    """Look at the draft, and publish or send it back: a manager of the pledgee who did not draft it."""
    verdict = _pledgee(actor, disposal.registration) and _in(disposal, can_proceed(disposal.publish), "复核")
    if verdict and actor.role != Role.MANAGER:
        return not_you("manager", "公告由本机构负责人复核发布。")
    if verdict and actor.user_id == disposal.drafted_by_id:
        return not_you("own", "公告由您起草，须由另一位负责人复核。")
    return verdict


def can_publish(actor: Actor, disposal: Disposal) -> Verdict:
    return can_check(actor, disposal) and _stands(disposal)


def can_bid(actor: Actor, disposal: Disposal, *, now: datetime) -> Verdict:
    """Any registered organisation but the two parties, until the closing moment."""
    if actor.role not in BIDDING:
        return not_you("role", "只有已注册的企业和金融机构可以报价。")
    if actor.organisation_id == disposal.registration.pledgee_id:
        return no("seller", SELLER)
    if actor.organisation_id == signatories(disposal.registration)[0]:
        return no("own", "专利本来就在您名下：清偿债务后，质权人撤回处置即可。")
    if disposal.path == Path.POOL and actor.organisation_kind not in INSTITUTIONS:
        return no("pool", "集中收储只接受金融机构报价。")
    if disposal.state != State.LISTED:
        return no("state", f"这件处置现在是“{disposal.get_state_display()}”，不接受报价。")
    if disposal.closed(now=now):
        return no("closed", "报价已经截止，不能再报价或撤回。")
    if disposal.registration.state != Registration.State.REGISTERED:
        return no("pledge", "质押登记已不在有效期内，这件处置不再接受报价。")
    return YES


def sees_bids(actor: Actor, disposal: Disposal, *, round: int, now: datetime) -> bool:
    """Whether names and amounts of a round may be shown: of an auction to nobody before the closing moment.

    An auction that was withdrawn before it closed stays unopened for ever.
    """
    parties = signatories(disposal.registration)
    if actor.role != Role.REGULATOR and actor.organisation_id not in parties:
        return False
    if round < disposal.round or not disposal.sealed:
        return True
    if disposal.state == State.LISTED:
        return disposal.closed(now=now)
    return disposal.state in (State.FAILED, State.AWARDED, State.SETTLED)


def can_award(actor: Actor, disposal: Disposal, *, now: datetime) -> Verdict:
    verdict = _pledgee(actor, disposal.registration) and _in(disposal, can_proceed(disposal.award), "确定结果")
    if verdict and not disposal.closed(now=now):
        return no("open", "报价还没有截止，截止以后才能确定结果。")
    if verdict and disposal.registration.state != Registration.State.REGISTERED:
        return no("pledge", "质押登记已不在有效期内，不能成交，请撤回处置。")
    return verdict


def can_relist(actor: Actor, disposal: Disposal) -> Verdict:
    return _pledgee(actor, disposal.registration) and _in(disposal, can_proceed(disposal.relist), "重新公告")


def can_withdraw(actor: Actor, disposal: Disposal, *, now: datetime, winning: bool) -> Verdict:
    """`winning`: a valid offer stands. From the closing moment on the pledgee can read the offers of an auction: it is then
    bound to the highest, and cannot withdraw because it likes none. A debt that is paid ends it all the same (`can_cure`)."""
    verdict = _pledgee(actor, disposal.registration)
    if verdict and disposal.state == State.AWARDED:
        return no("awarded", "处置已经成交，不能再撤回；受让方没有付款的，先记录未付款。")
    verdict = verdict and _in(disposal, can_proceed(disposal.withdraw), "撤回")
    opened = disposal.sealed and disposal.state == State.LISTED and disposal.closed(now=now)
    if verdict and opened and winning and disposal.registration.state == Registration.State.REGISTERED:
        return no(
            "opened", "报价已经截止并可查看，有不低于保留价的报价时不能撤回，请确定结果；债务已清偿的，记录清偿。"
        )
    return verdict


def can_lapse(actor: Actor, disposal: Disposal) -> Verdict:
    """The buyer has not paid: the result falls, the patents can be listed again."""
    verdict = _pledgee(actor, disposal.registration)
    if verdict and disposal.taken_over:
        return no("taken_over", "折价给质权人的，没有受让方付款；双方已经达成协议，不能单方取消。")
    return verdict and _in(disposal, disposal.state == State.AWARDED, "记录未付款")


def can_propose_take_over(actor: Actor, disposal: Disposal, *, waiting: bool) -> Verdict:
    verdict = _pledgee(actor, disposal.registration)
    if verdict and disposal.path != Path.TRANSFER:
        return no("forfeit", FORFEIT + "要折价的，请先把处置方式改为协议转让。")
    if verdict and waiting:
        return no("waiting", "上一份折价方案还在等出质人答复。")
    if verdict and disposal.state == State.LISTED:
        return no("state", "公告期间不能折价给质权人；截止后没有合适报价的，可以再提出。")
    return verdict and _in(disposal, can_proceed(disposal.take_over), "提出折价")


def can_answer_take_over(actor: Actor, offer: TakeOver, disposal: Disposal) -> Verdict:
    if actor.role != Role.ENTERPRISE or actor.organisation_id != signatories(disposal.registration)[0]:
        return not_you("role", "折价只能由出质人同意。")
    if offer.answered_at is not None:
        return no("answered", "这份折价方案已经答复。")
    return _in(disposal, can_proceed(disposal.take_over), "答复折价方案")


def can_distribute(actor: Actor, disposal: Disposal) -> Verdict:
    return _pledgee(actor, disposal.registration) and _in(disposal, can_proceed(disposal.settle), "分配价款")


def can_claim(actor: Actor, disposal: Disposal) -> Verdict:
    verdict = _pledgee(actor, disposal.registration)
    verdict = verdict and _in(disposal, disposal.state == State.SETTLED, "申请代偿：先分配价款")
    if verdict and disposal.default.cured_at is not None:
        return no("cured", "债务已经清偿，没有净损失可以申请代偿。")
    return verdict


def can_answer_claim(actor: Actor, claim: Compensation) -> Verdict:
    if actor.role not in BANKING or actor.organisation_id != claim.cover.institution_id:
        return not_you("role", "只有承诺担保、保险的机构可以答复。")
    if claim.state != Compensation.State.FILED:
        return no("state", f"这份代偿申请现在是“{claim.get_state_display()}”，不能再答复。")
    return YES
