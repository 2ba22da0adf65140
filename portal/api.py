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

router = SimpleRouter(use_regex_path=False)  # a place in an address has its type: what is no number is a 404
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


REFUSAL = {
    "type": "object",
    "description": "办不成的原因。`reason` 或 `detail` 是可以直接给人看的一句话；`fields` 或其余的键是出错的字段。",
    "additionalProperties": True,
}
# What every call may be answered with besides its own answers (docs/contracts/api-keys.md).
REFUSALS = {
    "400": "内容不符合要求，没有办理",
    "401": "没有登录，或签名不对",
    "403": "身份或密钥的权限不够",
    "404": "没有，或不是本机构的",
    "409": "状态已变，或同一个请求正在办理",
    "413": "内容太长",
    "415": "内容的类型不对",
    "429": "调用过于频繁，按 Retry-After 再试",
}


def with_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to every operation of the OpenAPI document how a refusal looks (a hook of drf-spectacular)."""
    result["components"].setdefault("schemas", {})["Refusal"] = REFUSAL
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    for path_ in result["paths"].values():
        for operation in path_.values():
            for status, why in REFUSALS.items():
                operation["responses"].setdefault(status, {"description": why, "content": body})
    return result


urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(router.urls)),
    path("v1/schema/", Description.as_view(permission_classes=[AllowAny]), name="api-schema"),
]
