"""时限规则 and 工作日历: the versions of both promises, and the days they are counted in."""

import calendar as months
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.sla import calendars_in_use, horizon, policies
from portal.foundation.sla.models import CalendarVersion, CalendarYear, Clock, Kind, Policy, PolicyLevel
from portal.reports.forms import PolicyForm

STATES = {"future": "将生效", "now": "现行", "past": "已被替代"}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a promise and where it stands; `until` is the start of the next one."""

    policy: Policy
    state: str
    label: str
    until: datetime | None
    levels: list[tuple[str, str, str]]  # label, when, who


def _versions(kind: Kind, *, now: datetime) -> list[Version]:
    """Newest first, two queries a promise."""
    rows = list(Policy.objects.filter(kind=kind).order_by("-valid_from", "-id").prefetch_related("levels"))
    found: list[Version] = []
    until: datetime | None = None
    in_force_seen = False
    for policy in rows:
        state = "future" if policy.valid_from > now else "past" if in_force_seen else "now"
        in_force_seen = in_force_seen or state == "now"
        found.append(Version(policy, state, STATES[state], until, [_level(level) for level in policy.levels.all()]))
        until = policy.valid_from
    return found


def _level(level: PolicyLevel) -> tuple[str, str, str]:
    if level.anchor == PolicyLevel.Anchor.BEFORE:
        when = f"截止前 {level.offset} 工作分钟"
    else:
        when = "到截止时刻" if level.offset == 0 else f"截止日后 {level.offset} 个工作日"
    return level.label, when, "、".join(str(Role(role).label) for role in level.recipients)


@allow(Role.REGULATOR)
@require_GET
def policy(request: HttpRequest) -> HttpResponse:
    """Every version of both promises."""
    now = moments.now()
    return render(
        request,
        "supervision/policy.html",
        {"promises": [(kind, _versions(kind, now=now)) for kind in Kind], "now": now},
    )


@allow(Role.REGULATOR)
@require_http_methods(["GET", "POST"])
def policy_new(request: HttpRequest, kind: str) -> HttpResponse:
    """A new version: written, compared with the present one, then set."""
    if kind not in Kind.values:
        raise Http404
    promise, now = Kind(kind), moments.now()
    present = Policy.objects.in_force(promise, at=now)
    step = request.POST.get("step", "check") if request.method == "POST" else "edit"
    form = PolicyForm(promise, request.POST) if request.method == "POST" else PolicyForm.like(promise, present, now=now)
    status = 200
    if step != "edit" and not form.is_valid():
        step, status = "edit", 400
    if step == "confirm":
        values = form.cleaned_data
        try:
            policies.set_policy(
                promise,
                days=values["days"],
                day_zero=values["day_zero"],
                closes=values["closes"],
                valid_on=values["valid_on"],
                ground=values["ground"],
                ladder=form.ladder,
                actor=actor_of(request),
                now=now,
            )
        except DomainError as error:
            for field, said in error.fields.items():
                form.add_error(field if field in form.fields else None, said)
            if not error.fields:
                form.add_error(None, error.reason)
            step, status = "edit", error.status
        else:
            messages.success(request, f"{promise.label}的新规则已设定，{values['valid_on']:%Y-%m-%d} 起生效。")
            return redirect("supervision-policy")
    elif step == "check" and form.cleaned_data["valid_on"] <= moments.local_date(now):
        form.add_error("valid_on", "生效日期要在今天之后：已经开始的时限不能改变。")
        step, status = "edit", 400
    return render(
        request,
        "supervision/policy_form.html",
        {
            "form": form,
            "promise": promise,
            "present": present,
            "step": step,
            "changes": _changes(form, present) if step == "check" else [],
            "running": Clock.objects.running().filter(kind=promise).count(),
            "hidden": [(name, value) for name in form.fields for value in request.POST.getlist(name)],
        },
        status=status,
    )


def _changes(form: PolicyForm, present: Policy) -> list[tuple[str, str, str, bool]]:
    """(what, now, then, changed) for the last look before a rule is set."""
    values = form.cleaned_data
    zero = dict(form.fields["day_zero"].choices)  # type: ignore[attr-defined]
    levels = {level.code: level for level in present.levels.all()}

    def who(roles: list[str]) -> str:
        return "、".join(str(Role(role).label) for role in roles) or "—"

    def now_level(code: str) -> str:
        return "；".join(_level(levels[code])[1:]) if code in levels else "—"

    rows = [
        ("时限", f"{present.days} 个工作日", f"{values['days']} 个工作日"),
        ("非工作日收到", zero[present.day_zero], zero[values["day_zero"]]),
        ("截止时刻", _closing(present.closes), _closing(values["closes"])),
        (
            "到期前提醒",
            now_level("due_soon"),
            f"截止前 {values['due_soon_minutes']} 工作分钟；{who(values['due_soon_roles'])}",
        ),
        ("超期提醒", now_level("overdue"), f"到截止时刻；{who(values['overdue_roles'])}"),
        (
            "超期后升级",
            now_level("supervise"),
            f"截止日后 {values['supervise_days']} 个工作日；{who(values['supervise_roles'])}",
        ),
        ("依据", present.ground, values["ground"]),
    ]
    return [(what, before, after, before != after) for what, before, after in rows]


def _closing(closes: object) -> str:
    return f"{closes:%H:%M}" if closes else "24:00"


# --- calendar -----------------------------------------------------------------------------------------------------
Names = Mapping[date, str]  # of festivals


@dataclass(frozen=True, slots=True)
class Square:
    """One day of a month; `mark` is 休 for a day off that would be a weekday's or a festival's, 班 for a make-up day."""

    day: int
    mark: str
    tone: str
    spoken: str
    today: bool


@dataclass(frozen=True, slots=True)
class Month:
    label: str
    weeks: list[list[Square | None]]


def _month(year: int, month: int, *, off: set[date], on: set[date], names: Names, today: date) -> Month:
    weeks = months.Calendar(firstweekday=0).monthdatescalendar(year, month)
    return Month(
        f"{month}月",
        [
            [
                _square(day, off=off, on=on, name=names.get(day, ""), today=today) if day.month == month else None
                for day in week
            ]
            for week in weeks
        ],
    )


def _square(day: date, *, off: set[date], on: set[date], name: str, today: date) -> Square:
    if day in off:
        return Square(day.day, "休", "heat-3", f"放假{f'，{name}' if name else ''}", day == today)
    if day in on:
        return Square(day.day, "班", "heat-0", f"调休上班{f'，{name}' if name else ''}", day == today)
    return Square(
        day.day, "", "heat-none" if day.weekday() >= 5 else "", "周末" if day.weekday() >= 5 else "", day == today
    )


def _runs(days: list[date], *, names: Names) -> list[tuple[str, str]]:
    """Consecutive days of one festival as (name, «10月1日—10月7日（7 天）»)."""
    found: list[tuple[str, str]] = []
    for _, group in groupby(enumerate(sorted(days)), key=lambda pair: pair[1] - timedelta(days=pair[0])):
        run = [day for _, day in group]
        festivals = list(dict.fromkeys(name for day in run if (name := names.get(day))))
        text = f"{run[0].month}月{run[0].day}日"
        if len(run) > 1:
            text += f"—{run[-1].month}月{run[-1].day}日（{len(run)} 天）"
        found.append(("、".join(festivals) or "放假", text))
    return found


@allow(Role.REGULATOR, Role.ADMIN)
@require_GET
def calendar(request: HttpRequest) -> HttpResponse:
    """The years loaded, one of them month by month, and how far the published calendar reaches."""
    now = moments.now()
    today = moments.local_date(now)
    years = list(CalendarYear.objects.order_by("-year"))
    if not years:
        raise Http404
    wanted = request.GET.get("year", "")
    shown = next((year for year in years if str(year.year) == wanted), None)
    if wanted and shown is None:
        raise Http404
    shown = shown or next((year for year in years if year.year == today.year), years[0])
    # A notice may name days of the December before its own year, so both sets are looked up in every notice.
    off = {day for year in years for day in year.holidays}
    on = {day for year in years for day in year.makeup_workdays}
    names = {date.fromisoformat(day): name for year in years for day, name in year.names.items()}
    end = horizon.horizon(now=now)
    return render(
        request,
        "supervision/calendar.html",
        {
            "years": years,
            "shown": shown,
            "months": [_month(shown.year, month, off=off, on=on, names=names, today=today) for month in range(1, 13)],
            "runs": _runs([day for day in off if day.year == shown.year], names=names),
            "makeup": sorted(day for day in on if day.year == shown.year),
            "horizon": end,
            "overdue_year": end.days_left < 0,
            "provisional": horizon.provisional().count(),
            "versions": CalendarVersion.objects.filter(year=shown.year).select_related("change"),
            "version": calendars_in_use.current().version,
            "now": now,
            "admin": actor_of(request).role == Role.ADMIN,
        },
    )
