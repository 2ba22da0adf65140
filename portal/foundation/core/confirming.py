"""The page between a button and what cannot be undone: what will happen and how much, then «确认».

The form that was sent comes back as hidden fields of that page with `sure`; nothing is done and nothing is kept before. The
view looks through the form first, so that only what could be done is asked about.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

SURE = "sure"
_OWN = {"csrfmiddlewaretoken", SURE}


@dataclass(frozen=True, slots=True)
class Question:
    """`verb` is the button's word, `effect` what happens (sentences, with the amount), `back` the address of «取消».

    `told` are the figures it is about, as (label, value).
    """

    verb: str
    about: str
    effect: str
    back: str
    told: Sequence[tuple[str, str]] = ()
    dangerous: bool = False


def sure(request: HttpRequest) -> bool:
    """Whether the person has read the page and confirmed it."""
    return request.POST.get(SURE) == "1"


def ask(request: HttpRequest, question: Question) -> HttpResponse:
    """The page. Everything that was sent is sent again with «确认»; files are not, so a form with files is no place for it."""
    sent = [(name, value) for name, values in request.POST.lists() if name not in _OWN for value in values]
    return render(request, "components/confirm.html", {"question": question, "sent": sent})
