"""A refusal anywhere becomes a page (or a fragment) with its sentence and its status."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .errors import DomainError


class DomainErrorMiddleware:
    """Turns a DomainError that a view did not place beside a field into templates/errors/refused.html."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError) or request.path.startswith("/api/"):
            return None
        back = request.headers.get("Referer", "")
        if not back.startswith(f"{request.scheme}://{request.get_host()}/"):
            back = ""
        return render(request, "errors/refused.html", {"error": exception, "back": back}, status=exception.status)
