"""The lists of enterprises by tier, as the regulator keeps them: search, list one, end one, import many."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.files import attach
from portal.foundation.core.forms import DateField, PortalForm, UploadField, UsccField, place
from portal.foundation.core.intake.gate import admit
from portal.foundation.core.intake.kinds import WORKBOOK
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbers import whole
from portal.foundation.core.spreadsheets import XLSX
from products.risk import listing, tier_sheet
from products.risk.models import EnterpriseTier
from products.risk.shares import Tier
from products.workbook import Fault

PAGE = 50
LONGEST_SEARCH = 60
SOURCE = {"label": "名单出处", "max_length": 200, "help_text": "发布名单的文号或通知，例如“……关于公布……名单的通知”。"}


class ListForm(PortalForm):
    """列入一家."""

    uscc = UsccField(help_text="企业要已在本平台注册。")
    tier = forms.ChoiceField(label="分档", choices=[("", "请选择"), *Tier.choices])
    since = DateField(label="有效期自")
    until = DateField(label="有效期至", required=False, help_text="没有止日就空着。")
    source = forms.CharField(**SOURCE)  # type: ignore[arg-type]


class EndForm(PortalForm):
    """结束."""

    until = DateField(label="有效期至", help_text="这一天仍然有效。")
    ground = forms.CharField(label="依据", max_length=200, help_text="文件名称和文号，或更正的原因。")


class ImportForm(PortalForm):
    """批量导入."""

    file = UploadField(
        label="XLSX 文件",
        help_text=f"用模板填写，一次最多 {tier_sheet.MOST_ROWS} 行，不超过 2 MB。",
        kinds=WORKBOOK,
    )
    source = forms.CharField(**SOURCE)  # type: ignore[arg-type]


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def tiers(request: HttpRequest) -> HttpResponse:
    """Who is listed as what, newest first, by name or code; and one more."""
    actor, now = actor_of(request), moments.now()
    form = ListForm(request.POST if request.method == "POST" else None, initial={"since": local_date(now)})
    status = 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        given = form.cleaned_data
        wish = listing.Wish(given["uscc"], given["tier"], given["since"], given["until"])
        try:
            made = listing.put_on(wish, source=given["source"], actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"已将{made.organisation.name}列入{Tier(made.tier).short}。")
            return redirect("supervision-tiers")
    rows, after = _rows(request)
    today = local_date(now)
    context: dict[str, Any] = {
        "rows": [
            (row, Tier(row.tier).short, row.valid_until is not None and row.valid_until < today) for row in rows[:PAGE]
        ],
        "after": after,
        "first": not request.GET.get("after"),
        "q": request.GET.get("q", "")[:LONGEST_SEARCH],
        "form": form,
    }
    return render(request, "supervision/tiers.html", context, status=status)


def _rows(request: HttpRequest) -> tuple[list[EnterpriseTier], str]:
    """One page of the lists, and the key of the next."""
    found = EnterpriseTier.objects.select_related("organisation").order_by("-pk")
    wanted = request.GET.get("q", "")[:LONGEST_SEARCH].replace("\x00", "").strip()
    if wanted:
        found = found.filter(Q(organisation__name__icontains=wanted) | Q(organisation__uscc__istartswith=wanted))
    after = whole(request.GET.get("after"))
    if after is not None:
        found = found.filter(pk__lt=after)
    rows = list(found[: PAGE + 1])
    return rows, f"{rows[PAGE - 1].pk}" if len(rows) > PAGE else ""


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """The last day of one entry, and why: the page says what follows before it is sent."""
    actor, now = actor_of(request), moments.now()
    entry = get_object_or_404(EnterpriseTier.objects.select_related("organisation"), pk=pk)
    may = listing.can_end(actor, entry)
    form = EndForm(request.POST if request.method == "POST" else None, initial={"until": local_date(now)})
    status = 200 if may else 409
    if may and request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                listing.end(entry.pk, **form.cleaned_data, actor=actor, now=now)
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                messages.success(request, f"{entry.organisation.name}的认定有效期至 {form.cleaned_data['until']}。")
                return redirect("supervision-tiers")
    context = {"entry": entry, "short": Tier(entry.tier).short, "form": form, "may": may}
    return render(request, "supervision/tier_end.html", context, status=status)


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: HttpRequest) -> HttpResponse:
    """A whole list at once: all of its rows or none, every fault by its cell."""
    actor, now = actor_of(request), moments.now()
    posted = request.method == "POST"
    form = ImportForm(request.POST if posted else None, request.FILES if posted else None)
    status = 200
    faults: list[Fault] = []
    if posted and not form.is_valid():
        status = 400
    elif posted:
        try:
            checked = admit(form.cleaned_data["file"], kinds=WORKBOOK, most=tier_sheet.MOST_BYTES, actor=actor, now=now)
            found, faults = tier_sheet.read(checked.read())
            if not faults:
                written, slips = listing.import_all(
                    [wish for _, wish in found], source=form.cleaned_data["source"], actor=actor, now=now
                )
                faults = tier_sheet.told(slips, [number for number, _ in found])
        except DomainError as error:
            if error.fields:
                place(form, error)
            else:
                form.add_error("file", error.reason)
            status = error.status
        else:
            if not faults:
                messages.success(request, f"已列入 {len(written)} 家企业。")
                return redirect("supervision-tiers")
            status = 400
    context = {"form": form, "faults": faults[:200], "wrong": len(faults), "most": tier_sheet.MOST_ROWS}
    return render(request, "supervision/tiers_import.html", context, status=status)


@allow(Role.REGULATOR)
@require_safe
def template(request: HttpRequest) -> HttpResponse:
    """The empty workbook."""
    return attach(tier_sheet.template(), media_type=XLSX, name="tiers-template.xlsx")
