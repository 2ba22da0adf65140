"""Who changes roles or ways in must have shown who they are within the last ten minutes, else they show it now.

Nothing typed is lost: the page that asks carries the form along and sends it on.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables

from portal.foundation.core import moments

from . import actions
from .forms_identity import ProofForm
from .identity import sessions
from .middleware import actor_of

View = Callable[..., HttpResponseBase]
WRONG = "不对，或者连续输错次数过多。连续输错 5 次后，要等 15 分钟再试。"
_OURS = {"proof", "csrfmiddlewaretoken"}


def proven(view: View) -> View:
    """Below the guard (`@allow`): a POST passes only when the person was recognised just now."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST" or sessions.fresh(request.session, now=moments.now()):
            return view(request, *args, **kwargs)
        if "proof" in request.POST:
            form = ProofForm(request.POST)
            if form.is_valid():
                if _recognised(request, form.cleaned_data["proof"]):
                    return view(request, *args, **kwargs)
                form.add_error("proof", WRONG)
                request.refused_as = "wrong-proof"  # type: ignore[attr-defined]  # read by journal.refusals
        else:
            form = ProofForm()  # a question, no refusal
        return _ask(request, form)

    asked.proven = True  # type: ignore[attr-defined]  # read by the test over all such routes
    return asked


@sensitive_variables("typed")
def _recognised(request: HttpRequest, typed: str) -> bool:
    now = moments.now()
    shown = actions.prove(actor_of(request).user_id, typed, now=now)
    if shown is None:
        return False
    sessions.proved(request.session, now=now, second=shown != "password")
    return True


def _ask(request: HttpRequest, form: ProofForm) -> HttpResponse:
    carried = [(name, value) for name, values in request.POST.lists() if name not in _OURS for value in values]
    context = {"form": form, "carried": carried}
    return render(request, "accounts/prove.html", context, status=403 if form.errors else 200)
