"""The ordinary way to submit a request: ModelForm, django-fsm, one ORM save after the other. What most Django code does.

It asks the same questions (own patents in force and outliving the term, published products, one an institution), leaves
the same rows in the same tables, and commits once. It holds the draft's lock as ours does, because without it two clicks
make two requests. Nothing is slowed down on purpose.
"""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_fsm import transition

from applications.models import Application, ApplicationPatent, Attachment, Consent, Draft, Referral
from portal.foundation.accounts.models import Organisation
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.models import Counter
from portal.foundation.core.numbering import compose
from portal.foundation.journal.models import Entry
from portal.foundation.sla import clocks
from portal.foundation.sla.calendars_in_use import current
from portal.foundation.sla.models import Clock, Kind, Policy
from products.models import Product


class OrdinaryApplication(Application):
    """The same table, with submitting as a transition."""

    class Meta:
        proxy = True

    @transition(field="state", source="open", target="open")
    def submit(self, *, by: Any, organisation: Organisation) -> None:
        self.submitted_by, self.organisation = by, organisation
        self.organisation_name, self.district_code = organisation.name, organisation.district_id or ""
        self.industry_letter = organisation.industry_id or ""


class RequestForm(forms.ModelForm):  # type: ignore[type-arg]
    """All of a request in one ModelForm. Amount in yuan."""

    patents = forms.ModelMultipleChoiceField(queryset=Patent.objects.none())
    products = forms.ModelMultipleChoiceField(
        queryset=Product.objects.filter(state=Product.State.PUBLISHED, institution__organisation__active=True)
    )

    class Meta:
        model = OrdinaryApplication
        fields: ClassVar[list[str]] = [
            "amount", "term_months", "purpose", "purpose_note", "open_call", "contact_name", "contact_phone",
        ]  # fmt: skip

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["patents"].queryset = Patent.objects.filter(organisation=organisation, removed_at=None)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        today = timezone.localdate()
        for patent in data.get("patents", []):
            if patent.status != Patent.Status.GRANTED or patent.expires_on <= today:
                self.add_error("patents", "有专利已失效。")
            elif "term_months" in data and patent.expires_on < after_months(today, data["term_months"]):
                self.add_error("term_months", "期限超过专利届满日。")
        institutions = [product.institution_id for product in data.get("products", [])]
        if len(institutions) != len(set(institutions)) or len(institutions) > 5:
            self.add_error("products", "一家机构只选一款产品，最多五家。")
        return data


def after_months(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    return date(day.year + year, month + 1, min(day.day, 28))


def typed(draft: Draft) -> dict[str, Any]:
    """The draft's answers as one form's data."""
    need, reach = draft.data["need"], draft.data["reach"]
    return {
        "amount": str(Decimal(need["amount"]) * 10_000),
        "term_months": need["term_months"],
        "purpose": need["purpose"],
        "purpose_note": need["purpose_note"],
        "contact_name": reach["contact_name"],
        "contact_phone": reach["contact_phone"],
        "patents": draft.data["company"]["patents"],
        "products": reach["products"],
    }


@login_required
@require_POST
def submit(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Check the draft with a ModelForm and save everything that a request consists of."""
    organisation = request.user.memberships.select_related("organisation").get(active=True).organisation  # type: ignore[union-attr]
    with transaction.atomic():
        draft = get_object_or_404(Draft.objects.select_for_update(), pk=draft_id, organisation=organisation)
        form = RequestForm(typed(draft), organisation=organisation)
        if not form.is_valid():
            return render(request, "errors/refused.html", {"error": form.errors}, status=400)
        application = create(form, draft, organisation, by=request.user)
    messages.success(request, f"已提交，编号 {application.number}。")
    return redirect("case", application.number)


def create(form: RequestForm, draft: Draft, organisation: Organisation, *, by: Any) -> OrdinaryApplication:
    """Save the request, its patents, the referrals with clocks and consents, and the journal entry."""
    now = moments.now()
    application: OrdinaryApplication = form.save(commit=False)
    application.submit(by=by, organisation=organisation)
    application.number, application.token, application.submitted_at = next_number(), draft.token, now
    application.save()
    for patent in form.cleaned_data["patents"]:
        ApplicationPatent.objects.create(
            application=application, patent=patent, number=patent.number, kind=patent.kind, title=patent.title,
            expires_on=patent.expires_on,
        )  # fmt: skip
    label = f"{by.name}（{organisation.title}）"
    for product in form.cleaned_data["products"]:
        refer(application, product, label=label, now=now)
    Attachment.objects.filter(draft=draft).update(application=application, draft=None)
    draft.delete()
    institutions = [product.institution_id for product in form.cleaned_data["products"]]
    Entry.objects.create(
        at=now,
        verb="application.submitted",
        actor_id=by.pk,
        actor_label=label,
        organisation_id=organisation.pk,
        subject=f"application:{application.pk}",
        case_number=application.number,
        text=f"提交融资需求 {application.number}",
        data={"amount": str(application.amount), "term_months": application.term_months, "institutions": institutions},
        parties=sorted([organisation.pk, *institutions]),
    )
    return application


def next_number() -> str:
    today = timezone.localdate()
    name = f"case:{today:%Y%m%d}"
    counter, _ = Counter.objects.select_for_update().get_or_create(name=name)
    counter.value += 1
    counter.save()
    return compose("YZD", today, counter.value)


def refer(application: Application, product: Product, *, label: str, now: Any) -> Referral:
    """One institution: consent, a running clock under the policy in force, the referral."""
    Consent.objects.create(
        application=application, institution_id=product.institution_id, granted_by=label, granted_at=now
    )
    clock = start_clock(application, product.institution_id, now=now)
    return Referral.objects.create(
        application=application,
        institution_id=product.institution_id,
        product=product,
        origin=Referral.Origin.CHOSEN,
        clock=clock,
        created_at=now,
    )


def start_clock(application: Application, institution_id: int, *, now: Any) -> Clock:
    policy = Policy.objects.filter(kind=Kind.RESPONSE, valid_from__lte=now).order_by("-valid_from").first()
    assert policy is not None
    planned = clocks.plan(policy, list(policy.levels.all()), started_at=now, calendar=current())
    return Clock.objects.create(
        kind=Kind.RESPONSE,
        policy=policy,
        organisation_id=institution_id,
        case_number=application.number,
        subject=f"referral:{application.number}:{institution_id}",
        watchers=sorted([institution_id, application.organisation_id]),
        days=policy.days,
        started_at=now,
        due_at=planned.due_at,
        provisional=planned.provisional,
        levels=planned.levels,
        moments=planned.moments,
        next_at=planned.moments[0],
    )
