"""The list of institutions that may use a tool."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.numbers import whole

from . import eligible
from .forms import EligibleForm
from .models import QuotaEligible, QuotaTool
from .views import ROLES, banks


@allow(*ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def listing(request: HttpRequest, code: str) -> HttpResponse:
    """Everybody with a quota reads it, the regulator keeps it. `off` names the row that is taken off."""
    actor, now = actor_of(request), moments.now()
    tool = get_object_or_404(QuotaTool, code=code, restricted=True)
    may, off = eligible.can_keep(actor), request.POST.get("off", "")
    form, status = None, 200
    if request.method == "POST":
        may.require()
    if may:
        form = EligibleForm(request.POST if request.method == "POST" and not off else None, banks=banks())
    if off:
        entry = get_object_or_404(QuotaEligible, tool=tool, pk=whole(off) or 0)
        eligible.take_off(entry.pk, actor=actor, now=now)
        messages.success(request, f"已将 {entry.institution} 移出名单。")
        return redirect("quota-eligible", code=code)
    if form is not None and form.is_bound:
        status = 400
        if form.is_valid():
            given = form.cleaned_data
            try:
                made = eligible.put_on(
                    tool.pk, institution_id=int(given["institution"]), source=given["source"], actor=actor, now=now
                )
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, f"已将 {made.institution} 列入名单。")
                return redirect("quota-eligible", code=code)
    rows = tool.eligible.select_related("institution__organisation").order_by(
        "institution__organisation__sort_key", "pk"
    )
    return render(request, "quotas/eligible.html", {"tool": tool, "rows": list(rows), "form": form}, status=status)
