"""The door: what no page of ours and no machine that keeps the contract sends is refused before anything is read.

Forms come as forms, the machine interface speaks JSON; both with a length, uncompressed, and no longer than they may be.
What two readers could understand differently (a body with two lengths, a field twice) is nobody's to interpret.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render

from .errors import DomainError, Invalid, TooLarge, WrongType

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
MACHINES = "/api/"
# What the portal's pages never use of a browser.
PERMISSIONS = ", ".join(
    f"{name}=()"
    for name in (
        *(
            "accelerometer",
            "ambient-light-sensor",
            "autoplay",
            "bluetooth",
            "browsing-topics",
            "camera",
            "display-capture",
        ),
        *("encrypted-media", "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection"),
        *("local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "screen-wake-lock"),
        *("serial", "usb", "web-share", "window-management", "xr-spatial-tracking"),
    )
)


class DoorMiddleware:
    """405, 413 and 415 before any other work; and the headers that every answer has."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._answer(request)
        response.headers["Permissions-Policy"] = PERMISSIONS
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if getattr(request, "actor", None) is not None:
            # Nobody who sits down at this computer later reads it from the browser's store, and no proxy keeps it.
            # A part that refreshes itself says its own: it asks every time, and is told «the same» by its ETag.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.method not in METHODS:
            request.refused_as = "method"  # type: ignore[attr-defined]  # for the trace (journal.refusals), as below
            return HttpResponseNotAllowed(METHODS)
        error = wrong_body(request)
        if error is None:
            return self.get_response(request)
        request.refused_because = error.code  # type: ignore[attr-defined]
        if error.status == Invalid.status:  # a form's own 400 is no refusal, so this one says that it is
            request.refused_as = "unreadable"  # type: ignore[attr-defined]
        if request.path.startswith(MACHINES):
            said = {"code": error.code, "reason": error.reason, "fields": {}}
            return JsonResponse(said, status=error.status)
        return render(request, "errors/refused.html", {"error": error, "back": ""}, status=error.status)


def wrong_body(request: HttpRequest) -> DomainError | None:
    """What is wrong with the form or JSON that comes with a request, judged by its headers alone."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        return Invalid("length", "提交的内容没有说明长度，没有办理。")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        return WrongType("encoding", "不接受压缩后的内容。请不压缩直接提交。")
    announced = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (announced.isascii() and announced.isdigit()):
        return Invalid("length", "提交内容的长度不是数字，没有办理。")
    length, kind = int(announced), (request.content_type or "").lower()
    longest = settings.BODY_MAX_BYTES if kind == FORMS[1] else settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    if length > longest:
        return TooLarge(
            "too_large", f"提交的内容有 {length / 1048576:.1f} MB，超过 {longest // 1048576} MB。请分次提交。"
        )
    if length and kind not in FORMS and not request.path.startswith(MACHINES):
        return WrongType("type", "这里只接受网页表单提交的内容。请在页面上填写后提交。")
    return None
