"""Workbooks of products: export, template, and an import that is looked through before it is written."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.files import attach
from portal.foundation.core.forms import PortalForm, UploadField
from portal.foundation.core.intake.kinds import WORKBOOK
from portal.foundation.core.spreadsheets import XLSX, Mark
from portal.foundation.journal import taken
from products import queries_managed, rules, workbook
from products.actions import importing, together
from products.models import Product, ProductImport, ProductVersion

INSTITUTION = (Role.OFFICER, Role.MANAGER)
USERS = (Role.OFFICER, Role.MANAGER, Role.REGULATOR)
SHOWN = 50  # drafts by name on the page that puts them forward
DECISIONS = {"confirm": importing.confirm, "cancel": importing.cancel}


class WorkbookForm(PortalForm):
    file = UploadField(
        label="XLSX 文件",
        help_text=f"用模板或导出的表填写，一次最多 {workbook.MOST_ROWS} 行，不超过 10 MB。",
        kinds=WORKBOOK,
    )


def _trail(actor: Actor) -> list[tuple[str, str]]:
    if actor.role == Role.REGULATOR:
        return [(reverse("products:review"), "产品审核")]
    return [(reverse("products:own"), "本机构产品")]


def _sheet(
    products: Iterable[Product], *, actor: Actor, name: str, title: str, now: datetime, export: bool
) -> HttpResponse:
    """`export`: the file carries data, so it says who took it, and the journal as well."""
    listed = list(products)
    mark = Mark(actor.label, now) if export else None
    regulator = actor.role == Role.REGULATOR
    body = workbook.write(listed, regulator=regulator, title=title, today=moments.local_date(now), mark=mark)
    if export:
        taken.note("products", name=name, body=body, rows=len(listed), actor=actor, now=now)
    return attach(body, media_type=XLSX, name=name)


@allow(*USERS)
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """The public terms of all products (regulator) or of the own ones, ready to be changed and imported again. A POST, because
    it is written into the journal."""
    actor, now = actor_of(request), moments.now()
    rules.can_import(actor).require()
    today = moments.local_date(now)
    found = queries_managed.managed(actor).exclude(state=Product.State.WITHDRAWN).order_by("institution_id", "pk")
    name, title = (
        f"products-{today:%Y%m%d}.xlsx",
        "渝知贷产品" if actor.role == Role.REGULATOR else f"{actor.organisation_name}的产品",
    )
    return _sheet(found.iterator(chunk_size=500), actor=actor, name=name, title=title, now=now, export=True)


@allow(*USERS)
@require_safe
def template(request: HttpRequest) -> HttpResponse:
    """The empty workbook."""
    actor = actor_of(request)
    rules.can_import(actor).require()
    return _sheet(
        [], actor=actor, name="products-template.xlsx", title="渝知贷产品导入模板", now=moments.now(), export=False
    )


@allow(*USERS)
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Hand a workbook in; the last ones of the own organisation."""
    actor, now = actor_of(request), moments.now()
    rules.can_import(actor).require()
    form = WorkbookForm(request.POST, request.FILES) if request.method == "POST" else WorkbookForm()
    status = 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        try:
            job = importing.start(form.cleaned_data["file"], actor=actor, now=now)
        except DomainError as error:
            form.add_error("file", error.reason)
            status = error.status
        else:
            messages.success(request, "文件已收到，正在检查。")
            return redirect("products:import-job", job.pk)
    context = {
        "form": form,
        "jobs": ProductImport.objects.visible_to(actor).defer("plan").order_by("-pk")[:20],
        "regulator": actor.role == Role.REGULATOR,
        "trail": _trail(actor),
    }
    return render(request, "products/import.html", context, status=status)


@allow(*USERS)
@require_http_methods(["GET", "HEAD", "POST"])
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, what is wrong, what it would do; `?part=live` is the part that the page asks for again and again."""
    actor, now = actor_of(request), moments.now()
    found = get_object_or_404(ProductImport.objects.visible_to(actor).defer("plan"), pk=pk)
    refused, status = "", 200
    act = DECISIONS.get(request.POST.get("decision", ""))
    if request.method == "POST" and act is None:
        refused, status = "请用下面的按钮办理。", 400
    elif request.method == "POST" and act is not None:
        try:
            found = act(pk, actor=actor, now=now)
        except DomainError as error:
            refused, status = error.reason, error.status
            found.refresh_from_db()
        else:
            return redirect("products:import-job", pk)
    context = {
        "job": found,
        "active": found.state in ProductImport.ACTIVE,
        "refused": refused,
        "regulator": actor.role == Role.REGULATOR,
        "trail": [*_trail(actor), (reverse("products:import"), "批量导入")],
    }
    if found.state == ProductImport.State.DONE and actor.role in INSTITUTION:
        context["drafts"] = found.drafts.filter(state__in=ProductVersion.EDITABLE).count()
    page = "products/_import_job.html" if request.GET.get("part") == "live" else "products/import_job.html"
    return render(request, page, context, status=status)


@allow(*INSTITUTION)
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    """一并提交审核: which drafts of this workbook would be put forward, which cannot be and why; then it is done."""
    actor, now = actor_of(request), moments.now()
    found = get_object_or_404(ProductImport.objects.visible_to(actor).defer("plan"), pk=pk)
    refused, status = "", 200
    if request.method == "POST":
        try:
            done = together.submit(pk, actor=actor, now=now)
        except DomainError as error:
            refused, status = error.reason, error.status
        else:
            messages.success(request, f"已提交 {done} 款产品审核。")
            return redirect("products:import-job", pk)
    drafts = together.of_import(found)
    context = {
        "job": found,
        "drafts": drafts,
        "shown": drafts.ready[:SHOWN],
        "held": drafts.held[:SHOWN],
        "at_once": together.AT_ONCE,
        "refused": refused,
        "trail": [
            *_trail(actor),
            (reverse("products:import"), "批量导入"),
            (reverse("products:import-job", args=[pk]), found.name),
        ],
    }
    return render(request, "products/import_submit.html", context, status=status)
