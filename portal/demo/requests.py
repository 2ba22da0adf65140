"""The first half of the story: requests and what the institutions made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from applications.actions import choices, drafts, responses, submit
from applications.models import Application, Offer, Purpose, Referral
from portal.foundation.accounts.models import Membership
from portal.foundation.core.moments import local_date
from products.models import Product


@dataclass(frozen=True, slots=True)
class Bank:
    """An institution with the officer who acts for it."""

    officer: Membership
    products: Sequence[Product]

    @property
    def pk(self) -> int:
        return self.officer.organisation_id


def apply(
    who: Membership,
    to: Sequence[Bank],
    *,
    at: datetime,
    wan: int,
    months: int = 24,
    purpose: str = Purpose.WORKING_CAPITAL,
    patents: slice = slice(0, 1),
    open_call: bool = False,
    note: str = "",
) -> Application:
    """A request of `wan` ten-thousand yuan with some of the enterprise's patents, submitted at `at`."""
    owned = list(who.organisation.patents.order_by("pk"))[patents]
    draft = drafts.start(actor=who.actor, now=at)
    wish = submit.Wish(
        amount=Decimal(wan) * 10_000,
        term_months=months,
        purpose=purpose,
        purpose_note=note,
        contact_name=who.user.name,
        contact_phone=who.user.phone,
        patent_ids=[p.pk for p in owned],
        product_ids=[_fitting(bank, wan, months).pk for bank in to],
        open_call=open_call,
    )
    return submit.submit(draft.pk, wish, actor=who.actor, now=at)


def _fitting(bank: Bank, wan: int, months: int) -> Product:
    """A product of the bank that takes this amount and term; its first one when none says so."""
    amount = Decimal(wan) * 10_000
    fits = [
        p
        for p in bank.products
        if (p.amount_max is None or p.amount_max >= amount) and (p.term_max is None or p.term_max >= months)
    ]
    return (fits or list(bank.products))[0]


def referral(case: Application, bank: Bank) -> Referral:
    return case.referrals.get(institution_id=bank.pk)


def claim(case: Application, bank: Bank, *, at: datetime, next_step: str) -> None:
    responses.claim(
        referral(case, bank).pk,
        contact_name=bank.officer.user.name,
        contact_phone="023-00000000",
        next_step=next_step,
        actor=bank.officer.actor,
        now=at,
    )


def offer(
    case: Application, bank: Bank, *, at: datetime, wan: int, rate: str = "", fee: str = "", months: int = 24
) -> Offer:
    terms = responses.Terms(
        amount=Decimal(wan) * 10_000,
        term_months=months,
        valid_until=local_date(at) + timedelta(days=30),
        annual_rate=Decimal(rate) if rate else None,
        fee_rate=Decimal(fee) if fee else None,
        repayment="按季付息，到期还本" if rate else "",
        conditions="以专利权质押，无须另行提供抵押物" if rate else "以银行放款为前提",
    )
    return responses.offer(referral(case, bank).pk, terms, actor=bank.officer.actor, now=at)


def accept(made: Offer, who: Membership, *, at: datetime) -> Application:
    return choices.accept(made.pk, actor=who.actor, now=at)


def agreed(
    who: Membership,
    bank: Bank,
    *,
    asked: datetime,
    claimed: datetime,
    offered: datetime,
    taken: datetime,
    wan: int,
    rate: str,
    patents: slice,
) -> Application:
    """A request that went straight to an accepted offer."""
    case = apply(who, [bank], at=asked, wan=wan, patents=patents)
    claim(case, bank, at=claimed, next_step="安排尽职调查")
    return accept(offer(case, bank, at=offered, wan=wan, rate=rate), who, at=taken)
