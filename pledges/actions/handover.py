"""改由其他受理机构办理: the file goes to another office, and the promise with it."""

from datetime import datetime

from django.db import transaction

from pledges import checks, rules
from pledges.locking import locked
from pledges.models import Registration
from portal.foundation.accounts.models import Organisation, OrganisationKind
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid
from portal.foundation.journal.record import record
from portal.foundation.sla import clocks


def other_offices(file: Registration) -> list[Organisation]:
    """Where this file could go; one query."""
    offices = Organisation.objects.filter(kind=OrganisationKind.IP_OFFICE, active=True).exclude(pk=file.office_id)
    return list(offices.order_by("sort_key", "pk"))


@transaction.atomic(durable=True)
def hand_over(registration_id: int, *, office_id: int, reason: str, actor: Actor, now: datetime) -> Registration:
    """The other office begins with the file, and what the first has ticked is to be read again; its time is what is left, as
    the applicants were promised one working day.

    Raises Registration.DoesNotExist, Forbidden, WrongState when a clerk has decided or the parties correct, Invalid.
    """
    file = locked(registration_id)
    rules.can_hand_over(actor, file).require()
    wrong = {}
    office = next((o for o in other_offices(file) if o.pk == office_id), None)
    if office is None:
        wrong["office"] = "选择另一家在用的受理机构。"
    if not reason.strip():
        wrong["reason"] = "写明改由其他受理机构办理的原因。"
    if wrong or office is None:
        raise Invalid("hand_over", next(iter(wrong.values())), fields=wrong)
    before, was_id = file.office.title, file.office_id
    file.hand_over(office_id=office.pk)
    file.save(update_fields=["state", "office", "clerk", "clerk_since", "accepted_at"])
    checks.look_again(file, now=now)
    moved = clocks.reassign(file.clock_id, office.pk, now=now, reason=reason.strip()).facts if file.clock_id else ()
    record(
        "pledge.handed_over",
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=f"登记件由 {before} 改由 {office.title} 办理：{reason.strip()}",
        data={"registration": file.pk, "number": file.number, "from": was_id, "office": office.pk, "clocks": moved},
        parties=[*file.parties, was_id, office.pk],
    )
    return file
