"""What a person does with an import: hand the workbook in, confirm what it would do, or drop it. The work is done elsewhere."""

from datetime import datetime

from django.core.files.base import File
from django.db import transaction

from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import WrongState
from portal.foundation.core.intake.gate import Checked, admit
from portal.foundation.core.intake.kinds import WORKBOOK
from portal.foundation.journal.record import record
from products import rules
from products.models import ProductImport

MOST_BYTES = 10 * 1024 * 1024


def start(upload: "File[bytes]", *, actor: Actor, now: datetime) -> ProductImport:
    """Keep a workbook to be looked through. Raises WrongType (415) or TooLarge (413) for what is no workbook or a bomb,
    WrongState while an earlier one of the same organisation is still on its way."""
    rules.can_import(actor).require()
    checked = admit(upload, kinds=WORKBOOK, most=MOST_BYTES, actor=actor, now=now, field="file")
    return _keep(checked, actor=actor, now=now)


@transaction.atomic(durable=True)
def _keep(checked: Checked, *, actor: Actor, now: datetime) -> ProductImport:
    own = ProductImport.objects.select_for_update(of=("self",)).filter(organisation_id=actor.organisation_id)
    if own.filter(state__in=ProductImport.ACTIVE).exists():
        raise WrongState("busy", "本单位上一个文件还在处理，请等它结束后再上传。")
    job = ProductImport(
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        role=actor.role,
        uploaded_by=actor.label,
        uploaded_at=now,
        **checked.fields(),
    )
    job.save(force_insert=True)
    _tell("product.import_started", job, actor=actor, now=now, text=f"上传产品工作簿“{job.name}”")
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
