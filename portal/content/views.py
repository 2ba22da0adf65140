"""Public pages without a database, and the display settings of the reader's own browser."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from portal.foundation.accounts.guards import public
from portal.foundation.assets.valuation import needed
from portal.foundation.core.templatetags.portal_ui import MODES

from . import samples

_YEAR = 365 * 24 * 3600  # seconds

# The official path, named as on the live Chongqing service; every public page and every case uses these five names.
STAGES: tuple[dict[str, str], ...] = (
    {"label": "产品选择", "detail": "按专利、金额和期限，在“渝知贷”产品矩阵里找合适的产品。"},
    {"label": "需求提交", "detail": "填一张表，选择收到需求的机构；机构在 2 个工作日内响应对接。"},
    {"label": "评估价值", "detail": "单笔 1000 万元以下，可由机构内部评估或与您协商确定价值。"},
    {"label": "申请质押", "detail": "合同签好后在线申请专利质押登记，符合要求的力争 1 个工作日内办结。"},
    {"label": "获得贷款", "detail": "登记完成后放款，全程用时在办件里看得到。"},
)


@public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """首页: the promise, its four figures, the five stages and the progress look-up."""
    return render(request, "content/home.html", {"stages": STAGES})


@public
@require_safe
def policy(request: HttpRequest) -> HttpResponse:
    """The ten measures of 渝银发〔2025〕58号 in full, each with an anchor."""
    return render(request, "content/policy.html")


@public
@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """办事指南 of the two matters: a financing request, and the registration of a patent pledge."""
    return render(request, "content/guide.html", {"stages": STAGES, "value_rule": needed.limit()})


@public
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """无障碍说明."""
    return render(request, "content/accessibility.html")


@public
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """隐私说明."""
    return render(request, "content/privacy.html")


@public
@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state, with the line of template that produces it."""
    context: dict[str, Any] = samples.context()
    return render(request, "styleguide.html", context)


# Exempt from the token, not from the rule: a page that carries a token differs on every request, which would spoil the
# caching of every public page for the sake of a preference. The origin check below refuses other sites just as well.
@public
@csrf_exempt
@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Switches 大字版, 高对比, 紧凑 or the single-key shortcuts: one cookie each, then back to the page."""
    if not _same_origin(request):
        return HttpResponseForbidden("显示设置只能在本网站上更改。", content_type="text/plain; charset=utf-8")
    target = request.POST.get("next", "")
    if not target.startswith("/") or not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = "/"
    response = HttpResponseRedirect(target)
    for name, value in MODES.items():
        wanted = request.POST.get(name)
        if wanted == value:
            # Readable by scripts on purpose: portal.js switches without leaving the page. It holds no secret.
            response.set_cookie(f"display_{name}", value, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
        elif wanted is not None:
            response.delete_cookie(f"display_{name}", samesite="Lax")
    return response


def _same_origin(request: HttpRequest) -> bool:
    """Whether the browser says that the form was on this site; a client that sends neither header is not a browser."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.get_host()
