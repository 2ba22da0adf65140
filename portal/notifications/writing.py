"""Journal entries become notices and mail. Both handlers may run twice for an entry and the second time changes nothing."""

import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q

from portal.foundation.accounts.models import Membership
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.moments import local, midnight_after
from portal.foundation.journal.models import Delivery, Entry
from portal.foundation.journal.subscribers import Down, Later
from portal.foundation.sla import calendars_in_use
from portal.foundation.sla.workdays import CLOSES, OPENS

from . import digests
from .catalogue import letters
from .letters import Letter
from .models import Notice

TRY_AGAIN = timedelta(seconds=15)  # when the mail server is away


def readers(letter: Letter) -> list[Membership]:
    """The chairs a letter goes to; to the named person's alone when that person still sits there."""
    chairs = Membership.objects.at_work().filter(organisation_id__in=letter.organisations, role__in=letter.roles)
    if letter.user_id is not None:
        own = list(chairs.filter(user_id=letter.user_id))
        if own:
            return own
    return list(chairs)


def write(entry: Entry, now: datetime) -> None:
    """One notice a person; (entry, membership) is unique, so a repeat is ignored by the database."""
    rows: dict[int, Notice] = {}
    together: set[int] = set()
    for letter in letters(entry):
        chairs = readers(letter)
        if chairs and digests.is_burst(entry, letter):
            together |= {chair.pk for chair in chairs}
        for chair in chairs:  # who is told twice of one fact reads the first
            rows.setdefault(
                chair.pk,
                Notice(
                    entry_id=entry.pk,
                    membership=chair,
                    kind=letter.kind,
                    title=letter.title[:120],
                    body=letter.body[:300],
                    url=letter.url,
                    case_number=entry.case_number,
                    created_at=entry.at,
                ),
            )
    failpoint("notices.before_write")
    if entry.verb == digests.VERB:
        digests.write(entry, list(rows.values()), together=together)
    else:
        Notice.objects.bulk_create(rows.values(), ignore_conflicts=True)
    failpoint("notices.written")


def mail(entry: Entry, now: datetime) -> None:
    """A pointer by mail to those who have an address: what is to be done and what is late, in office hours."""
    # As a rule the notices are there: their delivery stands before this one. Another dispatcher may still be at it.
    if not Delivery.objects.filter(entry_id=entry.pk, subscriber="notices", state=Delivery.State.SENT).exists():
        write(entry, now)
    waiting = Notice.objects.filter(
        ~Q(membership__user__email=""),
        entry_id=entry.pk,
        mailed_at=None,
        kind__in=(Notice.Kind.ACTION, Notice.Kind.DEADLINE),
        membership__active=True,  # who left the seat overnight is not written to in the morning
        membership__user__is_active=True,
    ).select_related("membership__user")
    rows = list(waiting)
    if not rows:
        return
    opening = next_opening(now)
    if opening > now:
        raise Later(opening)
    for notice in rows:
        if notice.digest_id is not None:
            continue
        body = f"{notice.title}\n办件编号：{notice.case_number}\n请登录办理：{settings.PUBLIC_URL}{notice.url}\n"
        message = EmailMessage(
            f"【快速通道】{notice.title}",
            body,
            to=[notice.membership.user.email],
            headers={"Message-ID": message_id(notice)},
        )
        own = Notice.objects.filter(pk=notice.pk)
        _send(message, lambda own=own: own.update(mailed_at=now), now)  # type: ignore[misc]
    digests.mail(rows, now, send=_send)


def _send(message: EmailMessage, mark: Callable[[], object], now: datetime) -> None:
    """Send, then mark: broken between the two it is sent again, with the same Message-ID. Raises Down without a mail server."""
    failpoint("mail.before_send")
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        if is_down(error):
            raise Down(now + TRY_AGAIN) from error
        raise
    failpoint("mail.sent")
    mark()
    failpoint("mail.marked")


def is_down(error: Exception) -> bool:
    """Is it the mail server that fails, and not this one mail? No connection, none any more, or «not now» before any recipient."""
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        return error.smtp_code < 500
    return isinstance(error, smtplib.SMTPServerDisconnected) or not isinstance(error, smtplib.SMTPException)


def message_id(notice: Notice) -> str:
    """The same for every try, so that a mail that had to be sent again is recognised as the one before."""
    return f"<notice-{notice.pk}@{urlsplit(settings.PUBLIC_URL).hostname}>"


def next_opening(now: datetime) -> datetime:
    """`now` in office hours of a working day, else the next 9:00 of one."""
    calendar = calendars_in_use.current()
    shown = local(now)
    day = shown.date()
    if calendar.is_workday(day) and OPENS <= shown.time() < CLOSES:
        return now
    if not calendar.is_workday(day) or shown.time() >= CLOSES:
        day, _ = calendar.add_workdays(day, 1)
    return midnight_after(day - timedelta(days=1)) + timedelta(hours=OPENS.hour)
