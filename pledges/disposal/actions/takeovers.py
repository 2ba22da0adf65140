"""折价: after a default the pledgee proposes to take the patents at a valued price, and only the pledgor can agree."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.files.base import File
from django.db import transaction

from pledges.disposal import rules
from pledges.disposal.locking import locked, tell
from pledges.disposal.models import Disposal
from pledges.disposal.settlement_models import TakeOver
from pledges.models import Registration
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.intake.gate import admit, looked_at
from portal.foundation.core.moments import local_date
from portal.foundation.core.money import MAX_YUAN


@dataclass(frozen=True, slots=True)
class Price:
    """At what price, by whose valuation of which day. Yuan."""

    price: Decimal
    valued_at: Decimal
    valued_on: date
    valuer: str


@dataclass(frozen=True, slots=True)
class Answer:
    agreed: bool
    note: str = ""


@looked_at("report", field="report")
@transaction.atomic(durable=True)
def propose(disposal_id: int, offer: Price, *, report: "File[Any]", actor: Actor, now: datetime) -> TakeOver:
    """Propose it, with the valuation report. Raises WrongState for a forbidden 流质, Invalid with the field."""
    disposal = locked(disposal_id)
    waiting = TakeOver.objects.filter(disposal=disposal, answered_at=None).exists()
    rules.can_propose_take_over(actor, disposal, waiting=waiting).require()
    wrong: dict[str, str] = {}
    if offer.price < offer.valued_at:
        wrong["price"] = f"折价不能低于评估值 {money_wan(offer.valued_at)}。"
    if offer.price > MAX_YUAN:
        wrong["price"] = "折价金额超过上限，请核对单位。"
    if offer.valued_on > local_date(now):
        wrong["valued_on"] = "评估基准日不能晚于今天。"
    elif offer.valued_on < disposal.default.defaulted_on:
        day = full_date_cn(disposal.default.defaulted_on)
        wrong["valued_on"] = f"评估要在违约（{day}）以后做：违约前约定的价格不能作为折价依据。"
    if wrong:
        raise Invalid("take_over", "；".join(wrong.values()), fields=wrong)
    checked = admit(report, actor=actor, now=now, field="report")
    made = TakeOver.objects.create(
        disposal=disposal,
        price=offer.price,
        valued_at=offer.valued_at,
        valued_on=offer.valued_on,
        valuer=offer.valuer.strip(),
        uploaded_by=actor.label,
        uploaded_at=now,
        **checked.fields(),
    )
    text = f"{disposal.registration.pledgee.title} 提出折价方案，等出质人答复（{disposal.number}）"
    tell("disposal.takeover_proposed", disposal, actor=actor, now=now, text=text, price=str(made.price))
    return made


@transaction.atomic(durable=True)
def answer(take_over_id: int, said: Answer, *, actor: Actor, now: datetime) -> Disposal:
    """The pledgor agrees, and the patents go to the pledgee at that price; or refuses, and nothing has happened."""
    disposal = locked(TakeOver.objects.values_list("disposal_id", flat=True).get(pk=take_over_id))
    offer = lock(TakeOver.objects.filter(pk=take_over_id))
    rules.can_answer_take_over(actor, offer, disposal).require()
    if said.agreed and disposal.registration.state != Registration.State.REGISTERED:
        raise WrongState("pledge", "质押登记已不在有效期内，不能折价。")
    offer.answered_at, offer.answered_by = now, actor.label
    offer.agreed, offer.answer_note = said.agreed, said.note.strip()[:300]
    offer.save(update_fields=["answered_at", "answered_by", "agreed", "answer_note"])
    if not said.agreed:
        text = f"出质人不同意折价（{disposal.number}）"
        tell("disposal.takeover_refused", disposal, actor=actor, now=now, text=text)
        return disposal
    disposal.take_over(price=offer.price, by=actor.label, now=now)
    disposal.save(update_fields=["state", "buyer", "price", "taken_over", "awarded_by", "awarded_at"])
    text = f"出质人同意折价，处置 {disposal.number} 成交，受让方 {disposal.registration.pledgee.title}"
    tell("disposal.takeover_agreed", disposal, actor=actor, now=now, text=text, price=str(offer.price))
    return disposal
