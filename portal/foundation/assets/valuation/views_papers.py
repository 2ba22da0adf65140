"""The report of a valuation as PDF, an agency's report as it came, and the wish for one."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, WrongState
from portal.foundation.core.files import attach
from portal.foundation.core.forms import CheckboxCards, PortalForm, place
from portal.foundation.core.pdf import engine
from portal.foundation.journal.sending import send

from . import agency, presenting
from .models import AgencyRequest, Valuation, ValuationPaper
from .views import VALUERS, found, looked, trail


class AgencyForm(PortalForm):
    """Which patents the agency is asked about."""

    patents = forms.MultipleChoiceField(label="要出具报告的专利", widget=CheckboxCards, required=False)

    def __init__(self, *args: object, choices: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["patents"].choices = choices  # type: ignore[attr-defined]


@allow(*VALUERS)
@never_cache
@require_safe
def pdf(request: HttpRequest, number: str) -> HttpResponse:
    """The report of a final valuation; drafts have none."""
    valuation = found(request, number)
    if valuation.state == Valuation.State.DRAFT or valuation.kind == Valuation.Kind.AGENCY:
        raise WrongState("state", "定稿的自评或内部评估才有报告。")
    looked(request, valuation)
    context = presenting.paper(valuation)
    body = engine.render_template(
        "pdf/report_valuation.html", {**context, "demo": settings.DEMO}, created=valuation.final_at
    )
    return attach(body, media_type="application/pdf", name=f"专利估值报告-{valuation.number}.pdf")


@allow(*VALUERS)
@never_cache
@require_safe
def paper(request: HttpRequest, number: str) -> HttpResponse | FileResponse:
    """The agency's own file, to whoever may see the valuation."""
    valuation, actor = found(request, number), actor_of(request)
    stored = get_object_or_404(ValuationPaper, valuation=valuation)
    return send(request, stored, reader=actor, owner_id=valuation.organisation_id, case_number=valuation.case_number)


@allow(Role.ENTERPRISE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """申请信用机构报告: noted here, asked by the dispatcher."""
    actor = actor_of(request)
    choices = [(str(p.pk), f"{p.title}（{p.dotted}，{p.get_kind_display()}）") for p in presenting.choosable(actor)]
    form, status = AgencyForm(request.POST if request.method == "POST" else None, choices=choices), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                agency.ask([int(pk) for pk in form.cleaned_data["patents"]], actor=actor, now=moments.now())
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, "已提交申请。收到报告后会通知您。")
                return redirect("valuations:list")
    asked = AgencyRequest.objects.filter(organisation_id=actor.organisation_id).select_related("valuation")
    context = {
        "form": form,
        "trail": trail(),
        "verdict": agency.can_ask(actor),
        "asked": asked.order_by("-pk")[:20],
        "some": bool(choices),
    }
    return render(request, "valuations/agency.html", context, status=status)
