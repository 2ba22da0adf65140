"""What the interest subsidies of an enterprise's district would give back of a loan, before anybody has claimed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q

from products.cost import Subsidy

from .models import SubsidyScheme


@dataclass(frozen=True, slots=True)
class Estimate:
    """Yuan that one scheme gives for a loan's interest; `sure` is False while its figures are to be confirmed."""

    scheme: SubsidyScheme
    amount: Decimal
    sure: bool


def schemes_for(district: str | None, *, today: date) -> list[SubsidyScheme]:
    """The interest subsidies an enterprise of this district may claim today, those of the whole city too; one query."""
    where = Q(district_id=None) | Q(district_id=district)
    found = SubsidyScheme.objects.filter(
        where, kind=SubsidyScheme.Kind.INTEREST, valid_from__lte=today, valid_until__gte=today
    )
    return list(found.order_by("pk"))


def of_interest(schemes: Sequence[SubsidyScheme], interest: Decimal | None) -> list[Estimate]:
    """For the whole interest of a loan in yuan; nothing without interest. A budget that is used up gives nothing more."""
    if not interest:
        return []
    made = [Estimate(s, min(s.amount(interest), s.left), s.confirmed) for s in schemes]
    return [estimate for estimate in made if estimate.amount > 0]


def counted(estimates: Sequence[Estimate]) -> list[Subsidy]:
    """Those that may be counted on: figures that are to be confirmed are told, but never subtracted."""
    return [Subsidy(f"减：{e.scheme.name}", e.amount) for e in estimates if e.sure]
