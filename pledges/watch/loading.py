"""Effective pledges in batches, each patent as last known: by the register, else by its holder's entry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pledges.models import Notice, PledgedPatent, Registration
from portal.foundation.assets.models import Patent
from portal.foundation.assets.register.queries import Known, latest_found
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.moments import local_date

from .findings import Watched

BATCH = 200  # files


@dataclass(frozen=True, slots=True)
class Pledge:
    """One file with its effective patents; `lookups` by number, `named`: how its newest notice calls the parties."""

    file: Registration
    patents: tuple[Watched, ...]
    lookups: dict[str, int]
    named: dict[str, str]


def batches(*, now: datetime, numbers: Sequence[str] | None = None) -> Iterator[list[Pledge]]:
    """All effective pledges by file, or those with one of these numbers; five queries a batch."""
    effective = PledgedPatent.objects.filter(effective__contains=now)
    if numbers is not None:
        effective = effective.filter(number__in=list(numbers))
    last = 0
    while True:
        found = effective.filter(registration_id__gt=last).order_by("registration_id")
        ids = list(found.values_list("registration_id", flat=True).distinct()[:BATCH])
        if not ids:
            return
        last = ids[-1]
        yield _load(ids, now=now)


def _load(ids: Sequence[int], *, now: datetime) -> list[Pledge]:
    files = Registration.objects.filter(pk__in=ids).select_related("application", "pledgor", "pledgee").in_bulk()
    rows = list(
        PledgedPatent.objects.filter(registration_id__in=ids, effective__contains=now)
        .select_related("patent")
        .prefetch_related("patent__co_owners")
        .order_by("registration_id", "number")
    )
    known = latest_found({r.number for r in rows})
    named = _named(ids)
    by_file: dict[int, list[PledgedPatent]] = {}
    for row in rows:
        by_file.setdefault(row.registration_id, []).append(row)
    return [
        Pledge(
            file=files[pk],
            patents=tuple(_watched(files[pk], row, known.get(row.number)) for row in found),
            lookups={row.number: known[row.number].lookup_id for row in found if row.number in known},
            named=named.get(pk, {}),
        )
        for pk, found in by_file.items()
    ]


def _named(ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """What the newest paper that is no correction calls the parties: role → name."""
    papers = Notice.objects.filter(registration_id__in=ids).exclude(kind=Notice.Kind.CORRECTION)
    rows = papers.order_by("registration_id", "-pk").distinct("registration_id").values_list("registration_id", "facts")
    return {pk: {str(party["role"]): str(party["name"]) for party in facts.get("parties", [])} for pk, facts in rows}


def _watched(file: Registration, row: PledgedPatent, known: Known | None) -> Watched:
    effective = row.effective
    began = effective.lower if effective is not None else None
    registered_on = local_date(began or file.decided_at or file.created_at)
    extract = known.extract if known is not None else None
    if known is None or extract is None:
        return _entered(file, row, row.patent, registered_on=registered_on)
    as_of = known.as_of or known.asked_at
    return Watched(
        number=row.number,
        patentees=extract.patentees,
        status=extract.status,
        expires_on=extract.expires_on or row.expires_on,
        fee_due=extract.fee_next_due or extract.fee_paid_until,
        ended_on=extract.ended_on,
        restrained=extract.preserved or extract.suspended,
        invalidation_pending=extract.invalidation_pending,
        transferred_on=extract.transferred_on,
        pledgor=file.pledgor.name,
        registered_on=registered_on,
        debt_to=file.debt_to,
        source=f"{known.label}，截至{full_date_cn(local_date(as_of))}",
    )


def _entered(file: Registration, row: PledgedPatent, patent: Patent, *, registered_on: date) -> Watched:
    """Nobody has compared with the register: the holder's own word, said as such."""
    checked = f"，核对于{full_date_cn(patent.checked_on)}" if patent.checked_on else ""
    names = (patent.patentee, *(c.name for c in patent.co_owners.all()))
    return Watched(
        number=row.number,
        patentees=tuple(dict.fromkeys(n for n in names if n)),
        status=patent.status,
        expires_on=row.expires_on,
        fee_due=patent.fee_paid_until,
        ended_on=None,
        restrained=patent.preserved,
        invalidation_pending=patent.invalidation_pending,
        transferred_on=None,
        pledgor=file.pledgor.name,
        registered_on=registered_on,
        debt_to=file.debt_to,
        source=f"企业填报{checked}",
    )
