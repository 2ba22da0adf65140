"""The worker of imports: whoever calls `work` takes one waiting workbook, looks through it or writes it, and says how far it is.

Callers: a Celery timer and the broker-free loop. Nothing is queued inside a request; a process that dies leaves a lease
behind that runs out, and another takes the workbook up again. Writing is one transaction: all rows or none.
"""

import logging
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.journal.record import record

from . import import_plan, import_writing, workbook
from .models import ProductImport
from .workbook import Fault, Read

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=3)
MOST_ATTEMPTS = 3
KEPT_FAULTS, SHOWN_ROWS = 500, 20
State = ProductImport.State


def work() -> bool:
    """Do the next step of one import; whether there was one. Runs outside a transaction (its progress is seen at once)."""
    job = _claim(now=moments.now())
    if job is None:
        return False
    try:
        if job.attempts > MOST_ATTEMPTS:
            _fail(job, [Fault(0, "", "", "系统多次处理失败，请联系系统管理员。")])
        elif job.state == State.CHECKING:
            _check(job)
        else:
            _write(job)
    except DomainError as error:
        _fail(job, [Fault(0, "", "", error.reason)])
    except Exception:  # somebody else tries again when the lease is over
        log.exception("import %s failed", job.pk)
        ProductImport.objects.filter(pk=job.pk).update(leased_until=moments.now() + timedelta(seconds=10))
    return True


@transaction.atomic(durable=True)
def _claim(*, now: datetime) -> ProductImport | None:
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    waiting = ProductImport.objects.filter(free, state__in=ProductImport.ACTIVE).order_by("pk")
    job = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    if job is None:
        return None
    if job.state in (State.WAITING, State.CHECKING):
        job.begin_check(until=now + LEASE)
    else:
        job.begin_write(until=now + LEASE)
    job.save(update_fields=["state", "leased_until", "done", "attempts"])
    return job


def _rows(job: ProductImport) -> tuple[list[Read], list[Fault]]:
    with job.file.open("rb") as stream:
        body = stream.read()

    def progress(done: int) -> None:
        ProductImport.objects.filter(pk=job.pk).update(done=done, leased_until=moments.now() + LEASE)

    return workbook.read(body, regulator=job.role == "regulator", codes=workbook.district_codes(), progress=progress)


def _check(job: ProductImport) -> None:
    reads, faults = _rows(job)
    planned, more = import_plan.plan(job, reads, lock=False)
    faults = sorted([*faults, *more], key=lambda fault: fault.row)
    job.total = job.done = len(reads) + len({fault.row for fault in faults} - {read.row for read in reads})
    if not faults and not planned:
        faults = [Fault(1, "", "", "表里没有产品，请从第二行开始填写。")]
    if faults:
        _fail(job, faults)
        return
    outcomes = [row.outcome for row in planned]
    job.new, job.changed, job.same = (
        outcomes.count(o) for o in (import_plan.NEW, import_plan.CHANGED, import_plan.SAME)
    )
    job.preview = [
        [row.read.row, str(row.product.institution), row.terms["name"], row.outcome] for row in planned[:SHOWN_ROWS]
    ]
    job.plan = import_plan.as_checked(planned)
    job.pass_check()
    now = moments.now()
    with transaction.atomic(durable=True):
        job.save()
        said = f"“{job.name}”检查通过：新增 {job.new} 款，修改 {job.changed} 款，没有变化 {job.same} 款"
        _tell("product.import_checked", job, now=now, text=said)


def _take_time() -> None:
    """Ten thousand rows in one transaction may meet a busy machine: the limits of a page are not theirs."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '2min'; SET LOCAL idle_in_transaction_session_timeout = '2min'")


def _write(job: ProductImport) -> None:
    reads, faults = _rows(job)
    now = moments.now()
    if faults:  # the file is the one that was checked: a district may have been renamed since
        _fail(job, faults)
        return
    try:
        with transaction.atomic(durable=True):
            held = ProductImport.objects.select_for_update(of=("self",)).get(pk=job.pk)
            if held.state != State.WRITING or held.attempts != job.attempts:  # another took it up meanwhile
                return
            _take_time()
            planned, faults = import_plan.plan(held, reads, lock=True)
            faults = faults or import_plan.moved(planned, held.plan)
            if not faults:
                written = import_writing.write(held, planned, actor=_actor(held), now=now)
                held.total = held.done = len(planned)
                held.new, held.changed, held.same = written.new, written.changed, written.same
                held.finish(now=now)
                held.save()
                text = f"导入“{held.name}”：新增 {held.new} 款，修改 {held.changed} 款，没有变化 {held.same} 款"
                _tell("product.imported", held, now=now, text=text, products=written.products)
    except IntegrityError:
        log.exception("import %s met the database's rules", job.pk)
        faults = [
            Fault(0, "", "", "写入时与库里的内容冲突（可能有同事刚刚新建了同名产品），一行也没有写入，请重新上传。")
        ]
    if faults:
        _fail(job, sorted(faults, key=lambda fault: fault.row))


@transaction.atomic(durable=True)
def _fail(job: ProductImport, faults: list[Fault]) -> None:
    now = moments.now()
    job.faults = [fault.as_list() for fault in faults[:KEPT_FAULTS]]
    job.wrong = len(faults)
    job.fail(now=now)
    job.save()
    _tell("product.import_failed", job, now=now, text=f"“{job.name}”有 {job.wrong} 处错误，一行也没有导入")


def _actor(job: ProductImport) -> Actor:
    """The person who handed it in, as the journal knows them."""
    return Actor(
        user_id=job.user_id,
        name=job.user.name,
        role=job.role,
        organisation_id=job.organisation_id,
        organisation_name=job.organisation.title,
        organisation_kind=job.organisation.kind,
    )


def _tell(verb: str, job: ProductImport, *, now: datetime, text: str, products: list[int] | None = None) -> None:
    data: dict[str, object] = {
        "import": job.pk,
        "user": job.user_id,
        "organisation": job.organisation_id,
        "role": job.role,
    }
    if products is not None:
        data["products"] = products
    record(verb, actor=_actor(job), now=now, subject=f"product-import:{job.pk}", text=text, data=data)


def waiting() -> bool:
    """Whether a workbook waits for somebody."""
    free = Q(leased_until=None) | Q(leased_until__lt=moments.now())
    return ProductImport.objects.filter(free, state__in=ProductImport.ACTIVE).exists()


def work_all() -> None:
    """For a thread of its own: everything that waits, then its connection is given back. Never raises."""
    try:
        while work():
            pass
    except Exception:  # the loop beside it goes on and starts another thread
        log.exception("imports stopped")
    finally:
        connection.close()
