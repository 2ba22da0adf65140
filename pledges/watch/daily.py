"""The round: ask the register about every pledged patent once a day, read what is known, tell what is new, end what is over.

Any number of callers at any time: each alert is one row by the database's own constraints and is journalled in the
transaction that writes it, so a round that dies or runs twice tells nothing twice and forgets nothing.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import inf

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from pledges.models import PledgedPatent
from portal.foundation.assets.models import RegisterLookup
from portal.foundation.assets.register import actions as register
from portal.foundation.assets.register import choice
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

from . import findings
from .findings import FEE_KINDS, Finding
from .loading import Pledge, batches
from .models import Alert, WatchRound

log = logging.getLogger("portal.watch")
ASK_AGAIN, RETRY = timedelta(hours=20), timedelta(hours=2)
ASK_AT_ONCE = 500  # patents in one call: ten questions
LOOK_EVERY = 1800.0  # seconds, in one process

_INSERT = """
INSERT INTO pledges_alert (registration_id, number, kind, "on", text, lookup_id, found_at, ended_text)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::date[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[])
ON CONFLICT DO NOTHING RETURNING id, registration_id, number, kind
"""
_KIND_TITLES = dict(Alert.Kind.choices)


@dataclass(slots=True)
class _Loop:
    looked: float = -inf


_loop = _Loop()


def due() -> bool:
    """Whether this process has not looked for half an hour; for the broker-free loop."""
    return time.monotonic() - _loop.looked > LOOK_EVERY


def run_quietly(*, now: datetime) -> None:
    """For a loop that must go on whatever happens here."""
    _loop.looked = time.monotonic()
    try:
        run(now=now)
    except Exception:  # the next round tries again
        log.exception("the watch over pledges failed")


def run(*, now: datetime) -> int:
    """Ask what is old, walk today's round if nobody has finished it, else read what was looked up since; returns new alerts."""
    if (
        not PledgedPatent.objects.filter(effective__contains=now).exists()
        and not Alert.objects.filter(ended_at=None).exists()
    ):
        return 0
    ask(now=now)
    today = local_date(now)
    round_, _ = WatchRound.objects.get_or_create(day=today, defaults={"started_at": now})
    if round_.finished_at is None:
        seen, new = look(now=now)
        _end_released(now=now)
        WatchRound.objects.filter(pk=round_.pk).update(
            finished_at=now, looked_until=now, pledges=seen, alerts=F("alerts") + new
        )
        return new
    since = round_.looked_until or round_.started_at
    fresh = RegisterLookup.objects.filter(asked_at__gt=since, asked_at__lte=now).values_list("number", flat=True)
    numbers = sorted(set(fresh))
    new = look(now=now, numbers=numbers)[1] if numbers else 0
    _end_released(now=now)
    WatchRound.objects.filter(pk=round_.pk).update(looked_until=now, alerts=F("alerts") + new)
    return new


def ask(*, now: datetime) -> int:
    """Ask the register about pledged patents that were not looked up for a day; returns how many. A failure waits two hours."""
    if not choice.can_be_asked():
        return 0
    recent = RegisterLookup.objects.filter(number=OuterRef("number")).filter(
        Q(asked_at__gt=now - RETRY) | Q(asked_at__gt=now - ASK_AGAIN) & ~Q(outcome=RegisterLookup.Outcome.FAILED)
    )
    old = PledgedPatent.objects.filter(~Exists(recent), effective__contains=now).order_by("number")
    numbers = list(old.values_list("number", flat=True).distinct()[:ASK_AT_ONCE])
    if numbers:
        register.refresh(numbers, actor=SYSTEM, now=now)
    return len(numbers)


def look(*, now: datetime, numbers: Sequence[str] | None = None) -> tuple[int, int]:
    """Read all effective pledges (or those with these numbers), batch by batch; (pledges, new alerts)."""
    seen = new = 0
    for batch in batches(now=now, numbers=numbers):
        new += _tell(batch, now=now)
        seen += len(batch)
    return seen, new


@transaction.atomic(durable=True)
def _tell(batch: Sequence[Pledge], *, now: datetime) -> int:
    """Write what is new about these pledges and end what is over, each with its journal entry."""
    today = local_date(now)
    current = {pledge.file.pk: _found(pledge, today) for pledge in batch}
    by_file = {pledge.file.pk: pledge for pledge in batch}
    _end(current, by_file, now=now)
    rows = [
        (pk, number, finding.kind.value, finding.on, finding.text[:500], by_file[pk].lookups.get(number), now, "")
        for pk, found in sorted(current.items())
        for (number, _), finding in sorted(found.items())
    ]
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
        written = cursor.fetchall()
    fresh: dict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
    for alert_id, file_id, number, kind in written:
        fresh[file_id, kind].append((alert_id, number))
    for (file_id, kind), alerts in sorted(fresh.items()):
        texts = [current[file_id][number, kind].text for _, number in alerts]
        said = texts[0] if len(texts) == 1 else f"{len(texts)} 件专利：{texts[0]}"
        _record("pledge.alert", by_file[file_id], kind, [a for a, _ in alerts], said, now=now)
    return len(written)


def _found(pledge: Pledge, today: date) -> dict[tuple[str, str], Finding]:
    """(number, kind) → finding; number is empty for the whole pledge."""
    found = {(p.number, f.kind.value): f for p in pledge.patents for f in findings.of(p, today=today)}
    now_called = {"出质人": pledge.file.pledgor.name, "质权人": pledge.file.pledgee.name}
    renamed = [
        f"{role}由“{pledge.named[role]}”改为“{name}”"
        for role, name in now_called.items()
        if role in pledge.named and pledge.named[role] != name
    ]
    if renamed:
        kind = Alert.Kind.PARTY
        text = f"{'；'.join(renamed)}，与通知书所载不一致。{findings.UNCHANGED}，请办理变更登记。"
        found["", kind.value] = Finding(kind, today, text)
    return found


def _end(current: dict[int, dict[tuple[str, str], Finding]], by_file: dict[int, Pledge], *, now: datetime) -> None:
    """Close open alerts whose reason is gone. A stage of the fee that gave way to the next is closed without a word."""
    watched = {(pk, p.number) for pk, pledge in by_file.items() for p in pledge.patents}
    over: dict[tuple[int, str], list[int]] = defaultdict(list)
    stages: list[int] = []
    opened = Alert.objects.filter(registration__in=list(by_file), ended_at=None).order_by("pk")
    for alert in opened.select_for_update(of=("self",), no_key=True):
        found = current[alert.registration_id]
        if alert.number and (alert.registration_id, alert.number) not in watched:
            continue  # released from the pledge: _end_released says so
        same = found.get((alert.number, alert.kind))
        lasting = alert.kind not in FEE_KINDS and not alert.kind.startswith("expire")
        if same is not None and (lasting or same.on == alert.on):
            continue
        if alert.kind in FEE_KINDS and any(n == alert.number and k in FEE_KINDS | {"lapsed"} for n, k in found):
            stages.append(alert.pk)
        else:
            over[alert.registration_id, alert.kind].append(alert.pk)
    day = full_date_cn(local_date(now))
    Alert.objects.filter(pk__in=stages).update(ended_at=now, ended_text="转入下一阶段")
    Alert.objects.filter(pk__in=[pk for ids in over.values() for pk in ids]).update(
        ended_at=now, ended_text=f"{day}核对，情形已消除"
    )
    for (file_id, kind), ids in sorted(over.items()):
        count = f"（{len(ids)} 件）" if len(ids) > 1 else ""
        said = f"提醒消除：{_KIND_TITLES[kind]}{count}"
        _record("pledge.alert_ended", by_file[file_id], kind, ids, said, now=now)


@transaction.atomic(durable=True)
def _end_released(*, now: datetime) -> None:
    """Alerts of patents that are no longer in the pledge are over; what released them has told so itself."""
    still = PledgedPatent.objects.filter(registration=OuterRef("registration"), effective__contains=now)
    opened = Alert.objects.filter(ended_at=None)
    over = {"ended_at": now, "ended_text": "质押已结束"}
    opened.exclude(number="").filter(~Exists(still.filter(number=OuterRef("number")))).update(**over)
    opened.filter(~Exists(still), number="").update(**over)


def _record(verb: str, pledge: Pledge, kind: str, ids: Sequence[int], text: str, *, now: datetime) -> None:
    file = pledge.file
    record(
        verb,
        actor=SYSTEM,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=text,
        data={"registration": file.pk, "number": file.number, "kind": kind, "alerts": list(ids)},
        parties=[*file.parties, file.office_id],
    )
