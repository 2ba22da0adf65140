"""转报: the registrar is CNIPA. When the office has forwarded a registered file, its number and day are recorded here."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import IntegrityError, transaction

from pledges import rules
from pledges.actions.filing import tell
from pledges.locking import locked
from pledges.models import Registration
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import Invalid
from portal.foundation.core.moments import local_date

TAKEN = "这个登记号已记在另一件登记上，请核对。"


def spelled(number: str) -> str:
    """The registrar's number in its one spelling."""
    return "".join(number.split()).upper()


def is_taken(number: str, file: Registration) -> bool:
    return Registration.objects.filter(national_number=number).exclude(pk=file.pk).exists()


def keep(file: Registration, fields: Sequence[str], *, field: str) -> None:
    """Save the file with its national number; of two that get the same one at once, the second is told (Invalid at `field`)."""
    try:
        with transaction.atomic():
            file.save(update_fields=fields)
    except IntegrityError as error:
        if "national_number_once" not in str(error):
            raise
        raise Invalid("number", TAKEN, fields={field: TAKEN}) from error


@transaction.atomic(durable=True)
def record_national(
    registration_id: int, *, number: str, registered_on: date, actor: Actor, now: datetime
) -> Registration:
    """Record the registrar's number and day, or put a slip in them right; what stood before stays in the journal.

    `registered_on` is a local day, neither before the file was handed in nor after today. Raises Invalid with the field,
    Forbidden, WrongState before the decision.
    """
    file = locked(registration_id)
    rules.can_forward(actor, file).require()
    number = spelled(number)
    wrong = {}
    if is_taken(number, file):
        wrong["number"] = TAKEN
    if registered_on > local_date(now):
        wrong["registered_on"] = "登记日期不能晚于今天。"
    elif file.submitted_at is not None and registered_on < local_date(file.submitted_at):
        wrong["registered_on"] = f"登记日期不能早于提交日期{full_date_cn(local_date(file.submitted_at))}。"
    if wrong:
        raise Invalid("forward", next(iter(wrong.values())), fields=wrong)
    before = {"number": file.national_number, "on": file.national_on.isoformat() if file.national_on else ""}
    file.national_number, file.national_on = number, registered_on
    file.national_by, file.national_at = actor.label, now
    keep(file, ["national_number", "national_on", "national_by", "national_at"], field="number")
    done = "更正" if before["on"] else "登记"
    tell(
        "pledge.forwarded",
        file,
        actor=actor,
        now=now,
        text=f"{done}国家登记号 {number}，国家登记日期{full_date_cn(registered_on)}",
        national={"number": number, "on": registered_on.isoformat()},
        before=before,
    )
    return file
