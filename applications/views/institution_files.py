"""A file of the request, for the institution that works on it and only while the enterprise's authorisation lives."""

from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from applications.views import institution_case as case_page
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.journal.sending import send


@allow(Role.OFFICER, Role.MANAGER)
@require_GET
def attachment(request: HttpRequest, ref: UUID, file_ref: UUID) -> HttpResponse | FileResponse:
    """Download, or with ?view=1 read in the browser. Anything else than an own open referral's file is 404."""
    found = case_page.mine(actor_of(request), ref)
    stored = get_object_or_404(case_page.files_of(found), ref=file_ref)
    return send(
        request,
        stored,
        reader=actor_of(request),
        owner_id=found.application.organisation_id,
        case_number=found.application.number,
        inline="view" in request.GET,
    )
