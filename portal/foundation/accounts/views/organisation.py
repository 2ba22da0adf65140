"""The own organisation and the own account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.foundation.accounts import actions, queries, rules
from portal.foundation.accounts.forms import ProfileForm, place
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Membership, Organisation, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError


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
    }
    return render(request, "accounts/profile.html", context)


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
        form = ProfileForm(
            initial={
                "name": organisation.name,
                "district": organisation.district_id,
                "industry": organisation.industry_id,
                "address": organisation.address,
                "contact_name": organisation.contact_name,
                "contact_phone": organisation.contact_phone,
                "seen": queries.state_of(organisation),
            }
        )
    context = {"form": form, "org": organisation, "stale": status == 409, "trail": [(reverse("profile"), "企业资料")]}
    return render(request, "accounts/profile_edit.html", context, status=status)
