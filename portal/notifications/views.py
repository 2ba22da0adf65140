"""The bell: a person's messages, newest first, each with one link that leads to the action."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from portal.foundation.accounts.guards import allow
from portal.foundation.core import moments

from .models import Notice

PAGE, DIGEST_PAGE = 30, 100


@allow()
@require_GET
def notices(request: HttpRequest) -> HttpResponse:
    """Own notices, 30 a page, keyset on the id; `?kind=` filters, `?unread=1` shows what is new."""
    mine = Notice.objects.filter(membership=request.membership, digest=None)  # type: ignore[attr-defined]
    kind = request.GET.get("kind", "")
    unread = request.GET.get("unread") == "1"
    rows = mine.filter(kind=kind) if kind in Notice.Kind.values else mine
    rows = rows.filter(read_at=None) if unread else rows
    before = request.GET.get("before", "")
    rows = rows.filter(pk__lt=int(before)) if before.isdecimal() and len(before) < 18 else rows
    page = list(rows.order_by("-pk")[: PAGE + 1])
    context = {
        "notices": page[:PAGE],
        "next_before": page[PAGE - 1].pk if len(page) > PAGE else None,
        "kinds": Notice.Kind.choices,
        "kind": kind,
        "unread": unread,
        "any_unread": any(n.read_at is None for n in page),
    }
    return render(request, "notifications/list.html", context)


@allow()
@require_POST
def open_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one as read and go where it leads."""
    notice = get_object_or_404(Notice, pk=pk, membership=request.membership)  # type: ignore[attr-defined]
    if notice.read_at is None:
        Notice.objects.filter(Q(pk=notice.pk) | Q(digest=notice), read_at=None).update(read_at=moments.now())
    return HttpResponseRedirect(notice.url)


@allow()
@require_GET
def digest(request: HttpRequest, pk: int) -> HttpResponse:
    """What one digest sums up, each with the link that leads to it; 100 a page."""
    head = get_object_or_404(Notice, pk=pk, membership=request.membership, entry_id=None)  # type: ignore[attr-defined]
    rows = Notice.objects.filter(digest=head)
    after = request.GET.get("after", "")
    shown = rows.filter(pk__gt=int(after)) if after.isdecimal() and len(after) < 18 else rows
    page = list(shown.order_by("pk")[: DIGEST_PAGE + 1])
    more = page[DIGEST_PAGE - 1].pk if len(page) > DIGEST_PAGE else None
    return render(request, "notifications/digest.html", {"head": head, "items": page[:DIGEST_PAGE], "next_after": more})


@allow()
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything shown up to now as read."""
    Notice.objects.filter(membership=request.membership, read_at=None).update(read_at=moments.now())  # type: ignore[attr-defined]
    return redirect("notices")
