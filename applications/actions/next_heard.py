"""What the journal tells of the next lenders: nobody is left, one stays silent, the silent one has answered after all.

Entries come at least once; each of the three finds out what it has done already, so the second time changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from applications.actions import next_lenders
from applications.actions.submit import Address
from applications.models import Application, NextRound, Referral
from banks.models import Institution
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.db import lock
from portal.foundation.journal.models import Entry
from portal.foundation.sla import facts
from portal.foundation.sla.models import NEXT_LENDER, Kind

ANSWERS = frozenset({"referral.claimed", "referral.asked", "referral.offered"})
VERBS = frozenset({"application.all_declined", "clock.escalated", *ANSWERS})
_Cause, _Outcome = NextRound.Cause, NextRound.Outcome


def hear(entry: Entry, now: datetime) -> None:
    """A subscriber of the journal. It may hear an entry twice; each of the three finds out what it has done already."""
    if entry.verb == "application.all_declined":
        _declined(entry, now=now)
    elif entry.verb in ANSWERS:
        _answered(entry, now=now)
    elif entry.data["kind"] == Kind.RESPONSE and NEXT_LENDER in (entry.data["level"], *entry.data["overtaken"]):
        _stays_silent(entry, now=now)


@transaction.atomic(durable=True)
def _declined(entry: Entry, *, now: datetime) -> None:
    """Nobody is left. The last refusal has begun the round with its clock; without anybody responsible it is begun here."""
    application = lock(Application.objects.filter(number=entry.case_number))
    if application.state != Application.State.OPEN or application.referrals.open().exists():
        return  # meanwhile the enterprise has gone another way
    live = next_lenders.live_round(application)
    if live is not None and live.state != NextRound.State.OWED:
        return
    if live is None and (
        next_lenders.responsible() is not None or application.next_rounds.filter(raised_by=entry.pk).exists()
    ):
        return
    _work_out(application, live, entry, cause=_Cause.DECLINED, silent=[], begun=(), now=now)


@transaction.atomic(durable=True)
def _stays_silent(entry: Entry, *, now: datetime) -> None:
    """An institution has reached the level at which its request goes on."""
    application = lock(Application.objects.filter(number=entry.case_number))
    silent = int(entry.data["organisation"])
    waiting = application.referrals.unanswered().filter(clock_id=entry.data["clock"], institution_id=silent)
    if application.state != Application.State.OPEN or not waiting.exists():
        return
    if Institution.objects.filter(pk=silent, dispatcher=True).exists():
        return  # the desk is late with this request anyway: one promise to the same people is enough
    known = application.next_rounds.filter(silent__contains=[silent])
    if known.exclude(state=NextRound.State.OWED).exists():
        return
    # From the announcement on, however late it is heard; two machines' clocks may differ by milliseconds.
    since = min(entry.at, now)
    live, begun = next_lenders.owe(application, cause=_Cause.SILENT, silent=[silent], since=since, entry_id=entry.pk)
    _work_out(application, live, entry, cause=_Cause.SILENT, silent=[silent], begun=begun, now=now)


def _work_out(
    application: Application,
    live: NextRound | None,
    entry: Entry,
    *,
    cause: str,
    silent: Sequence[int],
    begun: Sequence[facts.Fact],
    now: datetime,
) -> None:
    """Offer the matches there are; without any the desk has the word, and is told so once."""
    told = live is None or (live.raised_by is not None and not begun)
    if live is not None and live.raised_by is None:
        live.raised_by = entry.pk
        live.save(update_fields=["raised_by"])
    if matches := next_lenders.next_matches(application):
        if live is None:  # nobody could have been responsible, and nobody needs to be
            live = NextRound(
                application=application,
                position=application.next_rounds.count() + 1,
                cause=cause,
                silent=list(silent),
                raised_by=entry.pk,
                owed_at=entry.at,
            )
        addresses = [Address(m.institution_id, m.product, m.score, Referral.Origin.NEXT) for m in matches]
        next_lenders.offer(application, live, addresses, begun=begun, actor=SYSTEM, now=now)
    elif live is not None and not told:
        said = "没有其他匹配的机构，由调度台为企业联系"
        next_lenders.tell("next.owed", live, application, actor=SYSTEM, now=now, text=said, data={"clocks": begun})


@transaction.atomic(durable=True)
def _answered(entry: Entry, *, now: datetime) -> None:
    """The silent one has answered after all: what the desk still owed is moot. An offer that is out stays, it costs nothing."""
    owed = NextRound.objects.filter(
        application__number=entry.case_number, state=NextRound.State.OWED, cause=_Cause.SILENT
    )
    if not owed.exists():
        return
    application = lock(Application.objects.filter(number=entry.case_number))
    live = next_lenders.live_round(application)
    if live is None or live.state != NextRound.State.OWED or live.cause != _Cause.SILENT:
        return
    if application.referrals.unanswered().filter(institution_id__in=live.silent).exists():
        return
    stopped = next_lenders.close(live, outcome=_Outcome.ANSWERED, now=now)
    next_lenders.tell(
        "next.closed", live, application, actor=SYSTEM, now=now, text="机构已答复，不再另荐", data={"clocks": stopped}
    )
