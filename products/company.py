"""What the portal knows of an enterprise, as the matching engine wants it: its own statements and its patents."""

from datetime import date

from django.db.models import Count, Q

from portal.foundation.accounts.models import Organisation
from portal.foundation.assets.models import Patent

from .conditions import PATENT_KINDS
from .fit import Profile


def profile_of(organisation_id: int, *, today: date) -> Profile:
    """The enterprise without a wish, one query. What it has not stated is None; trademarks and copyrights are not on record.

    A patent counts while it is granted, has not expired and has not been taken off the list. An abolished district is
    unknown: which of its successors it became, only the enterprise can say.
    """
    valid = Q(patents__status=Patent.Status.GRANTED, patents__expires_on__gt=today, patents__removed_at=None)
    counts = {kind.value: Count("patents", filter=valid & Q(patents__kind=kind.value)) for kind in PATENT_KINDS}
    found = Organisation.objects.select_related("district").annotate(**counts).filter(pk=organisation_id).first()
    if found is None:
        return Profile()
    return Profile(
        holdings={kind.value: getattr(found, kind.value) for kind in PATENT_KINDS},
        tiers=found.tiers_on(today),
        age_months=whole_months(found.founded_on, today) if found.founded_on else None,
        district=found.district_id if found.district and found.district.current else None,
        industry=found.industry_id or None,
        first_pledge=None if found.pledged_before is None else not found.pledged_before,
    )


def whole_months(start: date, end: date) -> int:
    """How many whole months lie between two days, never below 0."""
    return max((end.year - start.year) * 12 + end.month - start.month - (end.day < start.day), 0)
