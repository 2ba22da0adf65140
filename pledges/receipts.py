"""接收清单: what the office has received, in two copies, numbered in a series of its own, sealed and verifiable like a notice."""

from datetime import datetime
from typing import Any

from django.conf import settings

from portal.foundation.core import check_codes, display, papers
from portal.foundation.core.models import take
from portal.foundation.core.moments import local_date
from portal.foundation.core.pdf import engine

from . import notices
from .models import Document, Receipt, Registration

SUM_SHOWN = 16  # hexadecimal digits of a digest that a row has room for; 64 bits name a file well enough


def issue(file: Registration, *, now: datetime) -> Receipt:
    """Number the receipt and keep what it lists, inside the transaction of the acceptance. Printed by the first reader or the timer."""
    facts, year = _facts(file, now=now), local_date(now).year
    return Receipt.objects.create(
        registration=file,
        verify_code=check_codes.make(),
        issued_at=now,
        facts=facts,
        number=notices.compose_number(year, take(f"receipt:{year}"), series="收"),
    )


def _facts(file: Registration, *, now: datetime) -> dict[str, Any]:
    documents = Document.objects.filter(registration=file, replaced_at=None).order_by("pk")
    return {
        "issuer": file.office.name,
        "demo": not settings.PRODUCTION,
        "application_number": file.number,
        "received_on": display.full_date_cn(local_date(file.submitted_at or now)),
        "accepted_on": display.full_date_cn(local_date(now)),
        "parties": [{"name": file.pledgor.name}, {"name": file.pledgee.name}],
        "patents_count": file.patents.count(),
        "documents": [
            {
                "name": document.name,
                "kind": str(document.get_kind_display()),
                "about": "，".join(part for part in (document.co_owner, document.patent_number) if part),
                "size": _size(document.size),
                "sha256": document.sha256[:SUM_SHOWN],
            }
            for document in documents
        ],
    }


def _size(size: int) -> str:
    """12 KB or 3.4 MB."""
    return f"{max(1, round(size / 1024))} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


def print_receipt(receipt_id: int) -> Receipt:
    """Make and seal the file if it is not there yet; raises what core.papers.print_paper does."""
    return papers.print_paper(Receipt, receipt_id, pages=_pages, address=notices.address)


def _pages(receipt: Receipt) -> bytes:
    return engine.render_template(
        "pdf/receipt.html", notices.context(receipt), stylesheet="notice", created=receipt.issued_at
    )


def print_missing(*, limit: int = 100) -> int:
    """Print receipts that have no file yet; returns how many were."""
    return papers.print_missing(Receipt, print_receipt, limit=limit)
