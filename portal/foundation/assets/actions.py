"""The verbs of patents: add, edit, remove. Facts arrive checked by the forms; the tenant comes from the actor."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.identifiers import PatentKind, expiry_date
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

from . import queries, rules
from .models import CoOwner, Patent

KNOWN = "这件专利已经在您的列表里，不必重复录入；要改内容请在列表里点“修改”。"


@dataclass(frozen=True, slots=True)
class Facts:
    """What an enterprise says about a patent. `expires_on` is None for the term of the law, else stands with a note."""

    title: str
    patentee: str
    filing_date: date
    grant_date: date | None = None
    fee_paid_until: date | None = None
    status: str = Patent.Status.GRANTED
    expires_on: date | None = None
    expiry_note: str = ""
    preserved: bool = False
    invalidation_pending: bool = False
    same_day_twin: str = ""
    co_owners: Sequence[tuple[str, str]] = field(default_factory=tuple)  # (name, 统一社会信用代码 or empty)


def add(number: str, kind: PatentKind, facts: Facts, *, actor: Actor, now: datetime) -> Patent:
    """Record one patent by its canonical number. Raises Invalid on a number that is in the list already."""
    return add_many([(number, kind, facts)], actor=actor, now=now)[0]


def add_many(rows: Sequence[tuple[str, PatentKind, Facts]], *, actor: Actor, now: datetime) -> list[Patent]:
    """Record several patents: all of them or none. Raises Invalid when one is in the list already."""
    try:
        return _add_many(rows, actor=actor, now=now)
    except IntegrityError as error:  # a colleague added the same number in the same moment
        if "patent_once_per_holder" in str(error):
            raise Invalid("known", KNOWN, fields={"number": KNOWN}) from error
        raise


@transaction.atomic(durable=True)
def _add_many(rows: Sequence[tuple[str, PatentKind, Facts]], *, actor: Actor, now: datetime) -> list[Patent]:
    rules.can_keep(actor).require()
    known = set(queries.owned(actor).filter(number__in=[r[0] for r in rows]).values_list("number", flat=True))
    if known:
        raise Invalid("known", KNOWN, fields={"number": KNOWN})
    made = []
    for number, kind, facts in rows:
        patent = Patent(organisation_id=actor.organisation_id, number=number, kind=kind)
        _assign(patent, facts, now=now)
        patent.save(force_insert=True)
        _replace_co_owners(patent, facts)
        record(
            "patent.added",
            actor=actor,
            now=now,
            subject=f"patent:{patent.pk}",
            text=f"录入专利 {patent.dotted} {patent.title}",
            data=_told(patent, facts),
        )
        made.append(patent)
    return made


@transaction.atomic(durable=True)
def edit(patent_id: int, facts: Facts, *, seen: str, actor: Actor, now: datetime) -> Patent:
    """Correct the facts of an own patent; its number is its identity and stays.

    `seen` is state_of() of what the form showed. Raises WrongState when a colleague saved something else meanwhile,
    Patent.DoesNotExist for strangers.
    """
    patent = lock(Patent.objects.filter(pk=patent_id, organisation_id=actor.organisation_id))
    rules.can_edit(actor, patent).require()
    if state_of(patent) != seen:
        raise WrongState("stale", "同事刚刚改过这件专利。下面是您填写的内容，请核对后再保存一次。")
    before = _told(patent, _facts_of(patent))
    _assign(patent, facts, now=now)
    patent.save()
    _replace_co_owners(patent, facts)
    after = _told(patent, facts)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    record(
        "patent.updated",
        actor=actor,
        now=now,
        subject=f"patent:{patent.pk}",
        text=f"修改专利 {patent.dotted} 的资料" if changed else f"核对专利 {patent.dotted}，内容没有变化",
        data=changed,
    )
    return patent


@transaction.atomic(durable=True)
def remove(patent_id: int, *, actor: Actor, now: datetime) -> Patent:
    """Take a patent off the list (the row stays for what refers to it)."""
    patent = lock(Patent.objects.filter(pk=patent_id, organisation_id=actor.organisation_id))
    rules.can_remove(
        actor, patent, requested=queries.in_live_request(patent), pledged=queries.in_pledge(patent, now=now)
    ).require()
    patent.removed_at = now
    patent.save(update_fields=["removed_at"])
    record(
        "patent.removed",
        actor=actor,
        now=now,
        subject=f"patent:{patent.pk}",
        text=f"移除专利 {patent.dotted} {patent.title}",
    )
    return patent


def state_of(patent: Patent) -> str:
    """A fingerprint of the row and its co-owners, carried by the form."""
    return queries.fingerprint(_told(patent, _facts_of(patent)))


def _facts_of(patent: Patent) -> Facts:
    own = {name: getattr(patent, name) for name in Facts.__dataclass_fields__ if name != "co_owners"}
    return replace(Facts(**own), co_owners=[(c.name, c.uscc) for c in patent.co_owners.order_by("name")])


def _assign(patent: Patent, facts: Facts, *, now: datetime) -> None:
    for name, value in asdict(facts).items():
        if name not in ("co_owners", "expires_on"):
            setattr(patent, name, value)
    patent.expires_on = facts.expires_on or expiry_date(PatentKind(patent.kind), facts.filing_date)
    if facts.expires_on is None:
        patent.expiry_note = ""
    patent.checked_on = local_date(now)  # the enterprise has just looked


def _replace_co_owners(patent: Patent, facts: Facts) -> None:
    patent.co_owners.all().delete()
    CoOwner.objects.bulk_create(CoOwner(patent=patent, name=name, uscc=uscc) for name, uscc in facts.co_owners)


def _told(patent: Patent, facts: Facts) -> dict[str, Any]:
    """The facts as the journal keeps them: plain JSON, with the expiry that counts."""
    told = {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(facts).items()}
    told["expires_on"] = patent.expires_on.isoformat()
    told["co_owners"] = sorted([name, uscc] for name, uscc in facts.co_owners)
    return {"number": patent.number, **told}
