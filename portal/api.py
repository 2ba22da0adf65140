"""The machine interface: addresses, who may call, and how a refusal looks. It calls the same actions as the pages."""

from typing import Any

from django.http import Http404
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import exception_handler

from applications.api import ReferralViewSet
from portal.foundation.core.db import busy_of
from portal.foundation.core.errors import DomainError
from products.api import ProductViewSet

router = SimpleRouter()
router.register("products", ProductViewSet, basename="api-product")
router.register("referrals", ReferralViewSet, basename="api-referral")


class Description(SpectacularAPIView):
    """The OpenAPI document, for people who are logged in; for everybody else there is none (attack 2)."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if getattr(request._request, "actor", None) is None:
            raise Http404
        super().initial(request, *args, **kwargs)


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """A DomainError, or a row somebody else keeps, has its code, its sentence and its status; everything else is DRF's."""
    refusal = error if isinstance(error, DomainError) else busy_of(error)
    if refusal is not None:
        said = {"code": refusal.code, "reason": refusal.reason, "fields": refusal.fields}
        return Response(said, status=refusal.status)
    return exception_handler(error, context)


urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(router.urls)),
    path("v1/schema/", Description.as_view(permission_classes=[AllowAny]), name="api-schema"),
]
