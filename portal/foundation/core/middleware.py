"""What no browser sends is refused at the door; a refusal further in becomes a page with its sentence and its status."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .db import busy_of
from .errors import DomainError, patience
from .failpoints import failpoint


class ReadableRequestMiddleware:
    """400 for NUL characters anywhere (PostgreSQL keeps none, and no keyboard has one) and for forms in a strange charset.

    Without this every search field, path and cookie would need a check of its own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _has_nul([request.path, *request.COOKIES.values()]):
            raise BadRequest("NUL in the address or in a cookie")
        charset = (request.content_params or {}).get("charset", "utf-8")
        if request.content_type == "multipart/form-data" and charset.lower() not in ("utf-8", "utf8"):
            raise BadRequest("a form in another charset than UTF-8")
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """After the CSRF check, which reads the form too."""
        for _, values in (*request.GET.lists(), *request.POST.lists()):
            if _has_nul(values):
                raise BadRequest("NUL in a form")


def _has_nul(texts: Iterable[str]) -> bool:
    return any("\0" in text for text in texts)


class DomainErrorMiddleware:
    """Turns a DomainError that a view did not place beside a field into templates/errors/refused.html.

    A row that somebody else kept too long, wherever it was locked, is such a refusal too: 409 and «try again».
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        patience.set(None)
        response = self.get_response(request)
        if response.status_code == 429 and (seconds := patience.get()) is not None:
            response.headers.setdefault("Retry-After", str(seconds))
        failpoint("web.answer_lost")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        refusal = exception if isinstance(exception, DomainError) else busy_of(exception)
        if refusal is None or request.path.startswith("/api/"):
            return None
        request.refused_because = refusal.code  # type: ignore[attr-defined]  # read by journal.refusals
        back = request.headers.get("Referer", "")
        if not back.startswith(f"{request.scheme}://{request.get_host()}/"):
            back = ""
        return render(request, "errors/refused.html", {"error": refusal, "back": back}, status=refusal.status)
