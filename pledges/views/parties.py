"""The parties' files: list, one file, confirming, withdrawing, recording the loan."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pledges import checks, declarations, presenting, queries, rules
from pledges.actions import joining, loans
from pledges.after.queries import todo
from pledges.forms.party import ConfirmForm, LoanForm, SendBackForm, WithdrawForm
from pledges.models import Registration
from pledges.signing import actions as signing
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.numbers import version_of
from portal.foundation.core.rows import page_of

from .common import PARTIES, back, looked, own, page, trail

GET_OR_POST = ["GET", "HEAD", "POST"]


@allow(*PARTIES)
@never_cache
@require_safe
def files(request: HttpRequest) -> HttpResponse:
    """Own registrations, one group of states at a time, with lamps."""
    actor, now = actor_of(request), moments.now()
    group = request.GET.get("group", "open")
    group = group if group in queries.GROUPS else "open"
    shown = page_of(queries.mine(actor, group), request, size=queries.PAGE)
    counts = queries.counts(actor)
    context = {
        "rows": [
            {
                "file": f,
                "lamp": presenting.lamp(f, now=now),
                "tag": presenting.TAGS[f.state],
                "other": f.pledgee if actor.organisation_id == f.pledgor_id else f.pledgor,
                "step": presenting.next_step(f, actor),
            }
            for f in shown.rows
        ],
        "tabs": [(name, label, counts[name]) for name, (label, _) in queries.GROUPS.items()],
        "group": group,
        "page": shown,
        "total": f"共 {counts[group]} 件",
        "enterprise": actor.role == Role.ENTERPRISE,
        "todo": todo(actor),
    }
    return render(request, "pledges/list.html", context)


@allow(*PARTIES, Role.REGULATOR)
@never_cache
@require_safe
def detail(request: HttpRequest, number: str) -> HttpResponse:
    file, actor, now = own(request, number), actor_of(request), moments.now()
    looked(request, file)
    papers = [d for d in file.documents.order_by("pk") if d.replaced_at is None]
    patents = presenting.patents(file, most=presenting.MOST_PATENTS)
    numbers = presenting.numbers(file, patents)
    context: dict[str, Any] = {
        "lamp": presenting.lamp(file, now=now),
        "stages": presenting.stages(file),
        "step": presenting.next_step(file, actor) if actor.role in PARTIES else None,
        "facts": presenting.facts(file),
        "patents": patents,
        "pieces": len(numbers),
        "papers": papers,
        "notices": list(file.notices.order_by("pk")),
        "corrections": list(file.corrections.all()) if file.correction_rounds else [],
        "events": presenting.events(queries.story(file, actor)),
        "loan": presenting.loan_of(file),
        "old_days": presenting.OLD_DAYS,
        "goal_days": presenting.GOAL_DAYS,
        "list_trail": trail(),
        "may_withdraw": bool(rules.can_withdraw(actor, file)),
        "may_take_back": bool(rules.can_take_back(actor, file)),
        "reads_papers": actor.role in PARTIES,
        "receipts": file.slips if actor.role in PARTIES else [],  # type: ignore[attr-defined]
        "signatures": signing.seen(file, papers=papers, numbers=numbers),
        "made": declarations.offered(file) if actor.role in PARTIES else [],
    }
    return page(request, "pledges/detail.html", file, **context)


@allow(*PARTIES)
@never_cache
@require_http_methods(GET_OR_POST)
def confirm(request: HttpRequest, number: str) -> HttpResponse:
    """The other party reads everything, then joins; what it confirms is the version it has read."""
    file = own(request, number)
    if request.method != "POST":
        if not rules.can_send_back(actor_of(request), file):
            return back(file)
        return _confirm_page(request, file, ConfirmForm(), SendBackForm())
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _confirm_page(request, file, form, SendBackForm(), status=400)
    try:
        joined = joining.confirm(file.pk, version=version_of(request), actor=actor_of(request), now=moments.now())
    except DomainError as error:
        place(form, error)
        return _confirm_page(request, own(request, number), form, SendBackForm(), status=error.status)
    if joined.state == Registration.State.CONFIRMING:
        messages.success(request, "已签名。出质人和质权人都签名后，申请即提交登记机构。")
        return back(file)
    messages.success(request, "已共同提交。登记机构力争 1 个工作日内办结，结果会发消息。")
    return back(file)


@allow(*PARTIES)
@require_POST
def send_back(request: HttpRequest, number: str) -> HttpResponse:
    file = own(request, number)
    form = SendBackForm(request.POST)
    if not form.is_valid():
        return _confirm_page(request, file, ConfirmForm(), form, status=400)
    try:
        joining.send_back(file.pk, note=form.cleaned_data["note"], actor=actor_of(request), now=moments.now())
    except DomainError as error:
        place(form, error)
        return _confirm_page(request, own(request, number), ConfirmForm(), form, status=error.status)
    messages.success(request, "已退回，对方会看到您写的说明。")
    return back(file)


def _confirm_page(
    request: HttpRequest, file: Registration, form: ConfirmForm, note: SendBackForm, *, status: int = 200
) -> HttpResponse:
    results = checks.run(file, now=moments.now(), filing=True)
    patents = presenting.patents(file, most=presenting.MOST_PATENTS)
    return page(
        request,
        "pledges/confirm.html",
        file,
        form=form,
        note=note,
        forms=[note],
        facts=presenting.facts(file),
        patents=patents,
        pieces=len(presenting.numbers(file, patents)),
        electronic=settings.SIGNING_PROVIDER != "account",
        papers=[d for d in file.documents.order_by("pk") if d.replaced_at is None],
        results=[(r, *presenting.RESULT_TAGS[r.result]) for r in results],
        stopping=[r for r in results if r.blocks],
        manual=sum(r.result == r.result.MANUAL for r in results),
        status=status,
    )


@allow(*PARTIES)
@never_cache
@require_http_methods(GET_OR_POST)
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    file = own(request, number)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        joining.withdraw(file.pk, reason=form.cleaned_data["reason"], actor=actor_of(request), now=moments.now())
        messages.success(request, "已撤回。需要时可以重新发起质押登记。")
        return back(file)
    if request.method != "POST" and not rules.can_withdraw(actor_of(request), file):
        return back(file)
    return page(request, "pledges/withdraw.html", file, form=form, status=400 if form.is_bound else 200)


@allow(Role.OFFICER, Role.MANAGER)
@never_cache
@require_http_methods(GET_OR_POST)
def loan(request: HttpRequest, number: str) -> HttpResponse:
    file, now = own(request, number), moments.now()
    if request.method != "POST":
        if not rules.can_record_loan(actor_of(request), file) or presenting.loan_of(file) is not None:
            return back(file)
        initial = {
            "amount": file.debt_amount,
            "annual_rate": file.offer.annual_rate,
            "disbursed_on": moments.local_date(now),
        }
        return page(request, "pledges/loan.html", file, form=LoanForm(initial=initial))
    form = LoanForm(request.POST)
    if not form.is_valid():
        return page(request, "pledges/loan.html", file, form=form, status=400)
    try:
        made = loans.record_loan(file.pk, loans.Payment(**form.cleaned_data), actor=actor_of(request), now=now)
    except DomainError as error:
        place(form, error)
        return page(request, "pledges/loan.html", file, form=form, status=error.status)
    days = made.registration.application.working_days
    messages.success(request, f"放款已登记。从提交需求到放款共 {days} 个工作日。")
    return back(file)
