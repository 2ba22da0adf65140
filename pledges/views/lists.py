"""A file's patents: page by page however many they are, and the workbook they may come from."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pledges import rules
from pledges.models import PledgedPatent, Registration
from pledges.patent_lists import actions, workbook
from pledges.patent_lists.models import current
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.files import attach
from portal.foundation.core.forms import PortalForm, UploadField, place
from portal.foundation.core.intake.kinds import WORKBOOK
from portal.foundation.core.spreadsheets import XLSX, Mark
from portal.foundation.journal import taken

from .common import PARTIES, back, own, page

READERS = (*PARTIES, Role.CLERK, Role.CHIEF, Role.REGULATOR)
PAGE = 100


class ListForm(PortalForm):
    file = UploadField(
        label="XLSX 文件",
        help_text=f"用模板填写，一次最多 {workbook.MOST_ROWS} 件，不超过 5 MB。有一处错误就一行也不采用。",
        kinds=WORKBOOK,
    )


@allow(*READERS)
@never_cache
@require_safe
def patents(request: HttpRequest, number: str) -> HttpResponse:
    """All patents of the file by number, a hundred a page."""
    file = own(request, number)
    after = request.GET.get("after", "")[:13]
    rows = list(PledgedPatent.objects.filter(registration=file, number__gt=after).order_by("number")[: PAGE + 1])
    return page(
        request,
        "pledges/patents.html",
        file,
        patents=rows[:PAGE],
        after=rows[PAGE - 1].number if len(rows) > PAGE else "",
        began=bool(after),
        total=file.patents.count(),
        listed=current(file),
        office=actor_of(request).role in (Role.CLERK, Role.CHIEF),
        may_list=bool(rules.can_list(actor_of(request), file)),
    )


@allow(*PARTIES)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest, number: str) -> HttpResponse:
    """Hand the list in, see every row's fault, or give the list up."""
    file, actor, now = own(request, number), actor_of(request), moments.now()
    verdict = rules.can_list(actor, file)
    if request.method != "POST":
        return _upload_page(request, file, ListForm()) if verdict else back(file)
    verdict.require()
    if "give_up" in request.POST:
        actions.take_back(file.pk, actor=actor, now=now)
        messages.success(request, "不再使用清单，质押专利恢复为融资需求中的专利。")
        return redirect("pledges:edit", file.number)
    form = ListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _upload_page(request, file, form, status=400)
    try:
        _, made = actions.take_over(file.pk, form.cleaned_data["file"], actor=actor, now=now)
    except actions.Faulty as error:
        form.add_error("file", error.reason)
        return _upload_page(request, file, form, faults=error.faults, count=error.count, status=error.status)
    except DomainError as error:
        if error.fields:
            place(form, error)
        else:
            form.add_error("file", error.reason)
        return _upload_page(request, file, form, status=error.status)
    said = f"，其中 {made.added} 件新录入“我的专利”" if made.added else ""
    messages.success(request, f"已采用清单，质押专利共 {made.pieces} 件{said}。")
    return redirect("pledges:patents", file.number)


def _upload_page(request: HttpRequest, file: Registration, form: ListForm, **context: Any) -> HttpResponse:
    shared = {"form": form, "listed": current(file), "most": workbook.MOST_ROWS, "pieces": file.patents.count()}
    return page(request, "pledges/patent_list.html", file, **{**shared, **context})


@allow(*PARTIES)
@require_http_methods(["GET", "HEAD", "POST"])
def template(request: HttpRequest, number: str) -> HttpResponse:
    """The empty workbook; by POST with the file's patents as they stand, to be added to: that is written into the journal."""
    file, actor, now = own(request, number), actor_of(request), moments.now()
    rows, mark, name = [], None, f"质押专利清单-{file.number}.xlsx"
    if request.method == "POST":
        mark = Mark(actor.label, now)
        found = PledgedPatent.objects.filter(registration=file).select_related("patent").order_by("number")
        rows = [
            (p.dotted, p.title, p.patent.patentee, p.filing_date, p.grant_date, p.patent.fee_paid_until, p.expires_on)
            for p in found
        ]
    body = workbook.write(rows, mark=mark)
    if mark is not None:
        taken.note("patents", name=name, body=body, rows=len(rows), actor=actor, now=now)
    return attach(body, media_type=XLSX, name=name)


@allow(*PARTIES)
@require_POST
def leave_out(request: HttpRequest, number: str) -> HttpResponse:
    """Take the patents that stand in the way out of the file; the contract has to be amended as well."""
    file = own(request, number)
    numbers = [n[:13] for n in request.POST.getlist("number")][: workbook.MOST_ROWS]
    actions.leave_out(file.pk, numbers=numbers, actor=actor_of(request), now=moments.now())
    messages.success(request, "已移出申请。请把双方签订的补充协议与合同一并上传，合同所列专利要与申请一致。")
    return redirect("pledges:precheck", file.number)
