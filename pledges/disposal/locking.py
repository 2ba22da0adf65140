"""The house's lock order carried on: application → registration → disposal → offer. And the database's own clock."""

from datetime import datetime

from django.db import connection

from pledges.locking import locked as locked_file
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.journal.record import record

from .models import Default, Disposal


def locked(disposal_id: int) -> Disposal:
    """The disposal with its pledge and request, all locked and fresh. Raises Disposal.DoesNotExist."""
    file = locked_file(Disposal.objects.values_list("registration_id", flat=True).get(pk=disposal_id))
    disposal = lock(Disposal.objects.filter(pk=disposal_id).select_related("default", "buyer", "winner"))
    disposal.registration = file
    return disposal


def locked_default(default_id: int) -> tuple[Default, Disposal | None]:
    """The default with its pledge, and the live disposal of that pledge if there is one; all locked."""
    file = locked_file(Default.objects.values_list("registration_id", flat=True).get(pk=default_id))
    default = lock(Default.objects.filter(pk=default_id))
    default.registration = file
    live = (
        Disposal.objects.select_for_update(of=("self",))
        .filter(registration=file, state__in=Disposal.LIVE_STATES)
        .first()
    )
    if live is not None:
        live.registration, live.default = file, default
    return default, live


def database_clock() -> datetime:
    """The database's present moment, not that of the transaction's beginning. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        answer: datetime = cursor.fetchone()[0]
    return answer


def tell(
    verb: str,
    disposal: Disposal,
    *,
    actor: Actor,
    now: datetime,
    text: str,
    also: tuple[int, ...] = (),
    **data: object,
) -> None:
    """One fact of a disposal, readable by both parties of the pledge (and by `also`, e.g. the buyer)."""
    file = disposal.registration
    record(
        verb,
        actor=actor,
        now=now,
        subject=disposal.subject,
        case_number=file.application.number,
        text=text,
        data={"disposal": disposal.number, "round": disposal.round, **data},
        parties=[*file.parties, *also],
    )
