"""质押登记查询: anybody asks, anybody gets a certificate."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pledges.search import asking, certificates, reading
from pledges.search.asking import Question, SearchForm
from portal.foundation.accounts import attempts
from portal.foundation.accounts.guards import public
from portal.foundation.core import addresses, moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.numbers import whole

# What the certificate says of itself, said of the page.
LIMITS = tuple(limit.replace("本证明不反映", "这里查不到") for limit in certificates.LIMITS[1:])


@public
@never_cache
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The box and, with a question in the address, the answer: it can be turned page by page, kept and sent on.

    Asking counts towards the limit; that is all a look writes.
    """
    now = moments.now()
    if "q" not in request.GET:
        return _page(request, SearchForm(today=moments.local_date(now)))
    form = SearchForm(request.GET, today=moments.local_date(now))
    if not form.is_valid():
        return _page(request, form, status=400)
    if not _may(request, now=now):
        form.add_error(None, asking.SLOW_DOWN)
        return _page(request, form, status=429)
    return _answer(request, form, form.cleaned_data["q"], now=now)


@public
@never_cache
@require_POST
def certify(request: HttpRequest) -> HttpResponse:
    """A certificate of what the register says now; leads to its page, where it is downloaded as often as wanted."""
    now = moments.now()
    form = SearchForm(request.POST, today=moments.local_date(now))
    if not form.is_valid():
        return _page(request, form, status=400)
    question: Question = form.cleaned_data["q"]
    try:
        allowed = asking.may(asking.CERTIFICATES, _key(request), now=now)
    except OperationalError as error:
        if not attempts.queue_too_long(error):
            raise
        allowed = False
    if not allowed:
        form.add_error(None, asking.NO_MORE_PAPERS)
        return _page(request, form, status=429)
    actor: Actor | None = getattr(request, "actor", None)
    try:
        made = certificates.certify(question, actor=actor or certificates.ANYBODY, now=now)
    except DomainError as error:
        form.add_error(None, error.reason)
        return _page(request, form, status=error.status)
    messages.success(request, f"已出具查询证明 {made.number}，可以下载。")
    return redirect("pledges:verify", made.verify_code)


def _key(request: HttpRequest) -> str:
    """Who asks: the chair of a person who is logged in, else the address."""
    actor: Actor | None = getattr(request, "actor", None)
    return f"{actor.user_id}/{actor.organisation_id}" if actor else addresses.network(request)


def _may(request: HttpRequest, *, now: datetime) -> bool:
    limit = asking.VISITOR if getattr(request, "actor", None) is None else asking.MEMBER
    try:
        return asking.may(limit, _key(request), now=now)
    except OperationalError as error:
        if not attempts.queue_too_long(error):
            raise
        return False


def _answer(request: HttpRequest, form: SearchForm, question: Question, *, now: datetime) -> HttpResponse:
    context: dict[str, Any] = {"question": question, "moment": moments.local(now)}
    if question.by == asking.By.PATENT:
        pledges = reading.of_patent(question.value)
        live = sum(pledge.live for pledge in pledges)
        said = certificates.statement(question, live=live, ended=len(pledges) - live)
        return _page(request, form, **context, pledges=pledges, live=live, statement=said)
    before = whole(request.GET.get("before")) or 0
    found = reading.of_party(question.value, before=before)
    live = sum(contract.live for contract in found.rows)
    complete = not found.before and not before  # else the figures of one page would pass for those of all
    said = (
        certificates.statement(question, live=live, ended=len(found.rows) - live, name=found.name) if complete else ""
    )
    return _page(request, form, **context, contracts=found, live=live, statement=said, paged=bool(before))


def _page(request: HttpRequest, form: SearchForm, *, status: int = 200, **context: Any) -> HttpResponse:
    shown = {"form": form, "limits": LIMITS, **context}
    return render(request, "public/search.html", shown, status=status)
