"""The result: the offers are opened, one wins or none; the buyer who does not pay loses it again."""

from datetime import datetime

from django.db import transaction

from pledges.disposal import rules
from pledges.disposal.locking import locked, tell
from pledges.disposal.models import Bid, Disposal, Path
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid

BELOW = "最高报价低于保留价"
NONE = "没有收到有效报价"


def ranked(disposal: Disposal) -> list[Bid]:
    """The standing offers of this round: the highest first, of equal ones the earlier."""
    bids = Bid.objects.standing().filter(disposal=disposal, round=disposal.round)
    return list(bids.select_related("organisation").order_by("-amount", "made_at", "pk"))


def valid(disposal: Disposal, bid: Bid) -> bool:
    return disposal.reserve is None or bid.amount >= disposal.reserve


@transaction.atomic(durable=True)
def decide(disposal_id: int, *, chosen: int | None = None, actor: Actor, now: datetime) -> Disposal:
    """Open the offers after the closing moment.

    Of an auction the highest valid offer wins by itself. On the other paths the pledgee chooses a valid one (`chosen`, the
    offer's pk); without valid offers every path fails. Raises WrongState before the closing moment or when decided already.
    """
    disposal = locked(disposal_id)
    rules.can_award(actor, disposal, now=now).require()
    bids = ranked(disposal)
    good = [bid for bid in bids if valid(disposal, bid)]
    if not good:
        return _failed(disposal, BELOW if bids else NONE, bids, actor=actor, now=now)
    if disposal.path == Path.AUCTION:
        won = good[0]
    else:
        picked = [bid for bid in good if bid.pk == chosen]
        if not picked:
            raise Invalid("chosen", "选择一份不低于保留价的报价。", fields={"chosen": "选择一份不低于保留价的报价。"})
        won = picked[0]
    disposal.award(bid=won, by=actor.label, now=now)
    disposal.save(update_fields=["state", "winner", "buyer", "price", "awarded_by", "awarded_at"])
    others = sorted({bid.organisation_id for bid in bids} - {won.organisation_id})
    tell(
        "disposal.awarded",
        disposal,
        actor=actor,
        now=now,
        text=f"处置 {disposal.number} 成交（{disposal.get_path_display()}），受让方 {won.organisation.title}",
        also=(won.organisation_id,),
        buyer=won.organisation_id,
        others=others,
        price=str(won.amount),
        offers=len(bids),
    )
    return disposal


@transaction.atomic(durable=True)
def choose_none(disposal_id: int, *, note: str, actor: Actor, now: datetime) -> Disposal:
    """On the paths where the pledgee chooses: none of the offers is good enough; the reason is told."""
    disposal = locked(disposal_id)
    rules.can_award(actor, disposal, now=now).require()
    bids = ranked(disposal)
    if disposal.path == Path.AUCTION and any(valid(disposal, bid) for bid in bids):
        raise Invalid("auction", "拍卖有不低于保留价的报价时，最高者成交，不能另作决定。")
    if not note.strip():
        raise Invalid("note", "写明都不接受的原因。", fields={"note": "写明都不接受的原因。"})
    return _failed(disposal, note.strip()[:300], bids, actor=actor, now=now)


def _failed(disposal: Disposal, note: str, bids: list[Bid], *, actor: Actor, now: datetime) -> Disposal:
    disposal.fail(note=note)
    disposal.save(
        update_fields=[
            "state", "failed_note", "winner", "buyer", "price", "awarded_at", "awarded_by", "taken_over",
        ]
    )  # fmt: skip
    tell(
        "disposal.failed",
        disposal,
        actor=actor,
        now=now,
        text=f"处置 {disposal.number} 流拍：{note}",
        bidders=sorted({bid.organisation_id for bid in bids}),
        offers=len(bids),
    )
    return disposal


@transaction.atomic(durable=True)
def unpaid(disposal_id: int, *, note: str, actor: Actor, now: datetime) -> Disposal:
    """The buyer has not paid: the result falls, and the patents can be listed again."""
    disposal = locked(disposal_id)
    rules.can_lapse(actor, disposal).require()
    if not note.strip():
        raise Invalid("note", "写明未付款的情况。", fields={"note": "写明未付款的情况。"})
    buyer = [disposal.winner] if disposal.winner is not None else []
    return _failed(disposal, f"受让方未按约付款：{note.strip()}"[:300], buyer, actor=actor, now=now)
