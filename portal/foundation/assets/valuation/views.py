"""The pages of valuations: list, begin, inputs of each approach, scores, result, closing. Owners edit, others only read."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import confirming, moments
from portal.foundation.core.display import money_wan
from portal.foundation.core.errors import DomainError, Invalid
from portal.foundation.core.forms import place
from portal.foundation.core.numbers import version_of
from portal.foundation.journal import looks

from . import actions, inputs, needed, presenting, rules
from .forms import FORMS, FinalForm, ScoresForm, SharesForm, StartForm, Versioned
from .models import AgencyRequest, Valuation

VALUERS = (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER)


def found(request: HttpRequest, number: str) -> Valuation:
    """One the reader may see; anything else is the same 404 as a missing one."""
    rows = Valuation.objects.visible_to(actor_of(request)).select_related("weights", "organisation", "replaces")
    return get_object_or_404(rows.prefetch_related("patents"), number=number)


def owned(request: HttpRequest, number: str) -> Valuation:
    rows = Valuation.objects.owned(actor_of(request)).select_related("weights", "organisation")
    return get_object_or_404(rows.prefetch_related("patents"), number=number)


def looked(request: HttpRequest, valuation: Valuation) -> None:
    """The enterprise that made it sees who read it."""
    subject, actor = f"valuation:{valuation.pk}", actor_of(request)
    looks.note(request, owner_id=valuation.organisation_id, actor=actor, what=looks.What.VALUATION, subject=subject)


def trail(valuation: Valuation | None = None) -> list[tuple[str, str]]:
    start = [(reverse("valuations:list"), "专利估值")]
    return [*start, (reverse("valuations:detail", args=[valuation.number]), valuation.number)] if valuation else start


@allow(*VALUERS)
@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Own valuations, and to an institution those it has been shown: two lists, each newest first and paged by itself."""
    actor = actor_of(request)
    rows = (
        Valuation.objects.visible_to(actor).select_related("organisation").prefetch_related("patents").order_by("-pk")
    )
    mine = {"organisation_id": actor.organisation_id}
    asked = AgencyRequest.objects.filter(**mine, answered_at=None)
    enterprise = actor.role == Role.ENTERPRISE
    context = {
        "own": presenting.paged(rows.filter(**mine), request.GET.get("after", "")),
        "shown": None if enterprise else presenting.paged(rows.exclude(**mine), request.GET.get("shown", "")),
        "free": needed.limit().words,
        "enterprise": enterprise,
        "waiting": asked.count() if actor.role == Role.ENTERPRISE else 0,
    }
    return render(request, "valuations/list.html", context)


@allow(Role.ENTERPRISE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Choose patents and scene; `?patent=` comes from the patent list."""
    actor = actor_of(request)
    patents = presenting.choosable(actor)
    if request.method != "POST":
        form = StartForm(patents=patents, initial={"patents": request.GET.getlist("patent")})
        return render(request, "valuations/start.html", {"form": form, "trail": trail(), "some": bool(patents)})
    form = StartForm(request.POST, patents=patents)
    status = 400
    if form.is_valid():
        try:
            made = actions.start(
                [int(pk) for pk in form.cleaned_data["patents"]],
                scene=form.cleaned_data["scene"],
                purpose=form.cleaned_data["purpose"],
                actor=actor,
                now=moments.now(),
            )
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"已开始编制 {made.number}。请至少填写一种方法。")
            return redirect("valuations:detail", made.number)
    context = {"form": form, "trail": trail(), "some": bool(patents)}
    return render(request, "valuations/start.html", context, status=status)


@allow(*VALUERS)
@never_cache
@require_safe
def detail(request: HttpRequest, number: str) -> HttpResponse:
    valuation = found(request, number)
    looked(request, valuation)
    return page(request, valuation)


def page(
    request: HttpRequest, valuation: Valuation, *, shares: SharesForm | None = None, status: int = 200
) -> HttpResponse:
    """The valuation with everything that can be done next."""
    actor = actor_of(request)
    context = presenting.context(valuation, actor, today=moments.local_date(moments.now()))
    several = context["editable"] and len(context["used"]) > 1
    if several and shares is None:
        shares = SharesForm(
            used={part.kind: part.name for part in context["used"]},
            initial={**valuation.shares_of_value, "version": valuation.version},
        )
    context |= {
        "form": shares,
        "trail": trail(),
        "may_renew": context["own"] and bool(rules.can_renew(actor, valuation)),
        "paper": getattr(valuation, "paper", None),
        "enterprise": actor.role == Role.ENTERPRISE,
    }
    return render(request, "valuations/detail.html", context, status=status)


@allow(*VALUERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def approach(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """The inputs of one approach; «不采用» takes it out."""
    valuation = owned(request, number)
    if kind not in FORMS:
        raise Http404
    kept = valuation.inputs.get(kind)
    if request.method != "POST":
        initial: dict[str, Any] = FORMS[kind].initial_of(inputs.read(kind, kept)) if kept else {}  # type: ignore[arg-type]
        form = FORMS[kind](initial={**initial, "version": valuation.version})
        return _approach_page(request, valuation, kind, form)
    if "away" in request.POST:
        return _take_out(request, valuation, kind)
    form = FORMS[kind](request.POST)
    status = 400
    if form.is_valid():
        try:
            actions.set_inputs(
                valuation.pk,
                kind,
                form.given(),
                version=form.cleaned_data["version"],
                actor=actor_of(request),
                now=moments.now(),
            )
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"{inputs.KINDS[kind]}已保存，结果重新计算。")
            return redirect("valuations:detail", valuation.number)
    return _approach_page(request, valuation, kind, form, status)


def _take_out(request: HttpRequest, valuation: Valuation, kind: str) -> HttpResponse:
    """«不采用»: nothing typed is looked at."""
    seen = Versioned(request.POST)
    if not seen.is_valid():
        raise Invalid("version", "页面不完整，请回到估值重新打开这一方法。")
    if kind in valuation.inputs and not confirming.sure(request):
        name, value = inputs.KINDS[kind], getattr(valuation, f"{kind}_value")
        effect = f"{name}填写的全部参数会删去，结果按其余方法重新计算；要再用就得重新填写。"
        back = reverse("valuations:approach", args=[valuation.number, kind])
        told = [("估值编号", valuation.number), ("这一方法的结果", money_wan(value))]
        return confirming.ask(request, confirming.Question(f"不采用{name}", name, effect, back, told, dangerous=True))
    actions.set_inputs(
        valuation.pk, kind, None, version=seen.cleaned_data["version"], actor=actor_of(request), now=moments.now()
    )
    messages.success(request, f"{inputs.KINDS[kind]}已取消，结果重新计算。")
    return redirect("valuations:detail", valuation.number)


def _approach_page(request: HttpRequest, valuation: Valuation, kind: str, form: Any, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "kind": kind,
        "name": inputs.KINDS[kind],
        "method": presenting.METHODS[kind],
        "valuation": valuation,
        "used": kind in valuation.inputs,
        "editable": bool(rules.can_edit(actor_of(request), valuation)),
        "trail": trail(valuation),
    }
    return render(request, "valuations/approach.html", context, status=status)


@allow(*VALUERS)
@require_POST
def shares(request: HttpRequest, number: str) -> HttpResponse:
    """The weights of the approaches."""
    valuation = owned(request, number)
    form = SharesForm(
        request.POST, used={kind: inputs.KINDS[kind] for kind in inputs.KINDS if kind in valuation.inputs}
    )
    status = 400
    if form.is_valid():
        try:
            actions.set_shares(
                valuation.pk,
                form.shares(),
                version=form.cleaned_data["version"],
                actor=actor_of(request),
                now=moments.now(),
            )
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "方法权重已保存。")
            return redirect("valuations:detail", valuation.number)
    return page(request, valuation, shares=form, status=status)


@allow(*VALUERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def scores(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """The 27 indicators of one patent."""
    valuation = owned(request, number)
    row = get_object_or_404(valuation.patents, pk=pk)
    status = 200
    if request.method != "POST":
        form = ScoresForm(row=row, initial={"version": valuation.version})
    else:
        form, status = ScoresForm(request.POST, row=row), 400
        if form.is_valid():
            try:
                actions.set_scores(
                    valuation.pk,
                    row.pk,
                    form.given(),
                    version=form.cleaned_data["version"],
                    actor=actor_of(request),
                    now=moments.now(),
                )
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, f"{row.dotted} 的得分已保存。")
                return redirect("valuations:detail", valuation.number)
    context = presenting.context(valuation, actor_of(request), today=moments.local_date(moments.now()))
    context |= {"form": form, "row": row, "trail": trail(valuation)}
    return render(request, "valuations/scores.html", context, status=status)


@allow(*VALUERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def final(request: HttpRequest, number: str) -> HttpResponse:
    """Ask once more, then close."""
    valuation, now = owned(request, number), moments.now()
    suggested = moments.local_date(now) + timedelta(days=rules.VALID_DAYS)
    status = 200
    if request.method != "POST":
        form = FinalForm(suggested=suggested, initial={"version": valuation.version})
    else:
        form, status = FinalForm(request.POST, suggested=suggested), 400
        if form.is_valid():
            try:
                actions.finalise(
                    valuation.pk,
                    valid_until=form.cleaned_data["valid_until"],
                    version=form.cleaned_data["version"],
                    actor=actor_of(request),
                    now=now,
                )
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, f"{valuation.number} 已定稿。")
                return redirect("valuations:detail", valuation.number)
    context = {"form": form, "valuation": valuation, "trail": trail(valuation)}
    return render(request, "valuations/final.html", context, status=status)


@allow(*VALUERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: HttpRequest, number: str) -> HttpResponse:
    """Ask once more, then throw the draft away."""
    valuation, actor = owned(request, number), actor_of(request)
    verdict = rules.can_edit(actor, valuation)
    note = "" if verdict else verdict.reason
    if request.method == "POST":
        version = version_of(request)
        try:
            actions.discard(valuation.pk, version=version, actor=actor, now=moments.now())
        except DomainError as error:
            note = error.reason
        else:
            messages.success(request, f"已删除未定稿的估值 {number}。")
            return redirect("valuations:list")
    context = {"valuation": valuation, "trail": trail(valuation), "note": note, "may": bool(verdict)}
    return render(request, "valuations/discard.html", context, status=409 if note else 200)


@allow(*VALUERS)
@require_POST
def renew(request: HttpRequest, number: str) -> HttpResponse:
    """Begin the one that will take its place."""
    made = actions.renew(owned(request, number).pk, actor=actor_of(request), now=moments.now())
    messages.success(request, f"已开始编制 {made.number}，定稿后替代 {number}。")
    return redirect("valuations:detail", made.number)
