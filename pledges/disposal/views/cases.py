"""The disposals of one's own pledges (all of them for the regulator), and one of them with everything that can be done."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from pledges.disposal import queries, rules
from pledges.disposal.actions import awards, compensation, listing, takeovers
from pledges.disposal.forms import ChooseForm, ClaimForm, NoteForm
from pledges.disposal.models import Disposal, Path
from pledges.disposal.presenting import bid_choices, listing_facts, offers_by_round, settlement
from pledges.disposal.settlement_models import TakeOver
from pledges.views.common import looked, owner_for
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.numbers import version_of, whole
from portal.foundation.journal.sending import send

from .common import GET_OR_POST, PARTIES, events, own, phase, trail

NOTES = {
    "return": "退回说明",
    "none": "都不接受的原因",
    "withdraw": "撤回的原因",
    "unpaid": "未付款的情况",
    "refuse": "不同意的理由",
}
STEPS = {"submit", "publish", "decide", "relist", "agree", "claim", *NOTES}


@allow(*PARTIES, Role.REGULATOR)
@never_cache
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    """What this reader has to do with: defaults, disposals, claims, and the own offers elsewhere."""
    actor, now = actor_of(request), moments.now()
    page = queries.own(actor, after=whole(request.GET.get("after")))
    kinds, districts = queries.kinds(page.rows), queries.Districts()
    regulator = actor.role == Role.REGULATOR
    context = {
        "rows": [
            {
                "disposal": d,
                "kinds": kinds[d.pk],
                "phase": phase(d, now=now),
                "district": districts.said(d.registration.application.district_code),
            }
            for d in page.rows
        ],
        "after": page.after,
        "defaults": queries.open_defaults(actor),
        "bids": [] if regulator else queries.own_bids(actor),
        "claims": queries.claims(actor),
        "figures": queries.figures() if regulator else None,
        "regulator": regulator,
        "enterprise": actor.role == Role.ENTERPRISE,
    }
    return render(request, "disposal/cases.html", context)


def _act(found: Disposal, step: str, form: forms.Form | None, request: HttpRequest, *, actor: Actor) -> str:
    """Do one step; what is said when it is done."""
    now, given = moments.now(), form.cleaned_data if form is not None else {}
    if step == "submit":
        listing.submit(found.pk, actor=actor, now=now)
        return "已送负责人复核。"
    if step == "publish":
        listing.publish(found.pk, version=version_of(request), actor=actor, now=now)
        return "公告已发布。"
    if step == "return":
        listing.send_back(found.pk, note=given["note"], actor=actor, now=now)
        return "已退回修改。"
    if step == "relist":
        listing.relist(found.pk, actor=actor, now=now)
        return "已转为起草，改好后再送复核。"
    if step == "withdraw":
        listing.withdraw(found.pk, note=given["note"], actor=actor, now=now)
        return "处置已撤回，报价单位会收到消息。"
    if step == "none":
        awards.choose_none(found.pk, note=given["note"], actor=actor, now=now)
        return "已记为流拍，可以重新公告。"
    if step == "unpaid":
        awards.unpaid(found.pk, note=given["note"], actor=actor, now=now)
        return "已记录未付款，成交结果取消，可以重新公告。"
    if step in ("agree", "refuse"):
        return _answer(found, step, given.get("note", ""), request, actor=actor)
    if step == "claim":
        compensation.claim(found.pk, given["cover"], given["loss"], actor=actor, now=now)
        return "代偿申请已发出。"
    after = awards.decide(found.pk, chosen=given.get("chosen"), actor=actor, now=now)
    return "已成交，受让方付款后分配价款。" if after.state == Disposal.State.AWARDED else "没有有效报价，已流拍。"


def _answer(found: Disposal, step: str, note: str, request: HttpRequest, *, actor: Actor) -> str:
    offer = TakeOver.objects.filter(disposal=found, pk=whole(request.POST.get("offer")) or 0).first()
    if offer is None:
        raise Http404
    said = takeovers.Answer(step == "agree", note)
    takeovers.answer(offer.pk, said, actor=actor, now=moments.now())
    return "已同意折价，价款分配后办理注销和转移。" if said.agreed else "已答复不同意折价。"


@allow(*PARTIES, Role.REGULATOR)
@never_cache
@require_http_methods(GET_OR_POST)
def case(request: HttpRequest, number: str) -> HttpResponse:
    """One disposal with everything this reader may know, and the steps that are open."""
    found, actor, now = own(request, number), actor_of(request), moments.now()
    looked(request, found.registration, subject=found.subject)
    step = request.POST.get("step", "") if request.method == "POST" else ""
    bids = queries.bids_of(found, actor, now=now) if not found.taken_over else []
    money = settlement(found, actor)
    panels: dict[str, Any] = {
        name: NoteForm(request.POST if step == name else None, label=label, auto_id=f"{name}_%s")
        for name, label in NOTES.items()
    }
    panels["claim"] = ClaimForm(
        request.POST if step == "claim" else None,
        covers=money.choices,
        initial={"loss": money.most},
        auto_id="claim_%s",
    )
    choosing = found.path != Path.AUCTION and any(awards.valid(found, b) for b in _current(found, bids))
    panels["decide"] = (
        ChooseForm(request.POST if step == "decide" else None, offers=bid_choices(found, _current(found, bids)))
        if choosing
        else None
    )
    sent: forms.Form | None = panels.get(step)
    status, note = 200, ""
    if request.method == "POST" and step not in STEPS:
        status, note = 400, "请用下面的按钮办理。"
    elif sent is not None and not sent.is_valid():
        status = 400
    elif step:
        try:
            said = _act(found, step, sent, request, actor=actor)
        except DomainError as error:
            status = error.status
            if sent is not None:
                place(sent, error)
            else:
                note = error.reason
            found = own(request, number)
        else:
            messages.success(request, said)
            return redirect("disposals:case", found.number)
    context = {
        "disposal": found,
        "file": found.registration,
        "phase": phase(found, now=now),
        "facts": listing_facts(found),
        "patents": queries.patents_of(found),
        "rounds": offers_by_round(found, bids),
        "sealed": bids is None or (found.sealed and not rules.sees_bids(actor, found, round=found.round, now=now)),
        "money": money,
        "take_overs": _take_overs(found),
        "events": events(queries.story(found, actor)),
        "may": _may(found, actor, bids=_current(found, bids), now=now),
        "panels": panels,
        "sent": sent,
        "note": note,
        "trail": trail(),
        "reads_papers": actor.role in PARTIES,
        "auction": found.path == Path.AUCTION,
        "subrogated": [compensation.SUBROGATED, compensation.INSURED],
    }
    return render(request, "disposal/case.html", context, status=status)


def _current(found: Disposal, bids: list[Any] | None) -> list[Any]:
    return [bid for bid in bids or [] if bid.round == found.round]


def _take_overs(found: Disposal) -> list[TakeOver]:
    """Asked for only where they can exist."""
    if found.path != Path.TRANSFER or (found.state == Disposal.State.SETTLED and not found.taken_over):
        return []
    return list(found.take_overs.order_by("pk"))


def _may(found: Disposal, actor: Actor, *, bids: list[Any], now: Any) -> dict[str, bool]:
    """Which steps are open to this reader; `bids` are those of the present round that may be read."""
    award = bool(rules.can_award(actor, found, now=now))
    winning = any(awards.valid(found, bid) for bid in bids)
    return {
        "edit": bool(rules.can_edit(actor, found)),
        "submit": bool(rules.can_submit(actor, found)) and found.closes_at is not None,
        "check": bool(rules.can_check(actor, found)),
        "publish": bool(rules.can_publish(actor, found)),
        "decide": award,
        "none": award and found.path != Path.AUCTION,
        "relist": bool(rules.can_relist(actor, found)),
        "withdraw": bool(rules.can_withdraw(actor, found, now=now, winning=winning)),
        "unpaid": bool(rules.can_lapse(actor, found)),
        "take_over": bool(rules.can_propose_take_over(actor, found, waiting=False)),
        "distribute": bool(rules.can_distribute(actor, found)),
        "answer": actor.role == Role.ENTERPRISE and found.state not in (Disposal.State.LISTED, Disposal.State.AWARDED),
        "claim": bool(rules.can_claim(actor, found)),
    }


@allow(*PARTIES)
@require_safe
def report(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """The valuation report of a take-over, for both parties."""
    found, actor = own(request, number), actor_of(request)
    stored = TakeOver.objects.filter(disposal=found, pk=pk).first()
    if stored is None:
        raise Http404
    try:
        return send(request, stored, reader=actor, owner_id=owner_for(found.registration, actor))
    except FileNotFoundError as error:
        raise Http404 from error
