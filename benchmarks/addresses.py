"""The portal's addresses, and beside them the limit and the ordinary way, behind the same middleware."""

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path
from django.views.decorators.http import require_POST

from benchmarks import ordinary
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role

BARE = """
INSERT INTO bench_application (number, token, organisation_id, organisation_name, district_code, industry_letter, state,
       amount, term_months, purpose, purpose_note, open_call, contact_name, contact_phone, submitted_by_id, submitted_at,
       close_reason)
VALUES (gen_random_uuid()::text::varchar(32), gen_random_uuid(), %s, '', '', '', 'open', 8000000, 24, 'research', '', false,
        '', '', %s, now(), '') RETURNING id"""


@allow(Role.ENTERPRISE)
@require_POST
def bare(request: HttpRequest) -> HttpResponse:
    """The least a submit can do: one row of the application's shape, one commit, one redirect."""
    actor = actor_of(request)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BARE, [actor.organisation_id, actor.user_id])
        made = cursor.fetchone()[0]
    return redirect(f"/cases/{made}/")


urlpatterns = [
    path("bench/bare/", bare),
    path("bench/ordinary/<int:draft_id>/", ordinary.submit),
    path("", include("portal.urls")),
]
