"""核对登记簿 on the clerk's screen, and the page where an office without a connection brings extracts."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pledges.checking import actions as checking
from pledges.forms.registry import ExtractForm
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.assets.models import RegisterAnswer
from portal.foundation.assets.register import actions as register
from portal.foundation.assets.register import choice, workbook
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.files import attach
from portal.foundation.core.forms import place
from portal.foundation.core.spreadsheets import XLSX

from .office_screen import file_of, registry_of, screen

OFFICE = (Role.CLERK, Role.CHIEF)
SHOWN = 10
SHOWN_FAULTS = 50


@allow(*OFFICE)
@require_POST
def check(request: HttpRequest, number: str) -> HttpResponse:
    """Ask the register about every patent of the file; a large file goes on in the background."""
    shown = file_of(request, number)
    try:
        job = checking.check_register(shown.pk, actor=actor_of(request), now=moments.now())
    except DomainError as error:
        return screen(request, file_of(request, number), refused=error.reason, status=error.status)
    if job.finished_at is None:
        messages.info(request, f"开始核对登记簿，共 {job.total} 件，进度显示在审查要点上方。")
    elif job.problem:
        messages.warning(request, f"{checking.summary(job)}。")
    else:
        messages.success(request, f"{checking.summary(job)}。")
    return redirect("office-file", number)


@allow(*OFFICE)
@never_cache
@require_safe
def progress(request: HttpRequest, number: str) -> HttpResponse:
    """How far the background round is; asked for again and again while it runs."""
    shown = file_of(request, number)
    return render(request, "office/_registry.html", {"file": shown, "reloaded": True, **registry_of(request, shown)})


@allow(*OFFICE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def extracts(request: HttpRequest) -> HttpResponse:
    """Bring a workbook; the latest answers of this office below."""
    now = moments.now()
    today = moments.local_date(now)
    if request.method != "POST":
        return _page(request, ExtractForm(today=today))
    form = ExtractForm(request.POST, request.FILES, today=today)
    if not form.is_valid():
        return _page(request, form, status=400)
    as_of = min(now, moments.midnight_after(form.cleaned_data["as_of"]))
    try:
        outcome = register.upload(form.cleaned_data["file"], as_of=as_of, actor=actor_of(request), now=now)
    except register.NotRead as error:
        place(form, error)
        return _page(request, form, faults=error.faults, status=error.status)
    except DomainError as error:
        form.add_error("file", error.reason)
        return _page(request, form, status=error.status)
    messages.success(request, f"已采用 {outcome.found} 件，其中 {len(outcome.changed)} 件的记载有变化。")
    return redirect("office-extracts")


def _page(
    request: HttpRequest, form: ExtractForm, *, faults: "list[workbook.Fault] | None" = None, status: int = 200
) -> HttpResponse:
    office = actor_of(request).organisation_id
    answers = RegisterAnswer.objects.filter(source=RegisterAnswer.Source.WORKBOOK, asked_for=office)
    answers = answers.defer("body").order_by("-pk")
    context = {
        "form": form,
        "faults": (faults or [])[:SHOWN_FAULTS],
        "more_faults": max(0, len(faults or []) - SHOWN_FAULTS),
        "answers": list(answers[:SHOWN]),
        "connected": choice.can_be_asked(),
    }
    return render(request, "office/extracts.html", context, status=status)


@allow(*OFFICE)
@require_safe
def template(request: HttpRequest) -> HttpResponse:
    return attach(workbook.template(), media_type=XLSX, name="register-extract.xlsx")
