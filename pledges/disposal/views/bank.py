"""What the pledgee fills in: the listing, a take-over by agreement, the distribution."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pledges.disposal import rules
from pledges.disposal.actions import listing, settlement, takeovers
from pledges.disposal.forms import DistributionForm, ListingForm, TakeOverForm
from pledges.disposal.models import Disposal
from pledges.disposal.presenting import Line, yuan
from pledges.disposal.proceeds import ROUNDING_SAID, to_pledgee
from pledges.disposal.settlement_models import Share, TakeOver
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.numbers import version_of

from .common import BANKS, GET_OR_POST, own, trail


def _initial(disposal: Disposal) -> dict[str, Any]:
    start = {name: getattr(disposal, name) for name in listing.FIELDS if name != "closes_at"}
    if not disposal.contact_name:
        bank = disposal.registration.pledgee
        start |= {"contact_name": bank.contact_name, "contact_phone": bank.contact_phone}
    if disposal.closes_at is not None:
        at = moments.local(disposal.closes_at)
        start |= {"closes_on": at.date(), "closes_hour": f"{at:%H:%M}"}
    return start


@allow(*BANKS)
@never_cache
@require_http_methods(GET_OR_POST)
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """起草公告."""
    disposal, actor, now = own(request, number), actor_of(request), moments.now()
    posted = request.method == "POST"
    if not posted and not rules.can_edit(actor, disposal):
        return redirect("disposals:case", disposal.number)
    form = ListingForm(request.POST if posted else None, initial=_initial(disposal))
    status = 200
    if posted and not form.is_valid():
        status = 400
    elif posted:
        given = dict(form.cleaned_data)
        closes_at = form.closes_at()
        for name in ("closes_on", "closes_hour"):
            del given[name]
        try:
            version = version_of(request)
            made = listing.Listing(**given, closes_at=closes_at)
            listing.save(disposal.pk, made, version=version, actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "公告草稿已保存，核对后送负责人复核。")
            return redirect("disposals:case", disposal.number)
    context = {"disposal": disposal, "form": form, "file": disposal.registration, "trail": trail(disposal)}
    return render(request, "disposal/edit.html", context, status=status)


@allow(*BANKS)
@never_cache
@require_http_methods(GET_OR_POST)
def take_over(request: HttpRequest, number: str) -> HttpResponse:
    """提出折价; a direct take-over is refused with the sentence of the law."""
    disposal, actor, now = own(request, number), actor_of(request), moments.now()
    waiting = TakeOver.objects.filter(disposal=disposal, answered_at=None).exists()
    verdict = rules.can_propose_take_over(actor, disposal, waiting=waiting)
    posted = request.method == "POST"
    form = TakeOverForm(request.POST if posted else None, request.FILES if posted else None)
    status = 200 if verdict else 409
    if posted and not form.is_valid():
        status = 400
    elif posted:
        given = dict(form.cleaned_data)
        report = given.pop("report")
        try:
            takeovers.propose(disposal.pk, takeovers.Price(**given), report=report, actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "折价方案已发给出质人，同意后才成交。")
            return redirect("disposals:case", disposal.number)
    context = {"disposal": disposal, "form": form, "verdict": verdict, "trail": trail(disposal)}
    return render(request, "disposal/take_over.html", context, status=status)


@allow(*BANKS)
@never_cache
@require_http_methods(GET_OR_POST)
def distribution(request: HttpRequest, number: str) -> HttpResponse:
    """分配价款: computed and shown first, confirmed as shown."""
    disposal, actor, now = own(request, number), actor_of(request), moments.now()
    posted = request.method == "POST"
    if not posted and not rules.can_distribute(actor, disposal):
        return redirect("disposals:case", disposal.number)
    default, today, before = disposal.default, moments.local_date(now), settlement.paid_before(disposal.registration)
    costs, interest, principal = settlement.still_owed(default, before)
    initial = {"costs": costs, "interest": interest, "principal": principal, "received_on": today}
    form = DistributionForm(request.POST if posted else None, initial=initial)
    status, shown, lines, paid, missing = 200, "", [], "", ""
    if posted and not form.is_valid():
        status = 400
    elif posted:
        try:
            rules.can_distribute(actor, disposal).require()
            computed = settlement.lines_of(disposal, form.receipt())
            shown = settlement.fingerprint(computed, form.receipt())
            paid = yuan(to_pledgee(computed))
            short = settlement.owed(form.receipt()) - to_pledgee(computed)
            missing = yuan(short) if short else ""
            lines = [
                Line(str(Share.Kind(c.kind.value).label), c.payee, yuan(c.claimed), yuan(c.amount)) for c in computed
            ]
            if request.POST.get("step") == "confirm":
                sent = request.POST.get("shown", "")
                settlement.confirm(disposal.pk, form.receipt(), shown=sent, actor=actor, now=now)
                messages.success(request, "分配已确认。专利转移以后，请申请注销质押登记。")
                return redirect("disposals:case", disposal.number)
        except DomainError as error:
            place(form, error)
            status = error.status
    context = {
        "disposal": disposal,
        "file": disposal.registration,
        "form": form,
        "lines": lines,
        "shown": shown,
        "paid": paid,
        "missing": missing,
        "before": settlement.said_of(disposal.registration, before),
        "price": yuan(disposal.price),
        "ceiling": yuan(ceiling) if (ceiling := settlement.ceiling_of(disposal.registration)) is not None else "",
        "rounding": ROUNDING_SAID,
        "trail": trail(disposal),
    }
    return render(request, "disposal/distribution.html", context, status=status)
