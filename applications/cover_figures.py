"""The figures of shared risk: outstanding by household, compensation rate, average fee; each with its denominator."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, F, Q, Sum

from portal.foundation.accounts.models import OrganisationKind
from products.risk.models import HouseholdExposure
from products.risk.shares import AVERAGE_FEE_WATCH, COMPENSATION_CAP, Party

from .cover_models import Cover, CoverQuerySet

_TWO = Decimal("0.01")
EVER = (Cover.State.COMMITTED, Cover.State.RELEASED, Cover.State.COMPENSATED)
HOUSEHOLDS = 50  # rows of the overview; the fullest first


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the guarantees (not the insurances). Yuan; rates in percent with two decimals, None without a denominator."""

    committed: int  # how many were ever committed
    amount: Decimal  # what they guaranteed: the denominator of both rates
    lost: Decimal
    live: int
    outstanding: Decimal
    weighted: Decimal | None  # fees (% a year) times amounts

    @property
    def fee(self) -> Decimal | None:
        """The average, weighted by amount, % a year."""
        return (self.weighted / self.amount).quantize(_TWO) if self.amount and self.weighted is not None else None

    @property
    def compensation_rate(self) -> Decimal | None:
        return (self.lost * 100 / self.amount).quantize(_TWO) if self.amount else None

    @property
    def rate_high(self) -> bool:
        return self.lost * 100 > COMPENSATION_CAP * self.amount

    @property
    def fee_high(self) -> bool:
        """Watched: a warning, never a block. The average is to stay below one percent."""
        return self.weighted is not None and self.weighted >= AVERAGE_FEE_WATCH * self.amount


def _sums(covers: CoverQuerySet) -> Figures:
    found = covers.filter(institution__organisation__kind=OrganisationKind.GUARANTOR, state__in=EVER).aggregate(
        n=Count("pk"),
        total=Sum("amount"),
        lost=Sum("loss"),
        live=Count("pk", filter=Q(state=Cover.State.COMMITTED)),
        outstanding=Sum("amount", filter=Q(state=Cover.State.COMMITTED)),
        weighted=Sum(F("amount") * F("fee_rate")),
    )
    amount = found["total"] or Decimal(0)
    return Figures(
        committed=found["n"],
        amount=amount,
        lost=found["lost"] or Decimal(0),
        live=found["live"],
        outstanding=found["outstanding"] or Decimal(0),
        weighted=found["weighted"],
    )


def overall() -> Figures:
    """Of everybody; one query."""
    return _sums(Cover.objects.all())


def of_institution(institution_id: int) -> Figures:
    """Of one guarantor; one query."""
    return _sums(Cover.objects.filter(institution_id=institution_id))


def rate_with(institution_id: int, loss: Decimal) -> Decimal | None:
    """The compensation rate of this guarantor's business with the national fund if there were a further loss, in percent,
    not rounded; None without such business. What no enterprise ever took is no business."""
    filed = Cover.objects.filter(
        institution_id=institution_id, shares__has_key=str(Party.NATIONAL), accepted_at__isnull=False
    )
    now = _sums(filed)
    return (now.lost + loss) * 100 / now.amount if now.amount else None


def households() -> list[HouseholdExposure]:
    """Who has anything outstanding, the fullest first; one query."""
    rows = HouseholdExposure.objects.filter(outstanding__gt=0).select_related("organisation")
    return list(rows.order_by("-outstanding", "pk")[:HOUSEHOLDS])


def by_institution() -> list[tuple[str, Figures]]:
    """Each guarantor with its figures; one query, and one a guarantor (these are few)."""
    ids = (
        Cover.objects.filter(state__in=EVER, institution__organisation__kind=OrganisationKind.GUARANTOR)
        .order_by("institution_id")
        .values_list("institution_id", "institution__organisation__name")
        .distinct()
    )
    return [(name, of_institution(pk)) for pk, name in ids]
