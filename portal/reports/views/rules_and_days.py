"""时限规则 and 工作日历: the versions of the promises, and the days they are counted in."""

import calendar as months
from collections.abc import Mapping, Sequence
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
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.sla import calendars_in_use, horizon, policies
from portal.foundation.sla.models import CalendarVersion, CalendarYear, Clock, Kind, Policy, PolicyLevel
from portal.reports import forms_policy as forms

STATES = {"future": "将生效", "now": "现行", "past": "已被替代"}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a promise and where it stands; `until` is the start of the next one."""

    policy: Policy
    state: str
    label: str
    until: datetime | None
    levels: list[tuple[str, str, str]]  # label, when, who


def _promises(*, now: datetime) -> list[tuple[Kind, list[Version]]]:
    """Every promise with its versions, newest first, two queries in all."""
    rows = list(Policy.objects.order_by("-valid_from", "-id").prefetch_related("levels"))
    return [(kind, _versions([p for p in rows if p.kind == kind], now=now)) for kind in Kind]


def _versions(rows: Sequence[Policy], *, now: datetime) -> list[Version]:
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
    """Every version of every promise."""
    now = moments.now()
    return render(
        request,
        "supervision/policy.html",
        {"promises": _promises(now=now), "now": now},
    )


@allow(Role.REGULATOR)
@require_http_methods(["GET", "POST"])
def policy_new(request: HttpRequest, kind: str) -> HttpResponse:
    """A new version: written level by level, compared with the present one, then set."""
    if kind not in Kind.values:
        raise Http404
    promise, now = Kind(kind), moments.now()
    present = Policy.objects.in_force(promise, at=now)
    step = request.POST.get("step", "check") if request.method == "POST" else "start"
    if step == "start":
        form, levels = forms.like(promise, present, now=now)
    elif step in ("check", "confirm"):
        form, levels = forms.bound(promise, request.POST)
    else:  # back to it, or a level more or less
        form, levels = forms.changed(promise, request.POST, step)
    status = 200
    if step in ("check", "confirm") and not forms.valid(promise, form, levels):
        step, status = "edit", 400
    if step == "confirm":
        try:
            made = _set(promise, form, levels, actor=actor_of(request), now=now)
        except DomainError as error:
            forms.place(form, levels, error.fields or {"": error.reason})
            step, status = "edit", error.status
        else:
            messages.success(request, f"{promise.label}的新规则已设定，{moments.local_date(made.valid_from)} 起生效。")
            return redirect("supervision-policy")
    elif step == "check" and form.cleaned_data["valid_on"] <= moments.local_date(now):
        form.add_error("valid_on", "生效日期要在今天之后：已经开始的时限不能改变。")
        step, status = "edit", 400
    return render(
        request,
        "supervision/policy_form.html",
        {
            "form": form,
            "levels": levels,
            "most_levels": policies.MAX_LEVELS,
            "promise": promise,
            "present": present,
            "step": step,
            "changes": _changes(form, levels, present) if step == "check" else [],
            "running": Clock.objects.running().filter(kind=promise).count(),
            "hidden": forms.carried(form, levels, request.POST) if step == "check" else [],
        },
        status=status,
    )


def _set(promise: Kind, form: forms.PolicyForm, levels: "forms.Levels", *, actor: Actor, now: datetime) -> Policy:
    values = form.cleaned_data
    return policies.set_policy(
        promise,
        days=values["days"],
        day_zero=values["day_zero"],
        closes=values["closes"],
        anew_when_reassigned=values["anew_when_reassigned"],
        valid_on=values["valid_on"],
        ground=values["ground"],
        levels=forms.steps(levels),
        actor=actor,
        now=now,
    )


def _changes(form: forms.PolicyForm, levels: "forms.Levels", present: Policy) -> list[tuple[str, str, str, bool]]:
    """(what, now, then, changed) for the last look before a rule is set."""
    values = form.cleaned_data
    zero = dict(form.fields["day_zero"].choices)  # type: ignore[attr-defined]
    before = {level.code: _level(level) for level in present.levels.all()}
    after = {
        step.code: _level(
            PolicyLevel(label=step.label, anchor=step.anchor, offset=step.offset, recipients=step.recipients)
        )
        for step in forms.steps(levels)
    }

    def said(level: tuple[str, str, str] | None) -> str:
        return f"{level[0]}：{level[1]}，{level[2]}" if level else "没有这一级"

    rows = [
        ("时限", f"{present.days} 个工作日", f"{values['days']} 个工作日"),
        ("非工作日收到", zero[present.day_zero], zero[values["day_zero"]]),
        ("截止时刻", _closing(present.closes), _closing(values["closes"])),
        ("改派后", _anew(present.anew_when_reassigned), _anew(values["anew_when_reassigned"])),
        *(
            (f"级次 {code}", said(before.get(code)), said(after.get(code)))
            for code in dict.fromkeys([*after, *before])  # the new ladder's order, then what falls away
        ),
        ("依据", present.ground, values["ground"]),
    ]
    return [(what, old, new, old != new) for what, old, new in rows]


def _anew(anew: bool) -> str:
    return "重新起算" if anew else "接着原来的时限"


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
