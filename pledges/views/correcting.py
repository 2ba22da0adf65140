"""补正 for the parties: every defect with its answer, and what the answers changed, to be confirmed."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pledges import places, presenting, rules
from pledges.actions import corrections
from pledges.forms.filing import FilingForm
from pledges.forms.party import AnswerForm
from pledges.loading import owned
from pledges.models import Correction, Registration
from pledges.patent_lists.models import current as current_list
from pledges.signing import actions as signing
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
def correct(request: HttpRequest, number: str) -> HttpResponse:
    """All defects on one screen, the fix beside each; each is answered by itself, and what the answers changed is confirmed."""
    file, now = own(request, number), moments.now()
    if request.method != "POST" and not rules.can_answer(actor_of(request), file):
        return back(file)
    rows = list(file.corrections.filter(round=file.correction_rounds))
    if "confirm" in request.POST:
        return _confirm_changes(request, file, rows)
    if request.method != "POST" and "again" not in request.GET and all(row.answered_at for row in rows):
        return _agree_page(request, file, rows)
    listed = current_list(file)
    whole = FilingForm(
        file=file, owned=owned(file, listed=listed is not None), today=moments.local_date(now), listed=listed
    )
    sent = request.POST.get("correction", "")
    forms_ = []
    for row in rows:
        place_ = places.PLACES.get(row.field, places.PLACES["other"])
        bound = request.method == "POST" and sent == str(row.pk)
        form = AnswerForm(
            request.POST if bound else None,
            request.FILES if bound else None,
            names=place_.fields,
            paper=place_.paper,
            whole=whole,
            prefix=f"c{row.position}",
        )
        forms_.append((row, place_, form))
    if request.method != "POST":
        return _correct_page(request, file, forms_)
    row, _, form = get_or_404(forms_, sent)
    if not form.is_valid():
        return _correct_page(request, file, forms_, status=400)
    try:
        after = corrections.answer(
            row.pk,
            text=form.cleaned_data["text"],
            changes=form.changes(),
            uploads=form.uploads(),
            actor=actor_of(request),
            now=now,
        )
    except DomainError as error:
        place(form, error)
        return _correct_page(request, file, forms_, status=error.status)
    if after.state != Registration.State.CORRECTING:
        messages.success(request, "全部补正已完成，申请已送回审查，登记时限重新起算。")
        return back(file)
    messages.success(request, f"第 {row.position} 项已保存。")
    return redirect(f"{reverse('pledges:correct', args=[file.number])}#correction-{row.position}")


def _confirm_changes(request: HttpRequest, file: Registration, rows: list[Correction]) -> HttpResponse:
    try:
        after = corrections.confirm(file.pk, version=version_of(request), actor=actor_of(request), now=moments.now())
    except DomainError as error:
        return _agree_page(request, own(request, file.number), rows, refused=error.reason, status=error.status)
    if after.state == Registration.State.CORRECTING:
        messages.success(request, "已确认。另一方确认后，申请送回审查。")
    else:
        messages.success(request, "已确认，申请已送回审查，登记时限重新起算。")
    return back(file)


def _agree_page(
    request: HttpRequest, file: Registration, rows: list[Correction], *, refused: str = "", status: int = 200
) -> HttpResponse:
    """Everything is answered, and somebody has not signed what the answers changed."""
    unsigned = signing.outdated(file)
    applicants = [file.pledgor, file.pledgee]
    if file.debtor_org_id is not None:
        applicants.append(file.application.organisation)  # speaks for a pledgor without a seat
    return page(
        request,
        "pledges/correct_agree.html",
        file,
        corrections=rows,
        refused=refused,
        changed=unsigned.get(actor_of(request).organisation_id or 0, []),
        unsigned=[o.title for o in applicants if o.pk in unsigned],
        lamp=presenting.lamp(file, now=moments.now()),
        status=status,
    )


def get_or_404(rows: list[tuple[Any, places.Place, AnswerForm]], sent: str) -> tuple[Any, places.Place, AnswerForm]:
    """The defect that was answered; one of an earlier round or of another file is not found."""
    found = [r for r in rows if str(r[0].pk) == sent]
    if not found:
        get_object_or_404(Registration.objects.none(), pk=0)
    return found[0]


def _correct_page(
    request: HttpRequest,
    file: Registration,
    rows: list[tuple[Any, places.Place, AnswerForm]],
    *,
    status: int = 200,
) -> HttpResponse:
    return page(
        request,
        "pledges/correct.html",
        file,
        rows=rows,
        forms=[form for _, _, form in rows],
        bound=next((form for _, _, form in rows if form.is_bound), None),
        first_open=next((row.pk for row, _, _ in rows if row.answered_at is None), None),
        answered=sum(row.answered_at is not None for row, _, _ in rows),
        earlier=list(file.corrections.filter(round__lt=file.correction_rounds)) if file.correction_rounds > 1 else [],
        notice=file.notices.filter(kind="correction").order_by("-pk").first(),
        lamp=presenting.lamp(file, now=moments.now()),
        status=status,
    )
