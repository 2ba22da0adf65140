"""The guarantor's and the insurer's desk and page of one request, in their words; the bank reads the same page."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from applications import cover_rows as shown
from applications import cover_rules as rules
from applications.actions import cover_answers
from applications.actions import covers as asking
from applications.cover_figures import of_institution
from applications.cover_models import Cover
from applications.forms_bank import ClaimForm, DeclineForm
from applications.forms_cover import AskCoverForm, CommitForm, CompensateForm, ReleaseForm, TermsForm
from applications.models import Offer, Referral
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import confirming, moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.moments import local_date
from portal.foundation.core.templatetags.portal_ui import money_wan
from portal.foundation.journal import looks
from portal.foundation.journal.models import Entry
from portal.foundation.journal.sending import send
from portal.foundation.sla import calendars_in_use, lamps
from products.risk.models import HouseholdExposure
from products.risk.schemes import fitting
from products.risk.shares import AVERAGE_FEE_WATCH

ANSWERING = (Role.OFFICER, Role.MANAGER)


@allow(*ANSWERING)
@require_safe
def covers(request: HttpRequest) -> HttpResponse:
    """Every guarantee and insurance request this institution has to do with."""
    actor, now = actor_of(request), moments.now()
    wanted = request.GET.get("tab", "")
    tab = wanted if wanted in shown.TABS else "waiting"
    rows, after = shown.of_desk(actor, tab=tab, after=request.GET.get("after", ""), now=now)
    context: dict[str, Any] = {
        "tab": tab,
        "tabs": [(code, label) for code, (label, _) in shown.TABS.items()],
        "rows": rows,
        "after": after,
        "covering": actor.organisation_kind in rules.COVERING,
        "figures": of_institution(actor.organisation_id)
        if actor.organisation_kind == OrganisationKind.GUARANTOR
        else None,
        "fee_watch": AVERAGE_FEE_WATCH,
    }
    return render(request, "bank/covers.html", context)


def _forms(request: HttpRequest, found: Cover, *, step: str, now: Any) -> dict[str, forms.Form]:
    """The forms this person may send now, by step; the one that was sent as it was typed."""
    actor, today = actor_of(request), local_date(now)

    def data(name: str) -> Any:
        return request.POST if step == name else None

    made: dict[str, forms.Form] = {}
    if rules.can_intend(actor, found):
        phone = request.membership.user.phone  # type: ignore[attr-defined]
        start = {"contact_name": actor.name, "contact_phone": phone}
        made["intent"] = ClaimForm(data("intent"), initial=start, auto_id="intent_%s")
    if rules.can_set_terms(actor, found):
        schemes, _ = fitting(found.application.organisation, kind=actor.organisation_kind, on=today)
        made["terms"] = TermsForm(
            data("terms"), initial=_last(found), cover=found, schemes=schemes, today=today, auto_id="terms_%s"
        )
    if rules.can_commit(actor, found, today=today):
        made["commit"] = CommitForm(data("commit"), initial={"version": found.version}, auto_id="commit_%s")
    if rules.can_decline(actor, found):
        made["decline"] = DeclineForm(data("decline"), auto_id="decline_%s")
    if rules.can_compensate(actor, found):
        made["compensate"] = CompensateForm(data("compensate"), cover=found, auto_id="compensate_%s")
    if rules.can_release(actor, found, today=today):
        made["release"] = ReleaseForm(data("release"), auto_id="release_%s")
    return made


def _last(found: Cover) -> dict[str, Any]:
    """The terms form starts from the last terms."""
    start: dict[str, Any] = {"amount": found.amount}
    if found.version:
        start |= {"scheme": str(found.scheme_id), "conditions": found.conditions, "valid_until": found.valid_until}
        if found.fee_rate is not None:
            start["fee_rate"] = f"{found.fee_rate.normalize():f}"
        if found.premium is not None:
            start["premium"] = str(found.premium)
    return start


def _acts(found: Cover, step: str, form: Any) -> tuple[Callable[..., Any], str]:
    """The action of a step with what was filled in, and what is said when it is done."""
    pk, given = found.pk, form.cleaned_data
    match step:
        case "intent":
            return lambda **who: cover_answers.intend(
                pk, **given, **who
            ), "已表示意向，响应时限停止。企业和银行已看到联系人。"
        case "terms":
            return lambda **who: cover_answers.set_terms(
                pk, form.terms(), **who
            ), "条件已发给企业和银行。承诺前可以出新的一版。"
        case "commit":
            return lambda **who: cover_answers.commit(
                pk, version=given["version"], **who
            ), "已承诺，企业可以连同银行方案选定。"
        case "decline":
            answer = {"code": given["code"], "note": given["note"]}
            return lambda **who: cover_answers.decline(pk, **answer, **who), "已婉拒，企业和银行已看到原因。"
        case "release":
            return lambda **who: cover_answers.release(
                pk, note=given["note"], **who
            ), "已解除，企业的在保余额相应减少。"
        case _:
            loss = {"loss": given["loss"], "fund_pays": given.get("fund_pays") == "yes", "note": given["note"]}
            return lambda **who: cover_answers.compensate(
                pk, **loss, **who
            ), f"已记录{'赔付' if found.insures else '代偿'}，损失分担见下。"


@allow(*ANSWERING)
@require_http_methods(["GET", "HEAD", "POST"])
def cover(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One request: the loan, the terms, who carries what of a loss. `step` says which answer was given."""
    actor, now = actor_of(request), moments.now()
    found = _own(actor, ref)
    _looked(request, found)
    step = request.POST.get("step", "") if request.method == "POST" else ""
    if step == "withdraw":
        return _take_back(request, found, actor)
    panel = _forms(request, found, step=step, now=now)
    sent, status, note = panel.get(step), 200, ""
    if request.method == "POST" and sent is None:
        status, note = 409, "这份申请的状态已变，请按下面显示的办理。"
    elif sent is not None and not sent.is_valid():
        status = 400
    elif sent is not None and step == "release" and not confirming.sure(request):
        effect = "责任解除，企业的在保余额相应减少；以后发生损失，本机构不再分担。解除以后不能恢复。"
        told = [(f"{found.word}金额", money_wan(found.amount)), ("说明", sent.cleaned_data["note"])]
        return confirming.ask(request, _asked(found, request, "解除责任", effect, told))
    elif sent is not None:
        act, done = _acts(found, step, sent)
        try:
            act(actor=actor, now=now)
        except DomainError as error:
            place(sent, error)
            status = error.status
            if error.code == "stale":  # sent once more, it is sent knowing the colleague's version
                found = _own(actor, ref)
                typed = request.POST.copy()
                typed["over"] = str(found.version)
                sent.data = typed
        else:
            messages.success(request, done)
            return redirect("desk-cover", ref=found.ref)
    return _page(request, found, panel, sent, actor=actor, now=now, status=status, note=note)


def _looked(request: HttpRequest, found: Cover) -> None:
    """The enterprise sees who read its request for a guarantee or an insurance."""
    case = found.application
    looks.note(
        request,
        owner_id=case.organisation_id,
        actor=actor_of(request),
        what=looks.What.REQUEST,
        subject=f"application:{found.application_id}",
        case_number=case.number,
        always=True,
    )


def _own(actor: Actor, ref: UUID) -> Cover:
    """Raises TooMany where its reader has opened more enterprises' requests today than work explains."""
    now = moments.now()
    found = get_object_or_404(
        Cover.objects.visible_to(actor)
        .with_readable(actor.organisation_id)
        .annotate(**looks.today(actor, owner="application__organisation_id", now=now))
        .select_related(
            "application__organisation__industry", "clock", "scheme", "officer",
            "institution__organisation", "referral__institution__organisation",
        ),
        ref=ref,
    )  # fmt: skip
    looks.check(actor, found, officer_id=found.officer_id, now=now)
    return found


def _asked(
    found: Cover, request: HttpRequest, verb: str, effect: str, told: Sequence[tuple[str, str]]
) -> confirming.Question:
    about = f"{found.word}申请 {found.application.number}，{found.institution}"
    return confirming.Question(verb, about, effect, request.path, told, dangerous=True)


def _take_back(request: HttpRequest, found: Cover, actor: Actor) -> HttpResponse:
    """The bank takes its own proposal back before the enterprise has answered."""
    if rules.can_withdraw(actor, found) and not confirming.sure(request):
        effect = f"企业不再需要答复，{found.institution} 也不会收到这份申请。以后要用，需要重新建议。"
        told = [(f"{found.word}金额", money_wan(found.amount))]
        return confirming.ask(request, _asked(found, request, "撤回建议", effect, told))
    try:
        asking.withdraw(found.pk, actor=actor, now=moments.now())
    except DomainError as error:
        messages.warning(request, error.reason)
    else:
        messages.success(request, "已撤回建议。")
    return redirect("desk-cover", ref=found.ref)


def _page(
    request: HttpRequest,
    found: Cover,
    panel: dict[str, forms.Form],
    sent: forms.Form | None,
    *,
    actor: Actor,
    now: Any,
    status: int,
    note: str,
) -> HttpResponse:
    asked = actor.organisation_id == found.institution_id
    over = asked and found.state in (Cover.State.DECLINED, Cover.State.WITHDRAWN)
    context: dict[str, Any] = {
        "cover": found,
        "case": found.application,
        "asked": asked,
        "over": over or not found.readable,  # type: ignore[attr-defined]  # the authorisation has ended: number and state stay
        "state_label": Cover.State(found.state).label,
        "lamp": lamps.of(found.clock, now=now, calendar=calendars_in_use.current()) if found.clock else None,
        "panel": panel,
        "sent": sent,
        "note": note,
        "decline": shown.decline_text(found),
        "may_withdraw": bool(rules.can_withdraw(actor, found)),
    }
    if not context["over"]:
        context |= {
            "split": shown.split_of(found),
            "split_without": shown.split_uncompensated(found),
            "split_lost": shown.split_lost(found),
            "fee_high": shown.fee_high(found),
            "fee_watch": AVERAGE_FEE_WATCH,
            "patents": list(found.application.patents.order_by("pk")),
            "offer": Offer.objects.filter(
                referral=found.referral_id, state__in=(Offer.State.OPEN, Offer.State.ACCEPTED)
            ).first(),
            "files": shown.files_of(found, actor),
            "exposure": _exposure(found) if asked and found.state in Cover.LIVE_STATES else None,
            "history": _history(found, actor),
        }
    return render(request, "bank/cover.html", context, status=status)


def _exposure(found: Cover) -> HouseholdExposure | None:
    """What the household has outstanding now, with everybody: whoever is to decide on more of it needs to know."""
    return HouseholdExposure.objects.filter(pk=found.application.organisation_id).first()


def _history(found: Cover, actor: Actor) -> list[Entry]:
    entries = Entry.objects.of_case(found.application.number).readable_by(actor.organisation_id)
    return list(entries.filter(subject=found.subject).exclude(text="")[:50])


@allow(*ANSWERING)
@require_safe
def attachment(request: HttpRequest, ref: UUID, file_ref: UUID) -> HttpResponseBase:
    """A file of the request, downloaded, or with ?view=1 read in the browser."""
    actor = actor_of(request)
    found = _own(actor, ref)
    stored = get_object_or_404(shown.files_of(found, actor), ref=file_ref)
    case = found.application
    return send(
        request,
        stored,
        reader=actor,
        owner_id=case.organisation_id,
        case_number=case.number,
        inline="view" in request.GET,
    )


@allow(*ANSWERING)
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The bank proposes a guarantee or an insurance for its loan; the enterprise has to agree."""
    actor, now = actor_of(request), moments.now()
    referral = get_object_or_404(
        Referral.objects.visible_to(actor).select_related("application", "institution__organisation"), ref=ref
    )
    verdict = rules.can_ask(actor, referral)
    posted = request.method == "POST"
    form = AskCoverForm(
        request.POST if posted else None,
        institutions=shown.institutions(),
        initial={"amount": referral.application.amount},
    )
    status = 200 if verdict else 409
    if posted and not form.is_valid():
        status = 400
    elif posted:
        given = form.cleaned_data
        try:
            made = asking.ask(
                referral.pk,
                institution_id=int(given["institution"]),
                amount=given["amount"],
                note=given["note"],
                actor=actor,
                now=now,
            )
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"已请企业同意向 {made.institution} 申请{made.word} {money_wan(made.amount)}。")
            return redirect("desk-cover", ref=made.ref)
    context = {"form": form, "case": referral.application, "referral": referral, "verdict": verdict}
    return render(request, "bank/cover_ask.html", context, status=status)
