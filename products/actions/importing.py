"""What a person does with an import: hand the workbook in, confirm what it would do, or drop it. The work is done elsewhere."""

import hashlib
from datetime import datetime

from django.core.files.base import ContentFile, File
from django.db import transaction

from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import TooLarge, WrongState, WrongType
from portal.foundation.core.files import shown_name
from portal.foundation.core.spreadsheets import check_workbook
from portal.foundation.journal.record import record
from products import rules
from products.models import ProductImport

MOST_BYTES = 10 * 1024 * 1024
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def start(upload: "File[bytes]", *, actor: Actor, now: datetime) -> ProductImport:
    """Keep a workbook to be looked through. Raises WrongType (415) or TooLarge (413) for what is no workbook or a bomb,
    WrongState while an earlier one of the same organisation is still on its way."""
    rules.can_import(actor).require()
    if (upload.size or 0) > MOST_BYTES:
        raise TooLarge("too_large", "文件超过 10 MB。请删去图片和多余的工作表，或分批导入。")
    name = shown_name(upload.name or "")
    if not name.lower().endswith(".xlsx"):
        raise WrongType("type", "请上传 XLSX 文件（Excel 工作簿）。")
    body = upload.read()
    check_workbook(body)
    return _keep(name, body, actor=actor, now=now)


@transaction.atomic(durable=True)
def _keep(name: str, body: bytes, *, actor: Actor, now: datetime) -> ProductImport:
    own = ProductImport.objects.select_for_update(of=("self",)).filter(organisation_id=actor.organisation_id)
    if own.filter(state__in=ProductImport.ACTIVE).exists():
        raise WrongState("busy", "本单位上一个文件还在处理，请等它结束后再上传。")
    job = ProductImport(
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        role=actor.role,
        name=name,
        media_type="application/zip",  # a workbook is one; the file itself is never sent again
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        uploaded_by=actor.label,
        uploaded_at=now,
    )
    job.file.save(name, ContentFile(body), save=False)
    job.save(force_insert=True)
    _tell("product.import_started", job, actor=actor, now=now, text=f"上传产品工作簿“{name}”")
    return job


@transaction.atomic(durable=True)
def confirm(job_id: int, *, actor: Actor, now: datetime) -> ProductImport:
    """Its owner has seen the preview: write it."""
    job = lock(ProductImport.objects.visible_to(actor).filter(pk=job_id))
    rules.can_import(actor).require()
    if job.state != ProductImport.State.CHECKED:
        raise WrongState("state", f"这个文件{job.get_state_display()}，不能确认导入。")
    job.confirm()
    job.save(update_fields=["state"])
    _tell("product.import_confirmed", job, actor=actor, now=now, text=f"确认导入“{job.name}”")
    return job


@transaction.atomic(durable=True)
def cancel(job_id: int, *, actor: Actor, now: datetime) -> ProductImport:
    """Drop it before anything is written."""
    job = lock(ProductImport.objects.visible_to(actor).filter(pk=job_id))
    rules.can_import(actor).require()
    if job.state not in (ProductImport.State.WAITING, ProductImport.State.CHECKED):
        raise WrongState("state", f"这个文件{job.get_state_display()}，不能放弃。")
    job.cancel(now=now)
    job.save(update_fields=["state", "finished_at", "plan"])
    _tell("product.import_cancelled", job, actor=actor, now=now, text=f"放弃导入“{job.name}”")
    return job


def _tell(verb: str, job: ProductImport, *, actor: Actor, now: datetime, text: str) -> None:
    record(verb, actor=actor, now=now, subject=f"product-import:{job.pk}", text=text, data={"import": job.pk})
