"""办件查询: the state of a request for whoever knows its number and the last digits of its phone. Status only."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from applications import story
from applications.models import Application, Referral
from portal.foundation.accounts import attempts
from portal.foundation.accounts.guards import public
from portal.foundation.core import addresses, moments
from portal.foundation.core.forms import PortalForm
from portal.foundation.core.identifiers import compact
from portal.foundation.core.numbering import normalise
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.lamps import Lamp
from portal.foundation.sla.models import Clock

BY_ADDRESS = attempts.Limit("track-address", 10)
# Ten thousand endings are quickly tried from many addresses, so one number waits too; longer patience, same words.
BY_NUMBER = attempts.Limit("track-number", 20, window=timedelta(hours=1))
NOT_FOUND = "没有查到。请核对办件编号和手机号后四位：要填提交需求时留的联系电话的后四位。"
SLOW_DOWN = "查询次数过多，请 15 分钟后再试。急用请登录后在“我的办件”里看。"


class TrackForm(PortalForm):
    number = forms.CharField(
        label="办件编号",
        max_length=40,
        help_text="以 YZD 开头，写在提交回执和消息里；大小写和空格都可以。",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )
    digits = forms.CharField(
        label="手机号后四位",
        max_length=10,
        help_text="提交需求时留的联系电话的最后四位数字。",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "short"}),
    )

    def clean_number(self) -> str:
        typed = compact(self.cleaned_data["number"])
        number = normalise(typed)
        if number is None:
            if re.fullmatch(r"[A-Z]{3,4}[0-9]{12,15}[A-Z]", typed):
                raise ValidationError("编号末位的校验字母不符，其中至少有一位抄错，请对照回执逐位核对。", code="check")
            raise ValidationError("编号的写法不对，应像 YZD202611230001 再加一个字母，请对照回执填写。", code="form")
        return number

    def clean_digits(self) -> str:
        digits = compact(self.cleaned_data["digits"])
        if not re.fullmatch(r"[0-9]{4}", digits):
            raise ValidationError("请填写 4 位数字，例如 0012。", code="digits")
        return digits


@dataclass(frozen=True, slots=True)
class Promise:
    """One of the two promises in a request: what it is, how far it got, its lamp."""

    name: str
    text: str
    lamp: Lamp | None


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def track(request: HttpRequest) -> HttpResponse:
    """GET shows the form (with a number from the home page), POST looks up: a look-up counts misses, so it is no GET."""
    now = moments.now()
    if request.method != "POST":
        number = request.GET.get("number", "").strip()[:40]
        return _page(request, TrackForm(initial={"number": number}), None, 200)
    form = TrackForm(request.POST)
    if not form.is_valid():
        return _page(request, form, None, 400)
    address = addresses.network(request)
    try:
        found, slow = look_up(form.cleaned_data["number"], form.cleaned_data["digits"], address=address, now=now)
    except OperationalError as error:
        if not attempts.queue_too_long(error):
            raise
        found, slow = None, True
    if found is None:
        form.add_error(None, SLOW_DOWN if slow else NOT_FOUND)
        return _page(request, form, None, 429 if slow else 404)
    return _page(request, TrackForm(), _status(found, now=now), 200)


@transaction.atomic(durable=True)
def look_up(number: str, digits: str, *, address: str, now: datetime) -> tuple[Application | None, bool]:
    """The request, or None; and whether too many wrong tries came before. Wrong digits and unknown numbers look alike."""
    attempts.take_turn(BY_ADDRESS, address)
    attempts.take_turn(BY_NUMBER, number)
    if attempts.refused(BY_ADDRESS, address, now=now) or attempts.refused(BY_NUMBER, number, now=now):
        return None, True
    found = Application.objects.filter(number=number).first()
    if found is None or re.sub(r"\D", "", found.contact_phone)[-4:] != digits:
        attempts.miss(BY_ADDRESS, address, now=now)
        attempts.miss(BY_NUMBER, number, now=now)
        return None, False
    return found, False


def _status(case: Application, *, now: datetime) -> dict[str, Any]:
    """What a passer-by may know: stage, state, lamps. No names, no amounts, no institutions."""
    return {
        "case": case,
        "state": Application.State(case.state).label,
        "stages": [
            {"label": s["label"], "state": s["state"]} for s in story.stages(case, today=moments.local_date(now))
        ],
        "promises": [p for p in (_response(case, now=now), _registration(case, now=now)) if p],
    }


def _response(case: Application, *, now: datetime) -> Promise | None:
    referrals = list(Referral.objects.filter(application=case).exclude(clock=None).select_related("clock"))
    clocks = [r.clock for r in referrals if r.clock is not None]
    if not clocks:
        return None
    answered = sum(1 for c in clocks if c.stopped_at is not None and not c.excused)
    counted = [c for c in clocks if not c.excused] or clocks
    text = f"收到需求的机构 {len(clocks)} 家，已响应 {answered} 家"
    return Promise("机构响应（2 个工作日）", text, _worst(counted, now=now))


def _registration(case: Application, *, now: datetime) -> Promise | None:
    clock = Clock.objects.filter(registration__application=case).order_by("-started_at").first()
    if clock is None:
        return None
    text = "登记材料已齐全，正在审查" if clock.stopped_at is None else "登记审查已办结"
    if clock.paused_at is not None and clock.stopped_at is None:
        text = "材料待补正，时限暂停"
    return Promise("质押登记（力争 1 个工作日）", text, _worst([clock], now=now))


def _worst(clocks: list[Clock], *, now: datetime) -> Lamp:
    """The lamp that matters: the running one due first, else a late one, else any."""
    running = [c for c in clocks if c.stopped_at is None]
    shown = min(running or [c for c in clocks if c.breached(now=now)] or clocks, key=lambda c: c.due_at)
    return lamps.of(shown, now=now, calendar=calendars_in_use.current())


def _page(request: HttpRequest, form: TrackForm, found: dict[str, Any] | None, status: int) -> HttpResponse:
    return render(request, "public/track.html", {"form": form, "found": found}, status=status)
