"""The enterprise asks for a guarantee or an insurance, agrees to what its bank proposes, reads the terms, takes it back."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from applications import cover_rows as shown
from applications import cover_rules as rules
from applications import queries_case as cases
from applications.actions import covers as asking
from applications.cover_models import Cover
from applications.forms_cover import AskCoverForm
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import confirming, moments
from portal.foundation.core.confirming import Question
from portal.foundation.core.display import money_wan
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.sla import calendars_in_use, lamps
from products.risk.shares import AVERAGE_FEE_WATCH


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, number: str) -> HttpResponse:
    """Whom to ask for how much, for whose loan; sending it is the consent that this institution may read the request."""
    actor, now = actor_of(request), moments.now()
    case = cases.own_case(actor, number)
    banks, posted = shown.coverable_banks(case), request.method == "POST"
    form = AskCoverForm(
        request.POST if posted else None,
        institutions=shown.institutions(),
        referrals=banks,
        initial={"amount": case.amount, "institution": request.GET.get("institution", "")},
    )
    status = 200 if banks else 409
    if posted and not form.is_valid():
        status = 400 if banks else 409
    elif posted:
        given = form.cleaned_data
        try:
            made = asking.ask(
                int(given["referral"]),
                institution_id=int(given["institution"]),
                amount=given["amount"],
                note=given["note"],
                actor=actor,
                now=now,
            )
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"已授权并发给 {made.institution}，它要在 2 个工作日内响应。")
            return redirect("case-cover", case.number, made.ref)
    return render(request, "enterprise/cover_ask.html", {"case": case, "form": form, "banks": banks}, status=status)


def _question(found: Cover, back: str) -> Question:
    """What is asked before the enterprise refuses a proposal or takes its request back."""
    about, told = f"{found.institution} 的{found.word}", [(f"{found.word}金额", money_wan(found.amount))]
    if found.state == Cover.State.PROPOSED:
        effect = f"不向 {found.institution} 申请，{found.referral.institution} 会看到。以后要用，需要重新提出。"
        return Question("不同意", about, effect, back, told, dangerous=True)
    effect = f"{found.institution} 不再办理，也不能再查看这笔需求；已提出的条件和承诺一并作废，不能恢复。"
    return Question("撤回申请", about, effect, back, told, dangerous=True)


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def cover(request: HttpRequest, number: str, ref: UUID) -> HttpResponse:
    """One guarantee or insurance: its terms, what it costs, who carries what of a loss; agree, refuse, take back."""
    actor, now = actor_of(request), moments.now()
    case = cases.own_case(actor, number)
    found = get_object_or_404(
        Cover.objects.select_related(
            "clock", "scheme", "institution__organisation", "referral__institution__organisation"
        ),
        application=case,
        ref=ref,
    )
    found.application = case
    status, note = 200, ""
    if request.method == "POST":
        step = request.POST.get("step", "")
        try:
            if step == "consent":
                asking.consent(found.pk, actor=actor, now=now)
                said = f"已同意并发给 {found.institution}，它要在 2 个工作日内响应。"
            elif step == "withdraw" and not confirming.sure(request):
                rules.can_withdraw(actor, found).require()
                return confirming.ask(request, _question(found, request.path))
            elif step == "withdraw":
                asking.withdraw(found.pk, actor=actor, now=now)
                said = f"已撤回向 {found.institution} 的申请。"
            else:
                said, status, note = "", 400, "请用下面的按钮办理。"
        except DomainError as error:
            status, note, said = error.status, error.reason, ""
        if said:
            messages.success(request, said)
            return redirect("case-cover", case.number, found.ref)
        found.refresh_from_db()
    context: dict[str, Any] = {
        "case": case,
        "cover": found,
        "note": note,
        "lamp": lamps.of(found.clock, now=now, calendar=calendars_in_use.current()) if found.clock else None,
        "split": shown.split_of(found),
        "split_without": shown.split_uncompensated(found),
        "split_lost": shown.split_lost(found),
        "decline": shown.decline_text(found),
        "fee_high": shown.fee_high(found),
        "fee_watch": AVERAGE_FEE_WATCH,
        "may_consent": bool(rules.can_consent(actor, found)),
        "may_withdraw": bool(rules.can_withdraw(actor, found)),
    }
    return render(request, "enterprise/cover.html", context, status=status)
