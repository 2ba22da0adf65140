"""Taking a list over: every row is right and known, or nothing changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import IntegrityError, transaction

from pledges import rules
from pledges.actions.filing import choose, enter, tell
from pledges.facts import plain_name, split_names
from pledges.locking import locked
from pledges.models import PledgedPatent, Registration
from portal.foundation.accounts.models import Role
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Busy, Invalid
from portal.foundation.core.identifiers import expiry_date
from portal.foundation.core.intake.gate import Checked, admit
from portal.foundation.core.intake.kinds import WORKBOOK
from portal.foundation.core.moments import local_date

from . import workbook
from .models import PatentList, current
from .workbook import Fault, ListedPatent

MOST_BYTES = 5 * 1024 * 1024
SHOWN_FAULTS = 200


class Faulty(Invalid):
    """The list has faults; nothing was taken over. `faults` by row, at most SHOWN_FAULTS of `count`."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("faults", f"清单有 {len(faults)} 处错误，一行也没有采用。请按下表改正后重新上传。")
        self.faults, self.count = list(faults[:SHOWN_FAULTS]), len(faults)


def take_over(
    registration_id: int, upload: "File[Any]", *, actor: Actor, now: datetime
) -> tuple[Registration, PatentList]:
    """Make the workbook's rows the patents of the file.

    An enterprise of the file may list patents that are not in its own records yet: they are recorded from the row, as not
    compared with the register. A bank may list only what the request or the enterprise's earlier list has shown it.
    Raises Faulty with every row's fault, WrongType (415), TooLarge (413), Forbidden, WrongState.
    """
    checked = admit(upload, kinds=WORKBOOK, most=MOST_BYTES, actor=actor, now=now, field="file")
    listed, faults = workbook.read(checked.read(), today=local_date(now))  # before any lock: reading takes a moment
    try:
        return _take_over(registration_id, checked, listed, faults, actor=actor, now=now)
    except IntegrityError as error:  # a colleague entered one of the new numbers in the same moment
        if "patent_once_per_holder" in str(error):
            raise Busy("busy", "同事刚刚录入了清单里的一件专利，请再上传一次。") from error
        raise


@transaction.atomic(durable=True)
def _take_over(
    registration_id: int,
    checked: Checked,
    listed: Sequence[ListedPatent],
    faults: Sequence[Fault],
    *,
    actor: Actor,
    now: datetime,
) -> tuple[Registration, PatentList]:
    file = locked(registration_id)
    rules.can_list(actor, file).require()
    known = _known(file, [row.number.canonical for row in listed], actor=actor)
    found = [*faults, *(fault for row in listed for fault in _against(row, file, known, actor=actor))]
    if found:
        raise Faulty(sorted(found, key=lambda fault: fault.row))
    new = [row for row in listed if row.number.canonical not in known]
    known |= {p.number: p for p in _record(new, actor=actor)}
    enter(file, [known[row.number.canonical] for row in listed])
    PatentList.objects.filter(registration=file, replaced_at=None).update(replaced_at=now)
    made = PatentList(
        registration=file,
        pieces=len(listed),
        added=len(new),
        uploaded_by=actor.label,
        uploaded_at=now,
        **checked.fields(),
    )
    made.save(force_insert=True)
    _changed(file, actor=actor)
    text = f"{actor.organisation_name} 用清单“{made.name}”列明质押专利 {made.pieces} 件"
    tell("pledge.patents_listed", file, actor=actor, now=now, text=text[:500], pieces=made.pieces, added=made.added)
    return file, made


@transaction.atomic(durable=True)
def take_back(registration_id: int, *, actor: Actor, now: datetime) -> Registration:
    """Give the list up: the patents of the request stand again, to be chosen in the form."""
    file = locked(registration_id)
    rules.can_list(actor, file).require()
    if current(file) is None:
        raise Invalid("none", "这份申请没有使用清单。")
    PatentList.objects.filter(registration=file, replaced_at=None).update(replaced_at=now)
    choose(file, list(file.application.patents.values_list("patent_id", flat=True)))
    _changed(file, actor=actor)
    tell("pledge.patents_listed", file, actor=actor, now=now, text=f"{actor.organisation_name} 不再使用清单", pieces=0)
    return file


@transaction.atomic(durable=True)
def leave_out(registration_id: int, *, numbers: Sequence[str], actor: Actor, now: datetime) -> Registration:
    """Take patents out of the file that must not be in it; the contract has to say the same, and one patent stays."""
    file = locked(registration_id)
    rules.can_list(actor, file).require()
    going = PledgedPatent.objects.filter(registration=file, number__in=list(numbers))
    count = going.count()
    if not count:
        raise Invalid("none", "没有选择要移出的专利。")
    if count == file.patents.count():
        raise Invalid("all", "至少保留一件专利；整件不办的，请撤回这份申请。")
    going.delete()
    _changed(file, actor=actor)
    text = f"{actor.organisation_name} 把 {count} 件专利移出申请：{'、'.join(list(numbers)[:5])}"
    tell("pledge.patents_listed", file, actor=actor, now=now, text=text[:500], pieces=file.patents.count())
    return file


def _changed(file: Registration, *, actor: Actor) -> None:
    """What is open on another screen is no longer what is stored."""
    file.typed = {name: value for name, value in file.typed.items() if name != "patents"}
    file.version += 1
    file.saved_by, file.saved_page = actor.label, ""
    file.save(update_fields=["typed", "version", "saved_by", "saved_page"])


def _known(file: Registration, numbers: Sequence[str], *, actor: Actor) -> dict[str, Patent]:
    """Patents this person may list, by number: of the request, of the file, and of the own enterprise; two queries."""
    shown = {r.patent_id for r in file.application.patents.all()} | {p.patent_id for p in file.patents.all()}
    found = Patent.objects.filter(pk__in=shown, number__in=numbers)
    rows = {p.number: p for p in found}
    if actor.role == Role.ENTERPRISE:
        own = Patent.objects.filter(organisation_id=actor.organisation_id, number__in=numbers, removed_at=None)
        rows |= {p.number: p for p in own if p.number not in rows}
    return rows


def _against(row: ListedPatent, file: Registration, known: dict[str, Patent], *, actor: Actor) -> list[Fault]:
    """What the portal's own records say against a row."""
    patent = known.get(row.number.canonical)
    owners = split_names(patent.patentee if patent else row.patentee)
    if plain_name(file.pledgor.name) not in {plain_name(name) for name in owners}:
        said = f"专利权人“{'、'.join(owners)}”中没有出质人“{file.pledgor.name}”，请核对，或先办理专利权人变更。"
        return [Fault(row.row, "专利权人", said)]
    if patent is None and actor.role != Role.ENTERPRISE:
        said = f"不在融资需求 {file.application.number} 的专利中，也不在企业上传的清单中，请由企业上传清单。"
        return [Fault(row.row, "专利号", said)]
    if patent is None:
        return []
    faults = []
    if patent.filing_date != row.filing_date:
        faults.append(Fault(row.row, "申请日", f"与已录入的申请日 {patent.filing_date:%Y-%m-%d} 不一致，请核对。"))
    if patent.grant_date and patent.grant_date != row.grant_date:
        faults.append(
            Fault(row.row, "授权公告日", f"与已录入的授权公告日 {patent.grant_date:%Y-%m-%d} 不一致，请核对。")
        )
    return faults


def _record(listed: Sequence[ListedPatent], *, actor: Actor) -> list[Patent]:
    """Enter what is new into the enterprise's own records, as it says it: nobody has compared it (`checked_on` empty)."""
    return Patent.objects.bulk_create(
        [
            Patent(
                organisation_id=actor.organisation_id,
                number=row.number.canonical,
                kind=row.number.kind,
                title=row.title,
                patentee=row.patentee,
                filing_date=row.filing_date,
                grant_date=row.grant_date,
                expires_on=row.expires_on or expiry_date(row.number.kind, row.filing_date),
                expiry_note="按清单填写" if row.expires_on else "",
                fee_paid_until=row.fee_paid_until,
            )
            for row in listed
        ]
    )
