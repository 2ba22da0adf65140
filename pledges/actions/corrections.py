"""补正 from the parties' side: each defect is answered by itself; with the last answer the file goes back to the clerk.

Pledgor and pledgee apply together (公告第461号第三条): where an answer changes what both have signed, the file goes back only
when the other side has signed the changed form too. Until then the clock stays paused.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.db import models, transaction

from pledges import checks, places, rules
from pledges.actions.filing import CONTENT_FIELDS, Upload, choose, put
from pledges.locking import locked
from pledges.models import Correction, Registration
from pledges.particulars import storing
from pledges.particulars.entries import MaximumEntry
from pledges.particulars.rules import maximum_of
from pledges.signing import actions as signing
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.intake.gate import looked_at
from portal.foundation.journal.record import record
from portal.foundation.sla import clocks, facts


@looked_at("uploads")
@transaction.atomic(durable=True)
def answer(
    correction_id: int,
    *,
    text: str,
    changes: Mapping[str, Any] | None = None,
    uploads: Sequence[Upload] = (),
    actor: Actor,
    now: datetime,
) -> Registration:
    """Answer one defect with changed fields, papers or words; an answer may be given anew until the round is complete.

    With the last one the file goes back to EXAMINING and the clock runs with the full term, if both sides' signatures
    cover the form as it is now: who answers signs along, unless something is in the form that it has not confirmed yet.
    `changes` are clean values of the fields that belong to the defect's place (`patents`: ids). Raises Invalid when
    nothing was given.
    """
    registration_id = Correction.objects.values_list("registration_id", flat=True).get(pk=correction_id)
    file = locked(registration_id)
    rules.can_answer(actor, file).require()
    correction = lock(Correction.objects.filter(pk=correction_id, registration=file, round=file.correction_rounds))
    has_seen_all = actor.organisation_id not in signing.outdated(file)
    said = _apply(file, correction, changes or {})
    papers = put(file, uploads, actor=actor, now=now)
    if said or papers:
        file.version += 1
        file.save(update_fields=["version"])
        if has_seen_all:
            signing.sign(file, actor=actor, now=now)
    said += [f"上传{d.get_kind_display()}“{d.name}”" for d in papers]
    if text.strip():
        said.append(text.strip())
    if not said:
        sentence = "更正内容、上传材料或写明说明，至少一项。"
        raise Invalid("answer", sentence, fields={"answer": sentence})
    correction.answer, correction.answered_by, correction.answered_at = "；".join(said)[:500], actor.label, now
    correction.save(update_fields=["answer", "answered_by", "answered_at"])
    waiting = file.corrections.filter(round=file.correction_rounds, answered_at=None).count()
    _tell(
        "pledge.answered",
        file,
        actor=actor,
        now=now,
        text=f"补正第 {correction.position} 项“{places.label(correction.field)}”：{correction.answer}",
        waiting=waiting,
    )
    if waiting == 0:
        _complete_or_ask(file, actor=actor, now=now)
    return file


@transaction.atomic(durable=True)
def confirm(registration_id: int, *, version: int, actor: Actor, now: datetime) -> Registration:
    """Sign the form as the answers have changed it; with the last signature the file goes back to the clerk.

    `version` is the form that was read. Raises WrongState while a defect is not answered, when the form changed since, or
    when the actor's own signature already covers it.
    """
    file = locked(registration_id)
    rules.can_answer(actor, file).require()
    if file.version != version:
        raise WrongState("stale", "对方刚刚又改动了内容，请按最新内容核对后再确认。")
    if waiting := file.corrections.filter(round=file.correction_rounds, answered_at=None).count():
        raise WrongState("open", f"还有 {waiting} 项没有答复，全部答复后再确认。")
    if actor.organisation_id not in signing.outdated(file):
        raise WrongState("signed", "没有需要本方确认的改动。")
    signing.sign(file, actor=actor, now=now)
    if not signing.outdated(file):
        _complete(file, actor=actor, now=now)
    return file


def _complete_or_ask(file: Registration, *, actor: Actor, now: datetime) -> None:
    """Every defect is answered: back to the clerk, or first to who has not signed what the answers changed."""
    unsigned = signing.outdated(file)
    if not unsigned:
        _complete(file, actor=actor, now=now)
        return
    changed = "、".join(dict.fromkeys(label for labels in unsigned.values() for label in labels))
    _tell(
        "pledge.amended",
        file,
        actor=actor,
        now=now,
        text=f"补正改动了双方签名的内容（{changed}），须确认后才送回审查",
        waits=sorted(unsigned),
    )


def _apply(file: Registration, correction: Correction, changes: Mapping[str, Any]) -> list[str]:
    """Change what the defect's place allows to change; returns «label: old → new» for the record."""
    allowed = places.PLACES[correction.field].fields
    said = []
    if "patents" in changes and "patents" in allowed:
        before = sorted(file.patents.values_list("number", flat=True))
        choose(file, changes["patents"])
        after = sorted(file.patents.values_list("number", flat=True))
        if not after:
            raise Invalid("patents", "至少保留一件专利。", fields={"patents": "至少保留一件专利。"})
        if before != after:
            said.append(f"质押专利由 {len(before)} 件改为 {len(after)} 件（{'、'.join(after)}）")
    names = [n for n in CONTENT_FIELDS if n in allowed and n in changes and getattr(file, n) != changes[n]]
    for name in names:
        field = cast("models.Field[Any, Any]", Registration._meta.get_field(name))
        old = getattr(file, name)
        setattr(file, name, changes[name])
        said.append(f"{field.verbose_name}由“{_shown(field, old)}”改为“{_shown(field, changes[name])}”")
    if (entry := _maximum(file, allowed, changes)) is not None:
        storing.store_maximum(file, entry)
        names += ["debt_from", "debt_to"]
        period = f"{full_date_cn(entry.determined_from)}至{full_date_cn(entry.determined_to)}"
        said.append(f"债权确定期间改为{period}，单笔债务最长 {entry.term_months} 个月")
    if file.debt_from and file.debt_to and file.debt_to <= file.debt_from:
        raise Invalid("period", "届满日要晚于起始日。", fields={"debt_to": "届满日要晚于起始日。"})
    if names:
        file.save(update_fields=names)
    return said


def _maximum(file: Registration, allowed: Sequence[str], changes: Mapping[str, Any]) -> MaximumEntry | None:
    """The changed period of a maximum-amount pledge, or None. Raises Invalid when it ends before it begins."""
    before, names = maximum_of(file), MaximumEntry.__dataclass_fields__
    if before is None or not all(name in allowed and changes.get(name) for name in names):
        return None
    entry = MaximumEntry(**{name: changes[name] for name in names})
    if entry.determined_to <= entry.determined_from:
        sentence = "债权确定期间的届满日要晚于起始日。"
        raise Invalid("period", sentence, fields={"determined_to": sentence})
    return entry if any(getattr(before, name) != changes[name] for name in names) else None


def _shown(field: "models.Field[Any, Any]", value: Any) -> str:
    """A value in the words of the form."""
    if value in (None, ""):
        return "未填"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Decimal):
        return money_wan(value)
    if isinstance(value, date):
        return full_date_cn(value)
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return str(value)


def _complete(file: Registration, *, actor: Actor, now: datetime) -> None:
    """Every defect is answered and both have signed: the clerk reads again, the clock runs with the full term from now."""
    rules.value_proven(file).require()
    file.complete()
    file.save(update_fields=["state"])
    checks.look_again(file, now=now)
    checks.store(file, checks.run(file, now=now, filing=False), now=now)
    failpoint("complete.before_resume")
    resumed: Sequence[facts.Fact] = ()
    if file.clock_id is not None:
        resumed = clocks.resume(file.clock_id, now=now).facts
    _tell(
        "pledge.completed",
        file,
        actor=actor,
        now=now,
        text=f"第 {file.correction_rounds} 次补正全部完成，登记时限重新起算",
        clocks=resumed,
    )
    failpoint("complete.resumed")


def _tell(verb: str, file: Registration, *, actor: Actor, now: datetime, text: str, **data: object) -> None:
    record(
        verb,
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=text[:500],
        data={"registration": file.pk, "number": file.number, "round": file.correction_rounds, **data},
        parties=[*file.parties, file.office_id],
    )
