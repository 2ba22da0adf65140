"""The office records what the registrar has answered: its number and its day."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pledges import rules
from pledges.actions import forwarding
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import DateField, PortalForm, place

from .common import own, page


class ForwardForm(PortalForm):
    number = forms.RegexField(
        label="国家登记号",
        regex=r"^\s*[0-9A-Za-z][0-9A-Za-z\- ]{3,39}\s*$",
        help_text="国家知识产权局给出的登记号，照原样填写。",
        error_messages={"invalid": "登记号只含数字、字母和短横线，4 到 40 位。"},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    registered_on = DateField(label="国家登记日期", help_text="国家知识产权局登记的日期。")


@allow(Role.CLERK, Role.CHIEF)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forward(request: HttpRequest, number: str) -> HttpResponse:
    file, actor = own(request, number), actor_of(request)
    rules.can_forward(actor, file).require()
    initial = {"number": file.national_number, "registered_on": file.national_on}
    form = ForwardForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method != "POST":
        return page(request, "office/forward.html", file, form=form)
    if not form.is_valid():
        return page(request, "office/forward.html", file, form=form, status=400)
    try:
        forwarding.record_national(file.pk, **form.cleaned_data, actor=actor, now=moments.now())
    except DomainError as error:
        place(form, error)
        return page(request, "office/forward.html", file, form=form, status=error.status)
    messages.success(request, "国家登记号已记下，双方当事人会收到消息。")
    return redirect("office-done")
