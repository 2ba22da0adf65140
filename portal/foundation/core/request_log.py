"""A number for every request, a line in the log for every answer, and the counts that `/metrics` shows.

The middleware stands first, so that whatever refuses a request is counted too.
"""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from . import counts, logs

log = logging.getLogger("portal.access")


class RequestLogMiddleware:
    """Sets `request.request_id` and the answer's X-Request-Id. What a client sends under that name is not looked at."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        request.request_id = logs.new_id()  # type: ignore[attr-defined]
        with logs.during(request):
            response = self.get_response(request)
            response.headers["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
            seconds = time.perf_counter() - began
            match = request.resolver_match
            if match is None and response.status_code < 400:  # a style sheet or a picture, served before any view
                return response
            route = match.view_name if match else ""
            counts.took(route or "none", request.method or "", response.status_code, seconds)
            if settings.LOG_REQUESTS:
                facts = {"method": method(request), "status": response.status_code, "ms": round(seconds * 1000, 1)}
                log.info("answered", extra={"facts": facts})
        return response


def method(request: HttpRequest) -> str:
    """The method if it is one that exists: a client may send any word."""
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
    return request.method if request.method in known else "other"
