"""How a pledge ends in the rows: closed on the day of its cancellation, or void from the start.

Both take the registration's patents out of the exclusion constraint, so the number is free for the next registration; the
history keeps the period in either case.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from applications.actions import progress
from pledges.locking import lock_patents
from pledges.models import Loan, PledgedPatent, Registration
from portal.foundation.core.actor import SYSTEM, Actor

from .filing import ended
from .kinds import Use
from .models import Matter, UseConsent
from .telling import tell

_MOMENT = timedelta(microseconds=1)  # a period is never empty, however fast the office is


def close(file: Registration, *, now: datetime, numbers: Sequence[str] | None = None) -> int:
    """End the effect of these patents (None: of all that are still pledged) at `now`; returns how many were ended."""
    lock_patents(file)
    rows = PledgedPatent.objects.filter(registration=file, effective__upper_inf=True).order_by("number")
    if numbers is not None:
        rows = rows.filter(number__in=list(numbers))
    count = 0
    for row in rows:
        began = row.effective.lower or now  # a registered period always has its beginning; said for the types
        row.effective = DateTimeTZRange(began, max(now, began + _MOMENT))
        row.save(update_fields=["effective"])
        count += 1
    return count


def void(file: Registration, *, now: datetime) -> None:
    """The registration never was: no effective period, the one it stood in the register is kept beside it."""
    lock_patents(file)
    for row in PledgedPatent.objects.filter(registration=file).exclude(effective=None).order_by("number"):
        period = row.effective
        began = period.lower or now
        row.annulled = DateTimeTZRange(began, period.upper or max(now, began + _MOMENT))
        row.effective = None
        row.save(update_fields=["effective", "annulled"])


def release_request(file: Registration) -> bool:
    """A request not yet paid may file anew and is never disbursed under this pledge; returns whether money was paid before."""
    paid = Loan.objects.filter(registration=file).exists()
    if not paid:
        progress.registration_ended(file.application)
    return paid


def end_matters(file: Registration, *, but: int | None, actor: Actor, now: datetime, why: str) -> None:
    """What is still applied for or asked on a pledge that has ended, ends too."""
    live = Matter.objects.select_for_update(of=("self",)).filter(registration=file, state__in=Matter.LIVE_STATES)
    for matter in live.exclude(pk=but or 0).order_by("pk"):
        text = f"{why}，{matter.title}申请 {matter.number} 随之终止"
        ended(file, matter, "matter.ended", by=SYSTEM.label, actor=actor, now=now, text=text)
    asked = UseConsent.objects.select_for_update(of=("self",)).filter(registration=file, state=UseConsent.State.ASKED)
    for consent in asked.order_by("pk"):
        consent.withdraw(by=SYSTEM.label, now=now)
        consent.save(update_fields=["state", "answered_by", "answered_at"])
        text = f"{why}，{Use(consent.use).label}质押专利的请求随之终止"
        data = {"consent": str(consent.ref), "use": consent.use}
        tell("use.withdrawn", file, actor=actor, now=now, text=text, office=True, **data)
