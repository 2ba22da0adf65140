"""The two places where a valuation and a request meet: the enterprise shows its own, the institution begins its private one."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from applications.actions import valuations
from applications.models import Referral, ValuationShare
from applications.views import institution_case as case_page
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.assets.models import Valuation
from portal.foundation.assets.valuation import indicators
from portal.foundation.assets.valuation.models import Scene
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import CheckboxCards, PortalForm, place


class ShowForm(PortalForm):
    """Which institutions may read the valuation; none is an answer too."""

    institutions = forms.MultipleChoiceField(label="可以看这份估值的机构", widget=CheckboxCards, required=False)

    def __init__(self, *args: object, referrals: list[Referral], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["institutions"]
        field.choices = [(str(r.pk), r.institution.organisation.name) for r in referrals]  # type: ignore[attr-defined]
        field.widget.hints = {
            str(r.pk): f"办件 {r.application.number}，{Referral.State(r.state).label}" for r in referrals
        }


class PrivateForm(PortalForm):
    """What an institution's own valuation is for."""

    scene = forms.ChoiceField(label="用途场景", choices=Scene.choices, help_text="不同场景的指标权重不同。")
    purpose = forms.CharField(label="评估目的", max_length=200, required=False)


@allow(Role.ENTERPRISE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, number: str) -> HttpResponse:
    """The enterprise's consent, institution by institution; taking the tick away takes the consent back."""
    actor = actor_of(request)
    valuation = get_object_or_404(Valuation.objects.owned(actor), number=number)
    found = valuations.addressees(valuation, actor).select_related("application", "institution__organisation")
    referrals = list(found.order_by("-pk")[:100])
    status = 200
    if request.method != "POST":
        now_shown = set(
            ValuationShare.objects.filter(valuation=valuation).values_list("application_id", "institution_id")
        )
        chosen = [str(r.pk) for r in referrals if (r.application_id, r.institution_id) in now_shown]
        form = ShowForm(referrals=referrals, initial={"institutions": chosen})
    else:
        form, status = ShowForm(request.POST, referrals=referrals), 400
        if form.is_valid():
            try:
                added, gone = valuations.show(
                    valuation.pk,
                    [int(pk) for pk in form.cleaned_data["institutions"]],
                    actor=actor,
                    now=moments.now(),
                )
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, f"已保存：新出示给 {added} 家，收回 {gone} 家。")
                return redirect("valuations:detail", valuation.number)
    trail = [
        (reverse("valuations:list"), "专利估值"),
        (reverse("valuations:detail", args=[valuation.number]), valuation.number),
    ]
    context = {"form": form, "valuation": valuation, "trail": trail, "some": bool(referrals)}
    return render(request, "valuations/show.html", context, status=status)


@allow(Role.OFFICER, Role.MANAGER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, ref: UUID) -> HttpResponse:
    """内部评估 of a request's patents."""
    actor = actor_of(request)
    referral = case_page.mine(actor, ref)
    form, status = PrivateForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                made = valuations.value_privately(referral, **form.cleaned_data, actor=actor, now=moments.now())
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, f"已开始内部评估 {made.number}，只有本机构能看。")
                return redirect("valuations:detail", made.number)
    number = referral.application.number
    context = {
        "form": form,
        "referral": referral,
        "trail": [(reverse("desk"), "工作台"), (reverse("desk-referral", args=[referral.ref]), number)],
        "design_note": indicators.DESIGN_REFUSED,
    }
    return render(request, "valuations/private.html", context, status=status)


@allow(Role.OFFICER, Role.MANAGER)
@require_POST
def renew(request: HttpRequest, number: str) -> HttpResponse:
    """Begin the 内部评估 that will take an older one's place, while the request and its authorisation live."""
    actor = actor_of(request)
    before = get_object_or_404(Valuation.objects.owned(actor).filter(kind=Valuation.Kind.INTERNAL), number=number)
    made = valuations.renew_privately(before.pk, actor=actor, now=moments.now())
    messages.success(request, f"已开始编制 {made.number}，定稿后替代 {number}。")
    return redirect("valuations:detail", made.number)
