"""Asking the credit agency: the page only notes the wish; the journal's dispatcher asks, again until there is an answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.db import transaction

from portal.foundation.accounts.models import Role
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import SYSTEM, Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import DomainError, Invalid, WrongState
from portal.foundation.core.intake.gate import Checked, admit
from portal.foundation.core.models import take
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbering import compose
from portal.foundation.core.verdict import YES, Verdict, no, not_you
from portal.foundation.journal.models import Entry
from portal.foundation.journal.record import record
from portal.foundation.journal.subscribers import Down, Later

from . import provider, rules
from .models import AgencyRequest, Scene, Valuation, ValuationPaper, ValuedPatent

VERBS = ("valuation.requested",)
_AGAIN = timedelta(minutes=5)
MOST_WAITING = 3


def can_ask(actor: Actor) -> Verdict:
    if actor.role != Role.ENTERPRISE:
        return not_you("role", "信用机构报告由企业申请。")
    return YES if provider.configured() else no("none", "信用机构的估值服务还没有接通，请先自行编制估值。")


@transaction.atomic(durable=True)
def ask(patent_ids: Sequence[int], *, actor: Actor, now: datetime) -> AgencyRequest:
    """Note the wish for a report over own patents. Raises Invalid or WrongState with the reason it cannot be."""
    can_ask(actor).require()
    chosen = list(Patent.objects.visible_to(actor).filter(pk__in=list(patent_ids), removed_at=None).order_by("pk"))
    verdict = rules.can_be_valued(chosen, today=local_date(now))
    if not verdict:
        raise Invalid(verdict.code, verdict.reason, fields={"patents": verdict.reason})
    waiting = AgencyRequest.objects.filter(organisation_id=actor.organisation_id, answered_at=None)
    if waiting.count() >= MOST_WAITING:
        raise WrongState("waiting", f"已有 {MOST_WAITING} 份报告正在出具，收到后再申请。")
    made = AgencyRequest.objects.create(organisation_id=actor.organisation_id, asked_at=now, asked_by=actor.label)
    made.patents.set(chosen)
    record(
        "valuation.requested",
        actor=actor,
        now=now,
        subject=f"agency_request:{made.pk}",
        text=f"向信用机构申请 {len(chosen)} 件专利的估值报告",
        data={"request": made.pk},
    )
    return made


def hear(entry: Entry, now: datetime) -> None:
    """The journal's subscriber. A second run finds the answer there and does nothing."""
    request = AgencyRequest.objects.select_related("organisation").get(pk=entry.data["request"])
    if request.answered_at is not None:
        return
    if not provider.configured():
        raise Down(now + _AGAIN)
    question = provider.Question(
        key=f"ZYD-{request.pk}",
        company=request.organisation.name,
        uscc=request.organisation.uscc or "",
        patents=[(p.number, p.kind, p.title) for p in request.patents.order_by("pk")],
    )
    try:
        report = provider.from_settings().report(question)
    except provider.NotReady as wait:
        raise Later(now + timedelta(seconds=wait.seconds)) from wait
    except provider.Unreachable as error:
        raise Later(now + _AGAIN) from error
    except provider.Refused as refusal:
        refuse(request.pk, str(refusal), now=now)
    else:
        try:
            receive(request.pk, report, now=now)
        except DomainError as fault:  # its paper is hostile or broken: asking again would bring the same
            refuse(request.pk, f"报告文件不能接收：{fault.reason}", now=now)


def receive(request_id: int, report: provider.Report, *, now: datetime) -> Valuation:
    """Keep the report as a final valuation of the enterprise, with its paper. A second time returns the first.

    Raises WrongType, TooLarge for a paper that cannot be taken; it is looked at before anything is locked.
    """
    paper = ContentFile(report.pdf, name=f"信用机构报告 {report.reference}.pdf")
    return _receive(request_id, report, admit(paper, actor=SYSTEM, now=now), now=now)


@transaction.atomic(durable=True)
def _receive(request_id: int, report: provider.Report, paper: Checked, *, now: datetime) -> Valuation:
    request = lock(AgencyRequest.objects.filter(pk=request_id))
    if request.valuation_id is not None:
        return Valuation.objects.get(pk=request.valuation_id)
    today = local_date(now)
    made = Valuation.objects.create(
        number=compose("PGZ", today, take(f"valuation:{today:%Y%m%d}")),
        organisation_id=request.organisation_id,
        kind=Valuation.Kind.AGENCY,
        scene=Scene.FINANCE,
        provider=report.provider,
        provider_ref=report.reference,
        value=report.value,
        low=report.low,
        high=report.high,
        created_at=request.asked_at,
        created_by=request.asked_by,
    )
    ValuedPatent.objects.bulk_create(
        ValuedPatent(valuation=made, patent=p, number=p.number, kind=p.kind, title=p.title, expires_on=p.expires_on)
        for p in request.patents.order_by("pk")
    )
    ValuationPaper.objects.create(valuation=made, uploaded_by=report.provider, uploaded_at=now, **paper.fields())
    made.finalise(by=report.provider, now=now, valid_until=report.valid_until)
    made.save()
    request.valuation, request.answered_at = made, now
    request.save(update_fields=["valuation", "answered_at"])
    _tell("valuation.received", request, f"收到信用机构估值报告 {made.number}", now=now, number=made.number)
    return made


@transaction.atomic(durable=True)
def refuse(request_id: int, reason: str, *, now: datetime) -> None:
    """The agency gives no report: the enterprise reads why."""
    request = lock(AgencyRequest.objects.filter(pk=request_id))
    if request.answered_at is not None:
        return
    request.refusal, request.answered_at = reason[:300], now
    request.save(update_fields=["refusal", "answered_at"])
    _tell("valuation.agency_refused", request, f"信用机构未能出具估值报告：{reason}", now=now)


def _tell(verb: str, request: AgencyRequest, text: str, *, now: datetime, number: str = "") -> None:
    record(
        verb,
        actor=SYSTEM,
        now=now,
        subject=f"agency_request:{request.pk}",
        text=text,
        data={"request": request.pk, "organisation": request.organisation_id, "number": number},
        parties=[request.organisation_id],
    )
