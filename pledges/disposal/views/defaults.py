"""The default: recorded by the bank, read by both parties and the regulator, ended when the debt is paid."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from pledges.disposal import rules
from pledges.disposal.actions import defaults, listing
from pledges.disposal.forms import DefaultForm, NoteForm
from pledges.disposal.models import Default, Disposal
from pledges.presenting import loan_of
from pledges.views.common import own as own_file
from pledges.views.common import owner_for
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.journal.sending import send

from .common import BANKS, GET_OR_POST, PARTIES, own_default, trail


@allow(*BANKS)
@never_cache
@require_http_methods(GET_OR_POST)
def record(request: HttpRequest, number: str) -> HttpResponse:
    """记录违约 on a registered pledge with a loan."""
    file, actor, now = own_file(request, number), actor_of(request), moments.now()
    there = Default.objects.filter(registration=file, cured_at=None).first()
    if there is not None:
        return redirect("disposals:default", there.ref)
    loan = loan_of(file)
    verdict = rules.can_record_default(actor, file, paid_out=loan is not None, open_default=False)
    posted = request.method == "POST"
    initial = {"defaulted_on": moments.local_date(now), "principal": loan.amount if loan else None}
    form = DefaultForm(request.POST if posted else None, request.FILES if posted else None, initial=initial)
    status = 200 if verdict else 409
    if posted and not form.is_valid():
        status = 400
    elif posted:
        given = form.cleaned_data
        papers = given.pop("paper")
        try:
            made = defaults.record_default(file.pk, defaults.Debt(**given), papers=papers, actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "违约已记录，企业和担保机构会收到消息。可以开始处置。")
            return redirect("disposals:default", made.ref)
    context = {"file": file, "loan": loan, "form": form, "verdict": verdict, "trail": trail()}
    return render(request, "disposal/default_new.html", context, status=status)


@allow(*PARTIES, Role.REGULATOR)
@never_cache
@require_http_methods(GET_OR_POST)
def default(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One default: what is owed, the evidence, what can follow."""
    found, actor, now = own_default(request, ref), actor_of(request), moments.now()
    live = Disposal.objects.filter(registration_id=found.registration_id, state__in=Disposal.LIVE_STATES).first()
    step = request.POST.get("step", "") if request.method == "POST" else ""
    cure = NoteForm(request.POST if step == "cure" else None, label="清偿情况", auto_id="cure_%s")
    status, note = 200, ""
    if request.method == "POST" and step not in ("start", "cure"):
        status, note = 400, "请用下面的按钮办理。"
    elif step == "cure" and not cure.is_valid():
        status = 400
    elif step:
        try:
            if step == "start":
                made = listing.start(found.pk, actor=actor, now=now)
                return redirect("disposals:edit", made.number)
            defaults.cure(found.pk, note=cure.cleaned_data["note"], actor=actor, now=now)
        except DomainError as error:
            status, note = error.status, error.reason
            found = own_default(request, ref)
        else:
            messages.success(request, "已记录清偿。办理中的处置同时撤回。")
            return redirect("disposals:default", found.ref)
    context = {
        "default": found,
        "file": found.registration,
        "papers": list(found.papers.order_by("pk")),
        "reads_papers": actor.role in PARTIES,
        "disposals": list(found.disposals.visible_to(actor).order_by("pk")),
        "may_start": bool(rules.can_start(actor, found, live)),
        "cure": cure if rules.can_cure(actor, found, live) else None,
        "note": note,
        "trail": trail(),
        "sent": cure if step == "cure" else None,
    }
    return render(request, "disposal/default.html", context, status=status)


@allow(*PARTIES)
@require_safe
def paper(request: HttpRequest, ref: UUID, file_ref: UUID) -> HttpResponseBase:
    """A piece of evidence, as a download."""
    found, actor = own_default(request, ref), actor_of(request)
    stored = get_object_or_404(found.papers, ref=file_ref)
    try:
        return send(request, stored, reader=actor, owner_id=owner_for(found.registration, actor))
    except FileNotFoundError as error:
        raise Http404 from error
