"""Ling's registered pledge and what she and Bo apply for afterwards."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pledges.after import examination, filing, revoking
from pledges.after.filing import Wish
from pledges.after.kinds import EndGround, MatterKind
from pledges.after.models import Matter, Revocation
from pledges.models import Notice, Registration
from pledges.particulars.rules import signatories
from portal.foundation.accounts.models import Membership
from portal.foundation.core import moments
from portal.foundation.sla.models import Clock
from tests.factories import Person

from .conftest import paper

now = moments.now


def longer(file: Registration, days: int = 90) -> Wish:
    """Ninety more days for the debtor."""
    assert file.debt_to is not None
    return Wish(reason="展期", changes={"debt_to": file.debt_to + timedelta(days=days)})


def until(day: date) -> Wish:
    return Wish(changes={"debt_to": day})


def amount(yuan: int) -> Wish:
    return Wish(changes={"debt_amount": Decimal(yuan)})


PAID = Wish(end_ground=EndGround.PERFORMED)


def asked(file: Registration, kind: str, wish: Wish, by: Person, *papers: Any) -> Matter:
    """Applied for by one side, with a paper."""
    return filing.start(file.pk, kind, wish, papers or [paper("证明.pdf")], actor=by.actor, now=now())


def handed_in(file: Registration, kind: str, wish: Wish, by: Person, other: Person) -> Matter:
    """Confirmed by the other side: the office has it."""
    made = asked(file, kind, wish, by)
    return filing.confirm(made.pk, version=made.version, actor=other.actor, now=now())


def in_hand(file: Registration, kind: str, wish: Wish, by: Person, other: Person, clerk: Person) -> Matter:
    """Accepted by the clerk."""
    made = handed_in(file, kind, wish, by, other)
    return examination.accept(made.pk, actor=clerk.actor, now=now())


def decided(file: Registration, kind: str, wish: Wish, by: Person, other: Person, clerk: Person) -> Notice:
    made = in_hand(file, kind, wish, by, other, clerk)
    return examination.approve(made.pk, version=made.version, actor=clerk.actor, now=now())


def cancelled(file: Registration, by: Person, other: Person, clerk: Person) -> Notice:
    return decided(file, MatterKind.CANCELLATION, PAID, by, other, clerk)


def proposed(file: Registration, clerk: Person) -> Revocation:
    return revoking.propose(
        file.pk, ground="false_promise", refusal_ground="", found="授权委托书不实", actor=clerk.actor, now=now()
    )


def heard(made: Revocation, chief: Person) -> Revocation:
    """The chief has told both parties and both have spoken."""
    revoking.tell_parties(made.pk, actor=chief.actor, now=now())
    for organisation in signatories(made.registration):
        seat = Membership.objects.filter(organisation_id=organisation, active=True).earliest("pk")
        revoking.state(made.pk, text="材料属实，请予核查。", actor=seat.actor, now=now())
    return made


def revoked(file: Registration, clerk: Person, chief: Person) -> Notice:
    return revoking.decide(heard(proposed(file, clerk), chief).pk, actor=chief.actor, now=now())


def fresh(file: Registration) -> Registration:
    return Registration.objects.select_related("application", "pledgor", "pledgee").get(pk=file.pk)


def clock_of(matter: Matter) -> Clock:
    assert matter.clock_id is not None
    return Clock.objects.get(pk=matter.clock_id)
