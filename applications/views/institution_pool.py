"""The pool: open calls that were addressed to others. No name and no contact until the institution has claimed one."""

import re
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from applications import desk as desks
from applications.actions import responses
from applications.desk_figures import current_districts, district_names, predecessors
from applications.models import Application, Referral
from applications.views import institution_case as case_page
from banks.models import Institution
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Industry, Role
from portal.foundation.assets.models import IPKind
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place

ANSWERING = (Role.OFFICER, Role.MANAGER)
PAGE = 50
TERMS = {
    "12": ("12 个月以内", 0, 12),
    "24": ("13–24 个月", 13, 24),
    "36": ("25–36 个月", 25, 36),
    "long": ("36 个月以上", 37, 999),
}
KINDS = [IPKind.INVENTION, IPKind.UTILITY, IPKind.DESIGN]


def offered_to(actor: Actor) -> "QuerySet[Application]":
    """Open calls this institution has never had on its desk."""
    had = Referral.objects.filter(application=OuterRef("pk"), institution_id=actor.organisation_id)
    return Application.objects.in_pool().exclude(Exists(had))


def _facts(case: Application) -> dict[str, Any]:
    """What may be seen before claiming: amount, term, purpose, district, industry, kinds of IP. Never who."""
    counts: dict[str, int] = {}
    for patent in case.patents.all():
        counts[patent.kind] = counts.get(patent.kind, 0) + 1
    return {
        "number": case.number,
        "amount": case.amount,
        "term": case.term_months,
        "purpose": case.get_purpose_display(),
        "district": district_names().get(case.district_code, "—"),
        "industry": case.industry_letter,
        "kinds": "、".join(f"{IPKind(kind).label} {n} 件" for kind, n in sorted(counts.items(), key=lambda i: -i[1])),
        "at": case.submitted_at,
    }


def _industries() -> dict[str, str]:
    return dict(Industry.objects.values_list("letter", "name"))


@allow(*ANSWERING)
@require_GET
def pool(request: HttpRequest) -> HttpResponse:
    """The list, newest first, filters in the address, keyset pages."""
    actor = actor_of(request)
    band, term = request.GET.get("band", ""), request.GET.get("term", "")
    district, kind = request.GET.get("district", ""), request.GET.get("kind", "")
    cases = offered_to(actor)
    if band in desks.BANDS:
        _, low, high = desks.BANDS[band]
        cases = cases.filter(amount__gte=low or 0, amount__lt=high or 10**12)
    if term in TERMS:
        cases = cases.filter(term_months__range=TERMS[term][1:])
    if district in district_names():
        cases = cases.filter(district_code__in=[district, *predecessors().get(district, [])])
    if kind in KINDS:
        cases = cases.filter(patents__kind=kind).distinct()
    after = request.GET.get("after", "")
    if re.fullmatch(r"[0-9]{1,18}", after, re.ASCII):
        cases = cases.filter(pk__lt=int(after))
    fields = ("number", "amount", "term_months", "purpose", "district_code", "industry_letter", "submitted_at")
    found = list(cases.only(*fields).order_by("-pk").prefetch_related("patents")[: PAGE + 1])
    industries = _industries()
    rows = [_facts(case) for case in found[:PAGE]]
    for row in rows:
        row["industry"] = industries.get(row["industry"], "—")
    context = {
        "rows": rows,
        "after": str(found[PAGE - 1].pk) if len(found) > PAGE else "",
        "total": f"本页 {len(rows)} 件",
        "filtered": any((band, term, district, kind)),
        "paged": bool(after),
        "chosen": {"band": band, "term": term, "district": district, "kind": kind},
        "bands": [(code, label) for code, (label, _, _) in desks.BANDS.items()],
        "terms": [(code, label) for code, (label, _, _) in TERMS.items()],
        "districts": current_districts(),
        "kinds": [(k.value, k.label) for k in KINDS],
        "dispatcher": Institution.objects.filter(pk=actor.organisation_id, dispatcher=True).exists(),
        "compact": True,
        "shortcuts": [("r", "认领这一行")],
    }
    return render(request, "bank/pool.html", context)


@allow(*ANSWERING)
@require_http_methods(["GET", "POST"])
def claim(request: HttpRequest, number: str) -> HttpResponse:
    """One open call and the claim form. A colleague's or the enterprise's earlier step is a sentence (409), not a 404."""
    actor, now = actor_of(request), moments.now()
    if request.method == "GET":
        case = get_object_or_404(offered_to(actor), number=number)
        return _page(request, case, case_page.claim_form(request, actor), now)
    case = get_object_or_404(Application.objects.filter(open_call=True), number=number)
    form = case_page.claim_form(request, actor, request.POST)
    status = 400
    if form.is_valid():
        try:
            mine = responses.claim_from_pool(case.pk, **form.cleaned_data, actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "已认领。企业名称和联系方式现在可见，企业已看到您的联系人和下一步。")
            return redirect("desk-referral", ref=mine.ref)
    return _page(request, case, form, now, status=status)


def _page(request: HttpRequest, case: Application, form: Any, now: datetime, status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    mine, open_now = None, True
    if request.method == "POST":  # what was true when the page was opened may have ended
        open_now = offered_to(actor).filter(pk=case.pk).exists()
        on_desk = Referral.objects.visible_to(actor).exclude(state__in=responses.ENDED)
        mine = on_desk.filter(application=case).order_by("-pk").first()
    facts = _facts(case) if open_now else None
    if facts:
        facts["industry"] = _industries().get(facts["industry"], "—")
    context = {
        "facts": facts,
        "number": case.number,
        "form": form,
        "mine": mine,
        "dispatcher": Institution.objects.filter(pk=actor.organisation_id, dispatcher=True).exists(),
    }
    return render(request, "bank/pool_claim.html", context, status=status)
