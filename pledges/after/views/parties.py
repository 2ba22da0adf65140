"""The parties' verbs on a matter: apply, revise, confirm, send back, withdraw, answer a correction."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from pledges.after import examination, filing, rules
from pledges.after.forms import FORMS, AgreeForm, AnswerForm, ChangeAnswerForm
from pledges.after.kinds import MatterKind
from pledges.after.models import Matter
from pledges.forms.party import SendBackForm, WithdrawForm
from pledges.models import Registration
from pledges.views.common import PARTIES
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm, place
from portal.foundation.core.numbers import version_of

from .common import GET_OR_POST, back, file_of, matter_of, matter_page, trail
from .reading import matter_with


@allow(*PARTIES)
@never_cache
@require_http_methods(GET_OR_POST)
def start(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """Apply for a change, a cancellation or a partial release."""
    file, actor = file_of(request, number), actor_of(request)
    if kind not in MatterKind.values:
        raise Http404
    rules.can_begin(actor, file).require()
    shape = FORMS[kind]
    if request.method != "POST":
        return _form(request, file, kind, shape(file=file))
    form = shape(request.POST, request.FILES, file=file)
    if not form.is_valid():
        return _form(request, file, kind, form, status=400)
    try:
        made = filing.start(file.pk, kind, form.wish(), form.uploads(), actor=actor, now=moments.now())
    except DomainError as error:
        place(form, error)
        return _form(request, file, kind, form, status=error.status)
    messages.success(request, "已送对方确认。对方确认后，申请即提交登记机构。")
    return back(made)


def _form(
    request: HttpRequest,
    file: Registration,
    kind: str,
    form: PortalForm,
    *,
    matter: Matter | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"file": file, "form": form, "kind": MatterKind(kind), "matter": matter, "trail": trail(file)}
    return render(request, "pledges/after/form.html", context, status=status)


@allow(*PARTIES)
@never_cache
@require_http_methods(GET_OR_POST)
def revise(request: HttpRequest, number: str) -> HttpResponse:
    """After the other side sent it back."""
    matter, actor = matter_of(request, number), actor_of(request)
    file, shape = matter.registration, FORMS[matter.kind]
    if request.method != "POST":
        if not rules.can_revise(actor, matter, file):
            return back(matter)
        return _form(request, file, matter.kind, shape(file=file, matter=matter), matter=matter)
    form = shape(request.POST, request.FILES, file=file, matter=matter)
    if not form.is_valid():
        return _form(request, file, matter.kind, form, matter=matter, status=400)
    try:
        filing.revise(
            matter.pk,
            form.wish(),
            form.uploads(),
            version=version_of(request),
            actor=actor,
            now=moments.now(),
        )
    except DomainError as error:
        place(form, error)
        return _form(request, file, matter.kind, form, matter=matter, status=error.status)
    messages.success(request, "已修改并再送对方确认。")
    return back(matter)


@allow(*PARTIES)
@require_POST
def confirm(request: HttpRequest, number: str) -> HttpResponse:
    matter, form = matter_of(request, number), AgreeForm(request.POST)
    if not form.is_valid():
        return matter_with(request, matter, agree=form, status=400)
    try:
        joined = filing.confirm(matter.pk, version=version_of(request), actor=actor_of(request), now=moments.now())
    except DomainError as error:
        form.add_error(None, error.reason)
        return matter_with(request, matter_of(request, number), agree=form, status=error.status)
    if joined.state == Matter.State.EXAMINING:
        messages.success(request, "已确认。申请已送回审查，办理时限重新起算。")
    else:
        messages.success(request, "已共同提交。登记机构力争 1 个工作日内办结，结果会发消息。")
    return back(matter)


@allow(*PARTIES)
@require_POST
def send_back(request: HttpRequest, number: str) -> HttpResponse:
    matter, form = matter_of(request, number), SendBackForm(request.POST)
    if not form.is_valid():
        return matter_with(request, matter, note=form, status=400)
    try:
        filing.send_back(matter.pk, note=form.cleaned_data["note"], actor=actor_of(request), now=moments.now())
    except DomainError as error:
        place(form, error)
        return matter_with(request, matter_of(request, number), note=form, status=error.status)
    messages.success(request, "已退回，对方会看到您写的说明。")
    return back(matter)


@allow(*PARTIES)
@never_cache
@require_http_methods(GET_OR_POST)
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    matter, actor = matter_of(request, number), actor_of(request)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        filing.withdraw(matter.pk, reason=form.cleaned_data["reason"], actor=actor, now=moments.now())
        messages.success(request, "已撤回。质押登记不变。")
        return back(matter)
    if request.method != "POST" and not rules.can_withdraw(actor, matter, matter.registration):
        return back(matter)
    return matter_page(request, "pledges/after/withdraw.html", matter, form=form, status=400 if form.is_bound else 200)


@allow(*PARTIES)
@never_cache
@require_http_methods(GET_OR_POST)
def answer(request: HttpRequest, number: str) -> HttpResponse:
    """Answer the 补正 letter."""
    matter, actor = matter_of(request, number), actor_of(request)
    file, change = matter.registration, matter.kind == MatterKind.CHANGE
    if request.method != "POST":
        if not rules.can_answer(actor, matter, file):
            return back(matter)
        blank = ChangeAnswerForm(file=file, matter=matter) if change else AnswerForm()
        return matter_page(request, "pledges/after/answer.html", matter, form=blank)
    form: ChangeAnswerForm | AnswerForm
    if change:
        form = ChangeAnswerForm(request.POST, request.FILES, file=file, matter=matter)
    else:
        form = AnswerForm(request.POST, request.FILES)
    if not form.is_valid():
        return matter_page(request, "pledges/after/answer.html", matter, form=form, status=400)
    try:
        answered = examination.answer(
            matter.pk,
            text=form.cleaned_data["text"],
            changes=form.changes() if isinstance(form, ChangeAnswerForm) else None,
            uploads=form.uploads(),
            actor=actor,
            now=moments.now(),
        )
    except DomainError as error:
        place(form, error)
        return matter_page(request, "pledges/after/answer.html", matter, form=form, status=error.status)
    if answered.state == Matter.State.CONFIRMING:
        messages.success(request, "补正已保存。申请内容有改动，对方确认后送回审查。")
    else:
        messages.success(request, "补正已完成，申请已送回审查，办理时限重新起算。")
    return back(matter)
