"""The enterprise fills in a request: four steps, saved at every change, submitted once.

The order in every step: first keep what was typed, whatever it is, then look at it. So an error, a refused file or a lost
connection never costs anybody a word.
"""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from applications import queries_enterprise as queries
from applications import wizard
from applications.actions import drafts
from applications.actions import submit as submitting
from applications.actions.drafts import StaleDraft
from applications.case_steps import route
from applications.forms import FileForm, ReachForm, typed_of
from applications.models import Application, Attachment, Draft
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of, membership_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbers import version_of, whole
from products.models import Product


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """GET: what it takes, and drafts to continue. POST: a new draft (nothing is made by looking), with a product if one was named."""
    actor = actor_of(request)
    wanted = _product(request.POST.get("product") or request.GET.get("product", ""))
    if request.method != "POST":
        context = {"product": wanted, "drafts": queries.draft_rows(actor), "token": uuid.uuid4()}
        return render(request, "enterprise/apply_start.html", {**context, "carried": wizard.carried(request.GET)})
    data: dict[str, Any] = {"reach": {"reach": ReachForm.CHOOSE, "products": [str(wanted.pk)]}} if wanted else {}
    if need := wizard.need_of(request.POST):
        data["need"] = need
    token = _uuid(request.POST.get("token", ""))
    if token and (already := submitted_case(request, str(token))):
        return already
    draft = drafts.start(actor=actor, now=moments.now(), data=data, token=token)
    return redirect("apply:step", draft.pk, "company")


@allow(Role.ENTERPRISE)
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, draft_id: int, step: str) -> HttpResponse:
    """One step: keep what was typed, then go where the pressed button says, or show what is wrong (400)."""
    if step not in wizard.FORMS:
        raise Http404
    found = own_draft(request, draft_id)
    if isinstance(found, HttpResponse):
        return found
    if request.method != "POST":
        return step_page(request, found, step, check=step if "check" in request.GET else "")
    try:
        draft = _keep(request, found, step)
    except StaleDraft as stale:
        return _stale(request, stale, step)
    except DomainError as refusal:  # somebody holds the draft: what was typed comes back on the page
        found.data = {**found.data, step: typed_of(wizard.FORMS[step], request.POST)}
        return step_page(request, found, step, check=step, refusal=refusal, status=refusal.status)
    go = request.POST.get("go", "next")
    papers = FileForm(request.POST, request.FILES)
    if step == "reach" and not _take_papers(request, draft, papers, pressed=go == "attach"):
        return step_page(request, draft, step, papers=papers, status=papers.status)
    if step == "reach" and go.startswith("detach:"):
        drafts.detach(draft.pk, go.removeprefix("detach:"), actor=actor_of(request), now=moments.now())
    if go != "next":
        return _leave(draft, step, go)
    page = step_page(request, draft, step, check=step)
    if page.status_code == 200:
        following = wizard.NAMES[wizard.NAMES.index(step) + 1]
        if request.POST.get("back") == "review" or following == "review":
            return redirect("apply:review", draft.pk)
        return redirect("apply:step", draft.pk, following)
    return page


@allow(Role.ENTERPRISE)
@require_POST
def save(request: HttpRequest, draft_id: int, step: str) -> HttpResponse:
    """Autosave: keeps the step as typed and answers a fragment that says when; 409 when a colleague was here."""
    if step not in wizard.FORMS:
        raise Http404
    draft = get_object_or_404(queries.drafts_of(actor_of(request)), pk=draft_id)
    try:
        draft = _keep(request, draft, step)
    except StaleDraft as stale:
        return render(request, "enterprise/saved.html", {"stale": stale}, status=stale.status)
    except DomainError as refusal:
        return render(request, "enterprise/saved.html", {"refusal": refusal}, status=refusal.status)
    saved_at = moments.local(draft.updated_at)
    return render(request, "enterprise/saved.html", {"saved_at": f"{saved_at:%H:%M}", "version": draft.version})


@allow(Role.ENTERPRISE)
@require_POST
def attach(request: HttpRequest, draft_id: int) -> HttpResponse:
    """A file for step 3 by itself, without the other fields of the step."""
    draft = get_object_or_404(queries.drafts_of(actor_of(request)), pk=draft_id)
    papers = FileForm(request.POST, request.FILES)
    if not _take_papers(request, draft, papers, pressed=True):
        return step_page(request, draft, "reach", papers=papers, status=papers.status)
    return _leave(draft, "reach", "attach")


@allow(Role.ENTERPRISE)
@require_POST
def detach(request: HttpRequest, draft_id: int, ref: uuid.UUID) -> HttpResponse:
    """Take a file out of the draft."""
    draft = get_object_or_404(queries.drafts_of(actor_of(request)), pk=draft_id)
    drafts.detach(draft.pk, str(ref), actor=actor_of(request), now=moments.now())
    return _leave(draft, "reach", "detach")


# --- parts ---------------------------------------------------------------------------------------------------------


def own_draft(request: HttpRequest, draft_id: int) -> Draft | HttpResponse:
    """The actor's draft; when it is gone because it was submitted, the way to its case; else 404."""
    draft = queries.draft_of(actor_of(request), draft_id)
    found = draft or submitted_case(request, request.POST.get("token", ""))
    if found is None:
        raise Http404
    return found


def submitted_case(request: HttpRequest, token: str) -> HttpResponseRedirect | None:
    """The way to the case this token became, if it is the actor's."""
    case: Application | None = submitting.submitted_as(token) if token else None
    if case is None or case.organisation_id != actor_of(request).organisation_id:
        return None
    messages.info(request, f"这份需求已经提交，编号 {case.number}。")
    return redirect("case", case.number)


def _keep(request: HttpRequest, draft: Draft, step: str) -> Draft:
    return drafts.save(
        draft.pk,
        step=step,
        data=typed_of(wizard.FORMS[step], request.POST),
        version=number_of(request, "version"),
        page=request.POST.get("page", "")[:40],
        actor=actor_of(request),
        now=moments.now(),
    )


def _take_papers(request: HttpRequest, draft: Draft, papers: FileForm, *, pressed: bool) -> bool:
    """Attach a chosen file, whichever button was pressed; False with the reason on the form when it is refused."""
    upload = request.FILES.get("file")
    if upload is None:
        return not pressed  # the form itself says that a file is missing
    kind = request.POST.get("kind", "")
    try:
        drafts.attach(
            draft.pk,
            upload,
            kind=kind if kind in Attachment.Kind.values else Attachment.Kind.OTHER,
            actor=actor_of(request),
            now=moments.now(),
        )
    except DomainError as refusal:
        papers.add_error("file", refusal.reason)
        papers.status = refusal.status
        return False
    return True


def _leave(draft: Draft, step: str, go: str) -> HttpResponse:
    """Where the buttons beside «保存并继续» lead; everything is saved already."""
    here = reverse("apply:step", args=[draft.pk, step])
    if go == "back" and step != wizard.NAMES[0]:
        return redirect("apply:step", draft.pk, wizard.NAMES[wizard.NAMES.index(step) - 1])
    if go == "patent" and (url := route("assets:add")):
        return redirect(f"{url}?next={here}")
    if go == "later":
        return redirect("case-list")
    return redirect(f"{here}#files" if go.startswith(("attach", "detach")) else here)


def step_page(
    request: HttpRequest,
    draft: Draft,
    step: str,
    *,
    check: str = "",
    papers: FileForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """The page of one step; 400 when the checked form is wrong. `refusal` puts an action's sentences beside its fields."""
    membership = membership_of(request)
    answers = wizard.read(draft, membership, today=local_date(moments.now()), check=[check] if check else [])
    form = answers.form(step)
    if refusal is not None:
        form.is_valid()
        place(form, refusal)
    if check and status == 200 and not form.is_valid():
        status = 400
    number = wizard.NAMES.index(step) + 1
    context: dict[str, Any] = {
        "draft": draft,
        "answers": answers,
        "step": step,
        "number": number,
        "heading": wizard.STEPS[number - 1][2],
        "steps": step_links(draft),
        "form": form,
        "papers": papers or FileForm(),
        "files": wizard.files_of(draft) if step == "reach" else [],
        "cards": wizard.cards(answers.reach, answers.choices) if step == "reach" else [],
        "company": membership.organisation,
        "saved": wizard.saved_by(draft),
        "page": uuid.uuid4().hex,
        "back": "review" if "review" in (request.GET.get("back"), request.POST.get("back")) else "",
        "page_has_errors": status >= 400,
        "add_patent": route("assets:add"),
        **extra,
    }
    return render(request, f"enterprise/step_{step}.html", context, status=status)


def step_links(draft: Draft) -> list[dict[str, str]]:
    return [
        {
            "label": label,
            "url": reverse("apply:review", args=[draft.pk])
            if name == "review"
            else reverse("apply:step", args=[draft.pk, name]),
        }
        for name, label, _ in wizard.STEPS
    ]


def _stale(request: HttpRequest, stale: StaleDraft, step: str) -> HttpResponse:
    """409 with both versions: what I typed stays in the fields, what is stored stands beside it."""
    mine, theirs = typed_of(wizard.FORMS[step], request.POST), stale.theirs
    stored = theirs.data.get(step, {})
    answers = wizard.read(theirs, membership_of(request), today=local_date(moments.now()))
    rows = wizard.difference(step, mine, stored, answers)
    theirs.data = {**theirs.data, step: mine}  # for showing only: nothing is saved here
    return step_page(request, theirs, step, check=step, status=409, stale=stale, rows=rows)


def _product(raw: str) -> Product | None:
    pk = whole(raw)
    if pk is None:
        return None
    return Product.objects.published().filter(pk=pk).select_related("institution__organisation").first()


def _uuid(raw: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(raw)
    except ValueError:
        return None


def number_of(request: HttpRequest, name: str) -> int:
    """A version from a hidden field; 0 (older than anything) when it was tampered with."""
    return max(version_of(request, name), 0)
