"""知悉: an organisation takes note of an alert. Nothing else changes by it."""

from datetime import datetime

from django.db import transaction

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from . import queries
from .models import Alert, AlertSeen

READERS = (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER, Role.CLERK, Role.CHIEF)


def can_note(actor: Actor) -> Verdict:
    return YES if actor.role in READERS else not_you("role", "提醒由双方当事人和登记机构知悉。")


@transaction.atomic(durable=True)
def note(alert_id: int, *, actor: Actor, now: datetime) -> Alert:
    """Once for each organisation; a second time changes nothing. Raises Alert.DoesNotExist for strangers."""
    alert = queries.visible(actor).select_related("registration__application").get(pk=alert_id)
    can_note(actor).require()
    _seen, fresh = AlertSeen.objects.get_or_create(
        alert=alert,
        organisation_id=actor.organisation_id,
        defaults={"seen_by": actor.label, "seen_at": now},
    )
    if fresh:
        file = alert.registration
        record(
            "pledge.alert_noted",
            actor=actor,
            now=now,
            subject=file.subject,
            case_number=file.application.number,
            text=f"知悉提醒：{alert.get_kind_display()}{f'（{alert.dotted}）' if alert.number else ''}",
            data={"registration": file.pk, "alert": alert.pk},
            parties=[*file.parties, file.office_id],
        )
    return alert
