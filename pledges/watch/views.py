"""The page of alerts: for both parties, the office and the regulator; each sees those of its own files."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.rows import page_of

from . import actions, queries
from .models import Alert

BAD = frozenset({"fee_lapsed", "lapsed", "invalid", "expired", "transferred", "preserved"})
OFFICE = (Role.CLERK, Role.CHIEF)


@allow(*actions.READERS, Role.REGULATOR)
@never_cache
@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    tab = request.GET.get("tab", "unseen" if actor.role in actions.READERS else "open")
    tab = tab if tab in queries.TABS else "open"
    counts = queries.counts(actor)
    shown = page_of(queries.listed(actor, tab), request, size=queries.PAGE)
    office = actor.role in OFFICE
    context = {
        "rows": [
            {
                "alert": a,
                "tag": "" if a.ended_at else "bad" if a.kind in BAD else "warn",
                "url": reverse("office-file" if office else "pledges:detail", args=[a.registration.number]),
                "noted": a.noted,  # type: ignore[attr-defined]  # annotated by queries.listed
            }
            for a in shown.rows
        ],
        "tabs": [(name, label, counts[name]) for name, label in queries.TABS.items()],
        "tab": tab,
        "page": shown,
        "total": f"共 {counts[tab]} 项",
        "may_note": bool(actions.can_note(actor)),
        "round": queries.last_round(),
        "office": office,
    }
    return render(request, "pledges/alerts.html", context)


@allow(*actions.READERS)
@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of(request)
    alert: Alert = get_object_or_404(queries.visible(actor), pk=pk)
    actions.note(alert.pk, actor=actor, now=moments.now())
    messages.success(request, f"已知悉：{alert.get_kind_display()}。")
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/pledges/alerts/")
    return redirect(back if safe else reverse("pledges:alerts"))
