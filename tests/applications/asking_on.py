"""What happens to a request until somebody else has to be asked, told to the portal as it hears it."""

from datetime import timedelta

from applications.actions import responses
from applications.models import Application, Referral
from portal.foundation.core import moments
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Delivery
from portal.foundation.sla.models import Clock
from portal.foundation.sla.sweep import sweep
from portal.notifications.models import Notice
from tests.factories import Person

now = moments.now
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}


def of(case: Application, who: Person) -> Referral:
    return case.referrals.get(institution_id=who.organisation.pk)


def declines(who: Person, case: Application, code: str = "amount") -> None:
    responses.decline(of(case, who).pk, code=code, note="", actor=who.actor, now=now())


def stays_silent(who: Person, case: Application, *, level: str = "next_lender") -> Clock:
    """Time passes until that level of this bank's ladder is announced."""
    clock = of(case, who).clock
    assert clock is not None
    place = clock.levels.index(level)
    shift = clock.moments[place] - now() + timedelta(seconds=1)
    Clock.objects.filter(pk=clock.pk).update(
        started_at=clock.started_at - shift,
        due_at=clock.due_at - shift,
        moments=[m - shift for m in clock.moments],
        next_at=clock.moments[clock.level] - shift,
    )
    sweep()
    return Clock.objects.get(pk=clock.pk)


def deliver() -> None:
    while dispatch(now=now()):
        pass


def again() -> None:
    """Everything is delivered once more, as after a crash between handing over and marking."""
    Delivery.objects.update(state=Delivery.State.WAITING, sent_at=None)
    deliver()


def told(who: Person) -> list[str]:
    return list(Notice.objects.filter(membership=who.membership).order_by("pk").values_list("title", flat=True))
