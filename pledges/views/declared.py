"""The papers made from ticked boxes, on screen for printing and as PDF."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from pledges import declarations
from pledges.declarations import Made
from pledges.models import Registration
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.files import attach
from portal.foundation.core.pdf import engine

from .common import PARTIES, own, page

READERS = (*PARTIES, Role.CLERK, Role.CHIEF)


def _made(file: Registration, kind: str) -> Made:
    """The paper's kind; one that this file does not have is not there."""
    if kind not in {o.kind for o in declarations.offered(file)}:
        raise Http404
    return Made(kind)


@allow(*READERS)
@never_cache
@require_safe
def paper(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    file = own(request, number)
    said = declarations.context(file, _made(file, kind), now=moments.now())
    office = actor_of(request).role in (Role.CLERK, Role.CHIEF)
    return page(
        request, "pledges/made.html", file, paper=said, printable=engine.available().ok, office=office, kind=kind
    )


@allow(*READERS)
@never_cache
@require_safe
def paper_pdf(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """The same words as a PDF/UA file; where none can be made, the page says how to print instead."""
    file = own(request, number)
    made = _made(file, kind)
    said = declarations.context(file, made, now=moments.now())
    try:
        body = engine.render_template("pdf/declaration.html", said | {"paper_view": said, "table": "list"})
    except DomainError as error:
        return render(
            request, "pledges/made_missing.html", {"file": file, "kind": kind, "error": error}, status=error.status
        )
    return attach(body, media_type="application/pdf", name=f"{made.label}{file.number}.pdf")
