"""The pledgor asks whether it may transfer, license or give up a pledged patent; the pledgee answers."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pledges.after import consents, presenting, rules
from pledges.after.forms import ConsentAnswerForm, ConsentForm
from pledges.after.models import UseConsent
from pledges.models import PledgedPatent, Registration
from pledges.views.common import PARTIES
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place

from .common import GET_OR_POST, OFFICE, WITH, file_of, trail


def _pledged(file: Registration) -> list[PledgedPatent]:
    return list(file.patents.filter(effective__upper_inf=True).order_by("number"))


@allow(Role.ENTERPRISE)
@never_cache
@require_http_methods(GET_OR_POST)
def ask(request: HttpRequest, number: str) -> HttpResponse:
    file, actor = file_of(request, number), actor_of(request)
    rules.can_ask_consent(actor, file).require()
    form = ConsentForm(
        request.POST if request.method == "POST" else None, request.FILES or None, pledged=_pledged(file)
    )
    if request.method != "POST":
        return _ask(request, file, form)
    if not form.is_valid():
        return _ask(request, file, form, status=400)
    wish = {name: form.cleaned_data[name] for name in ("use", "numbers", "counterparty", "price", "about")}
    try:
        made = consents.ask(file.pk, consents.Asked(**wish), form.uploads(), actor=actor, now=moments.now())
    except DomainError as error:
        place(form, error)
        return _ask(request, file, form, status=error.status)
    messages.success(request, "已送质权人答复。得到同意之前，请不要办理。")
    return redirect("pledges:consent", made.ref)


def _ask(request: HttpRequest, file: Registration, form: ConsentForm, *, status: int = 200) -> HttpResponse:
    context = {"file": file, "form": form, "trail": trail(file)}
    return render(request, "pledges/after/consent_ask.html", context, status=status)


@allow(*PARTIES, *OFFICE)
@never_cache
@require_http_methods(GET_OR_POST)
def consent(request: HttpRequest, ref: str) -> HttpResponse:
    """One request: the pledgee answers it here, the pledgor may withdraw it."""
    actor = actor_of(request)
    related = [name for name in WITH if name.startswith("registration")]
    found = get_object_or_404(UseConsent.objects.visible_to(actor).select_related(*related), ref=ref)
    if request.method != "POST":
        return _consent(request, found, ConsentAnswerForm())
    if "withdraw" in request.POST:
        consents.withdraw(found.pk, actor=actor, now=moments.now())
        messages.success(request, "已撤回。")
        return redirect("pledges:consent", found.ref)
    form = ConsentAnswerForm(request.POST)
    if not form.is_valid():
        return _consent(request, found, form, status=400)
    try:
        consents.answer(
            found.pk,
            agree=form.cleaned_data["answer"] == "agree",
            proceeds=form.cleaned_data["proceeds"],
            terms=form.cleaned_data["terms"],
            actor=actor,
            now=moments.now(),
        )
    except DomainError as error:
        place(form, error)
        return _consent(request, found, form, status=error.status)
    messages.success(request, "已答复，出质人会收到消息。")
    return redirect("pledges:consent", found.ref)


def _consent(request: HttpRequest, found: UseConsent, form: ConsentAnswerForm, *, status: int = 200) -> HttpResponse:
    actor, file = actor_of(request), found.registration
    context = {
        "consent": found,
        "file": file,
        "form": form,
        "tag": presenting.USE_TAGS[found.state],
        "patents": list(file.patents.filter(number__in=found.numbers).order_by("number")),
        "papers": list(found.papers.order_by("pk")),
        "may_answer": bool(rules.can_answer_consent(actor, found, file)),
        "may_withdraw": bool(rules.can_withdraw_consent(actor, found, file)),
        "trail": [] if actor.role in OFFICE else trail(file),
    }
    return render(request, "pledges/after/consent.html", context, status=status)
