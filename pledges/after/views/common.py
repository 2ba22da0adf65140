"""What the pages after the registration share: fetching a matter, and the frame of its page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from pledges.after import presenting
from pledges.after.models import Matter
from pledges.models import Registration
from pledges.views.common import own
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments

OFFICE = (Role.CLERK, Role.CHIEF)
GET_OR_POST = ["GET", "HEAD", "POST"]
WITH = (
    "clock",
    "clerk",
    "registration__application",
    "registration__maximum",
    "registration__pledgor",
    "registration__pledgee",
    "registration__office",
)


def file_of(request: HttpRequest, number: str) -> Registration:
    return own(request, number)


def matter_of(request: HttpRequest, number: str) -> Matter:
    """The matter, for those who may see it; for a stranger the same 404 as a missing one."""
    found = Matter.objects.visible_to(actor_of(request)).select_related(*WITH)
    return get_object_or_404(found, number=number)


def back(matter: Matter) -> HttpResponse:
    return redirect("pledges:matter", matter.number)


def trail(file: Registration) -> list[tuple[str, str]]:
    return [
        (reverse("pledges:list"), "质押登记"),
        (reverse("pledges:detail", args=[file.number]), file.number),
        (reverse("pledges:after", args=[file.number]), "登记后事项"),
    ]


def matter_page(
    request: HttpRequest, template: str, matter: Matter, *, status: int = 200, **context: Any
) -> HttpResponse:
    """A page about one matter, with everything it says."""
    file, actor = matter.registration, actor_of(request)
    shared = {
        "file": file,
        "matter": matter,
        "tag": presenting.TAGS[matter.state],
        "lamp": presenting.lamp(matter, now=moments.now()),
        "shown": presenting.shown(matter, file),
        "papers": [p for p in matter.papers.order_by("pk") if p.replaced_at is None],
        "corrections": list(matter.corrections.all()) if matter.correction_rounds else [],
        "notices": list(file.notices.filter(facts__matter=matter.number).order_by("pk")) if matter.clock_id else [],
        "waits": presenting.waits(actor, matter, file),
        "trail": trail(file),
    }
    return render(request, template, {**shared, **context}, status=status)
