"""Loads what the grounds look at: the file, its patents as they stand now, the papers, and other pledges of the same numbers."""

from datetime import date

from django.db.models import Q

from portal.foundation.assets.models import Patent

from .facts import FileFacts, PatentFacts, others, plain_name
from .models import Document, PledgedPatent, Registration
from .particulars.telling import due_said

WITH_THE_OFFICE = (Registration.State.SUBMITTED, Registration.State.EXAMINING, Registration.State.CORRECTING)


def load(file: Registration, *, today: date, filing: bool) -> FileFacts:
    """Four queries, however many patents. `filing`: before the file is handed in (R09 then also sees pending files)."""
    rows = list(PledgedPatent.objects.filter(registration=file).select_related("patent").order_by("number"))
    papers = list(Document.objects.filter(registration=file, replaced_at=None))
    patents = {p.pk: p for p in Patent.objects.filter(pk__in=[r.patent_id for r in rows]).prefetch_related("co_owners")}
    taken, waiting = elsewhere(file, [r.number for r in rows])
    kinds = {d.kind for d in papers}
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
        patents=tuple(
            _patent(patents[r.patent_id], papers, pledged=r.number in taken, pending=waiting.get(r.number, 0))
            for r in rows
        ),
        debt_to_said=due_said(file),
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
