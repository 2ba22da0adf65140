"""The office's papers: numbered without gaps, with everything they say kept, printed and sealed after the commit.

The row is written in the transaction of the decision; `print_notice` makes the file afterwards, as often as it takes, and
keeps its digest (core/papers.py). The same facts give the same bytes, so a lost file is made again and its digest proves it.
"""

import logging
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from portal.foundation.core import check_codes, display, money, papers, qr
from portal.foundation.core.errors import DomainError
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.models import take
from portal.foundation.core.moments import local_date
from portal.foundation.core.pdf import engine, stamp

from . import places
from .models import Correction, DebtKind, Ground, Notice, Registration, Scope
from .particulars import telling as particulars

logger = logging.getLogger("portal.notices")

TEMPLATES = {
    Notice.Kind.REGISTERED: "pdf/notice_registration.html",
    Notice.Kind.REFUSED: "pdf/notice_refusal.html",
    Notice.Kind.CORRECTION: "pdf/notice_correction.html",
    Notice.Kind.CHANGED: "pdf/notice_change.html",
    Notice.Kind.CANCELLED: "pdf/notice_cancellation.html",
    Notice.Kind.RELEASED: "pdf/notice_cancellation.html",
    Notice.Kind.REVOKED: "pdf/notice_revocation.html",
    Notice.Kind.NOT_DONE: "pdf/notice_not_done.html",
    Notice.Kind.TO_CORRECT: "pdf/notice_correction.html",
}
_NUMBER = re.compile(r"^\D*(\d{4})\D+(\d{1,6})\D*$")
spaced = check_codes.spaced
normalise_code = check_codes.normalise


def compose_number(year: int, serial: int, *, series: str = "登") -> str:
    """渝质登〔2026〕000128号; the series 收 are receipts, 查 are search certificates, each with numbers of its own."""
    return f"渝质{series}〔{year}〕{serial:06d}号"


def normalise_number(text: str) -> str | None:
    """The number in its one spelling, whatever brackets and zeros were typed; None when it has no year and serial."""
    match = _NUMBER.match(text.strip())
    if match is None:
        return None
    series = next((letter for letter in "收查" if letter in text), "登")
    return compose_number(int(match[1]), int(match[2]), series=series)


def address(paper: papers.Paper) -> str:
    """Where anyone can check the paper."""
    return f"{settings.PUBLIC_URL}{reverse('pledges:verify', args=[paper.verify_code])}"


def issue(file: Registration, kind: str, facts: Mapping[str, Any], *, now: datetime) -> Notice:
    """Number a paper and keep what it says, inside the decision's transaction; it is printed after the commit.

    The number is taken last, because its row stays locked to the end; a rolled-back decision leaves no gap.
    """
    year = local_date(now).year
    number = compose_number(year, take(f"notice:{year}"))
    failpoint("register.number_taken")
    notice = Notice.objects.create(
        registration=file,
        kind=kind,
        verify_code=check_codes.make(),
        issued_at=now,
        facts=dict(facts),
        number=number,
    )
    # Not a partial: Django names the function it logs about, and a partial has no name.
    transaction.on_commit(lambda: _print_quietly(notice.pk), robust=True)
    failpoint("register.before_commit")
    return notice


def _print_quietly(notice_id: int) -> None:
    """Right after the commit; when it fails the next look at the notice, or the timer, tries again."""
    failpoint("register.committed")
    try:
        print_notice(notice_id)
    except DomainError as error:
        logger.warning("notice %s not printed: %s", notice_id, error.reason)


def print_notice(notice_id: int) -> Notice:
    """Make and seal the file if it is not there yet; raises what core.papers.print_paper does."""
    return papers.print_paper(Notice, notice_id, pages=_pages, address=address)


def _pages(notice: Notice) -> bytes:
    template = TEMPLATES.get(Notice.Kind(notice.kind), f"pdf/notice_{notice.kind}.html")
    return engine.render_template(template, context(notice), created=notice.issued_at)


def print_missing(*, limit: int = 100) -> int:
    """Print what is not printed yet, one by one; returns how many were. One that fails does not stop the others."""
    return papers.print_missing(Notice, print_notice, limit=limit)


def context(paper: papers.Paper) -> dict[str, Any]:
    """The template's context: the kept facts and what every paper carries."""
    url = address(paper)
    issuer, demo = str(paper.facts.get("issuer", "")), bool(paper.facts.get("demo"))
    return {
        **paper.facts,
        "number": paper.number,
        "issued_on": display.full_date_cn(local_date(paper.issued_at)),
        "verify_url": url,
        "verify_code": spaced(paper.verify_code),
        "verify_qr": qr.data_uri(url),
        "stamp": stamp.data_uri(issuer, demo=demo) if issuer else "",
    }


def _day(day: date | None) -> str:
    return display.full_date_cn(day) if day else display.NOTHING


def _common(file: Registration) -> dict[str, Any]:
    return {
        "issuer": file.office.name,
        "demo": not settings.PRODUCTION,
        "application_number": file.number,
        "parties": [
            {"role": "出质人", "name": file.pledgor.name, "uscc": particulars.pledgor_code(file)},
            {"role": "质权人", "name": file.pledgee.name, "uscc": file.pledgee.uscc or ""},
        ],
        "patents": [
            {
                "seq": i,
                "title": p.title,
                "kind": str(PatentKind(p.kind).label),
                "number": p.number,
                "grant_date": _day(p.grant_date),
            }
            for i, p in enumerate(file.patents.order_by("number"), start=1)
        ],
    }


def registration_facts(file: Registration, *, now: datetime) -> dict[str, Any]:
    """Content of the 专利权质押登记通知书. The debtor is named as a third party only when it is not the pledgor."""
    facts = _common(file)
    if file.debtor_name != file.pledgor.name:
        facts["parties"].append({"role": "债务人", "name": file.debtor_name, "uscc": ""})
    return (
        facts
        | {
            "debt_kind": str(DebtKind(file.debt_kind).label),
            "debt_yuan": f"{file.debt_amount:,.2f}",
            "debt_wan": money.format_wan(file.debt_amount),
            "period_from": _day(file.debt_from),
            "period_to": _day(file.debt_to),
            "guarantee_scope": str(Scope(file.scope).label),
            "registration_date": display.full_date_cn(local_date(now)),
            "registrar_number": file.national_number,
        }
        | particulars.for_papers(file)
    )


def refusal_facts(file: Registration, *, ground: str, note: str, received: datetime) -> dict[str, Any]:
    """Content of the 专利权质押不予登记通知书."""
    return _common(file) | {
        "received_on": display.full_date_cn(local_date(received)),
        "grounds": [{"code": ground, "text": str(Ground(ground).label), "detail": note}],
    }


def correction_facts(file: Registration, defects: list[Correction], *, received: datetime) -> dict[str, Any]:
    """Content of the 补正通知书: all defects of the round at once."""
    facts = _common(file) | {
        "received_on": display.full_date_cn(local_date(received)),
        "defects": [
            {"material": places.label(d.field), "problem": d.defect, "fix": f"{places.PLACES[d.field].fix}。"}
            for d in defects
        ],
    }
    del facts["patents"]
    return facts
