"""Signing inside the transaction of the verb that hands the form on, and looking whether a signature holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ImproperlyConfigured

from pledges.models import Document, Registration, Signature
from pledges.particulars.rules import signatories
from portal.foundation.accounts.models import Organisation
from portal.foundation.core.actor import Actor
from portal.foundation.journal.record import record

from . import statement as statements
from .provider import Signed, Signer, SigningUnavailable, provider


def sign(file: Registration, *, actor: Actor, now: datetime) -> Signature | None:
    """The actor's organisation signs the form as it stands; None when it is not one of the two that apply together.

    A second signature over the same standing text is the first one. Raises SigningUnavailable (503): the verb around it
    is then not done.
    """
    if actor.organisation_id not in signatories(file):
        return None
    standing = Signature.objects.filter(
        registration=file, organisation_id=actor.organisation_id, set_aside_at=None
    ).first()
    what = statements.content(file)
    if standing is not None and standing.content == what:
        return standing
    if standing is not None:
        set_aside(file, now=now, organisation_id=actor.organisation_id)
    organisation = Organisation.objects.get(pk=actor.organisation_id)
    digest = statements.digest(
        statements.statement(what, organisation=organisation.name, signed_by=actor.label, signed_at=now)
    )
    signed = provider().sign(digest, signer=_signer(organisation, actor.label))
    made = Signature.objects.create(
        registration=file,
        organisation=organisation,
        signed_for=organisation.name,
        signed_by=actor.label,
        signed_at=now,
        content=what,
        digest=digest.hex(),
        provider=signed.provider,
        algorithm=signed.algorithm,
        key_id=signed.key_id,
        value=signed.value,
    )
    how = "签名" if signed.value else "确认（未使用电子签名）"
    record(
        "pledge.signed",
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=f"{organisation.title} {how}质押登记申请，摘要 {made.digest[:16]}",
        data={"registration": file.pk, "number": file.number, "digest": made.digest, "provider": made.provider},
        parties=list(file.parties),
    )
    return made


def set_aside(file: Registration, *, now: datetime, organisation_id: int | None = None) -> None:
    """The form goes back to its writer: what was signed no longer stands."""
    standing = Signature.objects.filter(registration=file, set_aside_at=None)
    if organisation_id is not None:
        standing = standing.filter(organisation_id=organisation_id)
    standing.update(set_aside_at=now)


def outdated(file: Registration) -> dict[int, list[str]]:
    """Whose standing signature covers another text than the form of today: organisation → names of what differs.

    Only a correction changes a signed form. A party that never signed (a file from before signatures) is not among them.
    """
    rows = list(Signature.objects.filter(registration=file, set_aside_at=None))
    today = statements.content(file) if rows else {}
    changed = {row.organisation_id: statements.differences(row.content, today) for row in rows}
    return {organisation: labels for organisation, labels in changed.items() if labels}


def waiting_for(file: Registration) -> list[int]:
    """Organisations that have not signed the form yet."""
    done = set(Signature.objects.filter(registration=file, set_aside_at=None).values_list("organisation_id", flat=True))
    return [organisation for organisation in signatories(file) if organisation not in done]


@dataclass(frozen=True, slots=True)
class Seen:
    """A signature as a page tells it: does it hold, and is the form still what was signed?"""

    signature: Signature
    holds: bool | None  # None: the service cannot tell just now
    changed: list[str]  # what differs from the signed text today, by name

    @property
    def electronic(self) -> bool:
        return bool(self.signature.value)


def seen(
    file: Registration, *, papers: Iterable[Document] | None = None, numbers: Iterable[str] | None = None
) -> list[Seen]:
    """Every standing signature, verified now against what it covers and compared with the form of today."""
    rows = list(file.signatures.filter(set_aside_at=None).select_related("organisation"))
    if not rows:
        return []
    today = statements.content(file, papers=papers, numbers=numbers)
    return [Seen(row, holds(row), statements.differences(row.content, today)) for row in rows]


def holds(row: Signature) -> bool | None:
    """Whether the stored text, person and moment are those that were signed; None when the service cannot tell."""
    digest = statements.digest(
        statements.statement(row.content, organisation=row.signed_for, signed_by=row.signed_by, signed_at=row.signed_at)
    )
    if digest.hex() != row.digest:
        return False
    signed = Signed(row.provider, row.algorithm, row.key_id, row.value)
    try:
        return provider(row.provider).verify(digest, signed, signer=_signer(row.organisation, row.signed_by))
    except (SigningUnavailable, ImproperlyConfigured):  # or a service this installation no longer has
        return None


def _signer(organisation: Organisation, person: str) -> Signer:
    return Signer(organisation=organisation.name, code=organisation.uscc or "", person=person)
