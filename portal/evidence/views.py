"""The record of a clock: on screen, on paper, and as a file that can be replayed elsewhere."""

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.files import attach
from portal.foundation.core.pdf import engine
from portal.foundation.core.spreadsheets import Mark
from portal.foundation.journal import looks, taken
from portal.foundation.sla import package

from . import access, record


def _seen(request: HttpRequest, pk: int) -> access.Seen:
    """The clock with what it belongs to; the enterprise sees who read the record. An enterprise's own reading is no look."""
    actor = actor_of(request)
    found = access.seen(actor, pk)
    owner = 0 if actor.role == Role.ENTERPRISE else found.owner_id
    number = found.clock.case_number
    looks.note(request, owner_id=owner, actor=actor, what=looks.What.CASE, subject=f"clock:{pk}", case_number=number)
    return found


@allow(*access.READERS)
@never_cache
@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The record, replayed while the reader waits."""
    found = _seen(request, pk)
    built = record.build(found, now=moments.now())
    context = {"record": built, "seen": found, "clock": found.clock, "printable": engine.available().ok}
    return render(request, "evidence/record.html", context)


@allow(*access.READERS)
@require_POST
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as PDF. Raises PdfUnavailable where the machine cannot print; the page can be printed then."""
    found, now = _seen(request, pk), moments.now()
    built = record.build(found, now=now)
    context = {
        "record": built,
        "title": "办理时限证据单",
        "number": f"{found.clock.case_number}　时限 {found.clock.pk}",
        "demo": settings.DEMO,
        "mark": Mark(actor_of(request).label, now),
        "tables": list(record.tables(built)),
    }
    body = engine.render_template("pdf/report_evidence.html", context, created=now)
    return _taken(request, found, body, f"时限证据单-{found.clock.case_number}-{pk}.pdf", "application/pdf", now)


@allow(*access.READERS)
@require_POST
def evidence_package(request: HttpRequest, pk: int) -> HttpResponse:
    """证据包: the journal entries behind it as JSON lines, without what tells of other parties."""
    found, now = _seen(request, pk), moments.now()
    rows = [access.shown(row, found) for row in record.build(found, now=now).rows]
    number, mark = found.clock.case_number, Mark(actor_of(request).label, now)
    lines = package.lines(rows, case_number=number, clocks=[pk], as_of=now, taken="：".join(mark.line))
    body = "".join(lines).encode()
    return _taken(request, found, body, f"时限证据包-{number}-{pk}.jsonl", "application/x-ndjson", now, rows=len(rows))


def _taken(
    request: HttpRequest, found: access.Seen, body: bytes, name: str, media_type: str, now: datetime, *, rows: int = 1
) -> HttpResponse:
    """The file, once the journal has who took it."""
    actor = actor_of(request)
    taken.note("evidence", name=name, body=body, rows=rows, actor=actor, now=now, subject=f"clock:{found.clock.pk}")
    return attach(body, media_type=media_type, name=name)
