"""One fact after the registration, told under the registration, so that its story and the request's have it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import File

from pledges.models import Registration
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import TooLarge
from portal.foundation.core.intake.gate import admit
from portal.foundation.journal.record import record

from .models import AfterPaper, Matter, parties_and_office

MAX_FILES = 20  # of one matter, proposal or request


def tell(
    verb: str, file: Registration, *, actor: Actor, now: datetime, text: str, office: bool, **data: object
) -> None:
    """`office`: whether the office may read it too; before a matter is handed in, it is the parties' own business."""
    record(
        verb,
        actor=actor,
        now=now,
        subject=file.subject,
        case_number=file.application.number,
        text=text[:500],
        data={"registration": file.pk, "number": file.number, **data},
        parties=parties_and_office(file) if office else list(file.parties),
    )


def tell_matter(
    verb: str, file: Registration, matter: Matter, *, actor: Actor, now: datetime, text: str, **data: object
) -> None:
    office = matter.submitted_at is not None
    tell(verb, file, actor=actor, now=now, text=text, office=office, matter=matter.number, **data)


def keep_papers(
    file: Registration, uploads: Sequence["File[Any]"], *, actor: Actor, now: datetime, **owner: Any
) -> list[AfterPaper]:
    """Add papers to a matter, a revocation or a consent. Raises TooLarge or WrongType with the field `papers`."""
    if AfterPaper.objects.filter(**owner).count() + len(uploads) > MAX_FILES:
        said = f"最多 {MAX_FILES} 个文件，请合并后再上传。"
        raise TooLarge("quota", said, fields={"papers": said})
    made = []
    for upload in uploads:
        checked = admit(upload, actor=actor, now=now, field="papers")
        made.append(
            AfterPaper.objects.create(
                registration=file, uploaded_by=actor.label, uploaded_at=now, **owner, **checked.fields()
            )
        )
    return made
