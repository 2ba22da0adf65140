"""One digest instead of a flood: when the sweep announces many levels at once, each person hears of them together.

Every fact keeps a notice of its own, unique on (entry, membership) as ever; those of a burst hang under one more notice, the
digest of that person and minute, and only the digest is listed, counted and mailed. Which way a notice went is decided by the
insert that came first, so hearing an entry twice changes nothing. A digest's mail waits a moment for its company; what comes
later goes with a further mail, never one each.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.urls import reverse

from portal.foundation.accounts.models import Role
from portal.foundation.journal.models import Entry
from portal.foundation.journal.subscribers import Later
from portal.foundation.sla.sweep import BATCH

from .letters import Letter
from .models import Notice

Send = Callable[[EmailMessage, Callable[[], object], datetime], None]
VERB = "clock.escalated"
FEW = 3  # reminders of one minute that still come one by one
WINDOW = timedelta(minutes=1)
LATE = timedelta(minutes=1)  # announced so much after its moment: there was an outage
FIRST, AGAIN = timedelta(seconds=10), timedelta(seconds=60)  # before a digest's first mail, and before a further one
LISTED = 50  # reminders written out in a mail; the page has them all
_LOCK = 0x6D61696C  # 'mail': one sender a digest at a time

# The announcements of one minute that concern these roles, in one organisation or (NULL) in any. A sweep writes its entries
# side by side, so they are looked for among the neighbours: no index is kept for it.
_BURST = f"""
SELECT count(*) FROM (
    SELECT 1 FROM journal_entry e
      JOIN sla_clock c ON c.id = (e.data->>'clock')::bigint
     WHERE e.id BETWEEN %(entry)s - {BATCH} AND %(entry)s + {BATCH} AND e.verb = '{VERB}'
       AND e.at >= %(window)s AND e.at < %(window)s + interval '1 minute'
       AND EXISTS (SELECT FROM sla_policylevel l
                    WHERE l.policy_id = c.policy_id AND l.recipients && %(roles)s::varchar[]
                      AND (l.code = e.data->>'level' OR e.data->'overtaken' @> to_jsonb(l.code)))
       AND (%(organisation)s::bigint IS NULL OR (e.data->>'organisation')::bigint = %(organisation)s)
     LIMIT {FEW + 1}) AS bounded
"""  # noqa: S608 — only constants


def window_of(entry: Entry) -> datetime:
    """The minute an announcement belongs to; all of one sweep have the same moment."""
    return entry.at.replace(second=0, microsecond=0)


def is_burst(entry: Entry, letter: Letter) -> bool:
    """Whether those who read this letter were to be told of more than FEW announcements in its minute."""
    if entry.verb != VERB:
        return False
    above = Role.REGULATOR in letter.roles
    with connection.cursor() as cursor:
        cursor.execute(
            _BURST,
            {
                "entry": entry.pk,
                "window": window_of(entry),
                "roles": [str(role) for role in letter.roles],
                "organisation": None if above else entry.data["organisation"],
            },
        )
        return int(cursor.fetchone()[0]) > FEW


@transaction.atomic
def write(entry: Entry, rows: Sequence[Notice], *, together: Iterable[int]) -> None:
    """Insert the notices of one announcement; those of the chairs in `together` go into that chair's digest.

    A chair that has a digest of this minute already gets the rest of the minute there as well.
    """
    window = window_of(entry)
    chairs = sorted({row.membership_id for row in rows})
    known = set(Notice.objects.filter(window=window, membership__in=chairs).values_list("membership_id", flat=True))
    heads = _heads(entry, window, sorted(known | set(together)))
    for row in rows:
        row.digest_id = heads.get(row.membership_id)
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    for pk in heads.values():
        held = Notice.objects.filter(digest_id=pk).count()
        if held:
            Notice.objects.filter(pk=pk).update(title=_title(entry, held))
        else:  # this one had been told alone by whoever heard it first
            Notice.objects.filter(pk=pk).delete()


def _heads(entry: Entry, window: datetime, chairs: Sequence[int]) -> dict[int, int]:
    """The digest of each chair, made if need be, locked in one order."""
    if not chairs:
        return {}
    Notice.objects.bulk_create(
        [
            Notice(window=window, membership_id=chair, kind=Notice.Kind.DEADLINE, title="", url="", created_at=entry.at)
            for chair in chairs
        ],
        ignore_conflicts=True,
    )
    found = Notice.objects.filter(window=window, membership__in=chairs).order_by("membership_id").select_for_update()
    heads = {head.membership_id: head.pk for head in found}
    for pk in heads.values():
        Notice.objects.filter(pk=pk, url="").update(url=reverse("notice-digest", args=[pk]))
    return heads


def _title(entry: Entry, held: int) -> str:
    late = entry.at - datetime.fromisoformat(entry.data["moment"]) > LATE
    return f"{'停机恢复后汇总' if late else '时限提醒汇总'}：共 {held} 件"


def mail(rows: Sequence[Notice], now: datetime, *, send: Send) -> None:
    """Send the digests these notices hang under. Raises Later while one still waits for company, or somebody else sends it."""
    rest: datetime | None = None
    for pk in sorted({row.digest_id for row in rows if row.digest_id is not None}):
        until = _mail(Notice.objects.select_related("membership__user").get(pk=pk), now, send=send)
        if until is not None:
            rest = max(rest or until, until)
    if rest is not None:
        raise Later(rest)


def _mail(head: Notice, now: datetime, *, send: Send) -> datetime | None:
    """Send one digest, or say when to come back."""
    ready = head.created_at + FIRST if head.mailed_at is None else head.mailed_at + AGAIN
    if now < ready:
        return ready
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, head.pk % 2**31])
        if not cursor.fetchone()[0]:
            return now + FIRST
        try:
            items = list(Notice.objects.filter(digest=head, mailed_at=None).order_by("pk"))
            if items:
                send(_message(head, items), lambda: _mark([head, *items], now), now)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, head.pk % 2**31])
    return None


def _mark(rows: Sequence[Notice], now: datetime) -> None:
    Notice.objects.filter(pk__in=[row.pk for row in rows]).update(mailed_at=now)


def _message(head: Notice, items: Sequence[Notice]) -> EmailMessage:
    """The list, with a link to the whole. The key is made of what it tells: the same mail sent again has the same one, and
    a mail that tells more is another. `X-Portal-Notices` names every notice it tells of."""
    told = " ".join(str(item.pk) for item in items)
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    lines = [f"· {item.title}" for item in items[:LISTED]]
    if len(items) > LISTED:
        lines.append(f"· 另有 {len(items) - LISTED} 件，见下面的链接")
    body = "\n".join(
        [f"以下 {len(items)} 件已到提醒时间：", *lines, f"请登录办理：{settings.PUBLIC_URL}{head.url}", ""]
    )
    kind = head.title.partition("：")[0]
    return EmailMessage(
        f"【快速通道】{kind}：共 {len(items)} 件",
        body,
        to=[head.membership.user.email],
        headers={
            "Message-ID": f"<digest-{head.pk}-{key}@{urlsplit(settings.PUBLIC_URL).hostname}>",
            "X-Portal-Notices": told,
        },
    )
