"""Applying together: one side proposes, the other confirms, and the file goes to the office with its clock running."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from applications.actions import progress
from pledges import checks, rules
from pledges.actions.filing import choose, tell
from pledges.grounds import CheckResult
from pledges.locking import lock_patents, locked
from pledges.models import Document, Registration
from pledges.particulars import rules as particulars
from pledges.signing import actions as signing
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.sla import clocks, facts
from portal.foundation.sla.models import Kind


class GroundsFound(WrongState):
    """The pre-check found grounds that must be removed or waived first."""

    def __init__(self, results: Sequence[CheckResult]) -> None:
        first = results[0]
        more = f"（共 {len(results)} 项，逐项见预检）" if len(results) > 1 else ""
        super().__init__("grounds", f"{first.ground} {first.ground.label}：{first.evidence}{first.fix}{more}")
        self.results = list(results)


def _require_clear(file: Registration, *, now: datetime) -> list[CheckResult]:
    """The pre-check, inside the transaction. Raises GroundsFound, or Invalid when the form itself is not finished."""
    if file.typed:
        raise Invalid("unfinished", "申请表还有没填对的内容，请先改正并保存。")
    if not file.identity_promise and not file.documents.filter(kind=Document.Kind.IDENTITY, replaced_at=None).exists():
        raise Invalid("identity", "请勾选以承诺书代替身份证明，或上传双方的身份证明。")
    rules.value_proven(file).require()
    particulars.complete(file).require()
    results = checks.run(file, now=now, filing=True)
    if stopping := [r for r in results if r.blocks]:
        raise GroundsFound(stopping)
    return results


@transaction.atomic(durable=True)
def propose(registration_id: int, *, actor: Actor, now: datetime) -> Registration:
    """Hand the filled-in form to the other party. Raises GroundsFound when a ground stands in the way."""
    file = locked(registration_id)
    rules.can_propose(actor, file, file.application).require()
    _require_clear(file, now=now)
    file.propose(by=actor.label, now=now)
    file.save(update_fields=["state", "proposed_by", "proposed_at", "sent_back_note"])
    signing.sign(file, actor=actor, now=now)
    tell("pledge.proposed", file, actor=actor, now=now, text=f"{actor.organisation_name} 送对方确认质押登记申请")
    return file


@transaction.atomic(durable=True)
def send_back(registration_id: int, *, note: str, actor: Actor, now: datetime) -> Registration:
    """The other party asks for a change; the note says which."""
    file = locked(registration_id)
    rules.can_send_back(actor, file).require()
    if not note.strip():
        raise Invalid("note", "写明需要修改什么。", fields={"note": "写明需要修改什么。"})
    file.take_back(note=note.strip()[:300])
    file.save(update_fields=["state", "sent_back_note"])
    signing.set_aside(file, now=now)
    tell(
        "pledge.returned", file, actor=actor, now=now, text=f"{actor.organisation_name} 退回修改：{file.sent_back_note}"
    )
    return file


@transaction.atomic(durable=True)
def take_back(registration_id: int, *, actor: Actor, now: datetime) -> Registration:
    """The proposer goes on editing before the other side has confirmed."""
    file = locked(registration_id)
    rules.can_take_back(actor, file).require()
    file.take_back(note="")
    file.save(update_fields=["state", "sent_back_note"])
    signing.set_aside(file, now=now)
    tell("pledge.taken_back", file, actor=actor, now=now, text=f"{actor.organisation_name} 取回修改质押登记申请")
    return file


@transaction.atomic(durable=True)
def confirm(registration_id: int, *, version: int, actor: Actor, now: datetime) -> Registration:
    """The other party joins: the file goes to the office and the registration clock starts.

    `version` is the form that was read: a changed one must be read again. The pre-check runs once more on locked patents.
    Where a third party pledges and the debtor's enterprise proposes, the last of the two signatures submits.
    """
    file = locked(registration_id)
    rules.can_confirm(actor, file, file.application).require()
    if file.version != version:
        raise WrongState("stale", "对方刚刚修改了申请表，请按最新内容核对后再确认。")
    lock_patents(file)
    choose(file, list(file.patents.values_list("patent_id", flat=True)))
    results = _require_clear(file, now=now)
    signing.sign(file, actor=actor, now=now)
    if signing.waiting_for(
        file
    ):  # the debtor's enterprise filled in the form: pledgor and pledgee both have to sign it
        return file
    progress.begin_registration(file.application)
    file.submit(by=actor.label, now=now)
    file.clock = clocks.start(
        Kind.REGISTRATION,
        organisation_id=file.office_id,
        case_number=file.application.number,
        subject=file.subject,
        watchers=list(file.parties),
        now=now,
    )
    failpoint("filing.clock_running")
    file.save(update_fields=["state", "confirmed_by", "confirmed_at", "submitted_at", "clock"])
    checks.store(file, results, now=now)
    said = f"双方共同提交质押登记申请 {file.number}"
    tell("pledge.submitted", file, actor=actor, now=now, text=said, clocks=file.clock.facts)
    failpoint("filing.before_commit")
    return file


@transaction.atomic(durable=True)
def withdraw(registration_id: int, *, reason: str, actor: Actor, now: datetime) -> Registration:
    """Either party, until the decision: the clock stops (excused if it was not due yet), the request can be filed again."""
    file = locked(registration_id)
    rules.can_withdraw(actor, file).require()
    file.withdraw(by=actor.label, now=now)
    progress.registration_failed(file.application)
    stopped: Sequence[facts.Fact] = ()
    if file.clock_id is not None:
        stopped = clocks.stop(file.clock_id, now=now, reason="withdrawn", excused=True).facts
    file.save(update_fields=["state", "decided_by", "decided_at"])
    said = f"{actor.organisation_name} 撤回质押登记申请" + (f"：{reason.strip()[:200]}" if reason.strip() else "")
    # The office hears only of what it had.
    verb = "pledge.withdrawn" if file.submitted_at is not None else "pledge.discarded"
    tell(verb, file, actor=actor, now=now, text=said, clocks=stopped)
    return file
