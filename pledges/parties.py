"""Who speaks for the pledgor: itself, or the enterprise of the request for one that has no seat in the portal."""

from django.db.models import Q

from portal.foundation.accounts.models import OrganisationKind


def of_pledgor(organisation_id: int, *, within: str = "") -> Q:
    """What this organisation may read and do as the pledgor's side; `within` is the path to the registration, "" or «x__»."""
    own = Q(**{f"{within}pledgor_id": organisation_id})
    for_another = Q(
        **{f"{within}debtor_org_id": organisation_id, f"{within}pledgor__kind": OrganisationKind.OUTSIDE.value}
    )
    return own | for_another
