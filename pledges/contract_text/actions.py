"""Reading the contract: its words from the uploaded PDF or pasted, the findings kept beside the file."""

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from pledges import rules
from pledges.locking import locked
from pledges.models import ContractReading, Document, Registration
from portal.foundation.core.actor import Actor
from portal.foundation.core.confined.crew import Crew, Lost
from portal.foundation.core.errors import DomainError, Invalid, TooLarge, Unready, WrongState
from portal.foundation.core.files import held

from . import extract, forfeiture, items
from .words import Text

LONGEST = 200_000  # characters pasted; a pledge contract has some thousands
SHORTEST = 60
_readers = Crew("pledges.contract_text.extract", size=1, memory=extract.MEMORY, retire=100)
_SAID = {
    "encrypted": "这份 PDF 加了密码，读不出文字。请上传没有密码的合同，或把合同文字粘贴到下面。",
    "long": f"这份 PDF 超过 {extract.MOST_PAGES} 页或文字过多，请只上传质押合同，或把合同文字粘贴到下面。",
    "broken": "这份 PDF 读不出文字，可能已损坏。请重新上传，或把合同文字粘贴到下面。",
    "slow": "这份 PDF 在限定时间内没有读完。请把合同文字粘贴到下面。",
    "empty": "这份 PDF 里没有文字，可能是扫描件。请把合同文字粘贴到下面，或由人工核对。",
}


class Unreadable(DomainError):
    """No words could be had from the paper; the page offers pasting."""

    status = 422


def words_of_pdf(body: bytes) -> str:
    """The words of a PDF, read in a process of its own. Raises Unreadable with what to do instead."""
    try:
        answer, text = _readers.ask("words", body, seconds=extract.SECONDS, patience=6)
    except Lost as lost:
        if lost.why == "busy":
            raise Unready("busy", "正在读取的合同较多，请稍后再试，或把合同文字粘贴到下面。") from lost
        code = "slow" if lost.why == "slow" else "broken"
        raise Unreadable(code, _SAID[code]) from lost
    if code := answer.get("error") or ("broken" if answer.get("failed") else ""):
        raise Unreadable(code, _SAID.get(code, _SAID["broken"]))
    return text.decode()


def expected(file: Registration) -> items.Expected:
    """What the form says, beside which the contract is read; one query."""
    patents = [items.Wanted(p.number, p.title, p.filing_date, p.grant_date) for p in file.patents.order_by("number")]
    return items.Expected(
        pledgor=file.pledgor.name,
        pledgee=file.pledgee.name,
        amount=file.debt_amount,
        debt_from=file.debt_from,
        debt_to=file.debt_to,
        patents=patents,
    )


def read_upload(registration_id: int, *, actor: Actor, now: datetime) -> ContractReading:
    """Read the contract that lies in the file. Raises Invalid without a PDF contract, Unreadable, Forbidden,
    WrongState while it waits for its scan or is in quarantine, Unready (503) when no reader is free."""
    papers = Document.objects.filter(registration_id=registration_id, kind=Document.Kind.CONTRACT, replaced_at=None)
    paper = papers.order_by("-pk").first()
    if paper is None:
        raise Invalid("contract", "还没有上传质押合同。请先上传，或把合同文字粘贴到下面。")
    if paper.media_type != "application/pdf":
        raise Unreadable("type", "合同不是 PDF，读不出文字。请上传 PDF，或把合同文字粘贴到下面。")
    if why := held(paper, organisation_id=actor.organisation_id):
        raise WrongState("held", why)
    with paper.file.open("rb") as stream:
        body = stream.read()
    text = words_of_pdf(body)  # before any lock: it may take seconds
    if len("".join(text.split())) < SHORTEST:
        raise Unreadable("empty", _SAID["empty"])
    source = ContractReading.Source.PDF
    return _keep(registration_id, text, source=source, sha256=paper.sha256, actor=actor, now=now)


def read_pasted(registration_id: int, text: str, *, actor: Actor, now: datetime) -> ContractReading:
    """Read pasted words. Raises Invalid for too few, TooLarge for too many, Forbidden."""
    if len(text) > LONGEST:
        raise TooLarge(
            "text", f"文字超过 {LONGEST:,} 字，请只粘贴质押合同。", fields={"text": "文字过多，请只粘贴质押合同。"}
        )
    if len("".join(text.split())) < SHORTEST:
        said = "粘贴的文字太少，请粘贴质押合同的全文。"
        raise Invalid("text", said, fields={"text": said})
    source = ContractReading.Source.PASTED
    return _keep(registration_id, text, source=source, sha256="", actor=actor, now=now)


@transaction.atomic(durable=True)
def _keep(registration_id: int, raw: str, *, source: str, sha256: str, actor: Actor, now: datetime) -> ContractReading:
    file = locked(registration_id)
    rules.can_read_contract(actor, file).require()
    text = Text.of(raw)
    kept, _ = ContractReading.objects.update_or_create(
        registration=file,
        defaults={
            "source": source,
            "document_sha256": sha256,
            "items": [asdict(item) for item in items.look(text, expected(file))],
            "clauses": [asdict(clause) for clause in forfeiture.find(text)][:20],
            "characters": len(text.flat),
            "file_version": file.version,
            "read_by": actor.label,
            "read_at": now,
        },
    )
    return kept


def of(file: Registration) -> ContractReading | None:
    """The last reading; one query."""
    return ContractReading.objects.filter(registration=file).first()


def stale(reading: ContractReading, file: Registration) -> bool:
    """Whether the form or the contract has changed since."""
    if reading.file_version != file.version:
        return True
    if reading.source != ContractReading.Source.PDF:
        return False
    papers = file.documents.filter(kind=Document.Kind.CONTRACT, replaced_at=None)
    return not papers.filter(sha256=reading.document_sha256).exists()
