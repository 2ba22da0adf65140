"""Error pages that Django itself asks for."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from portal.foundation.core.door import MACHINES


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was open too long or came from elsewhere."""
    request.refused_as = "csrf"  # type: ignore[attr-defined]  # read by journal.refusals
    return render(request, "errors/csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A request that no form of ours sends; also a host name that is not ours. Without its files it may be too long (413)."""
    request.refused_as = "unreadable"  # type: ignore[attr-defined]  # read by journal.refusals; a form's 400 has no such mark
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    if request.path.startswith(MACHINES):
        return JsonResponse({"detail": "这个请求不能读，没有办理。"}, status=status)
    return render(request, "errors/400.html", status=status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The same page for «never existed» and «not yours»; a machine reads it as JSON, as every refusal."""
    if request.path.startswith(MACHINES):
        return JsonResponse({"detail": "没有，或不是本机构的。"}, status=404)
    return render(request, "errors/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(MACHINES):
        return JsonResponse({"detail": "系统出错，这一步没有完成。"}, status=500)
    return render(request, "errors/500.html", status=500)
