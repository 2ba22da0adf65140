"""A file of the request, for the institution that works on it and only while the enterprise's authorisation lives."""

from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from applications.views import institution_case as case_page
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core.files import send
from portal.foundation.journal import looks


@allow(Role.OFFICER, Role.MANAGER)
@require_GET
def attachment(request: HttpRequest, ref: UUID, file_ref: UUID) -> HttpResponse | FileResponse:
    """Download, or with ?view=1 read in the browser. Anything else than an own open referral's file is 404."""
    found = case_page.mine(actor_of(request), ref)
    stored = get_object_or_404(case_page.files_of(found), ref=file_ref)
    looks.note(
        request,
        owner_id=found.application.organisation_id,
        actor=actor_of(request),
        what=looks.What.PAPER,
        subject=f"attachment:{stored.pk}",
        case_number=found.application.number,
    )
    return send(stored, reader=actor_of(request), inline="view" in request.GET)
