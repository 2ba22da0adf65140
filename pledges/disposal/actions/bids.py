"""Offers: made, changed and withdrawn by registered organisations up to the closing moment.

The moment of an offer is the database's, and time spent waiting for the row counts: an offer that was sent before the closing
moment and reaches the row after it is too late. Its amount stands in no journal entry, so that nobody reads it there.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from pledges.disposal import rules
from pledges.disposal.locking import database_clock
from pledges.disposal.models import Bid, Disposal, Path
from portal.foundation.accounts.models import Membership
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.display import money_wan
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.money import MAX_YUAN
from portal.foundation.journal.record import record


@dataclass(frozen=True, slots=True)
class Terms:
    """What is offered: yuan; of a reverse licence also the yearly fee (yuan) and the years."""

    amount: Decimal
    licence_fee: Decimal | None = None
    licence_years: int | None = None
    note: str = ""


def _standing(disposal_id: int, *, now: datetime) -> tuple[Disposal, datetime]:
    """The locked disposal, and the moment at which we got hold of it."""
    before = database_clock()
    disposal = lock(Disposal.objects.filter(pk=disposal_id))
    moment = now + (database_clock() - before)
    disposal = Disposal.objects.select_related("registration__application").get(pk=disposal_id)
    return disposal, moment


def _apart(disposal: Disposal, actor: Actor) -> None:
    """Nobody sells with one chair and buys with another. Raises WrongState for who also sits with a party of the pledge."""
    parties = disposal.registration.parties
    if Membership.objects.filter(user_id=actor.user_id, organisation_id__in=parties, active=True).exists():
        raise WrongState(
            "two_chairs", "您同时是质权人或出质人一方的成员，不能代表其他单位报价，请由本单位的其他人员办理。"
        )


def _tell(verb: str, disposal: Disposal, *, actor: Actor, now: datetime, text: str) -> None:
    """Readable by the bidder alone; without the request's number, so that it stands in nobody's time line."""
    record(
        verb,
        actor=actor,
        now=now,
        subject=disposal.subject,
        text=text,
        data={"disposal": disposal.number, "round": disposal.round, "path": disposal.path},
    )


@transaction.atomic(durable=True)
def offer(disposal_id: int, terms: Terms, *, actor: Actor, now: datetime) -> Bid:
    """Make an offer, or replace the own one. Raises WrongState from the closing moment on, Invalid with the field."""
    disposal, moment = _standing(disposal_id, now=now)
    rules.can_bid(actor, disposal, now=moment).require()
    _apart(disposal, actor)
    reverse = disposal.path == Path.REVERSE_LICENCE
    wrong: dict[str, str] = {}
    if not Decimal(0) < terms.amount <= MAX_YUAN:
        wrong["amount"] = "报价要大于 0。"
    if disposal.reserve is not None and disposal.reserve_public and terms.amount < disposal.reserve:
        wrong["amount"] = f"报价低于公布的保留价 {money_wan(disposal.reserve)}。"
    if reverse and terms.licence_fee is None:
        wrong["licence_fee"] = "填写许可回原企业的年许可费，不收费的填 0。"
    if reverse and not terms.licence_years:
        wrong["licence_years"] = "填写许可年限，例如 3。"
    if wrong:
        raise Invalid("bid", "；".join(wrong.values()), fields=wrong)
    mine = Bid.objects.standing().filter(disposal=disposal, round=disposal.round, organisation_id=actor.organisation_id)
    replaced = mine.update(withdrawn_at=moment)
    made = Bid.objects.create(
        disposal=disposal,
        round=disposal.round,
        organisation_id=actor.organisation_id,
        amount=terms.amount,
        licence_fee=terms.licence_fee if reverse else None,
        licence_years=terms.licence_years if reverse else None,
        note=terms.note.strip(),
        made_by=actor.label,
        made_at=moment,
    )
    said = "更改报价" if replaced else "收到一份报价"
    _tell("disposal.offered", disposal, actor=actor, now=moment, text=f"处置 {disposal.number} {said}")
    return made


@transaction.atomic(durable=True)
def take_back(disposal_id: int, *, actor: Actor, now: datetime) -> Bid:
    """Withdraw the own offer before the closing moment."""
    disposal, moment = _standing(disposal_id, now=now)
    rules.can_bid(actor, disposal, now=moment).require()
    mine = Bid.objects.standing().filter(disposal=disposal, round=disposal.round, organisation_id=actor.organisation_id)
    bid = mine.first()
    if bid is None:
        raise WrongState("none", "您没有有效的报价，不用撤回。")
    bid.withdrawn_at = moment
    bid.save(update_fields=["withdrawn_at"])
    _tell("disposal.offer_withdrawn", disposal, actor=actor, now=moment, text=f"撤回对处置 {disposal.number} 的报价")
    return bid
