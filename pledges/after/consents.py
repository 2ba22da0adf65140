"""The pledgee's consent to what the pledgor wants to do with a pledged patent (民法典 444; edge case 7).

A record between the two: the transfer itself is registered elsewhere. Without a consent on record the portal says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.files.base import File
from django.db import transaction

from pledges.locking import locked as locked_file
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid
from portal.foundation.core.intake.gate import looked_at

from . import rules
from .kinds import Proceeds, Use
from .locking import locked_consent
from .models import UseConsent
from .papers import still_pledged
from .telling import keep_papers, tell


@dataclass(frozen=True, slots=True)
class Asked:
    """What the pledgor wants; `price` in yuan, None when there is none or it is not known."""

    use: str
    numbers: Sequence[str]
    counterparty: str = ""
    price: Decimal | None = None
    about: str = ""


@looked_at("uploads", field="papers")
@transaction.atomic(durable=True)
def ask(
    registration_id: int, asked: Asked, uploads: Sequence["File[Any]"] = (), *, actor: Actor, now: datetime
) -> UseConsent:
    """Ask the pledgee. Raises Forbidden, WrongState, Invalid with the field."""
    file = locked_file(registration_id)
    rules.can_ask_consent(actor, file).require()
    wrong = {}
    if asked.use not in Use.values:
        wrong["use"] = "选择拟办的事项。"
    chosen = sorted(set(asked.numbers))
    if not chosen or not set(chosen) <= set(still_pledged(file)):
        wrong["numbers"] = "从仍在质押的专利中选择。"
    if asked.use in (Use.TRANSFER, Use.LICENCE) and not asked.counterparty.strip():
        wrong["counterparty"] = "填写受让人或被许可人。"
    if wrong:
        raise Invalid("consent", next(iter(wrong.values())), fields=wrong)
    price: dict[str, Any] = {"price": asked.price}  # may be None, which the money column's type does not tell
    consent = UseConsent.objects.create(
        registration=file,
        use=asked.use,
        numbers=chosen,
        counterparty=asked.counterparty.strip()[:120],
        **price,
        about=asked.about.strip()[:500],
        asked_by=actor.label,
        asked_at=now,
    )
    keep_papers(file, uploads, actor=actor, now=now, consent=consent)
    said = f"{actor.organisation_name} 请质权人同意{Use(asked.use).label} {len(chosen)} 件质押专利"
    _tell("use.asked", consent, actor=actor, now=now, text=said)
    return consent


@transaction.atomic(durable=True)
def answer(consent_id: int, *, agree: bool, proceeds: str, terms: str, actor: Actor, now: datetime) -> UseConsent:
    """The pledgee agrees with its terms (where the price goes), or says why not. An answer stands."""
    file, consent = locked_consent(consent_id)
    rules.can_answer_consent(actor, consent, file).require()
    terms = terms.strip()[:500]
    if agree:
        if proceeds not in Proceeds.values:
            raise Invalid("proceeds", "选择价款的处理。", fields={"proceeds": "选择价款的处理。"})
        if proceeds == Proceeds.NONE and consent.price:
            said = "这项请求有价款，须提前清偿债务或者提存（民法典第四百四十四条）。"
            raise Invalid("proceeds", said, fields={"proceeds": said})
        consent.agree(proceeds=proceeds, terms=terms, by=actor.label, now=now)
    else:
        if not terms:
            raise Invalid("terms", "写明不同意的理由。", fields={"terms": "写明不同意的理由。"})
        consent.decline(terms=terms, by=actor.label, now=now)
    consent.save(update_fields=["state", "proceeds", "terms", "answered_by", "answered_at"])
    word = "同意" if agree else "不同意"
    said = f"{actor.organisation_name} {word}{Use(consent.use).label} {len(consent.numbers)} 件质押专利"
    _tell("use.agreed" if agree else "use.declined", consent, actor=actor, now=now, text=said)
    return consent


@transaction.atomic(durable=True)
def withdraw(consent_id: int, *, actor: Actor, now: datetime) -> UseConsent:
    """The pledgor no longer wants it."""
    file, consent = locked_consent(consent_id)
    rules.can_withdraw_consent(actor, consent, file).require()
    consent.withdraw(by=actor.label, now=now)
    consent.save(update_fields=["state", "answered_by", "answered_at"])
    said = f"{actor.organisation_name} 撤回{Use(consent.use).label}质押专利的请求"
    _tell("use.withdrawn", consent, actor=actor, now=now, text=said)
    return consent


def _tell(verb: str, consent: UseConsent, *, actor: Actor, now: datetime, text: str) -> None:
    file = consent.registration
    tell(verb, file, actor=actor, now=now, text=text, office=True, consent=str(consent.ref), use=consent.use)
