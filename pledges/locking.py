"""The house's lock order for pledge files: application → registration → patents by pk → clock."""

from collections.abc import Sequence
from datetime import date

from applications.models import Application
from portal.foundation.accounts.models import Membership
from portal.foundation.assets.models import Patent
from portal.foundation.core.db import busy_when_held, lock

from .models import Absence, Registration


def locked(registration_id: int) -> Registration:
    """The file with its application, both locked and fresh. Raises Registration.DoesNotExist."""
    application_id = Registration.objects.values_list("application_id", flat=True).get(pk=registration_id)
    application = lock(Application.objects.filter(pk=application_id))
    file = lock(
        Registration.objects.filter(pk=registration_id).select_related("pledgor", "pledgee", "office", "clerk", "clock")
    )
    file.application = application
    return file


def lock_patents(file: Registration) -> list[Patent]:
    """The file's patents, locked by pk so that two files with the same patents meet in one order.

    Raises Busy when another file keeps one of them longer than the lock time-out.
    """
    wanted = file.patents.values_list("patent_id", flat=True)
    with busy_when_held():
        return list(Patent.objects.select_for_update(of=("self",)).filter(pk__in=list(wanted)).order_by("pk"))


def lock_of_clocks(clock_ids: Sequence[int]) -> None:
    """Lock the files of these clocks by pk, for a change that begins with clocks (foundation.sla.owners)."""
    wanted = Registration.objects.filter(clock_id__in=clock_ids).order_by("pk")
    list(wanted.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def in_conflict(user_id: int | None, file: Registration) -> bool:
    """Whether this person also sits in one of the parties, or has said to stand aside."""
    return user_id is not None and (
        Membership.objects.filter(user_id=user_id, organisation_id__in=file.parties, active=True).exists()
        or file.recusals.filter(user_id=user_id).exists()
    )


def absent_until(user_id: int, office_id: int, *, today: date) -> date | None:
    """The last day of a clerk's absence, None while at the desk."""
    away = Absence.objects.filter(
        user_id=user_id, office_id=office_id, ended_at=None, first__lte=today, last__gte=today
    )
    return away.order_by("-last").values_list("last", flat=True).first()
