"""The audit administrator's pages: the journal, the refusals, who looked, and whether the chain holds. Reading only.

Whoever audits is audited: taking the whole journal away is itself an entry of it.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.files import attach_lines
from portal.foundation.core.rows import Page, page_of
from portal.foundation.journal import anchors, exporting, verifying
from portal.foundation.journal.record import record
from portal.oversight import queries
from portal.oversight.forms import EntryFilter, LookFilter, RefusalFilter

Read = Callable[[dict[str, Any]], "QuerySet[Any]"]


def _list(request: HttpRequest, template: str, form: forms.Form, read: Read) -> HttpResponse:
    """A filter and the page of rows it leaves; a filter that cannot be read leaves none."""
    found: QuerySet[Any] | None = read(form.cleaned_data) if form.is_valid() else None
    rows = page_of(found, request, size=queries.PAGE) if found is not None else Page([], "", "")
    context = {"form": form, "rows": rows, "filtered": any(form.cleaned_data.values())}
    return render(request, template, context, status=400 if form.errors else 200)


@allow(Role.AUDIT)
@never_cache
@require_safe
def journal(request: HttpRequest) -> HttpResponse:
    return _list(request, "oversight/journal.html", EntryFilter(request.GET), queries.entries)


@allow(Role.AUDIT)
@never_cache
@require_safe
def refusals(request: HttpRequest) -> HttpResponse:
    return _list(request, "oversight/refusals.html", RefusalFilter(request.GET), queries.refusals)


@allow(Role.AUDIT)
@never_cache
@require_safe
def looks(request: HttpRequest) -> HttpResponse:
    return _list(request, "oversight/looks_all.html", LookFilter(request.GET), queries.looks)


@allow(Role.AUDIT)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def chain(request: HttpRequest) -> HttpResponse:
    """How the chain stands; a POST goes through all of it, link by link, anchors included."""
    report = None
    if request.method == "POST":
        report = verifying.check_with(exporting.lines(), anchors.folder())
        with transaction.atomic():
            said = "完整" if report.ok else f"{report.count} 处异常"
            record(
                "journal.verified",
                actor=actor_of(request),
                now=moments.now(),
                subject="journal",
                text=f"核验日志 {report.sealed} 条：{said}",
                data={"sealed": report.sealed, "head": report.head, "count": report.count},
            )
    return render(request, "oversight/chain.html", {"chain": queries.chain(), "report": report})


@allow(Role.AUDIT)
@require_POST
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The whole journal as a file that is checked without the portal (verify_journal)."""
    actor, now = actor_of(request), moments.now()
    with transaction.atomic():
        head = queries.chain()  # in place of a digest: the file is still being made when it leaves
        data = {"sealed": head.sealed, "head": head.head}
        record("journal.exported", actor=actor, now=now, subject="journal", text="导出全部日志", data=data)
    return attach_lines(
        exporting.lines(about=f"{actor.label} {moments.iso(now)}"),
        media_type="application/x-ndjson",
        name=f"journal-{moments.local_date(now)}.jsonl",
    )
