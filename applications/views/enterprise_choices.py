"""The enterprise decides: answers, accepts, withdraws, addresses others, ends. Before what cannot be undone stands a page."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from applications import comparison, cover_rows, matching
from applications import queries_case as cases
from applications.actions import choices, next_lenders
from applications.cover_models import Cover
from applications.forms import AddressForm, AnswerForm, ReasonForm
from applications.models import Application, InformationRequest, NextLender, NextRound, Offer, Referral
from applications.rules import UNDO, can_accept, can_answer, can_close_unmet, can_extend, can_revoke, can_withdraw
from applications.wizard import Choice, cards
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.moments import local_date
from portal.foundation.core.verdict import Verdict
from products.subsidies.estimates import schemes_for


def _show(
    request: HttpRequest, template: str, case: Application, verdict: Verdict, *, status: int = 200, **context: Any
) -> HttpResponse:
    """A page that asks before it does. When the state has moved on, it says so (409) instead of offering a button."""
    note = context.pop("note", "") or ("" if verdict else verdict.reason)
    if not verdict and status == 200:
        status = 409
    context |= {"case": case, "note": note, "allowed": bool(verdict), "page_has_errors": status >= 400}
    return render(request, template, context, status=status)


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, number: str, question_id: int) -> HttpResponse:
    """Answer an institution's question, with papers."""
    actor = actor_of(request)
    case = cases.own_case(actor, number)
    question = get_object_or_404(
        InformationRequest.objects.select_related("referral__institution__organisation"),
        pk=question_id,
        referral__application=case,
    )
    question.referral.application = case
    verdict = can_answer(actor, question.referral) if question.answered_at is None else _answered(question)
    context: dict[str, Any] = {"question": question}
    if request.method != "POST":
        return _show(request, "enterprise/answer.html", case, verdict, form=AnswerForm(), **context)
    form = AnswerForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, "enterprise/answer.html", case, verdict, form=form, status=400, **context)
    try:
        choices.answer(
            question.pk,
            text=form.cleaned_data["answer"],
            uploads=form.cleaned_data["papers"],
            actor=actor,
            now=moments.now(),
        )
    except DomainError as refusal:
        place(form, refusal, default="papers" if refusal.status in (413, 415) else "")
        return _show(request, "enterprise/answer.html", case, verdict, form=form, status=refusal.status, **context)
    messages.success(request, f"已答复 {question.referral.institution}。")
    return redirect("case", case.number)


def _answered(question: InformationRequest) -> Verdict:
    return Verdict(False, f"这个问题已由 {question.answered_by} 答复。", "answered")


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, number: str, offer_id: int) -> HttpResponse:
    """The confirm page restates what choosing means, and who is told."""
    actor, now = actor_of(request), moments.now()
    case = cases.own_case(actor, number)
    offer = get_object_or_404(
        Offer.objects.select_related("referral__institution__organisation", "referral__product"),
        pk=offer_id,
        referral__application=case,
    )
    today = local_date(now)
    covers = cover_rows.of_referral(offer.referral, now=now)
    schemes = schemes_for(case.organisation.district_id, today=today)
    context: dict[str, Any] = {
        "offer": offer,
        "institution": offer.referral.institution,
        "table": comparison.tables([offer], today=today, covers=[row.cover for row in covers], schemes=schemes)[0],
        "rivals": [
            str(r.institution)
            for r in case.referrals.open().select_related("institution__organisation").order_by("pk")
            if r.pk != offer.referral_id
            and r.institution.organisation.kind == offer.referral.institution.organisation.kind
        ],
        "covers": cover_rows.with_split(covers),
        "seen": [row.cover.seen for row in covers if row.cover.state in Cover.LIVE_STATES],
        "differs": offer.amount != case.amount or offer.term_months != case.term_months,
    }
    if request.method == "POST":
        try:
            case = choices.accept(offer.pk, covers_seen=request.POST.getlist("cover"), actor=actor, now=now)
        except DomainError as refusal:
            refused = Verdict(False, refusal.reason, refusal.code)
            return _show(request, "enterprise/accept.html", case, refused, status=refusal.status, **context)
        messages.success(request, f"已选定 {offer.referral.institution} 的方案，其他机构已收到通知。")
        return redirect("case", case.number)
    return _show(
        request, "enterprise/accept.html", case, can_accept(actor, offer, case, now=now, today=today), **context
    )


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """Take the request back: without a reason in the first ten minutes, later with one."""
    actor, now = actor_of(request), moments.now()
    case = cases.own_case(actor, number)
    undo = now < case.submitted_at + UNDO
    context: dict[str, Any] = {"undo_until": case.submitted_at + UNDO if undo else None}
    verdict = can_withdraw(actor, case)
    if request.method != "POST":
        form = ReasonForm(must=not undo)
        return _show(request, "enterprise/withdraw.html", case, verdict, form=form, **context)
    form = ReasonForm(request.POST, must=not undo)
    if not form.is_valid():
        return _show(request, "enterprise/withdraw.html", case, verdict, form=form, status=400, **context)
    try:
        choices.withdraw(case.pk, reason=form.text(), actor=actor, now=now)
    except DomainError as refusal:
        place(form, refusal)
        return _show(request, "enterprise/withdraw.html", case, verdict, form=form, status=refusal.status, **context)
    messages.success(request, "已撤回。各机构已收到通知，授权同时收回。")
    return redirect("case", case.number)


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def extend(request: HttpRequest, number: str) -> HttpResponse:
    """换一批机构: further institutions, each with its own fresh consent."""
    actor = actor_of(request)
    case = cases.own_case(actor, number)
    taken = set(case.referrals.values_list("institution_id", flat=True))
    fresh = [Choice(m.product, m) for m in matching.rank_for(case) if m.institution_id not in taken]
    offered = {str(c.product.pk): (str(c.product.institution_id), c.institution) for c in fresh}
    form = AddressForm(request.POST if request.method == "POST" else None, institutions=offered)
    verdict = can_extend(actor, case)
    status = 200
    if request.method == "POST":
        if not form.is_valid():
            status = 400
        else:
            try:
                made = choices.extend(
                    case.pk,
                    product_ids=[int(pk) for pk in form.cleaned_data["products"]],
                    actor=actor,
                    now=moments.now(),
                )
            except DomainError as refusal:
                place(form, refusal)
                status = refusal.status
            else:
                messages.success(request, f"已发给 {len(made)} 家机构，它们要在 2 个工作日内响应。")
                return redirect("case", case.number)
    return _show(request, "enterprise/extend.html", case, verdict, status=status, form=form, cards=cards(form, fresh))


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def take_next(request: HttpRequest, number: str, institution_id: int) -> HttpResponse:
    """授权并发送: one institution the portal recommended. The click on the case page is the consent; a GET asks for it here."""
    actor = actor_of(request)
    case = cases.own_case(actor, number)
    lender = get_object_or_404(
        NextLender.objects.select_related("institution__organisation", "product").order_by("-pk"),
        round__application=case,
        round__state=NextRound.State.OFFERED,
        institution_id=institution_id,
    )
    context: dict[str, Any] = {"lender": lender, "institution": lender.institution}
    if request.method == "POST":
        try:
            next_lenders.take(case.pk, institution_id=institution_id, actor=actor, now=moments.now())
        except DomainError as refusal:
            refused = Verdict(False, refusal.reason, refusal.code)
            return _show(request, "enterprise/take_next.html", case, refused, status=refusal.status, **context)
        messages.success(request, f"已授权并发给 {lender.institution}，它要在 2 个工作日内响应。")
        return redirect("case", case.number)
    return _show(request, "enterprise/take_next.html", case, can_extend(actor, case), **context)


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, number: str) -> HttpResponse:
    """End a request nobody works on any more."""
    actor = actor_of(request)
    case = cases.own_case(actor, number)
    verdict = can_close_unmet(actor, case, busy=case.referrals.open().exists())
    form = ReasonForm(request.POST if request.method == "POST" else None, must=True)
    status = 200
    if request.method == "POST":
        if not form.is_valid():
            status = 400
        else:
            try:
                choices.close_unmet(case.pk, reason=form.text(), actor=actor, now=moments.now())
            except DomainError as refusal:
                place(form, refusal)
                status = refusal.status
            else:
                messages.success(request, "这笔需求已结束。")
                return redirect("case", case.number)
    return _show(request, "enterprise/close.html", case, verdict, status=status, form=form)


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, number: str, ref: uuid.UUID) -> HttpResponse:
    """Take one institution's authorisation back; the others go on."""
    actor = actor_of(request)
    case = cases.own_case(actor, number)
    referral: Referral = get_object_or_404(case.referrals.select_related("institution__organisation"), ref=ref)
    referral.application = case
    if request.method == "POST":
        try:
            choices.revoke(referral.pk, actor=actor, now=moments.now())
        except DomainError as refusal:
            refused = Verdict(False, refusal.reason, refusal.code)
            return _show(request, "enterprise/revoke.html", case, refused, status=refusal.status, referral=referral)
        messages.success(request, f"已收回对 {referral.institution} 的授权。")
        return redirect("case", case.number)
    return _show(request, "enterprise/revoke.html", case, can_revoke(actor, referral), referral=referral)
