"""The enterprise looks at its cases: home, one case, offers side by side, files."""

import hashlib
import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from applications import comparison, cover_rows, story
from applications import queries_case as cases
from applications import queries_enterprise as queries
from applications.forms import AnswerForm
from applications.models import Application, Offer
from applications.rules import UNDO, can_withdraw
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbers import whole
from portal.foundation.journal.sending import send
from products.subsidies.estimates import schemes_for


@allow(Role.ENTERPRISE)
@require_safe
def case_list(request: HttpRequest) -> HttpResponse:
    """E1: what to do now, open cases, drafts, finished cases."""
    after = whole(request.GET.get("after"))
    desk = queries.desk(actor_of(request), now=moments.now(), after=after)
    return render(request, "enterprise/home.html", {"desk": desk, "later_page": after is not None})


@allow(Role.ENTERPRISE)
@require_safe
def case(request: HttpRequest, number: str) -> HttpResponse:
    """E5: one case. `?part=live` answers only the part that changes, with an ETag, for the page's own refresh."""
    actor, now = actor_of(request), moments.now()
    if request.GET.get("part") == "live":
        return _live(request, cases.own_case(actor, number))
    page = cases.case_page(actor, number, now=now)
    found = page.live.case
    context: dict[str, Any] = {
        "page": page,
        "live": page.live,
        "case": found,
        "stages": story.stages(found, today=local_date(now)),
        "events": story.events(page.events, {row.referral.institution_id: row.name for row in page.live.rows}),
        "asked": [(item, AnswerForm(auto_id=f"q{item.question.pk}_%s")) for item in page.asked],
        "undo_until": found.submitted_at + UNDO if now < found.submitted_at + UNDO else None,
        "may_withdraw": bool(can_withdraw(actor, found)),
        "may_extend": found.state == Application.State.OPEN,
    }
    return render(request, "enterprise/case.html", context)


def _live(request: HttpRequest, found: Application) -> HttpResponse:
    """The fragment without the frame: lamps move with time, so the tag is the digest of what would be shown."""
    shown = cases.live(actor_of(request), found, now=moments.now())
    body = render_to_string("enterprise/case_live.html", {"live": shown, "case": found})
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    response = HttpResponse(body)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    found_response: HttpResponseBase | None = get_conditional_response(request, etag=etag, response=response)
    return found_response if isinstance(found_response, HttpResponse) else response


@allow(Role.ENTERPRISE)
@require_safe
def offers(request: HttpRequest, number: str) -> HttpResponse:
    """E6: offers side by side, lenders apart from guarantors and insurers."""
    found = cases.own_case(actor_of(request), number)
    made = (
        Offer.objects.filter(
            referral__application=found, state__in=(Offer.State.OPEN, Offer.State.ACCEPTED, Offer.State.CLOSED)
        )
        .select_related("referral__institution__organisation", "referral__product", "product_version")
        .order_by("pk")
    )
    now = moments.now()
    covers = cover_rows.of_case(found, actor_of(request), now=now)
    tables = comparison.tables(
        list(made),
        today=local_date(now),
        covers=[row.cover for row in covers],
        schemes=schemes_for(found.organisation.district_id, today=local_date(now)),
    )
    context = {
        "case": found,
        "tables": tables,
        "choosable": found.state == Application.State.OPEN,
        "covers": cover_rows.with_split(covers),
    }
    return render(request, "enterprise/offers.html", context)


@allow(Role.ENTERPRISE)
@require_safe
def attachment(request: HttpRequest, number: str, ref: uuid.UUID) -> HttpResponseBase:
    """A paper of the own case, as a download."""
    found = cases.own_case(actor_of(request), number)
    paper = get_object_or_404(found.attachments, ref=ref)
    try:
        return send(request, paper, reader=actor_of(request), owner_id=found.organisation_id)
    except FileNotFoundError as error:
        raise Http404 from error
