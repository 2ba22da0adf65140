"""The public product pages: matrix with filters, up to four side by side, one product."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from portal.foundation.accounts.guards import public
from portal.foundation.accounts.models import Role

from . import costing, facts, queries
from .forms import MatrixForm
from .models import Product


def apply_url(request: HttpRequest) -> str:
    """Where a request starts; empty for people who work for an institution or an office."""
    actor = getattr(request, "actor", None)
    if actor is not None and actor.role != Role.ENTERPRISE:
        return ""
    try:
        return reverse("apply:start")
    except NoReverseMatch:
        return ""


@public
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
    after = request.GET.get("after", "")
    page = queries.page_of(found, after=int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None)
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
    }
    return render(request, "products/list.html", context, status=200 if valid else 400)


def _compare(request: HttpRequest, picked: list[Product]) -> HttpResponse:
    products = picked[: queries.MAX_COMPARED]
    different, same = facts.side_by_side(products)
    wish = MatrixForm(request.GET)
    wish.is_valid()
    amount = wish.cleaned_data.get("amount") or costing.EXAMPLE_AMOUNT
    months = wish.cleaned_data.get("term") or costing.EXAMPLE_MONTHS
    for row in costing.comparison_rows(products, amount=amount, term_months=months):
        (different if row.differs else same).append(row)
    context = {
        "products": products,
        "different": different,
        "same": same,
        "left_out": picked[queries.MAX_COMPARED :],
        "apply_url": apply_url(request),
        "trail": [(reverse("products:list"), "产品矩阵")],
        "most": queries.MAX_COMPARED,
        "assumed": costing.ASSUMED,
    }
    return render(request, "products/compare.html", context)


@public
@require_safe
def product(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(queries.shown(), pk=pk)
    context = {
        "product": found,
        "lines": facts.all_lines(found),
        "apply_url": apply_url(request),
        "trail": [(reverse("products:list"), "产品矩阵")],
        "unknown": facts.UNKNOWN,
    }
    return render(request, "products/detail.html", context)
