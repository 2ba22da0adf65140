"""The loan of a case for the subsidies and quotas below (products.lending): who borrowed, who lent, who covers it."""

from collections import defaultdict
from decimal import Decimal

from applications.models import Cover
from products.lending import Lent

from .models import Loan

# What was promised counts although the guarantee has ended since: the award is for having given it.
GIVEN = (Cover.State.COMMITTED, Cover.State.RELEASED, Cover.State.COMPENSATED)


def loan_of(number: str) -> Lent | None:
    """Two queries; None while nothing was paid out. Covers count when they were taken with this bank's offer."""
    loan = (
        Loan.objects.filter(registration__application__number=number)
        .select_related("registration__offer")
        .order_by("-pk")
        .first()
    )
    if loan is None:
        return None
    file = loan.registration
    covered: defaultdict[int, Decimal] = defaultdict(Decimal)
    taken = Cover.objects.filter(referral=file.offer.referral_id, accepted_at__isnull=False, state__in=GIVEN)
    for institution, amount in taken.values_list("institution_id", "amount"):
        covered[institution] += min(amount, loan.amount)  # nobody guarantees more than was lent
    return Lent(file.pledgor_id, file.pledgee_id, loan.amount, dict(covered))
