"""亮灯督办: the list of lamps, issuing a 督办单, and the orders as both sides see them."""

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm
from portal.foundation.sla import calendars_in_use
from portal.foundation.sla.lamps import Lamp, lamp
from portal.foundation.sla.models import Clock
from portal.reports import actions, books, exports, red, rules, sla
from portal.reports.forms import LampForm, OrderForm, ReplyForm
from portal.reports.models import ANSWERING, SupervisionOrder
from portal.reports.paging import PAGE, Cursor, Place, beyond, page
from portal.reports.red import SHOWN, Choice

SOON = 240  # working minutes before an answer is due: the lamp turns yellow


@allow(Role.REGULATOR)
@require_GET
def lamps(request: HttpRequest) -> HttpResponse:
    """Overdue now, overdue for a working day, soon due, and under an order."""
    now, known = moments.now(), sla.names()
    form = LampForm(request.GET, known=known)
    valid = form.is_valid()
    choice = form.choice if valid else Choice()
    place = Place.of(before=request.GET.get("before", ""), after=request.GET.get("after", ""))
    listed = red.listed(choice, place=place, now=now)
    counts = red.counts(choice, now=now)
    pairs = request.GET.copy()
    for name in ("before", "after"):
        pairs.pop(name, None)
    query = pairs.urlencode()
    tabs = []
    for name, label in SHOWN.items():
        pairs["show"] = name
        tabs.append((label, f"?{pairs.urlencode()}", counts[name], name == choice.show))
    return render(
        request,
        "supervision/lamps.html",
        {
            "form": form,
            "now": now,
            "choice": choice,
            "tabs": tabs,
            "rows": [
                (
                    r,
                    known.key("district", r.district_code or "-").label,
                    books.order_state(r.latest.replied_at is not None, late=r.order_late) if r.latest else "",
                )
                for r in listed.rows
            ],
            "pages": {"before": listed.before, "after": listed.after, "total": f"共 {counts[choice.show]} 件"},
            "total": counts[choice.show],
            "export": {
                "url": f"{reverse('supervision-export')}?{query}",
                "what": "lamps",
                "formats": exports.endings(paper=False),
            },
        },
        status=200 if valid else 400,
    )


def _step(request: HttpRequest, form: PortalForm) -> str:
    """Where a two-step form stands: asked for the first time, to be looked over, or confirmed."""
    if request.method != "POST" or request.POST.get("step") == "edit":
        return "edit"
    return "confirm" if form.is_valid() and request.POST.get("step") == "confirm" else "check"


def _put(form: PortalForm, error: DomainError) -> None:
    """An action's refusal beside its field, or above the form."""
    for field, said in error.fields.items():
        form.add_error(field if field in form.fields else None, said)
    if not error.fields:
        form.add_error(None, error.reason)


@allow(Role.REGULATOR)
@require_http_methods(["GET", "POST"])
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """Issue a 督办单: written, looked over with its date, then sent."""
    now, actor = moments.now(), actor_of(request)
    try:
        about = red.one(pk, now=now)
    except Clock.DoesNotExist as error:
        raise Http404 from error
    waiting = about.latest if about.latest is not None and about.latest.replied_at is None else None
    verdict = rules.can_order(actor, about.clock, waiting=waiting, now=now)
    form = OrderForm(request.POST) if request.method == "POST" else OrderForm()
    step, status = _step(request, form), 200
    if step == "confirm":
        try:
            made = actions.issue(
                pk,
                demand=form.cleaned_data["demand"],
                reply_days=form.cleaned_data["reply_days"],
                actor=actor,
                now=now,
            )
        except DomainError as error:
            _put(form, error)
            status, step = error.status, "edit"
            about = red.one(pk, now=now)
        else:
            messages.success(request, f"督办单 {made.number} 已发给 {about.clock.organisation.title}。")
            return redirect("supervision-lamps")
    elif step == "check":
        if not form.is_valid():
            status, step = 400, "edit"
        elif not verdict:
            form.add_error(None, verdict.reason)
            status, step = 409, "edit"
    due = actions.reply_due(now, form.cleaned_data["reply_days"]) if step == "check" else None
    return render(
        request,
        "supervision/order_form.html",
        {
            "form": form,
            "about": about,
            "verdict": verdict,
            "step": step,
            "due": due.due_at if due else None,
            "due_provisional": due is not None and due.provisional,
            "now": now,
        },
        status=status,
    )


def _provisional(due: datetime) -> bool:
    """Whether the day that ends with this moment is not published yet."""
    return calendars_in_use.current().is_provisional(moments.local_date(due - timedelta(microseconds=1)))


def _lamp(order: SupervisionOrder, *, now: datetime) -> Lamp:
    """The lamp of an answer: the same shapes as a promise's, yellow from half a working day before."""
    calendar = calendars_in_use.current()
    shown = lamp(
        due_at=order.reply_due,
        stopped_at=order.replied_at,
        paused_at=None,
        excused=False,
        provisional=_provisional(order.reply_due),
        warn_at=calendar.subtract_working_minutes(order.reply_due, SOON),
        now=now,
        calendar=calendar,
    )
    words = {"done": "按时答复", "late": "逾期答复", "r": shown.text.replace("超期", "逾期")}
    return Lamp(shown.code, words.get(shown.code, shown.text), shown.title, shown.hours)


@allow(Role.REGULATOR, *ANSWERING)
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """Orders, newest first: all for the regulator, its own for the organisation asked."""
    now, actor = moments.now(), actor_of(request)
    place = Place.of(before=request.GET.get("before", ""), after=request.GET.get("after", ""))
    show = request.GET.get("show", "")
    visible = SupervisionOrder.objects.visible_to(actor)
    waiting = visible.waiting().count()
    chosen = visible.waiting() if show == "waiting" else visible.overdue(now=now) if show == "late" else visible
    if place.cursor:
        chosen = chosen.filter(beyond("issued_at", place.cursor, downwards=not place.backwards))
    sign = "" if place.backwards else "-"
    found = list(chosen.select_related("clock", "organisation").order_by(f"{sign}issued_at", f"{sign}pk")[: PAGE + 1])
    listed = page(found, place, [Cursor(row.issued_at, row.pk) for row in found])
    return render(
        request,
        "supervision/orders.html",
        {
            "rows": [(row, _lamp(row, now=now)) for row in listed.rows],
            "tabs": [
                ("全部", "?", None, show not in ("waiting", "late")),
                ("待答复", "?show=waiting", waiting, show == "waiting"),
                ("逾期未答复", "?show=late", None, show == "late"),
            ],
            "regulator": actor.role == Role.REGULATOR,
            "pages": {"before": listed.before, "after": listed.after, "total": ""},
            "now": now,
        },
    )


@allow(Role.REGULATOR, *ANSWERING)
@require_http_methods(["GET", "POST"])
def reply(request: HttpRequest, number: str) -> HttpResponse:
    """One order; the organisation asked answers it here, once."""
    now, actor = moments.now(), actor_of(request)
    visible = SupervisionOrder.objects.visible_to(actor).select_related(
        "clock", "organisation", "clock__referral", "clock__registration", "clock__next_round", "clock__matter"
    )
    found = get_object_or_404(visible, number=number)
    form = ReplyForm(request.POST) if request.method == "POST" else ReplyForm()
    step, status = _step(request, form), 200
    verdict = rules.can_reply(actor, found)
    if step == "confirm":
        try:
            actions.reply(found.pk, text=form.cleaned_data["reply"], actor=actor, now=now)
        except DomainError as error:
            _put(form, error)
            status, step = error.status, "edit"
            found = get_object_or_404(visible, number=number)
            verdict = rules.can_reply(actor, found)
        else:
            messages.success(request, f"已答复督办单 {found.number}。")
            return redirect("orders")
    elif step == "check":
        if not form.is_valid():
            status, step = 400, "edit"
        elif not verdict:
            form.add_error(None, verdict.reason)
            status, step = verdict.kind.status, "edit"
    return render(
        request,
        "supervision/order.html",
        {
            "order": found,
            "lamp": _lamp(found, now=now),
            "form": form,
            "can_reply": bool(verdict),
            "step": step,
            "regulator": actor.role == Role.REGULATOR,
            "work": _work(actor, found),
            "now": now,
        },
        status=status,
    )


def _work(actor: Actor, about: SupervisionOrder) -> str:
    """Where this reader finds the case: the regulator's page of it, or the place where the asked can put it right."""
    if actor.role == Role.REGULATOR:
        return reverse("supervision-case", args=[about.clock.case_number])
    referral, file = getattr(about.clock, "referral", None), getattr(about.clock, "registration", None)
    if referral is not None:
        return reverse("desk-referral", args=[referral.ref])
    if (owed := getattr(about.clock, "next_round", None)) is not None:
        return reverse("desk-owed", args=[owed.pk])
    if (matter := getattr(about.clock, "matter", None)) is not None:
        return reverse("office-matter", args=[matter.number])
    return reverse("office-file", args=[file.number]) if file is not None else ""
