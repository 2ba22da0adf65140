"""Filling in the form: prefilled from the accepted offer, kept as typed, with its papers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.files.base import File
from django.db import transaction

from applications.actions.submit import add_months
from applications.models import Application, Purpose
from pledges import rules
from pledges.locking import locked
from pledges.models import DebtKind, Document, PledgedPatent, Registration, Valuation
from pledges.particulars import storing as particulars
from pledges.particulars.entries import AgentEntry, MaximumEntry, PledgorEntry
from pledges.patent_lists.models import current as current_list
from portal.foundation.accounts.models import Organisation, OrganisationKind
from portal.foundation.assets.models import Patent
from portal.foundation.assets.valuation.needed import required
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import TooLarge, WrongState
from portal.foundation.core.intake.gate import admit, looked_at
from portal.foundation.core.models import take
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbering import compose
from portal.foundation.journal.record import record

MAX_FILES = 40
DEBT_KINDS = {
    Purpose.WORKING_CAPITAL: DebtKind.WORKING_CAPITAL,
    Purpose.RESEARCH: DebtKind.RESEARCH,
    Purpose.EQUIPMENT: DebtKind.FIXED_ASSET,
    Purpose.EXPANSION: DebtKind.FIXED_ASSET,
}


class StaleFile(WrongState):
    """A colleague saved the same form meanwhile; `theirs` is what is stored."""

    def __init__(self, theirs: Registration) -> None:
        super().__init__(
            "stale", f"{theirs.saved_by or '同事'} 刚刚保存了这份申请。您填写的内容还在页面上，请核对后再保存。"
        )
        self.theirs = theirs


@dataclass(frozen=True, slots=True)
class Content:
    """The form's content, validated by the form. Yuan; days in Asia/Shanghai."""

    debtor_name: str
    contract_number: str
    contract_signed_on: date | None
    debt_kind: str
    debt_amount: Decimal
    debt_from: date | None
    debt_to: date | None
    scope: str
    valuation: str
    valued_at: Decimal | None
    identity_promise: bool
    twin_declared: bool
    invalidation_declared: bool
    co_owner_agreement: bool
    patent_ids: Sequence[int] | None  # None: by an uploaded list, which stays as it is
    maximum: MaximumEntry | None = None
    pledgor: PledgorEntry | None = None  # None: the enterprise of the request itself
    agent: AgentEntry | None = None


CONTENT_FIELDS = [
    "debtor_name", "contract_number", "contract_signed_on", "debt_kind", "debt_amount", "debt_from", "debt_to", "scope",
    "valuation", "valued_at", "identity_promise", "twin_declared", "invalidation_declared", "co_owner_agreement",
]  # fmt: skip
PARTY_FIELDS = ["pledgor", "debtor_org"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A paper handed in with the form; `field` is where its error belongs."""

    kind: str
    file: "File[Any]"
    field: str
    co_owner: str = ""
    patent_number: str = ""


@transaction.atomic(durable=True)
def start(application_id: int, *, actor: Actor, now: datetime) -> Registration:
    """A file prefilled from the accepted offer; a second call returns the live one. Raises Forbidden or WrongState."""
    application = lock(Application.objects.filter(pk=application_id))
    if application.accepted_offer_id is not None:
        application = Application.objects.select_related("accepted_offer__referral", "organisation").get(
            pk=application_id
        )
        live = Registration.objects.filter(application=application, state__in=Registration.LIVE_STATES).first()
        if live is not None and actor.organisation_id in live.parties:
            return live
    rules.can_start(actor, application).require()
    office = Organisation.objects.filter(kind=OrganisationKind.IP_OFFICE, active=True).order_by("pk").first()
    if office is None:
        raise WrongState("office", "还没有登记受理机构，请联系系统管理员设置后再办理。")
    offer = application.accepted_offer
    if offer is None or actor.organisation_id is None:  # can_start has seen to it; said for the types
        raise WrongState("state", "请先选定银行方案。")
    today = local_date(now)
    file = Registration.objects.create(
        number=compose("ZYDJ", today, take(f"pledge:{today:%Y%m%d}")),
        application=application,
        offer=offer,
        pledgor_id=application.organisation_id,
        pledgee_id=offer.referral.institution_id,
        office=office,
        started_by_org_id=actor.organisation_id,
        debtor_name=application.organisation.name,
        debt_kind=DEBT_KINDS.get(Purpose(application.purpose), DebtKind.OTHER),
        debt_amount=offer.amount,
        debt_from=today,
        debt_to=add_months(today, offer.term_months),
        valuation=Valuation.REPORT if required(offer.amount) else Valuation.NEGOTIATED,
        created_at=now,
    )
    choose(file, list(application.patents.values_list("patent_id", flat=True)))
    tell("pledge.started", file, actor=actor, now=now, text=f"{actor.organisation_name} 开始填写质押登记申请")
    return file


def tell(verb: str, file: Registration, *, actor: Actor, now: datetime, text: str, **data: object) -> None:
    """One fact of a file, readable by both parties, and by the office once it has the file."""
    office = [file.office_id] if file.submitted_at is not None else []
    record(
        verb,
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=text,
        data={"registration": file.pk, "number": file.number, **data},
        parties=[*file.parties, *office],
    )


def choose(file: Registration, patent_ids: Sequence[int]) -> None:
    """The pledged patents, with their facts as they are now: of the request, and of an uploaded list those it brought."""
    offered = {r.patent_id: r.patent for r in file.application.patents.select_related("patent")}
    if current_list(file):
        offered |= {p.patent_id: p.patent for p in file.patents.select_related("patent")}
    enter(file, [offered[i] for i in sorted(set(patent_ids)) if i in offered])


def enter(file: Registration, wanted: Sequence[Patent]) -> None:
    """Make these the file's patents, with their facts as they are now; the caller has seen to whose they are."""
    PledgedPatent.objects.filter(registration=file).exclude(patent__in=wanted).delete()
    PledgedPatent.objects.bulk_create(
        [
            PledgedPatent(
                registration=file,
                patent=p,
                number=p.number,
                kind=p.kind,
                title=p.title,
                filing_date=p.filing_date,
                grant_date=p.grant_date,
                expires_on=p.expires_on,
            )
            for p in wanted
        ],
        update_conflicts=True,
        unique_fields=["registration", "number"],
        update_fields=["kind", "title", "filing_date", "grant_date", "expires_on"],
    )


@looked_at("uploads")
@transaction.atomic(durable=True)
def save(
    registration_id: int,
    *,
    typed: Mapping[str, Any],
    content: Content | None,
    uploads: Sequence[Upload] = (),
    remove: Sequence[str] = (),
    version: int,
    page: str = "",
    actor: Actor,
    now: datetime,
) -> Registration:
    """Keep the form: as typed when something in it is wrong (`content` None), as content when it is right.

    A new paper replaces the one in its place; `remove` are refs of papers to take out. `version` is the one the
    page was opened with and `page` its token: saves of one page, which may overtake each other, are never stale. Raises
    StaleFile when somebody else saved since, TooLarge or WrongType with the field of the paper.
    """
    file = locked(registration_id)
    rules.can_edit(actor, file).require()
    if file.version != version and not (page and page == file.saved_page):
        raise StaleFile(file)
    file.saved_by, file.saved_page = actor.label, page[:32]
    if content is not None:
        for name in CONTENT_FIELDS:
            setattr(file, name, getattr(content, name))
        particulars.store(file, maximum=content.maximum, pledgor=content.pledgor, agent=content.agent)
        if content.patent_ids is not None:
            choose(file, content.patent_ids)
    file.typed = {} if content is not None else dict(typed)
    file.version += 1
    file.save(update_fields=[*CONTENT_FIELDS, *PARTY_FIELDS, "typed", "version", "saved_by", "saved_page"])
    file.documents.filter(ref__in=list(remove), replaced_at=None).update(replaced_at=now)
    put(file, uploads, actor=actor, now=now)
    return file


def put(file: Registration, uploads: Sequence[Upload], *, actor: Actor, now: datetime) -> list[Document]:
    """Add papers to a file inside the caller's transaction; a single paper of its place replaces the one before."""
    if file.documents.count() + len(uploads) > MAX_FILES:
        raise TooLarge("quota", f"一份登记申请最多 {MAX_FILES} 个文件，请合并后再上传。")
    made = []
    for upload in uploads:
        checked = admit(upload.file, actor=actor, now=now, field=upload.field)
        if upload.kind != Document.Kind.OTHER:
            file.documents.filter(
                kind=upload.kind, co_owner=upload.co_owner, patent_number=upload.patent_number, replaced_at=None
            ).update(replaced_at=now)
        made.append(
            Document.objects.create(
                registration=file,
                kind=upload.kind,
                co_owner=upload.co_owner,
                patent_number=upload.patent_number,
                uploaded_by=actor.label,
                uploaded_at=now,
                **checked.fields(),
            )
        )
    return made


@transaction.atomic(durable=True)
def declare(registration_id: int, *, twin: bool, invalidation: bool, actor: Actor, now: datetime) -> Registration:
    """Waive R10 or R11 from the pre-check page; a declaration once made is taken back on the form."""
    file = locked(registration_id)
    rules.can_edit(actor, file).require()
    file.twin_declared, file.invalidation_declared = (
        file.twin_declared or twin,
        file.invalidation_declared or invalidation,
    )
    file.version += 1
    file.save(update_fields=["twin_declared", "invalidation_declared", "version"])
    return file
