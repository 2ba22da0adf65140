"""The last step of a request: every answer once more, then sending it, once."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from applications import queries_enterprise as queries
from applications import wizard
from applications.actions import drafts
from applications.actions import submit as submitting
from applications.actions.drafts import StaleDraft
from applications.forms import ReachForm
from applications.models import Draft
from applications.views.enterprise_apply import number_of, own_draft, step_links, step_page, submitted_case
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of, membership_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.display import moment_cn
from portal.foundation.core.errors import DomainError
from portal.foundation.core.moments import local_date
from portal.foundation.sla import calendars_in_use, clocks
from portal.foundation.sla.models import Kind, Policy

# Where a refusal of the submit action belongs: its field → the step that has it.
STEP_OF = {"patents": "company", "term_months": "need", "amount": "need", "products": "reach"}


@allow(Role.ENTERPRISE)
@require_safe
def review(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Every answer once more, with its way back; what is missing stands first."""
    found = own_draft(request, draft_id)
    return found if isinstance(found, HttpResponse) else _review(request, found)


@allow(Role.ENTERPRISE)
@require_POST
def submit(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Send it, once: a repeated click lands on the same case."""
    found = own_draft(request, draft_id)
    if isinstance(found, HttpResponse):
        return found
    actor, now = actor_of(request), moments.now()
    answers = wizard.read(found, membership_of(request), today=local_date(now), check=wizard.FORMS, ranked=False)
    if not answers.complete:
        return _review(request, found, status=400)
    try:
        version = number_of(request, "version") if "version" in request.POST else None
        case = submitting.submit(found.pk, answers.wish(), actor=actor, now=now, version=version)
    except StaleDraft as stale:
        return _review(
            request, stale.theirs, note=f"{stale.by} 在 {stale.at} 修改了这份草稿，请重新核对后再提交。", status=409
        )
    except DomainError as refusal:
        return submitted_case(request, str(found.token)) or _refused(request, found, refusal)
    messages.success(request, f"已提交，编号 {case.number}。10 分钟内可以无理由撤回。")
    return redirect("case", case.number)


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Delete a draft, after asking."""
    actor = actor_of(request)
    draft = get_object_or_404(queries.drafts_of(actor), pk=draft_id)
    if request.method != "POST":
        return render(request, "enterprise/discard.html", {"draft": draft})
    drafts.discard(draft.pk, actor=actor, now=moments.now())
    messages.success(request, "草稿已删除。")
    return redirect("case-list")


def _refused(request: HttpRequest, draft: Draft, refusal: DomainError) -> HttpResponse:
    """A refusal of the submit action, at its field of its step; without a field, on the review page."""
    step = next((STEP_OF[f] for f in refusal.fields if f in STEP_OF), "")
    if not step:
        return _review(request, draft, note=refusal.reason, status=refusal.status)
    return step_page(request, draft, step, check=step, refusal=refusal, status=refusal.status)


def _review(request: HttpRequest, draft: Draft, *, note: str = "", status: int = 200) -> HttpResponse:
    membership, now = membership_of(request), moments.now()
    answers = wizard.read(draft, membership, today=local_date(now), check=wizard.FORMS)
    problems = [
        {"step": name, "number": n, "label": label, "field": field.label, "id": field.auto_id, "text": error}
        for n, (name, label, _) in enumerate(wizard.STEPS, start=1)
        if name in wizard.FORMS
        for field in answers.form(name)
        for error in field.errors
    ]
    context = {
        "draft": draft,
        "answers": answers,
        "need_rows": wizard.need_rows(answers),
        "reach": answers.reach,
        "problems": problems,
        "note": note,
        "steps": step_links(draft),
        "company": membership.organisation,
        "files": wizard.files_of(draft),
        "open_call": answers.reach["reach"].value() == ReachForm.OPEN,
        "due": _due(),
        "page_has_errors": bool(problems) or status >= 400,
        "saved": wizard.saved_by(draft),
    }
    return render(request, "enterprise/review.html", context, status=status)


def _due() -> str:
    """When the institutions' promise would end if the request were sent now."""
    now = moments.now()
    policy = Policy.objects.in_force(Kind.RESPONSE, at=now)
    planned = clocks.plan(policy, list(policy.levels.all()), started_at=now, calendar=calendars_in_use.current())
    return moment_cn(planned.due_at, today=local_date(now)) + ("（暂定）" if planned.provisional else "")
