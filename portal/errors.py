"""Error pages that Django itself asks for."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was open too long or came from elsewhere."""
    request.refused_as = "csrf"  # type: ignore[attr-defined]  # read by journal.refusals
    return render(request, "errors/csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A request that no form of ours sends; also a host name that is not ours. Without its files it may be too long (413)."""
    request.refused_as = "unreadable"  # type: ignore[attr-defined]  # read by journal.refusals; a form's 400 has no such mark
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return render(request, "errors/400.html", status=status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The same page for «never existed» and «not yours»."""
    return render(request, "errors/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "errors/500.html", status=500)
