"""What the enterprise may know: who looked at its data and when, whom it has authorised, and everything kept about it."""

import json

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from applications.models import Consent
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.accounts.proving import proven
from portal.foundation.core import moments, spreadsheets
from portal.foundation.core.files import attach
from portal.foundation.core.rows import page_of
from portal.foundation.journal import taken
from portal.foundation.journal.models import Look
from portal.oversight import own_data, queries
from portal.oversight.forms import LookFilter

MOST = 10_000  # rows of one export; the filter makes it smaller


@allow(Role.ENTERPRISE)
@never_cache
@require_safe
def looks(request: HttpRequest) -> HttpResponse:
    """谁看过我的资料, and beside it who may."""
    actor = actor_of(request)
    form = LookFilter(request.GET)
    found = queries.looks(form.cleaned_data, owner_id=actor.organisation_id) if form.is_valid() else Look.objects.none()
    consents = (
        Consent.objects.filter(application__organisation_id=actor.organisation_id, revoked_at=None)
        .exclude(institution=None)
        .select_related("application", "institution__organisation")
        .order_by("-pk")
    )
    context = {
        "form": form,
        "rows": page_of(found, request, size=queries.PAGE),
        "filtered": any(form.cleaned_data.values()),
        "consents": consents[:30],
        "trail": [(reverse("profile"), "企业资料")],
    }
    return render(request, "oversight/looks.html", context, status=400 if form.errors else 200)


@allow(Role.ENTERPRISE)
@require_POST
def looks_export(request: HttpRequest) -> HttpResponse:
    """The same as a table, of the filter in the address; no cell of it is a formula, and that it was taken is journalled."""
    actor, now = actor_of(request), moments.now()
    form = LookFilter(request.GET)
    found: QuerySet[Look] = Look.objects.none()
    if form.is_valid():
        found = queries.looks(form.cleaned_data, owner_id=actor.organisation_id)
    lines = [["时间", "谁", "看了什么", "办件编号", "事由"]]
    lines += (
        [f"{moments.local(row.at):%Y-%m-%d %H:%M}", row.who, row.get_what_display(), row.case_number, row.reason]
        for row in found.order_by("-pk")[:MOST]
    )
    body, name = spreadsheets.table(lines, mark=spreadsheets.Mark(actor.label, now)), "谁看过我的资料.csv"
    taken.note(
        "looks", name=name, body=body, rows=len(lines) - 1, actor=actor, now=now, scope=request.GET.urlencode()[:200]
    )
    return attach(body, media_type=spreadsheets.CSV, name=name)


@allow(Role.ENTERPRISE)
@proven
@require_POST
def data(request: HttpRequest) -> HttpResponse:
    """Everything kept about the enterprise and the person who asks, as JSON; that it was taken is journalled."""
    actor, now = actor_of(request), moments.now()
    kept, name = own_data.collect(actor, now=now), own_data.file_name(actor, now=now)
    body = json.dumps(kept, ensure_ascii=False, indent=1).encode()
    rows = sum(len(part) for part in kept.values() if isinstance(part, list))
    subject = f"organisation:{actor.organisation_id}"
    taken.note("own", name=name, body=body, rows=rows, actor=actor, now=now, verb="data.exported", subject=subject)
    return attach(body, media_type="application/json", name=name)
