"""The machine interface: addresses, who may call, and how a refusal looks. It calls the same actions as the pages."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import exception_handler

from applications.api import ReferralViewSet
from portal.foundation.core.errors import DomainError, TooMany
from products.api import ProductViewSet

router = SimpleRouter()
router.register("products", ProductViewSet, basename="api-product")
router.register("referrals", ReferralViewSet, basename="api-referral")


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """A DomainError keeps its code, its sentence and its status; everything else is DRF's."""
    if isinstance(error, DomainError):
        said = {"code": error.code, "reason": error.reason, "fields": error.fields}
        headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else None
        return Response(said, status=error.status, headers=headers)
    return exception_handler(error, context)


urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(router.urls)),
    path("v1/schema/", SpectacularAPIView.as_view(permission_classes=[AllowAny]), name="api-schema"),
]
