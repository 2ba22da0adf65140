"""产品审核: the regulator's desk of the library."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from products import changes, forms_edit, queries, queries_managed, rules, staleness, terms
from products.actions import drafting, life, review
from products.models import LibraryPolicy, ProductVersion

TABS = {"waiting": "待审核", "all": "全部产品", "stale": "久未确认"}


@allow(Role.REGULATOR)
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """What waits, oldest first; every product; those nobody has confirmed for long."""
    actor, now, days = actor_of(request), moments.now(), staleness.stale_days()
    tab = request.GET.get("tab", "waiting")
    tab = tab if tab in TABS else "waiting"
    after, q = request.GET.get("after", ""), request.GET.get("q", "").strip()[:40]
    waiting, later = queries_managed.waiting_page(after) if tab == "waiting" else ([], "")
    counts = {"waiting": queries_managed.waiting().count(), "stale": staleness.stale(now=now, days=days).count()}
    context = {
        "tab": tab,
        "tabs": [(code, label, counts.get(code)) for code, label in TABS.items()],
        "waiting": waiting,
        "after": after,
        "later": later,
        "page": None
        if tab == "waiting"
        else queries_managed.managed_page(actor, after=after, now=now, days=days, stale_only=tab == "stale", q=q),
        "q": q,
        "days": days,
    }
    return render(request, "products/review.html", context)


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def item(request: HttpRequest, pk: int) -> HttpResponse:
    """One version against the public one: publish it, or return it with a reason."""
    actor, now = actor_of(request), moments.now()
    found = queries_managed.reviewable(actor)
    version = get_object_or_404(found, pk=pk)
    decision = request.POST.get("decision", "") if request.method == "POST" else ""
    returning = decision == "return"
    form = forms_edit.ReturnForm(request.POST if returning else None)
    refused, status = "", 200
    seen = request.POST.get("seen", "")
    if request.method == "POST" and decision not in ("publish", "return"):
        refused, status = "请用下面的按钮办理。", 400
    elif returning and not form.is_valid():
        status = 400
    elif request.method == "POST":
        try:
            if returning:
                review.send_back(pk, reason=form.cleaned_data["reason"], seen=seen, actor=actor, now=now)
                messages.success(request, "已退回机构修改。")
            else:
                done = review.publish(pk, seen=seen, actor=actor, now=now)
                messages.success(request, f"“{done.product.name}”第 {done.number} 版已发布。")
        except DomainError as error:
            refused, status = error.reason, error.status
            version = get_object_or_404(found, pk=pk)
        else:
            return redirect("products:review")
    product = version.product
    names = queries.district_names([*product.districts, *(version.terms.get("districts") or [])])
    before = terms.as_product(product, product.current.terms) if product.current else None
    gone = version.state in ProductVersion.INSIDE
    lines = [] if gone else changes.lines(before, terms.as_product(product, version.terms), names=names)
    context = {
        "version": version,
        "seen": drafting.seen_of(version),
        "product": product,
        "first": before is None,
        "different": [line for line in lines if line.differs] if before else lines,
        "same": [line for line in lines if not line.differs] if before else [],
        "form": form,
        "refused": refused,
        "gone": gone,
        "open": bool(rules.can_review(actor, version)),
        "trail": [(reverse("products:review"), "产品审核")],
    }
    return render(request, "products/review_item.html", context, status=status)


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """After how many days a product counts as stale, and who set that when."""
    actor, now = actor_of(request), moments.now()
    form = forms_edit.StaleDaysForm(
        request.POST if request.method == "POST" else None, initial={"days": staleness.stale_days()}
    )
    status = 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        try:
            made = life.set_stale_days(**form.cleaned_data, actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"确认期限已设为 {made.stale_days} 天，即时生效。")
            return redirect("products:policy")
    context = {
        "form": form,
        "days": staleness.stale_days(),
        "history": LibraryPolicy.objects.order_by("-pk")[:20],
        "trail": [(reverse("products:review"), "产品审核")],
    }
    return render(request, "products/policy.html", context, status=status)
