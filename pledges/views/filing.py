"""Filling in the application and looking at the grounds before it is handed on."""

import secrets
import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localtime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from applications.models import Application
from pledges import checks, grounds, per_contract, presenting, rules
from pledges.actions import filing, joining
from pledges.contract_text import actions as contract_text
from pledges.forms.filing import FilingForm
from pledges.loading import owned
from pledges.models import Registration
from pledges.particulars import rules as particulars
from pledges.patent_lists.models import current as current_list
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.numbers import version_of

from .common import PARTIES, back, own, page


@allow(*PARTIES)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, number: str) -> HttpResponse:
    """From an accepted offer. A live file of this request is simply opened."""
    actor = actor_of(request)
    found = Application.objects.visible_to(actor).select_related(
        "organisation", "accepted_offer__referral__institution__organisation"
    )
    case = get_object_or_404(found, number=number)
    live = Registration.objects.visible_to(actor).filter(application=case, state__in=Registration.LIVE_STATES).first()
    if live is not None:
        return redirect("pledges:edit" if _edits(request, live) else "pledges:detail", live.number)
    if request.method == "POST":
        file = filing.start(case.pk, actor=actor, now=moments.now())
        return redirect("pledges:edit", file.number)
    rules.can_start(actor, case).require()
    return render(request, "pledges/start.html", {"case": case, "offer": case.accepted_offer})


def _edits(request: HttpRequest, file: Registration) -> bool:
    return bool(rules.can_edit(actor_of(request), file))


@allow(*PARTIES)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """The form. «保存草稿» keeps whatever is typed; «保存并预检» wants it right; a change saves itself where htmx runs."""
    file, now = own(request, number), moments.now()
    if not (verdict := rules.can_edit(actor_of(request), file)):
        if request.method != "POST":
            return back(file)
        verdict.require()
    listed = current_list(file)
    shape: dict[str, Any] = {
        "file": file,
        "owned": owned(file, listed=listed is not None),
        "today": moments.local_date(now),
        "listed": listed,
    }
    if request.method != "POST":
        return _form_page(request, file, FilingForm(**shape))
    form = FilingForm(request.POST, request.FILES, **shape)
    showing = "show" in request.POST  # a special part was chosen: keep what is typed and show its fields
    right = form.is_valid() and not showing
    quiet = bool(getattr(request, "htmx", False))
    try:
        saved = filing.save(
            file.pk,
            typed=form.typed(),
            content=form.content() if right else None,
            uploads=[] if quiet else form.uploads(),
            remove=[ref for ref in request.POST.getlist("remove") if _is_ref(ref)],
            version=version_of(request),
            page=request.POST.get("page", ""),
            actor=actor_of(request),
            now=now,
        )
    except filing.StaleFile as error:
        if quiet:
            said = {"said": error.reason, "version": version_of(request), "stale": True}
            return render(request, "pledges/_saved.html", said, status=error.status)
        form.add_error(None, error.reason)
        return _form_page(request, error.theirs, form, status=error.status, stale=True)
    except DomainError as error:
        if quiet:
            raise
        place(form, error)
        return _form_page(request, file, form, status=error.status)
    if quiet:
        said = {"said": f"草稿已自动保存 {localtime(now):%H:%M}", "version": saved.version}
        return render(request, "pledges/_saved.html", said)
    if showing:
        return redirect(f"{reverse('pledges:edit', args=[file.number])}#special")
    if "draft" in request.POST:
        messages.success(request, "草稿已保存，随时可以回来继续填写。")
        return redirect("pledges:edit", file.number)
    if not right:
        return _form_page(request, saved, form, status=400)
    return redirect("pledges:precheck", file.number)


def _is_ref(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def _form_page(
    request: HttpRequest, file: Registration, form: FilingForm, *, status: int = 200, stale: bool = False
) -> HttpResponse:
    papers = [d for d in file.documents.order_by("pk") if d.replaced_at is None]
    return page(
        request, "pledges/edit.html", file, form=form, papers=papers, stale=stale, page=_token(request), status=status
    )


def _token(request: HttpRequest) -> str:
    """One a page as opened; it stays when the same page comes back with errors."""
    return request.POST.get("page", "")[:32] or secrets.token_hex(8)


@allow(*PARTIES)
@never_cache
@require_safe
def precheck(request: HttpRequest, number: str) -> HttpResponse:
    """The twelve grounds with their evidence, before anything is handed on."""
    return precheck_page(request, own(request, number))


def precheck_page(request: HttpRequest, file: Registration, *, refused: str = "", status: int = 200) -> HttpResponse:
    facts = checks.facts_of(file, now=moments.now())
    results = grounds.evaluate(facts)
    stopping = [r for r in results if r.blocks]
    context = {
        "results": [(r, *presenting.RESULT_TAGS[r.result]) for r in results],
        "stopping": stopping,
        "hard": [r for r in stopping if not r.waivable],
        "waivable": [r for r in stopping if r.waivable],
        "manual": sum(r.result == r.result.MANUAL for r in results),
        "clear": sum(r.result in (r.result.CLEAR, r.result.WAIVED) for r in results),
        "may_edit": _edits(request, file),
        "unfinished": bool(file.typed),
        "lacking": particulars.missing(file),
        "advice": per_contract.advice(facts) if stopping else None,
        "reading": contract_text.of(file),
        "no_identity": not file.identity_promise
        and not file.documents.filter(kind="identity", replaced_at=None).exists(),
        "unproven": rules.value_proven(file).reason,
        "refused": refused,
    }
    return page(request, "pledges/precheck.html", file, status=status, **context)


@allow(*PARTIES)
@require_POST
def declare(request: HttpRequest, number: str) -> HttpResponse:
    """The declarations that waive R10 and R11."""
    file = own(request, number)
    filing.declare(
        file.pk,
        twin="twin" in request.POST,
        invalidation="invalidation" in request.POST,
        actor=actor_of(request),
        now=moments.now(),
    )
    messages.success(request, "声明已记入申请。")
    return redirect("pledges:precheck", file.number)


@allow(*PARTIES)
@require_POST
def propose(request: HttpRequest, number: str) -> HttpResponse:
    file = own(request, number)
    try:
        joining.propose(file.pk, actor=actor_of(request), now=moments.now())
    except DomainError as error:
        return precheck_page(request, own(request, number), refused=error.reason, status=error.status)
    messages.success(request, "已送对方确认。对方确认后，申请即提交登记机构。")
    return back(file)


@allow(*PARTIES)
@require_POST
def take_back(request: HttpRequest, number: str) -> HttpResponse:
    file = own(request, number)
    joining.take_back(file.pk, actor=actor_of(request), now=moments.now())
    messages.success(request, "已取回，可以继续修改。")
    return redirect("pledges:edit", file.number)
