"""The public product pages: matrix with filters, up to four side by side, one product, its history, the list as a paper."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.utils.feedgenerator import Atom1Feed
from django.views.decorators.http import require_safe

from portal.foundation.accounts.guards import public
from portal.foundation.accounts.models import Role
from portal.foundation.assets.valuation import needed
from portal.foundation.core import moments
from portal.foundation.core.files import attach
from portal.foundation.core.numbers import whole
from portal.foundation.core.pdf import engine
from portal.foundation.core.rates import Rate, limited
from products import costing, facts, printing, queries, terms
from products.forms import MatrixForm
from products.models import Product, ProductVersion
from products.subsidies import estimates
from products.subsidies.models import SubsidyScheme

SHOWN_CHANGES = 50
# Four pages a second from one person or line is no reader; making the paper takes a second of a processor.
READING = Rate("products", 240, timedelta(minutes=1))
PRINTING = Rate("product-list", 20, timedelta(minutes=10))


def apply_url(request: HttpRequest) -> str:
    """Where a request starts; empty for people who work for an institution or an office."""
    actor = getattr(request, "actor", None)
    if actor is not None and actor.role != Role.ENTERPRISE:
        return ""
    try:
        return reverse("apply:start")
    except NoReverseMatch:
        return ""


def schemes_of(request: HttpRequest) -> list[SubsidyScheme] | None:
    """The interest subsidies of the enterprise that is logged in, by its district; None for everybody else."""
    actor = getattr(request, "actor", None)
    if actor is None or actor.role != Role.ENTERPRISE:
        return None
    district: str | None = request.membership.organisation.district_id  # type: ignore[attr-defined]
    return estimates.schemes_for(district, today=moments.local_date(moments.now()))


@public
@limited(READING)
@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    """The list; with two or more `c` the products side by side."""
    ids = request.GET.getlist("c")
    picked = queries.chosen(ids) if ids else []
    if len(picked) >= 2:
        return _compare(request, picked)
    form = MatrixForm(request.GET)
    valid = form.is_valid()
    found = queries.matching(form.cleaned_data)
    page = queries.page_of(found, after=whole(request.GET.get("after")))
    context = {
        "form": form,
        "filtered": any(form.cleaned_data.get(name) for name in form.fields),
        "rows": [
            (p, facts.amount(p), facts.term(p), facts.rate(p), facts.kinds(p), facts.rate_name(p)) for p in page.rows
        ],
        "page": page,
        "count": found.count(),
        "library": queries.library(),
        "too_few": bool(ids),
        "picked": {p.pk for p in picked},
        "unknown": facts.UNKNOWN,
        "printable": engine.available().ok,
    }
    return render(request, "products/list.html", context, status=200 if valid else 400)


def _compare(request: HttpRequest, picked: list[Product]) -> HttpResponse:
    products = picked[: queries.MAX_COMPARED]
    names = queries.district_names(code for p in products for code in p.districts)
    different, same = facts.side_by_side(products, names=names)
    wish = MatrixForm(request.GET)
    wish.is_valid()
    amount = wish.cleaned_data.get("amount") or costing.EXAMPLE_AMOUNT
    months = wish.cleaned_data.get("term") or costing.EXAMPLE_MONTHS
    schemes = schemes_of(request)
    for row in costing.comparison_rows(products, amount=amount, term_months=months, schemes=schemes or ()):
        (different if row.differs else same).append(row)
    context = {
        "products": products,
        "different": different,
        "same": same,
        "same_count": len(same),
        "left_out": picked[queries.MAX_COMPARED :],
        "apply_url": apply_url(request),
        "trail": [(reverse("products:list"), "产品矩阵")],
        "most": queries.MAX_COMPARED,
        "assumed": costing.assumed(),
        "subsidies": costing.subsidies_said(schemes),
        "everything": request.GET.get("show") == "all",
    }
    return render(request, "products/compare.html", context)


@public
@require_safe
def product(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(queries.shown().select_related("institution__organisation", "current"), pk=pk)
    context = {
        "product": found,
        "lines": facts.all_lines(found, names=queries.district_names(found.districts)),
        "history": queries.public_changes().filter(product=found)[:SHOWN_CHANGES],
        "apply_url": apply_url(request),
        "value_rule": needed.advice(),
        "trail": [(reverse("products:list"), "产品矩阵")],
        "unknown": facts.UNKNOWN,
    }
    return render(request, "products/detail.html", context)


@public
@require_safe
def version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The terms as they stood in public, whatever became of the product: an offer refers to them."""
    versions = ProductVersion.objects.public().select_related("product__institution__organisation", "product__current")
    found = get_object_or_404(versions, product_id=pk, number=number)
    shown = terms.as_product(found.product, found.terms)
    context = {
        "version": found,
        "product": shown,
        "public": queries.shown().filter(pk=pk).exists(),
        "lines": facts.all_lines(shown, names=queries.district_names(shown.districts)),
        "trail": [(reverse("products:list"), "产品矩阵")],
        "unknown": facts.UNKNOWN,
    }
    return render(request, "products/version.html", context)


@public
@limited(READING)
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """What changed in the library, newest first."""
    after = request.GET.get("after", "")
    rows = queries.changes_page(after)
    more = len(rows) > queries.PAGE
    context = {
        "rows": rows[: queries.PAGE],
        "after": f"{rows[queries.PAGE - 1].pk}" if more else "",
        "first": not after,
        "trail": [(reverse("products:list"), "产品矩阵")],
    }
    return render(request, "products/changes.html", context)


@public
@limited(READING)
@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """The last changes as Atom, for other platforms and for readers."""
    home = settings.PUBLIC_URL
    latest = list(queries.public_changes()[:SHOWN_CHANGES])
    atom = Atom1Feed(
        title="“渝知贷”产品库变动",
        link=home + reverse("products:changes"),
        description="产品的发布、更新、暂停、恢复和下架",
        language="zh-CN",
        feed_url=home + reverse("products:feed"),
    )
    for change in latest:
        where = reverse("products:version", args=[change.product_id, change.version.number]) if change.version else ""
        atom.add_item(
            title=f"{change.get_kind_display()}：{change.product.institution}《{change.product.name}》",
            link=home + (where or reverse("products:changes")),
            description=queries.said(change),
            pubdate=change.at,
            updateddate=change.at,
            unique_id=f"{home}/products/changes/{change.pk}",
        )
    return HttpResponse(atom.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


@public
@limited(PRINTING)
@require_safe
def paper(request: HttpRequest) -> HttpResponse:
    """《渝知贷主要产品清单》 as PDF: what the matrix shows now, as far as it can be printed."""
    now = moments.now()
    name = f"渝知贷主要产品清单-{moments.local_date(now)}.pdf"
    return attach(printing.product_list(now=now), media_type="application/pdf", name=name)
