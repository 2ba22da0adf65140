"""The lock order goes on below the registration: application → registration → matter → patents by pk → clock."""

from collections.abc import Sequence

from pledges.locking import locked as locked_file
from pledges.models import Registration
from portal.foundation.core.db import lock

from .models import Matter, Revocation, UseConsent


def locked(matter_id: int) -> tuple[Registration, Matter]:
    """The registration (with its application) and the matter, locked and fresh. Raises Matter.DoesNotExist."""
    file = locked_file(Matter.objects.values_list("registration_id", flat=True).get(pk=matter_id))
    matter = lock(Matter.objects.filter(pk=matter_id).select_related("clerk"))
    matter.registration = file
    return file, matter


def locked_revocation(revocation_id: int) -> tuple[Registration, Revocation]:
    file = locked_file(Revocation.objects.values_list("registration_id", flat=True).get(pk=revocation_id))
    found = lock(Revocation.objects.filter(pk=revocation_id).select_related("proposed_by"))
    found.registration = file
    return file, found


def locked_consent(consent_id: int) -> tuple[Registration, UseConsent]:
    file = locked_file(UseConsent.objects.values_list("registration_id", flat=True).get(pk=consent_id))
    consent = lock(UseConsent.objects.filter(pk=consent_id))
    consent.registration = file
    return file, consent


def lock_of_clocks(clock_ids: Sequence[int]) -> None:
    """Lock the matters of these clocks by pk, for a change that begins with clocks (foundation.sla.owners)."""
    wanted = Matter.objects.filter(clock_id__in=clock_ids).order_by("pk")
    list(wanted.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
