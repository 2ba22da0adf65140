"""Loads what the grounds look at: the file, its patents as they stand now, the papers, and other pledges of the same numbers."""

from dataclasses import replace
from datetime import date, timedelta

from django.conf import settings
from django.db.models import Q

from portal.foundation.assets.models import Patent, RegisterLookup
from portal.foundation.assets.register import choice
from portal.foundation.assets.register.queries import Known, latest
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.moments import local_date

from .facts import FileFacts, PatentFacts, others, plain_name
from .models import Document, PledgedPatent, Registration
from .particulars.telling import due_said

WITH_THE_OFFICE = (Registration.State.SUBMITTED, Registration.State.EXAMINING, Registration.State.CORRECTING)


def load(file: Registration, *, today: date, filing: bool) -> FileFacts:
    """Five queries, however many patents. `filing`: before the file is handed in (R09 then also sees pending files).

    The office compares with the register; before that, the parties go by the enterprise's own entry.
    """
    rows = list(PledgedPatent.objects.filter(registration=file).select_related("patent").order_by("number"))
    papers = list(Document.objects.filter(registration=file, replaced_at=None))
    patents = {p.pk: p for p in Patent.objects.filter(pk__in=[r.patent_id for r in rows]).prefetch_related("co_owners")}
    taken, waiting = elsewhere(file, [r.number for r in rows])
    kinds = {d.kind for d in papers}
    known = {} if filing else latest([r.number for r in rows])

    def seen(row: PledgedPatent) -> PatentFacts:
        number = row.number
        entered = _patent(patents[row.patent_id], papers, pledged=number in taken, pending=waiting.get(number, 0))
        return entered if filing else _registered(entered, known.get(number), today=today)

    return FileFacts(
        today=today,
        filing=filing,
        pledgor=file.pledgor.name,
        debtor=file.debtor_name,
        contract_number=file.contract_number,
        contract_signed_on=file.contract_signed_on,
        contract_on_file=Document.Kind.CONTRACT in kinds,
        debt_kind=file.debt_kind,
        debt_amount=file.debt_amount,
        debt_from=file.debt_from,
        debt_to=file.debt_to,
        scope=file.scope,
        agreement=file.co_owner_agreement,
        agreement_on_file=Document.Kind.AGREEMENT in kinds,
        twin_declared=file.twin_declared,
        invalidation_declared=file.invalidation_declared,
        patents=tuple(seen(row) for row in rows),
        debt_to_said=due_said(file),
        recent_days=settings.PATENT_RECENT_TRANSFER_DAYS,
    )


def _registered(entered: PatentFacts, known: Known | None, *, today: date) -> PatentFacts:
    """The patent as the register has it; where it said nothing that counts, the entry with the reason."""
    if known is None:
        return replace(entered, problem="尚未核对登记簿") if choice.expected() else entered
    if known.outcome == RegisterLookup.Outcome.FAILED:
        return replace(entered, problem=f"登记簿没有查到结果（{known.problem}）")
    extract = known.extract
    if extract is None:
        return replace(entered, problem="登记簿查无此号")
    asked_on = local_date(known.asked_at)
    holds_for = local_date(known.as_of) if known.as_of else asked_on  # a workbook may be older than its upload
    problem = ""
    if holds_for < today - timedelta(days=settings.PATENT_REGISTER_FRESH_DAYS):
        problem = f"登记簿记载截至{full_date_cn(holds_for)}，已超过 {settings.PATENT_REGISTER_FRESH_DAYS} 天"
    return replace(
        entered,
        patentee="；".join(extract.patentees),
        co_owners=(),
        status=extract.status,
        filing_date=extract.filing_date or entered.filing_date,
        grant_date=extract.grant_date or entered.grant_date,
        expires_on=extract.expires_on or entered.expires_on,
        fee_paid_until=extract.fee_paid_until,
        preserved=extract.preserved or extract.suspended,
        invalidation_pending=extract.invalidation_pending,
        same_day_twin=extract.same_day_twin,
        checked_on=holds_for,
        register=known.label,
        asked_at=known.asked_at,
        problem=problem,
        pledge_noted=extract.pledge,
        transferred_on=extract.transferred_on,
    )


def _patent(patent: Patent, papers: list[Document], *, pledged: bool, pending: int) -> PatentFacts:
    consents = frozenset(
        plain_name(d.co_owner)
        for d in papers
        if d.kind == Document.Kind.CO_OWNER and d.patent_number in ("", patent.number)
    )
    return PatentFacts(
        number=patent.number,
        title=patent.title,
        kind=patent.kind,
        patentee=patent.patentee,
        status=patent.status,
        filing_date=patent.filing_date,
        grant_date=patent.grant_date,
        expires_on=patent.expires_on,
        fee_paid_until=patent.fee_paid_until,
        preserved=patent.preserved,
        invalidation_pending=patent.invalidation_pending,
        same_day_twin=patent.same_day_twin,
        checked_on=patent.checked_on,
        co_owners=tuple(c.name for c in patent.co_owners.all()),
        consents=consents,
        pledged=pledged,
        pending=pending,
    )


def elsewhere(file: Registration, numbers: list[str]) -> tuple[set[str], dict[str, int]]:
    """Numbers with an effective pledge in another file, and numbers another file with the office asks for (how many)."""
    rows = (
        PledgedPatent.objects.filter(number__in=numbers)
        .exclude(registration=file)
        .filter(Q(effective__upper_inf=True) | Q(registration__state__in=WITH_THE_OFFICE))
        .values_list("number", "effective")
    )
    taken = {number for number, effective in rows if effective is not None}
    waiting: dict[str, int] = {}
    for number, effective in rows:
        if effective is None:
            waiting[number] = waiting.get(number, 0) + 1
    return taken, waiting


def owned(file: Registration, *, listed: bool = False) -> list[tuple[int, PatentFacts, list[str]]]:
    """Every patent of the request, or of the file's own list, with the co-owners whose consent it needs; two queries."""
    offered = (file if listed else file.application).patents.values_list("patent_id", flat=True)
    rows = Patent.objects.filter(pk__in=offered).prefetch_related("co_owners").order_by("number")
    facts = [(p.pk, _patent(p, [], pledged=False, pending=0)) for p in rows]
    return [(pk, p, others(p, file.pledgor.name)) for pk, p in facts]
