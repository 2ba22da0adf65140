"""本机构产品: what an institution keeps in the library, and the verbs both it and the regulator have on a public product."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.verdict import Verdict, no
from products import changes, facts, forms_edit, queries, queries_managed, rules, staleness, terms
from products.actions import drafting, life, review
from products.models import Product, ProductVersion

INSTITUTION = (Role.OFFICER, Role.MANAGER)
BOTH = (*INSTITUTION, Role.REGULATOR)


@allow(*INSTITUTION)
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """The institution's products, what needs somebody first."""
    actor, now = actor_of(request), moments.now()
    rules.can_draft(actor).require()
    q, state = request.GET.get("q", "").strip()[:40], request.GET.get("state", "")
    page = queries_managed.managed_page(
        actor, after=request.GET.get("after", ""), now=now, days=staleness.stale_days(), q=q, state=state
    )
    context = {
        "page": page,
        "days": page.days,
        "q": q,
        "state": state,
        "states": [(code, label) for code, (label, _) in queries_managed.FILTERS.items()],
        "filtered": bool(q or state in queries_managed.FILTERS),
    }
    return render(request, "products/own.html", context)


@allow(*BOTH)
@require_safe
def manage(request: HttpRequest, pk: int) -> HttpResponse:
    """One product from inside: its state, its draft, what can be done now, its versions."""
    actor, now = actor_of(request), moments.now()
    product = get_object_or_404(queries_managed.managed(actor), pk=pk)
    versions = list(queries_managed.versions(actor).filter(product=product).order_by("-pk")[:50])
    draft = next((v for v in versions if v.state in ProductVersion.OPEN_STATES), None)
    names = queries.district_names([*product.districts, *(draft.terms.get("districts") or [] if draft else [])])
    shown = terms.as_product(product, draft.terms) if draft and product.current is None else product
    compared = (
        [line for line in changes.lines(product, terms.as_product(product, draft.terms), names=names) if line.differs]
        if draft and product.current is not None
        else []
    )
    context = {
        "product": product,
        "shown": shown,
        "lines": facts.all_lines(shown, names=names),
        "draft": draft,
        "changes": compared,
        "versions": versions,
        "verbs": [verb for verb in VERBS.values() if verb.allowed(actor, product, draft)],
        "editable": actor.role in INSTITUTION and bool(rules.can_edit(actor, product, draft)),
        "stale": queries_managed.is_stale(product, now=now, days=staleness.stale_days()),
        "regulator": actor.role == Role.REGULATOR,
        "expired": facts.expired(product, today=moments.local_date(now)),
        "trail": _trail(actor),
        "unknown": facts.UNKNOWN,
    }
    return render(request, "products/manage.html", context)


def _trail(actor: Actor) -> list[tuple[str, str]]:
    if actor.role == Role.REGULATOR:
        return [(reverse("products:review"), "产品审核")]
    return [(reverse("products:own"), "本机构产品")]


@allow(*INSTITUTION)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new product, saved as a draft."""
    actor = actor_of(request)
    rules.can_draft(actor).require()
    form = forms_edit.ProductForm(request.POST if request.method == "POST" else None, kind=actor.organisation_kind)
    return _written(
        request,
        form,
        None,
        lambda: drafting.start(form.values(), note=form.cleaned_data["note"], actor=actor, now=moments.now()),
    )


@allow(*INSTITUTION)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The draft of an own product; of one in public this begins its next version."""
    actor = actor_of(request)
    product = get_object_or_404(queries_managed.managed(actor), pk=pk)
    draft = product.versions.open().first()
    verdict = rules.can_edit(actor, product, draft)
    if not verdict:
        messages.error(request, verdict.reason)
        return redirect("products:manage", pk)
    shown = terms.as_product(product, draft.terms) if draft else product
    start = forms_edit.initial(shown) | {"seen": drafting.seen_of(draft), "note": draft.note if draft else ""}
    form = forms_edit.ProductForm(
        request.POST if request.method == "POST" else None, kind=actor.organisation_kind, initial=start
    )

    def save() -> ProductVersion:
        values, note, seen = form.values(), form.cleaned_data["note"], form.cleaned_data["seen"]
        return drafting.save(pk, values, note=note, seen=seen, actor=actor, now=moments.now())

    return _written(request, form, product, save, draft=draft)


def _written(
    request: HttpRequest,
    form: forms_edit.ProductForm,
    product: Product | None,
    save: Callable[[], ProductVersion],
    *,
    draft: ProductVersion | None = None,
) -> HttpResponse:
    status = 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        try:
            kept = save()
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "草稿已保存。核对以后点“提交审核”，监管部门发布后企业才能看到。")
            return redirect("products:manage", kept.product_id)
    back = reverse("products:manage", args=[product.pk]) if product else reverse("products:own")
    trail = [(reverse("products:own"), "本机构产品")]
    context = {"form": form, "product": product, "draft": draft, "back": back, "trail": trail}
    return render(request, "products/edit.html", context, status=status)


# --- verbs -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Verb:
    """A verb on a product with its own page: what it does is said before it is done."""

    code: str
    label: str
    effect: str
    done: str
    act: Callable[..., object]
    rule: Callable[[Actor, Product, ProductVersion | None], Verdict]
    reason: bool = False
    dangerous: bool = False
    direct: bool = False  # one click on the product's page, nothing to think over

    def allowed(self, actor: Actor, product: Product, draft: ProductVersion | None) -> bool:
        return bool(self.rule(actor, product, draft))


def _submittable(actor: Actor, product: Product, draft: ProductVersion | None) -> Verdict:
    return rules.can_submit(actor, product, draft) if draft else no("no_draft", "没有草稿可以提交，请先修改产品。")


VERBS: dict[str, Verb] = {
    verb.code: verb
    for verb in (
        Verb(
            "confirm", "仍然有效", "确认现行条款仍然有效，重新计算确认期限。", "已确认产品仍然有效。", life.confirm,
            lambda a, p, _: rules.can_confirm(a, p), direct=True,
        ),
        Verb(
            "submit", "提交审核", "监管部门审核发布后，企业看到的条款才会改变。审核期间可以撤回。", "已提交审核。", review.submit,
            _submittable, direct=True,
        ),
        Verb(
            "take-back", "撤回提交", "撤回后可以继续修改，再次提交。", "已撤回提交，可以继续修改。", review.take_back,
            rules.can_take_back,
        ),
        Verb(
            "discard", "作废草稿", "草稿作废后不能恢复；已发布的条款不受影响。", "草稿已作废。", drafting.discard,
            rules.can_discard, dangerous=True,
        ),
        Verb(
            "suspend", "暂停", "暂停期间产品不在矩阵里显示，也不再匹配新的需求；已经提交的需求照常办理。", "产品已暂停。",
            life.suspend, lambda a, p, _: rules.can_suspend(a, p), reason=True,
        ),
        Verb(
            "resume", "恢复", "产品重新在矩阵里显示，并视为已确认现行条款仍然有效。", "产品已恢复。", life.resume,
            lambda a, p, _: rules.can_resume(a, p),
        ),
        Verb(
            "withdraw", "下架", "下架后不能恢复，未发布的草稿一并作废；已出的方案仍按当时的版本办理。", "产品已下架。",
            life.withdraw, lambda a, p, _: rules.can_withdraw(a, p), reason=True, dangerous=True,
        ),
    )
}  # fmt: skip


@allow(*BOTH)
@require_http_methods(["GET", "HEAD", "POST"])
def verb(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """What the verb does, asked once more, then done."""
    actor, now = actor_of(request), moments.now()
    if verb not in VERBS:
        raise Http404
    chosen = VERBS[verb]
    product = get_object_or_404(queries_managed.managed(actor), pk=pk)
    draft = queries_managed.versions(actor).filter(product=product).open().first()
    form = forms_edit.ReasonForm(request.POST if request.method == "POST" else None) if chosen.reason else None
    verdict, status = chosen.rule(actor, product, draft), 200
    refused = "" if verdict else verdict.reason
    if not verdict:
        status = verdict.kind.status
    elif request.method == "POST" and form is not None and not form.is_valid():
        status = 400
    elif request.method == "POST":
        try:
            chosen.act(pk, **({"reason": form.cleaned_data["reason"]} if form else {}), actor=actor, now=now)
        except DomainError as error:
            refused, status = error.reason, error.status
        else:
            messages.success(request, chosen.done)
            gone = verb == "discard" and product.state == Product.State.DRAFT
            return redirect("products:own") if gone else redirect("products:manage", pk)
    context = {
        "product": product, "verb": chosen, "form": form, "refused": refused, "trail": [
            *_trail(actor), (reverse("products:manage", args=[pk]), product.name),
        ],
    }  # fmt: skip
    return render(request, "products/verb.html", context, status=status)
