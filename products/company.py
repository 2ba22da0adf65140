"""What the portal knows of an enterprise, as the matching engine wants it: its own statements and its patents."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from portal.foundation.accounts.models import Organisation
from portal.foundation.assets.models import Patent, PatentQuerySet

from .conditions import PATENT_KINDS
from .fit import Profile


def profile_of(organisation_id: int, *, today: date) -> Profile:
    """The enterprise without a wish, two queries; nothing is known of one that is not there."""
    organisation = Organisation.objects.filter(pk=organisation_id).first()
    if organisation is None:
        return Profile()
    return profile(
        organisation, valid_patents(organisation_id, today=today).values_list("kind", flat=True), today=today
    )


def valid_patents(organisation_id: int, *, today: date) -> PatentQuerySet:
    """Those that count: granted, not expired, not taken off the list."""
    return Patent.objects.filter(
        organisation_id=organisation_id, status=Patent.Status.GRANTED, expires_on__gt=today, removed_at=None
    )


def profile(organisation: Organisation, kinds: Iterable[str] | None, *, today: date) -> Profile:
    """The same of what is loaded already: `kinds` has one entry for each valid patent, None when they are not looked up.

    What the enterprise has not stated is None; trademarks and copyrights are not on record, so they are not told either.
    """
    founded, before = organisation.founded_on, organisation.pledged_before
    return Profile(
        holdings=None if kinds is None else holdings(kinds),
        tiers=organisation.tiers_on(today),
        age_months=whole_months(founded, today) if founded else None,
        district=organisation.district_id or None,
        industry=organisation.industry_id or None,
        first_pledge=None if before is None else not before,
    )


def holdings(kinds: Iterable[str]) -> dict[str, int]:
    """How many patents of each kind; none of a kind is a known 0."""
    counted = Counter(kinds)
    return {kind.value: counted[kind.value] for kind in PATENT_KINDS}


def whole_months(start: date, end: date) -> int:
    """How many whole months lie between two days, never below 0."""
    return max((end.year - start.year) * 12 + end.month - start.month - (end.day < start.day), 0)
