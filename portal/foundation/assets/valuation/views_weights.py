"""The regulator's and the administrator's pages: the weights of each scene, with their history."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place

from . import indicators, weights
from .forms import WeightsForm
from .models import Scene, WeightVersion

NEEDED = (Role.REGULATOR, Role.ADMIN)


@allow(*NEEDED)
@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Every scene with the version in force and the ones before."""
    rows: dict[str, list[WeightVersion]] = {scene: [] for scene in Scene.values}
    for version in WeightVersion.objects.order_by("scene", "-version")[:200]:
        rows[version.scene].append(version)
    scenes = [(Scene(code), versions[0] if versions else None, versions[1:]) for code, versions in rows.items()]
    return render(request, "valuations/weights.html", {"scenes": scenes, "names_note": indicators.NAMES_NOTE})


@allow(*NEEDED)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, scene: str) -> HttpResponse:
    """27 weights of one scene; saving makes a new version."""
    if scene not in Scene.values:
        raise Http404
    current = weights.in_force(scene)
    status = 200
    if request.method != "POST":
        form = WeightsForm(initial={**current.weights, "seen": current.version})
    else:
        form, status = WeightsForm(request.POST), 400
        if form.is_valid():
            data = form.cleaned_data
            try:
                made = weights.decide(
                    scene,
                    form.weights(),
                    seen=data["seen"],
                    confirmed=data["confirmed"],
                    note=data["note"],
                    actor=actor_of(request),
                    now=moments.now(),
                )
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, f"{made}已生效，此后开始的估值使用新权重。")
                return redirect("valuations:weights")
    context = {
        "form": form,
        "scene": Scene(scene),
        "current": current,
        "trail": [(reverse("valuations:weights"), "评估权重")],
        "names_note": indicators.NAMES_NOTE,
    }
    return render(request, "valuations/weights_form.html", context, status=status)
