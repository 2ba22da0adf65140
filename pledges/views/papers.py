"""Papers of a file: what was handed in, what the office issued, and the application form."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from pledges import application_form, notices, receipts
from pledges.models import Notice
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import qr
from portal.foundation.core.errors import DomainError
from portal.foundation.core.files import alone, attach
from portal.foundation.core.papers import Paper
from portal.foundation.core.pdf import engine
from portal.foundation.journal import looks
from portal.foundation.journal.sending import send

from .common import PARTIES, looked, own, owner_for, trail

READERS = (*PARTIES, Role.CLERK, Role.CHIEF)


@allow(*READERS)
@never_cache
@require_safe
def document(request: HttpRequest, number: str, ref: str) -> HttpResponse | FileResponse:
    """A paper of the file: as a download, or for reading beside the check list (`?inline=1`)."""
    file = own(request, number)
    stored = file.documents.filter(ref=ref).first()
    if stored is None:
        raise Http404
    return send(
        request,
        stored,
        reader=actor_of(request),
        owner_id=owner_for(file, actor_of(request)),
        inline="inline" in request.GET,
    )


def _notice(request: HttpRequest, number: str, notice_id: int) -> Notice:
    return get_object_or_404(own(request, number).notices, pk=notice_id)


@allow(*READERS, Role.REGULATOR)
@never_cache
@require_safe
def notice(request: HttpRequest, number: str, notice_id: int) -> HttpResponse:
    """The notice on screen, with its download and its verification; printable where no PDF can be made."""
    file, paper = own(request, number), _notice(request, number, notice_id)
    looked(request, file, looks.What.PAPER, f"notice:{paper.pk}")
    url = notices.address(paper)
    context = {
        "file": file,
        "notice": paper,
        "paper": notices.context(paper),
        "code": notices.spaced(paper.verify_code),
        "verify_url": url,
        "qr": qr.data_uri(url),
        "printable": engine.available().ok,
        "trail": [] if actor_of(request).role in (Role.CLERK, Role.CHIEF) else trail(file),
    }
    return render(request, "pledges/notice.html", context)


@allow(*READERS, Role.REGULATOR)
@never_cache
@require_safe
def notice_pdf(request: HttpRequest, number: str, notice_id: int) -> HttpResponse | FileResponse:
    """The stored file, made now if it could not be made before: the same number, the same bytes, every time."""
    paper = _notice(request, number, notice_id)
    looked(request, paper.registration, looks.What.PAPER, f"notice:{paper.pk}")
    try:
        return download(notices.print_notice(paper.pk))
    except DomainError as error:
        return _missing(request, paper, number, error)


@allow(*READERS)
@never_cache
@require_safe
def receipt_pdf(request: HttpRequest, number: str, receipt_id: int) -> HttpResponse | FileResponse:
    """接收清单 in two copies: the stored file, like a notice. It names the files handed in, so the regulator does not get it."""
    file = own(request, number)
    paper = get_object_or_404(file.receipts, pk=receipt_id)
    looked(request, file, looks.What.PAPER, f"receipt:{paper.pk}")
    try:
        return download(receipts.print_receipt(paper.pk))
    except DomainError as error:
        return _missing(request, paper, number, error)


@allow(*READERS)
@never_cache
@require_safe
def application_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """专利权质押登记申请表, filled in from the file as it is now."""
    file = own(request, number)
    looked(request, file, looks.What.PAPER, f"application-form:{file.pk}")
    try:
        body = application_form.render(file)
    except DomainError as error:
        return _missing(request, None, number, error)
    return attach(body, media_type="application/pdf", name=f"专利权质押登记申请表{file.number}.pdf")


def _missing(request: HttpRequest, paper: Paper | None, number: str, error: DomainError) -> HttpResponse:
    """The paper cannot be printed now; a notice can be read as a page instead."""
    context = {"notice": paper if isinstance(paper, Notice) else None, "number": number, "error": error}
    return render(request, "pledges/notice_missing.html", context, status=error.status)


def download(printed: Paper) -> FileResponse:
    """The stored file under its title and number."""
    response = FileResponse(
        printed.file.open("rb"),
        as_attachment=True,
        filename=f"{printed.title}{printed.number}.pdf",
        content_type="application/pdf",
    )
    return alone(response)
