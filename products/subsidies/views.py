"""Subsidies for those who claim them and those who approve them."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import confirming, moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.confirming import Question
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.moments import local_date
from portal.foundation.core.money import format_wan
from portal.foundation.core.numbers import whole
from portal.foundation.journal.sending import send

from . import actions
from .forms import CHOOSE_AGAIN, ClaimSubsidyForm, PayForm, RefuseForm, SupplementForm
from .models import SubsidyClaim, SubsidyScheme

ROLES = (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER, Role.REGULATOR)
PAGE = 50
STEPS = ("check", "approve", "withdraw", "refuse", "pay", "add")
WAITING = (SubsidyClaim.State.APPLIED, SubsidyClaim.State.CHECKED, SubsidyClaim.State.APPROVED)  # for the regulator


def _district(request: HttpRequest) -> str | None:
    found: str | None = request.membership.organisation.district_id  # type: ignore[attr-defined]
    return found


def _forgotten(form: forms.Form, request: HttpRequest) -> None:
    """After a refusal: what was chosen has to be chosen again."""
    if request.FILES and "papers" in form.fields:
        form.add_error("papers", CHOOSE_AGAIN)


@allow(*ROLES)
@require_safe
def subsidies(request: HttpRequest) -> HttpResponse:
    """The schemes with what is left of their budgets, and the claims this reader may see: what waits for the regulator
    the longest waiting first, everything else newest first."""
    actor, today, district = actor_of(request), local_date(moments.now()), _district(request)
    visible, regulator = SubsidyClaim.objects.visible_to(actor), actor.role == Role.REGULATOR
    counted = visible.order_by().values("state").annotate(n=Count("pk")) if regulator else []
    counts: dict[str, int] = {row["state"]: row["n"] for row in counted}
    state = request.GET.get("state", "")
    state = state if regulator and state in SubsidyClaim.State.values else ""
    after = whole(request.GET.get("after"))
    claims = visible.select_related("scheme", "organisation").order_by("pk" if state in WAITING else "-pk")
    if state:
        claims = claims.filter(state=state)
    if after is not None:
        claims = claims.filter(**{"pk__gt" if state in WAITING else "pk__lt": after})
    found = list(claims[: PAGE + 1])
    schemes = SubsidyScheme.objects.select_related("district").order_by("pk")
    context = {
        "schemes": [(s, actions.can_apply(actor, s, today=today, district=district)) for s in schemes],
        "claims": found[:PAGE],
        "after": found[PAGE - 1].pk if len(found) > PAGE else "",
        "first": after is None,
        "state": state,
        "tabs": [
            ("", "全部", sum(counts.values())),
            *((code, label, counts.get(code, 0)) for code, label in SubsidyClaim.State.choices),
        ],
        "regulator": regulator,
    }
    return render(request, "subsidies/list.html", context)


@allow(Role.ENTERPRISE, Role.OFFICER, Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest, code: str) -> HttpResponse:
    """Claim: case, base, evidence."""
    actor, now = actor_of(request), moments.now()
    scheme = get_object_or_404(SubsidyScheme.objects.select_related("district"), code=code)
    district = _district(request)
    verdict = actions.can_apply(actor, scheme, today=local_date(now), district=district)
    posted = request.method == "POST"
    form = ClaimSubsidyForm(request.POST if posted else None, request.FILES if posted else None, scheme=scheme)
    status = 200 if verdict else 409
    if posted and not form.is_valid():
        status = 400
    elif posted:
        given = form.cleaned_data
        try:
            made = actions.apply(
                scheme.pk,
                case_number=given["case_number"],
                base=given["base"],
                note=given["note"],
                papers=given["papers"],
                district=district,
                actor=actor,
                now=now,
            )
        except DomainError as error:
            if error.status in (413, 415):
                form.add_error("papers", error.reason)
            else:
                place(form, error)
            status = error.status
        else:
            messages.success(request, f"已申请 {made.amount} 元，由两人先后审核。")
            return redirect("subsidy-claim", ref=made.ref)
    if status != 200:
        _forgotten(form, request)
    return render(request, "subsidies/apply.html", {"scheme": scheme, "form": form, "verdict": verdict}, status=status)


def _claim(actor: Actor, ref: UUID) -> SubsidyClaim:
    found = SubsidyClaim.objects.visible_to(actor).select_related("scheme", "organisation", "checked_by", "approved_by")
    return get_object_or_404(found, ref=ref)


def _act(found: SubsidyClaim, step: str, form: forms.Form | None, *, actor: Actor, now: Any) -> str:
    """Do one step; what is said when it is done."""
    if step == "check":
        actions.check(found.pk, actor=actor, now=now)
        return "初审通过，等另一人复核。"
    if step == "approve":
        actions.approve(found.pk, actor=actor, now=now)
        return "已核定，金额从预算中扣减。"
    if step == "withdraw":
        actions.withdraw(found.pk, actor=actor, now=now)
        return "已撤回。"
    assert form is not None
    if step == "add":
        actions.supplement(found.pk, **form.cleaned_data, actor=actor, now=now)
        return "已补充材料。"
    if step == "refuse":
        actions.refuse(found.pk, note=form.cleaned_data["note"], actor=actor, now=now)
        return "已告知不予补贴的理由。"
    actions.pay(found.pk, **form.cleaned_data, actor=actor, now=now)
    return "已记录拨付。"


def _question(found: SubsidyClaim, step: str, form: forms.Form | None, *, actor: Actor) -> Question | None:
    """What is asked before a step that cannot be undone. Raises DomainError when it could not be done anyway."""
    scheme, yuan = found.scheme, f"{found.amount} 元"
    if step == "approve":
        actions.can_approve(actor, found).require()
        effect = f"从预算中核定 {yuan}，核定以后不能撤回。预算现在还剩 {format_wan(scheme.left)} 万元。"
        verb = "复核通过"
    elif step == "pay" and form is not None:
        actions.can_pay(actor, found).require()
        paid_on, voucher = form.cleaned_data["paid_on"], form.cleaned_data["voucher"]
        effect = f"记录 {paid_on} 已拨付 {yuan}，凭证号 {voucher}。记录以后这份申请办结，不能更改。"
        verb = "记录拨付"
    elif step == "withdraw":
        actions.can_withdraw(actor, found).require()
        effect = f"撤回对 {yuan} 的申请，已做的审核作废。申请期内可以重新申请。"
        verb = "撤回申请"
    else:
        return None
    about = f"{scheme.name}，{found.organisation.title}"
    told = [("办件编号", found.case_number), ("申请金额", yuan)]
    return Question(verb, about, effect, reverse("subsidy-claim", args=[found.ref]), told, step == "withdraw")


@allow(*ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One claim: what is asked for and why, the evidence, who approved it, the payment."""
    actor, now = actor_of(request), moments.now()
    found = _claim(actor, ref)
    step = request.POST.get("step", "") if request.method == "POST" else ""
    refuse = RefuseForm(request.POST if step == "refuse" else None, auto_id="refuse_%s")
    pay = PayForm(request.POST if step == "pay" else None, initial={"paid_on": local_date(now)}, auto_id="pay_%s")
    adding = step == "add"
    add = SupplementForm(request.POST if adding else None, request.FILES if adding else None, auto_id="add_%s")
    sent: forms.Form | None = {"refuse": refuse, "pay": pay, "add": add}.get(step)
    status, note = 200, ""
    if request.method == "POST" and step not in STEPS:
        status, note = 400, "请用下面的按钮办理。"
    elif sent is not None and not sent.is_valid():
        status = 400
    elif step:
        try:
            question = _question(found, step, sent, actor=actor)
            if question is not None and not confirming.sure(request):
                return confirming.ask(request, question)
            said = _act(found, step, sent, actor=actor, now=now)
        except DomainError as error:
            status = error.status
            if sent is add and error.status in (413, 415):
                add.add_error("papers", error.reason)
            elif sent is not None:
                place(sent, error)
            else:
                note = error.reason
            found = _claim(actor, ref)
        else:
            messages.success(request, said)
            return redirect("subsidy-claim", ref=found.ref)
    if status != 200 and sent is not None:
        _forgotten(sent, request)
    approve = actions.can_approve(actor, found)
    context = {
        "claim": found,
        "papers": list(found.papers.order_by("pk")),
        "note": note,
        "sent": sent,
        "regulator": actor.role == Role.REGULATOR,
        "may_check": bool(actions.can_check(actor, found)),
        "approve": approve,
        "add": add if actions.can_supplement(actor, found) else None,
        "may_withdraw": bool(actions.can_withdraw(actor, found)),
        "refuse": refuse if actions.can_refuse(actor, found) else None,
        "pay": pay if actions.can_pay(actor, found) else None,
    }
    return render(request, "subsidies/claim.html", context, status=status)


@allow(*ROLES)
@require_safe
def paper(request: HttpRequest, ref: UUID, file_ref: UUID) -> HttpResponseBase:
    """A piece of evidence, as a download."""
    actor = actor_of(request)
    found = _claim(actor, ref)
    stored = get_object_or_404(found.papers, ref=file_ref)
    try:
        return send(request, stored, reader=actor, owner_id=found.organisation_id)
    except FileNotFoundError as error:
        raise Http404 from error
