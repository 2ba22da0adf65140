"""A loan that was paid out, from the request to the money, made by the portal's own verbs."""

from decimal import Decimal

from applications.actions import choices
from applications.models import Application
from pledges.actions import examination
from pledges.actions.loans import Payment, record_loan
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from products.models import Product
from tests import covering
from tests.factories import Person
from tests.pledges.conftest import examined, submitted


def paid_out(
    enterprise: Person,
    officer: Person,
    clerk: Person,
    product: Product,
    *,
    guarantor: Person | None = None,
    patents: list[Patent] | None = None,
    loan_number: str = "SL-1",
) -> Application:
    """The case of a loan of 8,000,000 yuan; with a guarantor who covers 5,000,000 of it."""
    referral = covering.claimed(enterprise, officer, product, patents=patents)
    offer = covering.offered(referral, officer)
    if guarantor is not None:
        covering.committed(covering.asked(referral, enterprise, guarantor), guarantor)
    case = choices.accept(offer.pk, actor=enterprise.actor, now=moments.now())
    file = examined(submitted(case, officer, enterprise), clerk)
    examination.register(file.pk, actor=clerk.actor, now=moments.now())
    today = moments.local_date(moments.now())
    record_loan(
        file.pk, Payment(case.amount, Decimal("3.45"), today, loan_number), actor=officer.actor, now=moments.now()
    )
    return Application.objects.get(pk=case.pk)
