"""撤销: the clerk writes the proposal, the chief decides on the same page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from pledges import presenting
from pledges.after import revoking, rules
from pledges.after.forms import DropForm, RevocationForm, RevokeForm, StatementForm
from pledges.after.models import Revocation
from pledges.locking import in_conflict
from pledges.models import Registration
from pledges.queries import WITH
from pledges.views.common import PARTIES, own
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm, place

from .common import GET_OR_POST, OFFICE
from .reading import hub_with


def _file(request: HttpRequest, number: str) -> Registration:
    files = Registration.objects.visible_to(actor_of(request)).select_related(*WITH)
    return get_object_or_404(files, number=number)


@allow(*OFFICE)
@never_cache
@require_http_methods(GET_OR_POST)
def revoke(request: HttpRequest, number: str) -> HttpResponse:
    """Which of the forms was sent, its button says: propose, tell, revoke, drop."""
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
        elif "tell" in request.POST:
            form = PortalForm(request.POST)
            form.is_valid()  # it has no fields; a refusal may be written on it
            revoking.tell_parties(open_one.pk, actor=actor, now=now)
            messages.success(request, "已告知双方当事人，期满或者双方都已陈述意见后可以决定。")
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
        panel = next((p for p in ("propose", "tell", "drop") if p in request.POST), "revoke")
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
    rows = list(
        file.revocations.select_related("proposed_by", "decided_by")
        .prefetch_related("papers", "statements")
        .order_by("-pk")
    )
    open_one = next((r for r in rows if r.state == Revocation.State.PROPOSED), None)
    forms: dict[str, PortalForm] = {"propose": RevocationForm(), "revoke": RevokeForm(), "drop": DropForm()}
    if form is not None:
        forms[panel] = form
    verdict = rules.can_decide_revocation(actor, open_one, file, conflict=conflict) if open_one else None
    shown = presenting.patents(file, most=presenting.MOST_PATENTS)
    heard = rules.heard(open_one, file, now=moments.now()) if open_one else None
    context = {
        "file": file,
        "tag": presenting.TAGS[file.state],
        "patents": shown,
        "pieces": len(presenting.numbers(file, shown)),
        "heard": bool(heard),
        "not_heard": heard.reason if heard is not None and not heard else "",
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


@allow(*PARTIES)
@require_POST
def state(request: HttpRequest, number: str) -> HttpResponse:
    """陈述意见 of a party that was told."""
    file, form = own(request, number), StatementForm(request.POST)
    open_one = file.revocations.filter(state=Revocation.State.PROPOSED).exclude(told_at=None).first()
    if open_one is None:
        messages.error(request, "现在没有需要陈述意见的撤销事项。")
        return redirect("pledges:after", number)
    if not form.is_valid():
        return hub_with(request, file, statement=form, status=400)
    revoking.state(open_one.pk, text=form.cleaned_data["text"], actor=actor_of(request), now=moments.now())
    messages.success(request, "意见已送登记机构，决定前可以补充。")
    return redirect("pledges:after", number)
