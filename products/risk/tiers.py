"""The tier of an enterprise under 财金〔2024〕60号: it bounds what the national fund may carry."""

from datetime import date

from django.db.models import Q

from portal.foundation.accounts.models import Organisation

from .models import EnterpriseTier
from .shares import Tier as Tier


def tier_of(organisation: Organisation, on: date) -> Tier | None:
    """The best tier the enterprise is listed with on a day; None when no list names it. One query."""
    listed = EnterpriseTier.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=on), organisation=organisation, valid_from__lte=on
    )
    found = sorted(listed.values_list("tier", flat=True))
    return Tier(found[0]) if found else None
