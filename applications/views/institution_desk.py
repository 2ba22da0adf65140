"""The desk: what waits, sorted by due moment; the next one for me; the team's load."""

import hashlib
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET, require_POST

from applications import cover_rows
from applications import desk as desks
from applications import desk_figures as figures
from applications.actions import claiming, responses
from applications.cover_rules import COVERING
from applications.models import Referral
from applications.next_rounds import owed_by
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.sla import calendars_in_use, lamps

ANSWERING = (Role.OFFICER, Role.MANAGER)
LOAD = ("waiting", "overdue", "today", "claimed", "info", "offered")
SHORTCUTS = [("r", "响应这一行"), ("n", "到“下一件（给我）”")]
MANY_TEXT = f"{figures.MANY - 1}+"


def _bounded(count: int) -> str:
    return MANY_TEXT if count >= figures.MANY else str(count)


def _address(request: HttpRequest, drop: tuple[str, ...] = ("after", "before", "part"), **change: str) -> str:
    """The address of another view of this list: the same filters, from its first page."""
    params: QueryDict = request.GET.copy()
    for name in (*drop, *change):
        params.pop(name, None)
    params.update({name: value for name, value in change.items() if value})
    return f"?{params.urlencode()}"


def colleagues(actor: Actor) -> list[tuple[int, str]]:
    """Who may be given a referral: the institution's active officers and managers."""
    seats = Membership.objects.at_work().filter(organisation_id=actor.organisation_id, role__in=ANSWERING)
    return list(seats.order_by("user__name").values_list("user_id", "user__name"))


@allow(*ANSWERING)
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """The whole page, or with ?part=work only what is refreshed every 20 seconds (304 when nothing changed)."""
    actor, now = actor_of(request), moments.now()
    view = desks.asked(request.GET.dict())
    manager = actor.role == Role.MANAGER
    pick = view.tab == "waiting" or (manager and view.tab in ("claimed", "info", "offered"))
    page = desks.page(view, actor=actor, now=now, pick=pick)
    found = figures.numbers(actor=actor, now=now)
    context = {
        "view": view,
        "page": page,
        "pick": pick,
        "kpis": _kpis(actor, found, now=now),
        "tabs": _tabs(request, view, found),
        "total": _total(view, page, found),
        "clear": f"?tab={view.tab}",
        "bands": [(code, label) for code, (label, _, _) in desks.BANDS.items()],
        "dues": list(desks.DUE.items()),
        "districts": figures.current_districts(),
        "poll": _address(request, (), part="work"),
        "colleagues": [(str(pk), name) for pk, name in colleagues(actor)] if manager else [],
        "owed": owed_by(actor.organisation_id, now=now) if found.owed else [],
        "covers": _covers(actor, now=now),
    }
    if request.GET.get("part") == "work":
        response = render(request, "bank/desk.html#work", context)
        etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
        response.headers["ETag"], response.headers["Cache-Control"] = etag, "private, no-cache"
        return get_conditional_response(request, etag=etag, response=response) or response
    context |= {"compact": True, "shortcuts": SHORTCUTS, "manager": manager}
    return render(request, "bank/desk.html", context)


def _covers(actor: Actor, *, now: Any) -> list[cover_rows.CoverRow]:
    """What a guarantor or an insurer is still to answer or to commit; nobody else's desk asks (two queries)."""
    if actor.organisation_kind not in COVERING:
        return []
    return [row for tab in ("waiting", "open") for row in cover_rows.of_desk(actor, tab=tab, now=now)[0]]


def _kpis(actor: Actor, found: figures.Numbers, *, now: Any) -> list[dict[str, str]]:
    calendar = calendars_in_use.current()
    rate = figures.month_rate(actor=actor, now=now)

    def spoken(moment: Any) -> str:
        return lamps.lamp(
            due_at=moment,
            stopped_at=None,
            paused_at=None,
            excused=False,
            provisional=False,
            warn_at=None,
            now=now,
            calendar=calendar,
        ).text

    late = spoken(found.first_due) if found.overdue and found.first_due else ""
    soon = spoken(found.next_due) if found.today and found.next_due else ""
    percent = f"{rate.on_time * 100 / rate.counted:.1f}%" if rate.counted else "—"
    return [
        {
            "name": "已超期",
            "code": "r" if found.overdue else "",
            "url": "?tab=waiting&due=overdue",
            "value": _bounded(found.overdue),
            "detail": f"最长{late}" if late else "没有超期的",
        },
        {
            "name": "今天到期",
            "code": "y" if found.today else "",
            "url": "?tab=waiting&due=today",
            "value": _bounded(found.today),
            "detail": f"最近一件{soon}" if soon else "今天没有到期的",
        },
        {
            "name": "待企业补充",
            "code": "",
            "url": "?tab=info",
            "value": _bounded(found.tabs["info"]),
            "detail": "等企业答复，时限已停" if found.tabs["info"] else "没有等企业的",
        },
        {
            "name": "本月按时响应率",
            "code": ("g" if rate.on_time == rate.counted else "y") if rate.counted else "",
            "url": "?tab=late",
            "value": percent,
            "detail": f"按时 {rate.on_time}，共 {rate.counted} 件，截至 {moments.local(rate.as_of):%H:%M}",
        },
    ]


def _tabs(request: HttpRequest, view: desks.Asked, found: figures.Numbers) -> list[dict[str, Any]]:
    shown = [tab for tab in figures.TABS if tab != "late" or view.tab == "late"]
    return [
        {
            "label": figures.TABS[tab][0],
            "url": _address(request, ("after", "before", "part", "due"), tab=tab),
            "current": tab == view.tab,
            "count": _bounded(found.tabs[tab]) if tab in found.tabs else "",
            "bad": tab == "waiting" and bool(found.overdue),
        }
        for tab in shown
    ]


def _total(view: desks.Asked, page: desks.Page, found: figures.Numbers) -> str:
    if view.filtered or view.tab not in found.tabs:
        return f"本页 {page.length} 件"
    return f"本页 {page.length} 件，共 {_bounded(found.tabs[view.tab])} 件"


@allow(*ANSWERING)
@require_POST
def next_one(request: HttpRequest) -> HttpResponse:
    """下一件（给我）: the most urgent one nobody has taken, and straight to its page."""
    mine = claiming.next_for_me(actor=actor_of(request), now=moments.now())
    if mine is None:
        messages.info(request, "没有待领取的需求：待响应的都已有经办人。")
        return redirect("desk")
    messages.success(request, "这一件已归您办理。时限还在走，请接单或答复。")
    return redirect("desk-referral", ref=mine.ref)


@allow(*ANSWERING)
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """The ticked ones: to myself, or, by a manager, to a colleague."""
    actor, now = actor_of(request), moments.now()
    refs = [ref for ref in request.POST.getlist("ref")[:100] if _is_ref(ref)]
    ids = list(Referral.objects.visible_to(actor).filter(ref__in=refs).order_by("pk").values_list("pk", flat=True))
    officer = request.POST.get("officer", "")
    if not ids:
        messages.warning(request, "没有选中任何一件，请先勾选。")
    elif actor.role == Role.MANAGER and officer.isascii() and officer.isdigit():
        done, said = 0, ""
        for pk in ids:
            try:
                responses.assign(pk, officer_id=int(officer[:9]), actor=actor, now=now)
                done += 1
            except DomainError as error:
                said = error.reason
        _say(request, done, f"已转派 {done} 件。", f"{len(ids) - done} 件没有转派：{said}" if said else "")
    else:
        got = len(claiming.take(ids, actor=actor, now=now))
        missed = f"{len(ids) - got} 件没有领到：已有经办人，或已答复。" if got < len(ids) else ""
        _say(request, got, f"已归您办理 {got} 件，请在时限内响应。", missed)
    return redirect("desk")


def _say(request: HttpRequest, done: int, good: str, missed: str) -> None:
    if done:
        messages.success(request, good)
    if missed:
        messages.warning(request, missed)


def _is_ref(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


@allow(Role.MANAGER)
@require_GET
def team(request: HttpRequest) -> HttpResponse:
    """Who has how much: for sharing out work, not for ranking people."""
    actor, now = actor_of(request), moments.now()
    tonight = midnight_after(local_date(now))
    state, running = Referral.State, Q(state=Referral.State.WAITING)
    grouped: Any = (
        Referral.objects.visible_to(actor)
        .open()
        .values("officer_id")
        .annotate(
            waiting=Count("pk", filter=running),
            overdue=Count("pk", filter=running & Q(clock__due_at__lte=now)),
            today=Count("pk", filter=running & Q(clock__due_at__gt=now, clock__due_at__lte=tonight)),
            claimed=Count("pk", filter=Q(state=state.CLAIMED)),
            info=Count("pk", filter=Q(state=state.INFO)),
            offered=Count("pk", filter=Q(state=state.OFFERED)),
        )
    )
    rows = {row["officer_id"]: {key: row[key] for key in LOAD} for row in grouped}
    nothing = dict.fromkeys(LOAD, 0)
    people = [{"id": pk, "name": name, **nothing, **rows.pop(pk, {})} for pk, name in colleagues(actor)]
    free = {**nothing, **rows.pop(None, {})}
    left = {key: sum(row[key] for row in rows.values()) for key in LOAD}  # held by people who have left
    return render(
        request, "bank/team.html", {"people": people, "free": free, "left": left if any(left.values()) else None}
    )
