"""What anybody may read of disposals: patents, path, published reserve, deadline, contact. And the bidder's own page."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from pledges.disposal import queries, rules
from pledges.disposal.actions import bids
from pledges.disposal.forms import BidForm
from pledges.disposal.models import Bid, Disposal, Path
from pledges.models import Registration
from portal.foundation.accounts.guards import allow, public
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.numbers import whole

from .common import GET_OR_POST, PARTIES, Trail, phase


@public
@require_safe
def listings(request: HttpRequest) -> HttpResponse:
    """The public list with its filters."""
    now, districts = moments.now(), queries.Districts()
    path = request.GET.get("path", "")
    path = path if path in Path.values else ""
    chosen = request.GET.get("district", "")
    codes = districts.codes(chosen) if len(chosen) <= 6 else []
    ended = request.GET.get("show") == "ended"
    page = queries.listed(ended=ended, path=path, district=codes or None, after=whole(request.GET.get("after")))
    kinds = queries.kinds(page.rows)
    current = districts.current(chosen) if codes else None
    context = {
        "rows": [
            {
                "disposal": d,
                "kinds": kinds[d.pk],
                "district": districts.said(d.registration.application.district_code),
                "phase": phase(d, now=now),
                "first": next(iter(queries.patents_of(d)), None),
            }
            for d in page.rows
        ],
        "after": page.after,
        "ended": ended,
        "path": path,
        "paths": Path.choices,
        "district": current.code if current else "",
        "districts": districts.choices(),
        "filtered": bool(path or codes),
        "explained": [(p.label, p.explained) for p in Path],
    }
    return render(request, "disposal/list.html", context)


def _listing(number: str) -> Disposal:
    """What stands on the public page; a draft is as missing as one that does not exist."""
    found = Disposal.objects.public().select_related("registration__application", "registration__pledgee")
    return get_object_or_404(found, number=number)


def _trail(disposal: Disposal | None = None) -> Trail:
    crumbs = [(reverse("disposals:list"), "知识产权处置")]
    if disposal is not None:
        crumbs.append((reverse("disposals:detail", args=[disposal.number]), disposal.number))
    return crumbs


def _shown(disposal: Disposal) -> dict[str, Any]:
    """The facts that are public."""
    return {
        "disposal": disposal,
        "patents": queries.patents_of(disposal),
        "district": queries.Districts().said(disposal.registration.application.district_code),
        "phase": phase(disposal, now=moments.now()),
        "open": disposal.state == Disposal.State.LISTED
        and not disposal.closed(now=moments.now())
        and disposal.registration.state == Registration.State.REGISTERED,
    }


@public
@require_safe
def detail(request: HttpRequest, number: str) -> HttpResponse:
    """One listing: no business secrets, no names of bidders, no price but a published reserve."""
    disposal = _listing(number)
    actor = getattr(request, "actor", None)
    verdict = rules.can_bid(actor, disposal, now=moments.now()) if actor is not None else None
    return render(
        request,
        "disposal/detail.html",
        {**_shown(disposal), "trail": _trail(), "verdict": verdict, "visitor": not actor},
    )


@allow(*PARTIES)
@never_cache
@require_http_methods(GET_OR_POST)
def offer(request: HttpRequest, number: str) -> HttpResponse:
    """Make, change or take back the own offer; after the result, what became of it."""
    disposal, actor, now = _listing(number), actor_of(request), moments.now()
    mine = (
        Bid.objects.standing()
        .filter(disposal=disposal, round=disposal.round, organisation_id=actor.organisation_id)
        .first()
    )
    verdict = rules.can_bid(actor, disposal, now=now)
    posted = request.method == "POST"
    taking_back = posted and request.POST.get("step") == "withdraw"
    initial = {f: getattr(mine, f) for f in ("amount", "licence_fee", "licence_years", "note")} if mine else None
    reverse_licence = disposal.path == Path.REVERSE_LICENCE
    form = BidForm(request.POST if posted and not taking_back else None, reverse=reverse_licence, initial=initial)
    status, note = 200, ""
    if taking_back:
        try:
            bids.take_back(disposal.pk, actor=actor, now=now)
        except DomainError as error:
            status, note = error.status, error.reason
        else:
            messages.success(request, "报价已撤回。截止前可以重新报价。")
            return redirect("disposals:detail", disposal.number)
    elif posted and not form.is_valid():
        status = 400
    elif posted:
        try:
            bids.offer(disposal.pk, bids.Terms(**form.cleaned_data), actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "报价已收到。截止前可以更改或撤回，以最后一次为准。")
            return redirect("disposals:offer", disposal.number)
    context = {
        **_shown(disposal),
        "trail": _trail(disposal),
        "form": form,
        "mine": mine,
        "verdict": verdict,
        "note": note,
        "won": mine is not None and disposal.winner_id == mine.pk,
    }
    return render(request, "disposal/offer.html", context, status=status)
