"""What no browser sends is refused at the door; a refusal further in becomes a page with its sentence and its status."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .errors import DomainError, retry_after
from .failpoints import failpoint


class ReadableRequestMiddleware:
    """400 for NUL characters anywhere (PostgreSQL keeps none, and no keyboard has one) and for forms in a strange charset.

    Without this every search field, path and cookie would need a check of its own. What a person sees is marked private,
    unless the view has said something stricter: no proxy may keep it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _has_nul([request.path, *request.COOKIES.values()]):
            raise BadRequest("NUL in the address or in a cookie")
        charset = (request.content_params or {}).get("charset", "utf-8")
        if request.content_type == "multipart/form-data" and charset.lower() not in ("utf-8", "utf8"):
            raise BadRequest("a form in another charset than UTF-8")
        response = self.get_response(request)
        if getattr(request, "actor", None) is not None:
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """After the CSRF check, which reads the form too."""
        for _, values in (*request.GET.lists(), *request.POST.lists()):
            if _has_nul(values):
                raise BadRequest("NUL in a form")


def _has_nul(texts: Iterable[str]) -> bool:
    return any("\0" in text for text in texts)


class DomainErrorMiddleware:
    """Turns a DomainError that a view did not place beside a field into templates/errors/refused.html."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        retry_after.set(None)
        response = self.get_response(request)
        if response.status_code == 429 and (seconds := retry_after.get()) is not None:
            response.headers.setdefault("Retry-After", str(seconds))
        failpoint("web.answer_lost")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError) or request.path.startswith("/api/"):
            return None
        back = request.headers.get("Referer", "")
        if not back.startswith(f"{request.scheme}://{request.get_host()}/"):
            back = ""
        return render(request, "errors/refused.html", {"error": exception, "back": back}, status=exception.status)
