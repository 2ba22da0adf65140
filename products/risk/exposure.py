"""The household's ledger: taken at a commitment, returned at its end. Called inside an action's transaction."""

from datetime import datetime
from decimal import Decimal

from portal.foundation.core.db import lock
from portal.foundation.core.errors import WrongState
from portal.foundation.core.money import format_wan

from .models import ExposureEntry, HouseholdExposure


def take(organisation_id: int, amount: Decimal, *, subject: str, now: datetime) -> HouseholdExposure:
    """Add yuan to the household's outstanding.

    The row is locked first, so that of commitments at one moment each sees the one before. Raises WrongState above the cap.
    """
    HouseholdExposure.objects.bulk_create([HouseholdExposure(organisation_id=organisation_id)], ignore_conflicts=True)
    row = lock(HouseholdExposure.objects.filter(pk=organisation_id))
    if row.outstanding + amount > row.cap:
        left = format_wan(row.cap - row.outstanding)
        raise WrongState(
            "household_cap",
            f"企业在保余额 {format_wan(row.outstanding)} 万元，单户上限 {format_wan(row.cap)} 万元，"
            f"最多还能承诺 {left} 万元。请调低金额，或等已有担保解除。",
        )
    return _moved(row, amount, ExposureEntry.Kind.TAKEN, subject=subject, now=now)


def give_back(organisation_id: int, amount: Decimal, *, subject: str, now: datetime) -> HouseholdExposure:
    """Take yuan off the household's outstanding. Raises HouseholdExposure.DoesNotExist when nothing was ever taken."""
    row = lock(HouseholdExposure.objects.filter(pk=organisation_id))
    return _moved(row, -amount, ExposureEntry.Kind.RETURNED, subject=subject, now=now)


def _moved(row: HouseholdExposure, amount: Decimal, kind: str, *, subject: str, now: datetime) -> HouseholdExposure:
    row.outstanding += amount
    row.save(update_fields=["outstanding"])
    ExposureEntry.objects.create(
        exposure=row, kind=kind, amount=abs(amount), subject=subject, balance=row.outstanding, at=now
    )
    return row
