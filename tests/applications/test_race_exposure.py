"""A household's cap under commitments at one moment: real threads on real PostgreSQL."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError

from applications.actions import cover_answers, covers
from applications.cover_models import Cover
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from products.models import HouseholdExposure, Product
from tests import covering, factories
from tests.factories import Person
from tests.threads import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def trying(call: object) -> object:
    try:
        return call()  # type: ignore[operator]
    except DomainError as error:
        return error


def outstanding(who: Person) -> Decimal:
    return HouseholdExposure.objects.get(pk=who.organisation.pk).outstanding


def ready(ling: Person, bo: Person, product: Product, guarantors: list[Person]) -> list[Cover]:
    """One request of Ling each, with this guarantor's terms for five million."""
    covering.listed(ling)
    made = []
    for guarantor in guarantors:
        cover = covering.asked(covering.claimed(ling, bo, product), ling, guarantor)
        made.append(covering.with_terms(cover, guarantor))
    return made


@pytest.fixture
def guarantors(reference: None) -> list[Person]:
    made = []
    for n in range(10):
        at = factories.organisation(OrganisationKind.GUARANTOR, f"示例担保{n}")
        made.append(factories.person(f"gu{n}", "顾示例", Role.OFFICER, at))
    return made


def test_attack_36_of_ten_commitments_of_five_million_at_once_exactly_six_stand(
    ling: Person, bo: Person, product: Product, guarantors: list[Person]
) -> None:
    waiting = ready(ling, bo, product, guarantors)

    def commit(cover: Cover, by: Person) -> object:
        return trying(lambda: cover_answers.commit(cover.pk, version=1, actor=by.actor, now=moments.now()))

    results = together(*[lambda c=c, g=g: commit(c, g) for c, g in zip(waiting, guarantors, strict=True)])  # type: ignore[misc]
    refused = [r for r in results if isinstance(r, DomainError)]
    assert len(refused) == 4
    assert {r.code for r in refused} == {"household_cap"}
    assert Cover.objects.filter(state="committed").count() == 6
    assert outstanding(ling) == Decimal(30_000_000)


def test_a_release_makes_room_for_exactly_one_more(
    ling: Person, bo: Person, product: Product, guarantors: list[Person]
) -> None:
    waiting = ready(ling, bo, product, guarantors)
    for cover, by in list(zip(waiting, guarantors, strict=True))[:6]:
        cover_answers.commit(cover.pk, version=1, actor=by.actor, now=moments.now())
    late = list(zip(waiting, guarantors, strict=True))[6:]

    Cover.objects.filter(pk=waiting[0].pk).update(valid_until=date(2020, 1, 1))  # never used, and its day has passed

    def release() -> object:
        return cover_answers.release(waiting[0].pk, note="贷款已结清", actor=guarantors[0].actor, now=moments.now())

    release()
    results = together(
        *[
            lambda c=c, g=g: trying(lambda: cover_answers.commit(c.pk, version=1, actor=g.actor, now=moments.now()))  # type: ignore[misc]
            for c, g in late
        ]
    )
    assert sum(isinstance(r, DomainError) for r in results) == 3
    assert outstanding(ling) == Decimal(30_000_000)


def test_a_commitment_and_its_withdrawal_at_once_leave_nothing_behind(
    ling: Person, bo: Person, product: Product, guarantors: list[Person]
) -> None:
    for cover, by in zip(ready(ling, bo, product, guarantors[:3]), guarantors, strict=False):
        together(
            lambda c=cover, g=by: trying(
                lambda: cover_answers.commit(c.pk, version=1, actor=g.actor, now=moments.now())
            ),
            lambda c=cover: trying(lambda: covers.withdraw(c.pk, actor=ling.actor, now=moments.now())),
        )
    assert not Cover.objects.live().exists()
    found = HouseholdExposure.objects.filter(pk=ling.organisation.pk).first()
    assert found is None or found.outstanding == 0


def test_the_database_refuses_what_no_lock_stopped(ling: Person) -> None:
    HouseholdExposure.objects.create(organisation=ling.organisation, outstanding=Decimal(30_000_000))
    for wrong in (Decimal("30000000.01"), Decimal("-0.01")):
        with pytest.raises(IntegrityError):
            HouseholdExposure.objects.filter(pk=ling.organisation.pk).update(outstanding=wrong)
    with pytest.raises(IntegrityError):
        HouseholdExposure.objects.filter(pk=ling.organisation.pk).update(cap=Decimal("30000000.01"))
