"""A loan that is not repaid: Ling's patents are pledged to Bo's bank, the money is paid out, and then nothing comes back."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from applications.actions import choices
from applications.models import Application
from pledges.actions import examination, loans
from pledges.disposal.actions import bids, defaults, listing
from pledges.disposal.models import Default, Disposal, Path
from pledges.models import Bid, Registration
from portal.foundation.core import moments
from products.models import Product
from tests import covering
from tests.factories import Person
from tests.pledges.conftest import accepted, examined, paper, submitted


def money(text: str) -> Decimal:
    return Decimal(text)


def later(**more: int) -> datetime:
    return moments.now() + timedelta(**more)


def paid_out(case: Application, bank: Person, firm: Person, clerk: Person, **changes: Any) -> Registration:
    """Registered, and the loan recorded today."""
    file = examined(submitted(case, bank, firm, **changes), clerk)
    examination.register(file.pk, actor=clerk.actor, now=moments.now())
    payment = loans.Payment(
        amount=min(file.debt_amount, Decimal(8_000_000)),
        annual_rate=Decimal("3.45"),
        disbursed_on=moments.local_date(moments.now()),
        loan_number="SL-1",
    )
    loans.record_loan(file.pk, payment, actor=bank.actor, now=moments.now())
    return Registration.objects.get(pk=file.pk)


def debt(**changes: Any) -> defaults.Debt:
    values: dict[str, Any] = {
        "defaulted_on": moments.local_date(moments.now()),
        "principal": money("8000000.00"),
        "interest": money("123456.78"),
        "costs": money("20000.00"),
        **changes,
    }
    return defaults.Debt(**values)


def defaulted(file: Registration, bank: Person, **changes: Any) -> Default:
    return defaults.record_default(file.pk, debt(**changes), papers=[paper()], actor=bank.actor, now=moments.now())


def text(**changes: Any) -> listing.Listing:
    values: dict[str, Any] = {
        "path": Path.AUCTION,
        "statement": "两件专利一并处置。",
        "reserve": money("1000000.00"),
        "reserve_public": False,
        "closes_at": later(days=3),
        "contact_name": "薄示例",
        "contact_phone": "023-67961234",
        **changes,
    }
    return listing.Listing(**values)


def published(default: Default, officer: Person, manager: Person, **changes: Any) -> Disposal:
    """Drafted by the officer, published by the manager."""
    made = listing.start(default.pk, actor=officer.actor, now=moments.now())
    return checked(made, officer, manager, **changes)


def checked(made: Disposal, officer: Person, manager: Person, **changes: Any) -> Disposal:
    now = changes.pop("now", None) or moments.now()
    saved = listing.save(made.pk, text(**changes), version=made.version, actor=officer.actor, now=now)
    listing.submit(made.pk, actor=officer.actor, now=now)
    return listing.publish(made.pk, version=saved.version, actor=manager.actor, now=now)


def bid(disposal: Disposal, by: Person, amount: str, *, now: datetime | None = None, **more: Any) -> Bid:
    return bids.offer(disposal.pk, bids.Terms(money(amount), **more), actor=by.actor, now=now or moments.now())


@pytest.fixture
def file(ling: Person, bo: Person, product: Product, chen: Person) -> Registration:
    """Ling's loan of 8,000,000 yuan from Bo, pledged and paid out."""
    return paid_out(accepted(ling, bo, product), bo, ling, chen)


@pytest.fixture
def default(file: Registration, bo: Person) -> Default:
    return defaulted(file, bo)


@pytest.fixture
def auction(default: Default, bo: Person, bo_manager: Person) -> Disposal:
    return published(default, bo, bo_manager)


@pytest.fixture
def guaranteed(ling: Person, bo: Person, gu: Person, product: Product, chen: Person) -> Registration:
    """The same loan, with Gu's guarantee of 5,000,000 yuan and the national fund behind it."""
    covering.listed(ling)
    referral = covering.claimed(ling, bo, product)
    offer = covering.offered(referral, bo)
    covering.committed(covering.asked(referral, ling, gu), gu)
    case = choices.accept(offer.pk, actor=ling.actor, now=moments.now())
    return paid_out(case, bo, ling, chen)
