"""转报: the registrar is CNIPA. When the office has forwarded a registered file, its number and day are recorded here."""

from datetime import date, datetime

from django.db import transaction

from pledges import rules
from pledges.actions.filing import tell
from pledges.locking import locked
from pledges.models import Registration
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import Invalid
from portal.foundation.core.moments import local_date


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
    number = "".join(number.split()).upper()
    wrong = {}
    if Registration.objects.filter(national_number=number).exclude(pk=file.pk).exists():
        wrong["number"] = "这个登记号已记在另一件登记上，请核对。"
    if registered_on > local_date(now):
        wrong["registered_on"] = "登记日期不能晚于今天。"
    elif file.submitted_at is not None and registered_on < local_date(file.submitted_at):
        wrong["registered_on"] = f"登记日期不能早于提交日期{full_date_cn(local_date(file.submitted_at))}。"
    if wrong:
        raise Invalid("forward", next(iter(wrong.values())), fields=wrong)
    before = {"number": file.national_number, "on": file.national_on.isoformat() if file.national_on else ""}
    file.national_number, file.national_on = number, registered_on
    file.national_by, file.national_at = actor.label, now
    file.save(update_fields=["national_number", "national_on", "national_by", "national_at"])
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
