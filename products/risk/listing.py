"""The lists of enterprises by tier, kept by the regulator: they decide what the national fund may carry. An entry is never
taken away, it ends; what was committed before keeps its shares."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction

from portal.foundation.accounts.models import Organisation, OrganisationKind, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.verdict import YES, Verdict, no, not_you
from portal.foundation.journal.record import record

from .models import EnterpriseTier
from .shares import Tier

_LOCK = 582041  # advisory: one change of the lists at a time, so that nobody is listed twice at once
NOT_HERE = "没有在本平台注册的企业使用这个代码，请企业先注册。"


@dataclass(frozen=True, slots=True)
class Wish:
    """One enterprise to be listed, both days count; `until` None: without an end."""

    uscc: str
    tier: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Slip:
    """Why a wish cannot be, by its place in the sequence and the part of it."""

    index: int
    part: str
    said: str


def can_keep(actor: Actor) -> Verdict:
    return YES if actor.role == Role.REGULATOR else not_you("role", "分档名单由监管部门维护。")


def can_end(actor: Actor, entry: EnterpriseTier) -> Verdict:
    if not (may := can_keep(actor)):
        return may
    return no("state", f"这一条已于 {entry.valid_until} 止。") if entry.valid_until is not None else YES


@transaction.atomic(durable=True)
def put_on(wish: Wish, *, source: str, actor: Actor, now: datetime) -> EnterpriseTier:
    """List one enterprise with where its tier was published. Raises Invalid with every field."""
    can_keep(actor).require()
    said = _about(source)
    made, slips = _checked([wish])
    said |= {slip.part: slip.said for slip in slips}
    if said:
        raise Invalid("tier", "；".join(said.values()), fields=said)
    return _written(made, source=source.strip(), actor=actor, now=now)[0]


@transaction.atomic(durable=True)
def import_all(
    wishes: Sequence[Wish], *, source: str, actor: Actor, now: datetime
) -> tuple[list[EnterpriseTier], list[Slip]]:
    """List all of them or none: entries, or the slips that kept all of them out. Raises Invalid without a source."""
    can_keep(actor).require()
    if said := _about(source):
        raise Invalid("source", said["source"], fields=said)
    made, slips = _checked(wishes)
    if slips:
        return [], slips
    written = _written(made, source=source.strip(), actor=actor, now=now)
    record(
        "risk.tiers_imported",
        actor=actor,
        now=now,
        subject="enterprise-tiers",
        text=f"批量列入 {len(written)} 家企业的分档，名单：{source.strip()}",
        data={"entries": [entry.pk for entry in written]},
    )
    return written, []


@transaction.atomic(durable=True)
def end(entry_id: int, *, until: date, ground: str, actor: Actor, now: datetime) -> EnterpriseTier:
    """The last day an entry counts, and why. Raises WrongState when it has an end already."""
    can_keep(actor).require()
    entry = lock(EnterpriseTier.objects.filter(pk=entry_id))
    if not (may := can_end(actor, entry)):
        raise WrongState("ended", may.reason)
    said: dict[str, str] = {}
    if until < entry.valid_from:
        said["until"] = f"这一条从 {entry.valid_from} 起有效，不能更早结束。"
    if not ground.strip():
        said["ground"] = "写明结束的依据或原因。"
    if said:
        raise Invalid("tier", "；".join(said.values()), fields=said)
    entry.valid_until = until
    entry.save(update_fields=["valid_until"])
    text = f"{entry.organisation.name}：{Tier(entry.tier).short}认定有效期至 {until}，原因：{ground.strip()}"
    _tell("tier.ended", entry, text, actor=actor, now=now)
    return entry


def _about(source: str) -> dict[str, str]:
    return {} if source.strip() else {"source": "写明名单的文号或出处。"}


def _checked(wishes: Sequence[Wish]) -> tuple[list[EnterpriseTier], list[Slip]]:
    """Rows to be written, and every wish that cannot be; two queries, one change of the lists at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    firms = {
        firm.uscc: firm
        for firm in Organisation.objects.filter(
            kind=OrganisationKind.ENTERPRISE, active=True, uscc__in={wish.uscc for wish in wishes}
        )
    }
    known: dict[tuple[int, str], list[tuple[date, date | None]]] = {}
    listed = EnterpriseTier.objects.filter(organisation__in=firms.values())
    for pk, tier, since, until in listed.values_list("organisation_id", "tier", "valid_from", "valid_until"):
        known.setdefault((pk, tier), []).append((since, until))
    made: list[EnterpriseTier] = []
    slips: list[Slip] = []
    for index, wish in enumerate(wishes):
        firm = firms.get(wish.uscc)
        if firm is None:
            slips.append(Slip(index, "uscc", NOT_HERE))
        elif wish.until is not None and wish.until < wish.since:
            slips.append(Slip(index, "until", "有效期止日不能早于起日。"))
        elif _overlaps(wish, known.get((firm.pk, wish.tier), ())):
            slips.append(Slip(index, "uscc", f"{firm.name}在这段时间已列入{Tier(wish.tier).short}，不重复列入。"))
        else:
            known.setdefault((firm.pk, wish.tier), []).append((wish.since, wish.until))
            made.append(
                EnterpriseTier(organisation=firm, tier=wish.tier, valid_from=wish.since, valid_until=wish.until)
            )
    return made, slips


def _overlaps(wish: Wish, periods: Iterable[tuple[date, date | None]]) -> bool:
    return any(
        (wish.until is None or since <= wish.until) and (until is None or until >= wish.since)
        for since, until in periods
    )


def _written(made: list[EnterpriseTier], *, source: str, actor: Actor, now: datetime) -> list[EnterpriseTier]:
    for entry in made:
        entry.source = source[:200]
    written = EnterpriseTier.objects.bulk_create(made)
    for entry in written:
        text = f"{entry.organisation.name}列入{Tier(entry.tier).short}，{entry.valid_from} 起，名单：{entry.source}"
        _tell("tier.listed", entry, text, actor=actor, now=now)
    return written


def _tell(verb: str, entry: EnterpriseTier, text: str, *, actor: Actor, now: datetime) -> None:
    record(
        verb,
        actor=actor,
        now=now,
        subject=f"enterprise-tier:{entry.pk}",
        text=text,
        data={"organisation": entry.organisation_id, "tier": entry.tier, "until": str(entry.valid_until or "")},
        parties=[entry.organisation_id],
    )
