"""Drafts: saved at every change, continued anywhere, and two colleagues on one page notice each other."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import Sum

from applications.models import Attachment, Draft
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, TooLarge, WrongState
from portal.foundation.core.files import check

MAX_DRAFTS = 20
MAX_FILES = 30
MAX_TOTAL = 100 * 1024 * 1024


class StaleDraft(WrongState):
    """A colleague saved the same draft meanwhile; `theirs` is what is stored, so that both can be shown."""

    def __init__(self, theirs: Draft) -> None:
        super().__init__(
            "stale", f"{theirs.updated_by.name} 刚刚修改了这份草稿。您填写的内容还在页面上，请核对后再保存。"
        )
        self.theirs = theirs


@transaction.atomic(durable=True)
def start(*, actor: Actor, now: datetime, data: Mapping[str, Any] | None = None) -> Draft:
    """A new, empty draft of the actor's enterprise."""
    if Draft.objects.filter(organisation_id=actor.organisation_id).count() >= MAX_DRAFTS:
        raise Invalid("too_many", f"已有 {MAX_DRAFTS} 份未提交的草稿，请先删除不用的再新建。")
    return Draft.objects.create(
        organisation_id=actor.organisation_id,
        data=dict(data or {}),
        updated_by_id=actor.user_id,
        updated_at=now,
        created_at=now,
    )


@transaction.atomic(durable=True)
def save(draft_id: int, *, step: str, data: Mapping[str, Any], version: int, actor: Actor, now: datetime) -> Draft:
    """Keep one step exactly as typed. Raises StaleDraft when `version` is not the stored one, Draft.DoesNotExist for strangers."""
    draft = lock(Draft.objects.filter(organisation_id=actor.organisation_id, pk=draft_id))
    if draft.version != version:
        raise StaleDraft(draft)
    draft.data[step] = dict(data)
    draft.version += 1
    draft.updated_by_id, draft.updated_at = actor.user_id, now
    draft.save(update_fields=["data", "version", "updated_by", "updated_at"])
    return draft


@transaction.atomic(durable=True)
def discard(draft_id: int, *, actor: Actor) -> None:
    """Delete a draft and its files; nothing was promised yet, so nothing is journalled."""
    draft = lock(Draft.objects.filter(organisation_id=actor.organisation_id, pk=draft_id))
    for attachment in draft.attachments.all():
        attachment.file.delete(save=False)
        attachment.delete()
    draft.delete()


@transaction.atomic(durable=True)
def attach(draft_id: int, upload: "File[Any]", *, kind: str, actor: Actor, now: datetime) -> Attachment:
    """Add a checked file to a draft. Raises TooLarge or WrongType with the sentence for the field."""
    draft = lock(Draft.objects.filter(organisation_id=actor.organisation_id, pk=draft_id))
    held = draft.attachments.aggregate(total=Sum("size"))["total"] or 0
    if draft.attachments.count() >= MAX_FILES or held + (upload.size or 0) > MAX_TOTAL:
        raise TooLarge("quota", f"一份需求最多 {MAX_FILES} 个文件、合计 100 MB，请先删除不用的文件。")
    checked = check(upload)
    return Attachment.objects.create(
        draft=draft, kind=kind, uploaded_by=actor.label, uploaded_at=now, **checked.fields()
    )


@transaction.atomic(durable=True)
def detach(draft_id: int, attachment_ref: str, *, actor: Actor) -> None:
    """Remove a file from a draft."""
    draft = lock(Draft.objects.filter(organisation_id=actor.organisation_id, pk=draft_id))
    attachment = draft.attachments.get(ref=attachment_ref)
    attachment.file.delete(save=False)
    attachment.delete()
