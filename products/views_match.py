"""测算: which products suit me, without logging in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.foundation.accounts.guards import public
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.moments import local_date
from portal.foundation.core.rates import limited

from . import costing, fit, precheck
from .company import profile_of
from .precheck import PrecheckForm
from .views.public import READING, apply_url, schemes_of


@public
@limited(READING)
@require_safe
def match(request: HttpRequest) -> HttpResponse:
    """Six questions; with answers in the address, the result above them. Nothing is written."""
    context = {
        "apply_url": apply_url(request),
        "assumed": costing.assumed(),
        "uplift": fit.UPLIFT_RULE,
        "here": request.get_full_path(),
    }
    if not request.GET:
        return render(request, "products/match.html", {**context, "form": PrecheckForm(initial=_known(request))})
    form = PrecheckForm(request.GET)
    if not form.is_valid():
        return render(request, "products/match.html", {**context, "form": form}, status=400)
    schemes = schemes_of(request)
    groups = precheck.groups(form, schemes=schemes or ())
    counts = {group.verdict.name: group.count for group in groups}
    return render(
        request,
        "products/match.html",
        {
            **context,
            "form": form,
            "groups": groups,
            "counts": counts,
            "basis": form.basis(),
            "subsidies": costing.subsidies_said(schemes),
        },
    )


def _known(request: HttpRequest) -> dict[str, object]:
    """An enterprise that is logged in need not type what the portal knows of it."""
    actor = getattr(request, "actor", None)
    if actor is None or actor.role != Role.ENTERPRISE:
        return {}
    return precheck.initial_of(profile_of(actor.organisation_id, today=local_date(moments.now())))
