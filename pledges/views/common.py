"""What the parties' pages share: fetching one's own file, and the frame of a page."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from pledges import presenting
from pledges.models import Receipt, Registration
from pledges.queries import WITH
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.journal import looks

PARTIES = (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER)


def own(request: HttpRequest, number: str) -> Registration:
    """The file, for those who may see it; for a stranger the same 404 as a missing one."""
    files = Registration.objects.visible_to(actor_of(request)).select_related(*WITH, "loan")
    slips = Receipt.objects.filter(registration=OuterRef("pk")).order_by("pk")
    files = files.annotate(slips=ArraySubquery(slips.values(row=JSONObject(pk="pk", number="number"))))
    return get_object_or_404(files, number=number)


def owner_for(file: Registration, actor: Actor) -> int:
    """Whose look it is when the actor reads of this file: the pledgor's; 0 for what the parties read of each other."""
    return 0 if actor.role == Role.ENTERPRISE else file.pledgor_id


def looked(request: HttpRequest, file: Registration, what: looks.What = looks.What.PLEDGE, subject: str = "") -> None:
    """The pledgor sees which bank, office or regulator read its file."""
    actor = actor_of(request)
    looks.note(request, owner_id=owner_for(file, actor), actor=actor, what=what, subject=subject or file.subject)


def back(file: Registration) -> HttpResponse:
    return redirect("pledges:detail", file.number)


def trail(file: Registration | None = None) -> list[tuple[str, str]]:
    crumbs = [(reverse("pledges:list"), "质押登记")]
    return crumbs if file is None else [*crumbs, (reverse("pledges:detail", args=[file.number]), file.number)]


def page(request: HttpRequest, template: str, file: Registration, *, status: int = 200, **context: Any) -> HttpResponse:
    shared = {"file": file, "trail": trail(file), "tag": presenting.TAGS[file.state]}
    return render(request, template, {**shared, **context}, status=status)
