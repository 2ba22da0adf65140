"""Drafts: saved at every change, continued anywhere, and two colleagues on one step notice each other."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import Sum

from applications.models import Application, Attachment, Draft
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, TooLarge, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.intake import quota
from portal.foundation.core.intake.gate import admit, looked_at
from portal.foundation.core.moments import local

MAX_DRAFTS = 20
MAX_FILES = 30
MAX_TOTAL = 100 * 1024 * 1024
META = "_meta"  # in Draft.data, beside the steps: step → who saved it last, when, from which page, as which version


class StaleDraft(WrongState):
    """Somebody saved the same step meanwhile; `theirs` is the stored draft, so that both can be shown.

    `by` is the name of who did it, `at` the time on a Chongqing clock as "10:42".
    """

    def __init__(self, theirs: Draft, *, by: str = "", at: str = "") -> None:
        self.theirs, self.by, self.at = theirs, by or theirs.updated_by.name, at or f"{local(theirs.updated_at):%H:%M}"
        super().__init__(
            "stale", f"{self.by} 在 {self.at} 修改了这份草稿。您填写的内容还在页面上，请核对后选择保留哪一份。"
        )


@transaction.atomic(durable=True)
def start(
    *, actor: Actor, now: datetime, data: Mapping[str, Any] | None = None, token: uuid.UUID | None = None
) -> Draft:
    """A new draft of the actor's enterprise; with the same `token` (a double click) the draft made before."""
    if token is not None:
        found = Draft.objects.filter(organisation_id=actor.organisation_id, token=token).first()
        if found is not None:
            return found
        if Application.objects.filter(token=token).exists():  # it would be refused only when everything is filled in
            raise Invalid("token", "这个页面已经用过，请重新打开“提交需求”。")
    if Draft.objects.filter(organisation_id=actor.organisation_id).count() >= MAX_DRAFTS:
        raise Invalid("too_many", f"已有 {MAX_DRAFTS} 份未提交的草稿，请先删除不用的再新建。")
    made = Draft(
        organisation_id=actor.organisation_id,
        token=token or uuid.uuid4(),
        data=dict(data or {}),
        updated_by_id=actor.user_id,
        updated_at=now,
        created_at=now,
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:  # the second click was as fast as the first; or the token was never this page's
        found = Draft.objects.filter(organisation_id=actor.organisation_id, token=made.token).first()
        if found is None:
            raise Invalid("token", "这个页面不能再用，请重新打开“提交需求”。") from None
        return found
    return made


@transaction.atomic(durable=True)
def save(
    draft_id: int,
    *,
    step: str,
    data: Mapping[str, Any],
    version: int,
    actor: Actor,
    now: datetime,
    page: str = "",
) -> Draft:
    """Keep one step exactly as typed; `version` is the draft's version when the page was opened.

    Raises StaleDraft when somebody else changed this step since, Draft.DoesNotExist for strangers. A colleague at another
    step is no conflict, nor are equal words. `page` names the open page (a random string): its own autosaves, which may
    overtake each other, do not make it stale.
    """
    draft = lock(Draft.objects.filter(organisation_id=actor.organisation_id, pk=draft_id).select_related("updated_by"))
    typed = dict(data)
    meta: dict[str, Any] = draft.data.get(META, {}).get(step, {})
    if typed == draft.data.get(step):
        return draft
    same_page = bool(page) and page == meta.get("page") and version >= meta.get("since", 0)
    if not same_page and version < meta.get("version", 0):
        raise StaleDraft(draft, by=_who(meta, actor), at=meta.get("at", ""))
    failpoint("draft.before_save")
    draft.version += 1
    draft.data = {
        **draft.data,
        step: typed,
        META: {
            **draft.data.get(META, {}),
            step: {
                "version": draft.version,
                "since": meta.get("since", version) if same_page else version,
                "page": page,
                "user": actor.user_id,
                "name": actor.name,
                "at": f"{local(now):%H:%M}",
            },
        },
    }
    draft.updated_by_id, draft.updated_at = actor.user_id, now
    draft.save(update_fields=["data", "version", "updated_by", "updated_at"])
    failpoint("draft.saved")
    return draft


def _who(meta: Mapping[str, Any], actor: Actor) -> str:
    return "您自己（在另一个页面或设备上）" if meta.get("user") == actor.user_id else str(meta.get("name", ""))


@transaction.atomic(durable=True)
def discard(draft_id: int, *, actor: Actor, now: datetime) -> None:
    """Delete a draft and its files; nothing was promised yet, so nothing is journalled."""
    draft = lock(Draft.objects.filter(organisation_id=actor.organisation_id, pk=draft_id))
    for attachment in draft.attachments.all():
        _forget(attachment, now=now)
    draft.delete()


def _forget(attachment: Attachment, *, now: datetime) -> None:
    """Delete the row now and the bytes once that is certain: a rolled-back transaction must not lose a file."""
    storage, name = attachment.file.storage, attachment.file.name
    attachment.delete()
    quota.forget(attachment.sender, attachment.size, now=now)
    if name:
        transaction.on_commit(lambda: storage.delete(name), robust=True)


@looked_at("upload")
@transaction.atomic(durable=True)
def attach(draft_id: int, upload: "File[Any]", *, kind: str, actor: Actor, now: datetime) -> Attachment:
    """Add a checked file to a draft. Raises TooLarge or WrongType with the sentence for the field.

    The same bytes under the same name and kind are the paper that is there: the answer to the first sending was lost.
    """
    draft = lock(Draft.objects.filter(organisation_id=actor.organisation_id, pk=draft_id))
    checked = admit(upload, actor=actor, now=now)
    if already := draft.attachments.filter(sha256=checked.sha256, name=checked.name, kind=kind).first():
        return already
    held = draft.attachments.aggregate(total=Sum("size"))["total"] or 0
    if draft.attachments.count() >= MAX_FILES or held + checked.size > MAX_TOTAL:
        raise TooLarge("quota", f"一份需求最多 {MAX_FILES} 个文件、合计 100 MB，请先删除不用的文件。")
    attached = Attachment.objects.create(
        draft=draft, kind=kind, uploaded_by=actor.label, uploaded_at=now, **checked.fields()
    )
    failpoint("attachment.before_commit")
    return attached


@transaction.atomic(durable=True)
def detach(draft_id: int, attachment_ref: str, *, actor: Actor, now: datetime) -> None:
    """Remove a file from a draft; a file that is already gone (a double click) is no error."""
    draft = lock(Draft.objects.filter(organisation_id=actor.organisation_id, pk=draft_id))
    try:
        ref = uuid.UUID(attachment_ref)
    except ValueError:
        return
    for attachment in draft.attachments.filter(ref=ref):
        _forget(attachment, now=now)
