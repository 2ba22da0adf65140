"""The verbs of the register: ask it, take an uploaded extract. Every answer is kept, every change is told; nobody's own
entry is rewritten — what the register says stands beside it.

The register is asked outside every transaction, so a slow one holds no lock and no row.
"""

import hashlib
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.files.base import File
from django.db import connection, transaction

from portal.foundation.accounts.models import Role
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.intake.gate import admit
from portal.foundation.core.intake.kinds import WORKBOOK
from portal.foundation.core.moments import iso, local_date
from portal.foundation.core.spreadsheets import XLSX
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from . import choice, queries, workbook
from .interface import LABELS, MOST, STATUS_LABELS, Answer, Extract, PatentRegister, Unreachable, to_json
from .models import RegisterAnswer, RegisterLookup

log = logging.getLogger("portal.register")
MOST_BYTES = 5 * 1024 * 1024
_ONE_KEEPER = 582042  # advisory lock: two who keep answers about one patent must agree on which came before


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round of questions came to: how many patents were asked about, found, unknown; numbers whose facts changed;
    and, when the register failed, the sentence."""

    asked: int
    found: int
    unknown: int
    changed: tuple[str, ...]
    problem: str = ""


class NotRead(Invalid):
    """The workbook has faults and nothing of it was taken; `faults` names them all."""

    def __init__(self, faults: Sequence[workbook.Fault]) -> None:
        first = faults[0].sentence
        super().__init__("faults", f"表里有 {len(faults)} 处错误，一件也没有采用。{first}", fields={"file": first})
        self.faults = list(faults)


def can_upload(actor: Actor) -> Verdict:
    office = actor.role in (Role.CLERK, Role.CHIEF)
    return YES if office else not_you("role", "登记簿摘录由登记机构的审查员上传。")


def refresh(numbers: Collection[str], *, actor: Actor, now: datetime) -> Outcome:
    """Ask the register about canonical numbers, fifty at a time, and keep every answer. A failure is kept too, as such:
    the patents it leaves open are then a person's to check.

    Raises WrongState where no register can be asked, RuntimeError inside a transaction.
    """
    _outside_transactions()
    try:
        register = choice.from_settings()
    except ValueError as error:
        raise WrongState("none", "没有接通登记簿，请上传登记簿摘录，或逐项人工核对。") from error
    wanted = sorted(set(numbers))
    found = unknown = 0
    changed: list[str] = []
    for start in range(0, len(wanted), MOST):
        part = wanted[start : start + MOST]
        key = hashlib.sha256(f"{iso(now)} {' '.join(part)}".encode()).hexdigest()[:32]
        try:
            answer = register.ask(part, key=key)
        except Unreachable as error:
            log.warning("the register failed: %s", error)
            rest = wanted[start:]  # one that fails is not asked nineteen times more
            _keep_failure(register, rest, str(error), actor=actor, now=now)
            return Outcome(len(wanted), found, unknown, tuple(changed), str(error))
        changed += _keep(register.source, answer, part, actor=actor, now=now)
        found, unknown = found + len(answer.extracts), unknown + len(answer.unknown)
    return Outcome(len(wanted), found, unknown, tuple(changed))


def _outside_transactions() -> None:
    """Refuses (RuntimeError) to go on inside somebody's transaction: its locks would wait for a stranger."""
    with transaction.atomic(durable=True):
        pass


def upload(file: "File[bytes]", *, as_of: datetime, actor: Actor, now: datetime) -> Outcome:
    """Take a workbook of extracts that hold for `as_of`: all rows or none. Raises NotRead with every fault, TooLarge, WrongType."""
    can_upload(actor).require()
    if as_of > now:
        said = "摘录日期不能晚于今天。"
        raise Invalid("as_of", said, fields={"as_of": said})
    checked = admit(file, kinds=WORKBOOK, most=MOST_BYTES, actor=actor, now=now, field="file")
    body = checked.read()
    extracts, faults = workbook.read(body, today=local_date(now))
    faults = faults or _older(extracts, as_of=as_of)
    if faults:
        raise NotRead(faults)
    answer = Answer(checked.name, as_of, {e.number: e for _, e in extracts}, frozenset(), body, XLSX)
    changed = _keep(RegisterAnswer.Source.WORKBOOK, answer, sorted(answer.extracts), actor=actor, now=now)
    return Outcome(len(extracts), len(extracts), 0, tuple(changed))


def _older(extracts: Sequence[tuple[int, Extract]], *, as_of: datetime) -> list[workbook.Fault]:
    """A workbook never takes the place of something newer that is known."""
    known = queries.latest_found(extract.number for _, extract in extracts)
    return [
        workbook.Fault(
            row,
            workbook.COLUMNS["number"],
            f"已有截至{full_date_cn(local_date(last.as_of))}的登记簿记载，比这份摘录新。请改用新的摘录，或删去这一行。",
        )
        for row, extract in extracts
        if (last := known.get(extract.number)) is not None and last.as_of is not None and last.as_of > as_of
    ]


@transaction.atomic(durable=True)
def _keep(source: str, answer: Answer, asked: Sequence[str], *, actor: Actor, now: datetime) -> list[str]:
    """Write the answer with its look-ups and tell what changed; returns the changed numbers."""
    _alone()
    before = queries.latest_found(asked)
    kept = RegisterAnswer.objects.create(
        source=source,
        name=answer.name,
        asked_at=now,
        asked_by=actor.label,
        asked_for=actor.organisation_id or None,
        as_of=answer.as_of,
        media_type=answer.media_type,
        body=answer.raw,
        sha256=hashlib.sha256(answer.raw).hexdigest(),
    )
    found, unknown = RegisterLookup.Outcome.FOUND, RegisterLookup.Outcome.UNKNOWN
    RegisterLookup.objects.bulk_create(
        RegisterLookup(
            answer=kept,
            number=number,
            asked_at=now,
            outcome=found if number in answer.extracts else unknown,
            facts=to_json(answer.extracts[number]) if number in answer.extracts else {},
        )
        for number in asked
    )
    missing = f"，其中 {len(answer.unknown)} 件查无此号" if answer.unknown else ""
    _tell(kept, f"核对登记簿 {len(asked)} 件{missing}（{kept.label}）", asked, actor=actor, now=now)
    return _tell_changes(answer, before, kept, actor=actor, now=now)


@transaction.atomic(durable=True)
def _keep_failure(
    register: PatentRegister, numbers: Sequence[str], problem: str, *, actor: Actor, now: datetime
) -> None:
    kept = RegisterAnswer.objects.create(
        source=register.source,
        asked_at=now,
        asked_by=actor.label,
        asked_for=actor.organisation_id or None,
        problem=problem[:300],
    )
    failed = RegisterLookup.Outcome.FAILED
    RegisterLookup.objects.bulk_create(
        RegisterLookup(answer=kept, number=number, asked_at=now, outcome=failed) for number in numbers
    )
    _tell(kept, f"登记簿 {len(numbers)} 件没有查到结果：{problem}", numbers, actor=actor, now=now)


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_KEEPER])


def _tell(kept: RegisterAnswer, text: str, numbers: Sequence[str], *, actor: Actor, now: datetime) -> None:
    data = {"answer": kept.pk, "source": kept.source, "sha256": kept.sha256, "asked": len(numbers)}
    record("register.asked", actor=actor, now=now, subject=f"register:{kept.pk}", text=text, data=data)


def _tell_changes(
    answer: Answer, before: Mapping[str, queries.Known], kept: RegisterAnswer, *, actor: Actor, now: datetime
) -> list[str]:
    """One entry for each holder of a patent whose facts differ from the last look-up, or at the first from the entry."""
    changed: dict[str, None] = {}
    holders = Patent.objects.filter(number__in=list(answer.extracts), removed_at=None).prefetch_related("co_owners")
    held: set[str] = set()
    for patent in holders.order_by("pk"):
        held.add(patent.number)
        extract = answer.extracts[patent.number]
        known = before.get(patent.number)
        old = known.extract if known is not None and known.extract is not None else _entered(patent)
        told = list(_differences(old, extract))
        if not told:
            continue
        changed[patent.number] = None
        said = "；".join(f"{LABELS[name]}由“{was}”变为“{now_is}”" for name, was, now_is in told)
        against = "" if known is not None else "与企业填报不一致，"
        record(
            "patent.register_changed",
            actor=actor,
            now=now,
            subject=f"patent:{patent.pk}",
            text=f"登记簿记载的专利 {patent.dotted} {against}{said}",
            data={
                "number": patent.number,
                "organisation": patent.organisation_id,
                "answer": kept.pk,
                "first": known is None,
                "changed": {name: [was, now_is] for name, was, now_is in told},
            },
            parties=[patent.organisation_id],
        )
    for number, known in before.items():  # pledged by somebody who has taken it off the list since
        if number in held or known.extract is None or number not in answer.extracts:
            continue
        if any(_differences(known.extract, answer.extracts[number])):
            changed[number] = None
    return list(changed)


def _entered(patent: Patent) -> Extract:
    """The holder's own entry in the words of the register; what nobody entered is left out of the comparison."""
    return Extract(
        number=patent.number,
        patentees=tuple(dict.fromkeys(n for n in (patent.patentee, *(c.name for c in patent.co_owners.all())) if n)),
        status=patent.status,
        filing_date=patent.filing_date,
        grant_date=patent.grant_date,
        expires_on=patent.expires_on,
        fee_paid_until=patent.fee_paid_until,
        preserved=patent.preserved,
        invalidation_pending=patent.invalidation_pending,
        same_day_twin=patent.same_day_twin,
    )


def _differences(old: Extract, new: Extract) -> Iterator[tuple[str, str, str]]:
    """(field, before, after) in words; what the newer one does not say has not changed."""
    for name in LABELS:
        was, now_is = getattr(old, name), getattr(new, name)
        if name == "fee_next_due" or now_is is None or (name == "patentees" and set(was) == set(now_is)):
            continue
        if was != now_is:
            yield name, _word(name, was), _word(name, now_is)


def _word(name: str, value: object) -> str:
    if name == "status":
        return STATUS_LABELS[str(value)]
    if isinstance(value, bool):
        return "有" if value else "无"
    if isinstance(value, tuple):
        return "；".join(value)
    return str(value) if value else "未记载"
