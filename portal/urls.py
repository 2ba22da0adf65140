"""Every address of the portal."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from . import health, metrics

handler400 = "portal.errors.bad_request"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.server_error"

_MODULES = [
    ("", "portal.content.urls"),
    ("", "portal.foundation.accounts.urls"),
    ("patents/", "portal.foundation.assets.urls"),
    ("valuations/", "portal.foundation.assets.valuation.urls"),
    ("products/", "products.urls"),
    ("match/", "products.urls_match"),
    ("subsidies/", "products.subsidies.urls"),
    ("quotas/", "products.quotas.urls"),
    ("track/", "applications.urls.public"),
    ("apply/", "applications.urls.apply"),
    ("cases/", "applications.urls.cases"),
    ("desk/", "applications.urls.desk"),
    ("", "pledges.urls"),
    ("office/", "pledges.urls_office"),
    ("disposals/", "pledges.disposal.urls"),
    ("financing/", "pledges.other_rights.urls"),
    ("", "portal.reports.urls"),
    ("", "portal.evidence.urls"),
    ("", "portal.oversight.urls"),
    ("notices/", "portal.notifications.urls"),
    ("keys/", "portal.integrations.urls"),
]


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("portal.api")),
    path("healthz", health.alive, name="healthz"),
    path("healthz/deep", health.deep, name="healthz-deep"),
    path("metrics", metrics.metrics, name="metrics"),
    *(path(prefix, include(module)) for prefix, module in _MODULES if _there(module)),
]
