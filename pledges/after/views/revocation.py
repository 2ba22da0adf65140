"""撤销: the clerk writes the proposal, the chief decides on the same page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pledges import presenting
from pledges.after import revoking, rules
from pledges.after.forms import DropForm, RevocationForm, RevokeForm
from pledges.after.models import Revocation
from pledges.locking import in_conflict
from pledges.models import Registration
from pledges.queries import WITH
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm, place

from .common import GET_OR_POST, OFFICE


def _file(request: HttpRequest, number: str) -> Registration:
    files = Registration.objects.visible_to(actor_of(request)).select_related(*WITH)
    return get_object_or_404(files, number=number)


@allow(*OFFICE)
@never_cache
@require_http_methods(GET_OR_POST)
def revoke(request: HttpRequest, number: str) -> HttpResponse:
    """Which of the three forms was sent, its button says: propose, revoke, drop."""
    file, actor, now = _file(request, number), actor_of(request), moments.now()
    if request.method != "POST":
        return _page(request, file)
    open_one = file.revocations.filter(state=Revocation.State.PROPOSED).first()
    form: PortalForm
    try:
        if "propose" in request.POST:
            form = RevocationForm(request.POST, request.FILES)
            if not form.is_valid():
                return _page(request, file, panel="propose", form=form, status=400)
            wish = {name: form.cleaned_data[name] for name in ("ground", "refusal_ground", "found")}
            revoking.propose(file.pk, **wish, uploads=form.uploads(), actor=actor, now=now)
            messages.success(request, "已送负责人决定。")
        elif open_one is None:
            return _page(request, file, refused="没有等待决定的撤销建议。", status=409)
        elif "drop" in request.POST:
            form = DropForm(request.POST)
            if not form.is_valid():
                return _page(request, file, panel="drop", form=form, status=400)
            revoking.drop(open_one.pk, note=form.cleaned_data["note"], actor=actor, now=now)
            messages.success(request, "已决定不予撤销。")
        else:
            form = RevokeForm(request.POST)
            if not form.is_valid():
                return _page(request, file, panel="revoke", form=form, status=400)
            revoking.decide(open_one.pk, note=form.cleaned_data["note"], actor=actor, now=now)
            messages.success(request, "已撤销登记，通知书已签发，统计随即重述。")
    except DomainError as error:
        panel = next((p for p in ("propose", "drop") if p in request.POST), "revoke")
        place(form, error)
        return _page(request, _file(request, number), panel=panel, form=form, status=error.status)
    return redirect("office-revoke", number)


def _page(
    request: HttpRequest,
    file: Registration,
    *,
    panel: str = "",
    form: PortalForm | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    actor = actor_of(request)
    conflict = in_conflict(actor.user_id, file)
    rows = list(file.revocations.select_related("proposed_by", "decided_by").prefetch_related("papers").order_by("-pk"))
    open_one = next((r for r in rows if r.state == Revocation.State.PROPOSED), None)
    forms: dict[str, PortalForm] = {"propose": RevocationForm(), "revoke": RevokeForm(), "drop": DropForm()}
    if form is not None:
        forms[panel] = form
    verdict = rules.can_decide_revocation(actor, open_one, file, conflict=conflict) if open_one else None
    context = {
        "file": file,
        "tag": presenting.TAGS[file.state],
        "patents": presenting.patents(file),
        "rows": rows,
        "open_one": open_one,
        "may_propose": open_one is None and bool(rules.can_propose_revocation(actor, file, conflict=conflict)),
        "may_decide": bool(verdict),
        "why_not": "" if verdict is None or verdict else verdict.reason,
        "loan": presenting.loan_of(file),
        "forms_of": forms,
        "bound": form,
        "refused": refused,
        "conflict": conflict,
    }
    return render(request, "office/after/revoke.html", context, status=status)
