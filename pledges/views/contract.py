"""The contract's words beside the form: what article 8 wants, and whether the patent is said to fall to the pledgee."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pledges import rules
from pledges.contract_text import actions
from pledges.models import Document, Registration
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm, place

from .common import PARTIES, own, page

READERS = (*PARTIES, Role.CLERK, Role.CHIEF)
TAGS = {"found": ("ok", "找到"), "missing": ("warn", "没找到"), "differs": ("bad", "与申请表不同")}


class PasteForm(PortalForm):
    text = forms.CharField(
        label="合同文字",
        help_text="从合同文档里全选、复制、粘贴到这里。只用于这次核对，不保存原文。",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
    )


@allow(*READERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def look(request: HttpRequest, number: str) -> HttpResponse:
    """The last findings; POST reads the uploaded contract, or the pasted words, anew."""
    file, actor, now = own(request, number), actor_of(request), moments.now()
    if request.method != "POST":
        return _look_page(request, file, PasteForm())
    pasted = "paste" in request.POST
    form = PasteForm(request.POST if pasted else None)
    if pasted and not form.is_valid():
        return _look_page(request, file, form, status=400)
    try:
        if pasted:
            actions.read_pasted(file.pk, form.cleaned_data["text"], actor=actor, now=now)
        else:
            actions.read_upload(file.pk, actor=actor, now=now)
    except DomainError as error:
        if not pasted:
            return _look_page(request, file, form, refused=error.reason, status=error.status)
        place(form, error)
        return _look_page(request, file, form, status=error.status)
    messages.success(request, "已核对合同文字，结果如下。")
    return redirect("pledges:contract", file.number)


def _look_page(
    request: HttpRequest, file: Registration, form: PasteForm, *, refused: str = "", status: int = 200
) -> HttpResponse:
    reading = actions.of(file)
    rows = [(item, *TAGS[item["state"]]) for item in reading.items] if reading else []
    contract = file.documents.filter(kind=Document.Kind.CONTRACT, replaced_at=None).order_by("-pk").first()
    office = actor_of(request).role in (Role.CLERK, Role.CHIEF)
    return page(
        request,
        "pledges/contract.html",
        file,
        form=form,
        reading=reading,
        rows=rows,
        stale=reading is not None and actions.stale(reading, file),
        contract=contract,
        refused=refused,
        office=office,
        may_read=bool(rules.can_read_contract(actor_of(request), file)),
        status=status,
    )
