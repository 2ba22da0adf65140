"""The own organisation and the own account."""

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.foundation.accounts import actions, queries, rules
from portal.foundation.accounts.forms_profile import ProfileForm
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import NO_TIER, Membership, Organisation, Role
from portal.foundation.accounts.tiers import Tier
from portal.foundation.core import moments
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place


@allow()
@never_cache
@require_safe
def profile(request: HttpRequest) -> HttpResponse:
    """One's organisation, one's account, one's chairs."""
    membership: Membership = request.membership  # type: ignore[attr-defined]
    actor = actor_of(request)
    organisation = Organisation.objects.select_related("district__successor", "industry").get(pk=actor.organisation_id)
    context = {
        "org": organisation,
        "me": membership,
        "seats": list(queries.seats_of(actor.user_id)),
        "editable": bool(rules.can_edit_organisation(actor)),
        "enterprise": actor.role == Role.ENTERPRISE,
        "manages": bool(rules.can_manage(actor)),
        "stated": _stated(organisation) if actor.role == Role.ENTERPRISE else [],
    }
    return render(request, "accounts/profile.html", context)


def _stated(organisation: Organisation) -> list[tuple[str, str]]:
    """What the enterprise says about itself and products ask for, in words."""
    today, unsaid = moments.local_date(moments.now()), "未填写"
    founded, before = organisation.founded_on, organisation.pledged_before
    tiers = [
        f"{tier.label}{_until(organisation.tiers[tier.value], today)}"
        for tier in Tier
        if tier.value in organisation.tiers
    ]
    return [
        ("成立日期", full_date_cn(founded) if founded else unsaid),
        ("企业资质", "；".join(tiers) or ("以上都没有" if NO_TIER in organisation.tiers else unsaid)),
        ("办理过知识产权质押", unsaid if before is None else "办理过" if before else "没有"),
    ]


def _until(day: str, today: date) -> str:
    if not day:
        return ""
    return f"（有效期至 {day}{'，已过期' if day < today.isoformat() else ''}）"


@allow(Role.ENTERPRISE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    organisation = Organisation.objects.select_related("district__successor").get(pk=actor.organisation_id)
    status = 200
    if request.method == "POST":
        form = ProfileForm(request.POST)
        status = 400
        if form.is_valid():
            try:
                actions.update_enterprise(
                    form.changes(), seen=form.cleaned_data["seen"], actor=actor, now=moments.now()
                )
            except DomainError as error:
                place(form, error)
                status = error.status
                form.seen_now(queries.state_of(organisation))
            else:
                messages.success(request, "企业资料已保存。")
                return redirect("profile")
    else:
        form = ProfileForm(initial=ProfileForm.initial_of(organisation))
    stated = _stated(organisation) if status == 409 else []
    context = {
        "form": form,
        "org": organisation,
        "stated": stated,
        "stale": status == 409,
        "trail": [(reverse("profile"), "企业资料")],
    }
    return render(request, "accounts/profile_edit.html", context, status=status)
