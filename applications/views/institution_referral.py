"""One referral: read it, then claim, ask, offer, decline, hand on. Every refusal comes back as a sentence with what was typed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from applications.actions import claiming, responses, revealing
from applications.forms_bank import AskForm, AssignForm, DeclineForm, OfferForm, RevealForm, cost
from applications.models import Referral
from applications.views import institution_case as case_page
from applications.views.institution_desk import colleagues
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.journal.looks import What

ANSWERING = (Role.OFFICER, Role.MANAGER)


@allow(*ANSWERING)
@require_GET
def referral(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The page: the request on the left, the answer on the right."""
    actor, now = actor_of(request), moments.now()
    found = case_page.mine(actor, ref)
    return case_page.show(request, found, actor=actor, now=now)


@allow(*ANSWERING)
@require_POST
def reveal(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The contact before the answer is given: with a reason, on this one page, and the enterprise sees that it was."""
    actor, now = actor_of(request), moments.now()
    found = case_page.mine(actor, ref)
    form = RevealForm(request.POST, auto_id="reveal_%s")
    if not form.is_valid():
        return case_page.show(request, found, actor=actor, now=now, given={"reveal": form}, status=400)
    try:
        revealing.reveal(found.pk, reason=form.cleaned_data["reason"], actor=actor, now=now)
    except DomainError as error:
        place(form, error)
        return case_page.show(request, found, actor=actor, now=now, given={"reveal": form}, status=error.status)
    if found.readable:  # type: ignore[attr-defined]
        case_page.looked(request, found, What.CONTACT, form.cleaned_data["reason"])
    return case_page.show(request, found, actor=actor, now=now, revealed=True)


def _answer(
    request: HttpRequest, found: Referral, name: str, form: forms.Form, act: Callable[..., Any], done: str
) -> HttpResponse:
    """Do it and go back to the page; or show the page again with the sentence, its status and everything typed."""
    actor, now = actor_of(request), moments.now()
    status = 400
    if form.is_valid():
        try:
            act(actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, done)
            return redirect("desk-referral", ref=found.ref)
    # As it is now, after whoever was first; nobody was asked when the form itself is wrong.
    again = case_page.mine(actor, found.ref) if form.is_valid() else found
    return case_page.show(request, again, actor=actor, now=now, given={name: form}, status=status)


@allow(*ANSWERING)
@require_POST
def claim(request: HttpRequest, ref: UUID) -> HttpResponse:
    """接单."""
    actor = actor_of(request)
    found = case_page.mine(actor, ref)
    form = case_page.claim_form(request, actor, request.POST)
    done = "已接单，响应时限停止。企业已看到联系人和下一步。"
    return _answer(
        request, found, "claim", form, lambda **who: claiming.claim_this(found.pk, **form.cleaned_data, **who), done
    )


@allow(*ANSWERING)
@require_POST
def ask(request: HttpRequest, ref: UUID) -> HttpResponse:
    """要求补充."""
    found = case_page.mine(actor_of(request), ref)
    form = AskForm(request.POST, auto_id="ask_%s")
    done = "已请企业补充，响应时限停止。企业答复后这一件回到“办理中”。"
    return _answer(request, found, "ask", form, lambda **who: responses.ask(found.pk, **form.cleaned_data, **who), done)


@allow(*ANSWERING)
@require_POST
def offer(request: HttpRequest, ref: UUID) -> HttpResponse:
    """出方案; with «试算» nothing is sent, the page comes back with what it costs."""
    actor, now = actor_of(request), moments.now()
    found = case_page.mine(actor, ref)
    form = case_page.offer_form(found, now, data=request.POST)
    if "preview" in request.POST or "preview" in request.GET:
        return _preview(request, found, form)
    done = f"{form.words.offer}已发给企业。企业选定前可以出新的一版。"
    return _answer(request, found, "offer", form, lambda **who: responses.offer(found.pk, form.terms(), **who), done)


def _preview(request: HttpRequest, found: Referral, form: OfferForm) -> HttpResponse:
    sums = None
    if form.is_valid():
        mode = found.product.mode if found.product else ""
        sums = cost(form.terms(), kind=found.institution.organisation.kind, mode=mode)
    if getattr(request, "htmx", False):  # the live total: while somebody types, errors are not shouted
        return render(request, "bank/referral.html#cost", {"cost": sums})
    actor, now = actor_of(request), moments.now()
    return case_page.show(
        request, found, actor=actor, now=now, given={"offer": form}, cost=sums, status=200 if sums else 400
    )


@allow(*ANSWERING)
@require_POST
def decline(request: HttpRequest, ref: UUID) -> HttpResponse:
    """婉拒, confirmed."""
    found = case_page.mine(actor_of(request), ref)
    form = DeclineForm(request.POST, auto_id="decline_%s")

    def act(**who: Any) -> None:
        responses.decline(found.pk, code=form.cleaned_data["code"], note=form.cleaned_data["note"], **who)

    return _answer(request, found, "decline", form, act, "已婉拒，企业已看到原因。")


@allow(Role.MANAGER)
@require_POST
def assign(request: HttpRequest, ref: UUID) -> HttpResponse:
    """转派."""
    actor = actor_of(request)
    found = case_page.mine(actor, ref)
    form = AssignForm(request.POST, colleagues=colleagues(actor), auto_id="assign_%s")

    def act(**who: Any) -> None:
        responses.assign(found.pk, officer_id=int(form.cleaned_data["officer"]), **who)

    return _answer(request, found, "assign", form, act, "已转派。时限不变。")


@allow(*ANSWERING)
@require_POST
def dispatch(request: HttpRequest, ref: UUID) -> HttpResponse:
    """分派 from the dispatcher's desk."""
    found = case_page.mine(actor_of(request), ref)
    form = case_page.dispatch_form(found, request.POST)

    def act(**who: Any) -> None:
        chosen = [int(pk) for pk in form.cleaned_data["institutions"]]
        responses.dispatch(found.pk, institution_ids=chosen, **who)

    return _answer(request, found, "dispatch", form, act, "已分派，各机构的时限从现在起算。")
