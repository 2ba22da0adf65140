"""What one referral shows to its institution: everything while the authorisation lives, number and state afterwards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from applications import cover_rows, cover_rules, rules
from applications.actions.submit import add_months
from applications.desk_figures import district_names
from applications.forms_bank import (
    WORDS,
    AskForm,
    AssignForm,
    ClaimForm,
    Cost,
    DeclineForm,
    DispatchForm,
    OfferForm,
    RevealForm,
    Words,
)
from applications.matching import rank_for
from applications.models import Application, Attachment, Consent, DeclineReason, InformationRequest, Offer, Referral
from applications.views.institution_desk import colleagues
from banks.models import Institution
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.assets.models import IPKind, Valuation
from portal.foundation.assets.valuation import needed
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import local_date
from portal.foundation.journal import looks
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.models import NEXT_LENDER
from products import fit_words

S = Referral.State
IN_HAND = (*Referral.OPEN_STATES, S.ACCEPTED)  # the institution still works on it: files may be read
KNOWN = (S.CLAIMED, S.INFO, S.OFFERED, S.ACCEPTED)  # the institution has answered: it may see whom to call
SHORTCUTS = [("1", "接单"), ("2", "要求补充"), ("3", "出方案"), ("4", "婉拒")]
LEVELS = {
    "due_soon": "提醒：响应时限临近",
    "overdue": "响应超期，已提醒本机构负责人",
    NEXT_LENDER: "一直没有答复，已为企业推荐其他机构",
}
MARKS = {"referral.offered": "ok", "offer.accepted": "ok", "referral.declined": "bad", "clock.escalated": "warn"}

Forms = Mapping[str, forms.Form]


def mine(actor: Actor, ref: UUID) -> Referral:
    """The institution's own referral with what the page needs; a stranger's is the same 404 as a missing one.

    Raises TooMany where its reader has opened more enterprises' requests today than work explains.
    """
    now = moments.now()
    live = Consent.objects.filter(
        application=OuterRef("application"), institution=OuterRef("institution"), revoked_at=None
    )
    found = Referral.objects.visible_to(actor).select_related(
        "application__organisation__industry", "clock", "institution__organisation", "product", "officer"
    )
    found = found.annotate(
        readable=Exists(live),
        cover_rows=cover_rows.within("referral"),
        **looks.today(actor, owner="application__organisation_id", now=now),
    )
    referral = get_object_or_404(found.prefetch_related("application__patents"), ref=ref)
    if referral.readable:  # type: ignore[attr-defined]
        looks.check(actor, referral, officer_id=referral.officer_id, now=now)
    return referral


def looked(request: HttpRequest, referral: Referral, what: looks.What, reason: str = "") -> None:
    """The enterprise sees who read its request."""
    looks.note(
        request,
        owner_id=referral.application.organisation_id,
        actor=actor_of(request),
        what=what,
        subject=f"application:{referral.application_id}",
        case_number=referral.application.number,
        reason=reason,
        always=True,
    )


def files_of(referral: Referral) -> Any:
    """The files this institution may read: the request's, and the answers to its own questions; none without consent."""
    if referral.state not in IN_HAND or not referral.readable:  # type: ignore[attr-defined]
        return Attachment.objects.none()
    own = Q(question=None) | Q(question__referral=referral)
    return Attachment.objects.filter(own, application_id=referral.application_id).order_by("pk")


def words_of(referral: Referral) -> Words:
    """How this kind of institution names its offer; the dispatcher's desk makes none and borrows the bank's words."""
    return WORDS.get(referral.institution.organisation.kind, WORDS[OrganisationKind.BANK])


def offer_form(referral: Referral, now: datetime, *, data: Any = None, last: Offer | None = None) -> OfferForm:
    """The offer form in this institution's words, starting from the request or from the last offer."""
    words = words_of(referral)
    case = referral.application
    start: dict[str, Any] = {"amount": case.amount, "term_months": case.term_months}
    if last is not None:
        names = ("amount", "term_months", "annual_rate", "fee_rate", "repayment", "conditions")
        start = {name: getattr(last, name) for name in names}
        start = {n: v.normalize() if n.endswith("rate") and v else v for n, v in start.items()}
    return OfferForm(data, initial=start, auto_id="offer_%s", words=words, today=local_date(now))


def claim_form(request: HttpRequest, actor: Actor, data: Any = None) -> ClaimForm:
    """The claim form with the officer as the contact."""
    phone = request.membership.user.phone  # type: ignore[attr-defined]
    return ClaimForm(data, initial={"contact_name": actor.name, "contact_phone": phone}, auto_id="claim_%s")


def dispatch_form(referral: Referral, data: Any = None) -> DispatchForm:
    """Whom the desk can hand a request to."""
    return DispatchForm(data, choices=free_institutions(referral.application), auto_id="dispatch_%s")


def free_institutions(case: Application) -> list[tuple[int, str, str]]:
    """Institutions that have not had this request (key, name, why they fit), best match first, the others by name."""
    best = {m.institution_id: m for m in rank_for(case)}
    had = case.referrals.values("institution_id")
    free = Institution.objects.active().exclude(pk__in=had).select_related("organisation")
    rows = []
    for at in free.order_by("organisation__sort_key"):
        match = best.get(at.pk)
        hint = "没有匹配的产品"
        if match:
            hint = f"{match.product.name}，{fit_words.verdict(match.fit)}；{fit_words.points(match.fit)}"
        rows.append((match.score if match else -1, at.pk, f"{at}（{at.organisation.get_kind_display()}）", hint))
    rows.sort(key=lambda row: -row[0])
    return [row[1:] for row in rows]


def show(
    request: HttpRequest,
    referral: Referral,
    *,
    actor: Actor,
    now: datetime,
    given: Forms | None = None,
    cost: Cost | None = None,
    status: int = 200,
    revealed: bool = False,
) -> HttpResponse:
    """Render the page; `given` are the forms that came back, shown as typed whatever the state is now.

    `revealed`: the contact stands on this one page although nobody has answered yet, for a reason that was recorded.
    """
    given = given or {}
    context: dict[str, Any] = {
        "referral": referral,
        "case": referral.application,
        "state_label": S(referral.state).label,
        "forms": list(given.values()),
        "cost": cost,
        "cost_open": cost is not None,
    }
    if referral.readable:  # type: ignore[attr-defined]
        looked(request, referral, looks.What.REQUEST)  # a form that comes back shows the request too
    else:
        context["typed"] = [(f.label, f.value()) for form in given.values() for f in form if f.value()]
        return render(request, "bank/referral_ended.html", context, status=status)
    questions = InformationRequest.objects.filter(referral=referral).order_by("pk")
    files = list(files_of(referral))
    case = referral.application
    context |= {
        "firm": case.organisation,
        "district": district_names().get(case.district_code, ""),
        "lamp": lamps.of(referral.clock, now=now, calendar=calendars_in_use.current()) if referral.clock else None,
        "known": revealed or referral.state in KNOWN,
        "revealed": revealed,
        "reveal": given.get("reveal") or (RevealForm(auto_id="reveal_%s") if referral.state == S.WAITING else None),
        "in_hand": referral.state in IN_HAND,
        "patents": _patents(referral, now),
        "files": [f for f in files if f.question_id is None],
        "questions": [(q, [f for f in files if f.question_id == q.pk]) for q in questions],
        "decline_reason": DeclineReason(referral.decline_code).label if referral.decline_code else "",
        "history": _history(referral, actor),
        "valuations": _valuations(referral, actor),
        "beyond": needed.beyond() if needed.above(case.amount) else "",
        "value_rule": needed.limit(),
        "covers": cover_rows.listed(referral.cover_rows),  # type: ignore[attr-defined]
        "may_cover": bool(cover_rules.can_ask(actor, referral)),
        "words": words_of(referral),
        "shortcuts": SHORTCUTS,
        "compact": True,
    }
    context |= _panels(request, referral, actor=actor, now=now, given=given)
    return render(request, "bank/referral.html", context, status=status)


def _valuations(referral: Referral, actor: Actor) -> list[Valuation]:
    """The institution's own for this request, and those the enterprise shows it with this request; newest first."""
    case = referral.application
    if referral.institution.dispatcher:  # hands on, values nothing
        return []
    of_case = Q(organisation_id=actor.organisation_id, case_number=case.number) | Q(
        shares__application=case, shares__institution_id=referral.institution_id
    )
    return list(Valuation.objects.visible_to(actor).filter(of_case).distinct().order_by("-pk")[:20])


def _patents(referral: Referral, now: datetime) -> list[dict[str, Any]]:
    """The pledged patents, and whether one ends before the wished term does (R03 of the refusal grounds)."""
    end = add_months(local_date(now), referral.application.term_months)
    return [
        {
            "number": f"{p.number[:-1]}.{p.number[-1]}",
            "title": p.title,
            "kind": IPKind(p.kind).label,
            "expires_on": p.expires_on,
            "short": p.expires_on < end,
        }
        for p in referral.application.patents.all()
    ]


def _history(referral: Referral, actor: Actor) -> list[dict[str, Any]]:
    rows = []
    found = Entry.objects.of_case(referral.application.number).readable_by(actor.organisation_id)
    for entry in sorted(found, key=lambda e: (e.at, e.pk)):
        text = entry.text
        if entry.verb == "clock.escalated":
            if entry.data.get("organisation") != actor.organisation_id:
                continue
            text = LEVELS.get(str(entry.data.get("level")), "响应超期升级，监管部门已知悉")
        answered = entry.subject == f"referral:{referral.pk}" and entry.at == referral.responded_at
        rows.append(
            {
                "at": entry.at,
                "who": entry.actor_label,
                "text": text or entry.verb,
                "mark": MARKS.get(entry.verb, "ok" if answered else ""),
                "effect": "响应时限停止" if answered and referral.clock_id else "",
            }
        )
    return rows


def _panels(request: HttpRequest, referral: Referral, *, actor: Actor, now: datetime, given: Forms) -> dict[str, Any]:
    """The answers that are possible now, and the one that is open; a form that came back stays, with what was typed."""
    dispatcher = referral.institution.dispatcher
    may = {
        "claim": not dispatcher and bool(rules.can_claim(actor, referral)),
        "ask": bool(rules.can_ask(actor, referral)),
        "offer": not dispatcher and bool(rules.can_offer(actor, referral)),
        "decline": bool(rules.can_decline(actor, referral)),
        "dispatch": bool(rules.can_dispatch(actor, referral)),
        "assign": bool(rules.can_assign(actor, referral)),
    }
    offers = [] if dispatcher else list(referral.offers.order_by("-version"))
    fresh: dict[str, Any] = {
        "claim": lambda: claim_form(request, actor),
        "ask": lambda: AskForm(auto_id="ask_%s"),
        "offer": lambda: offer_form(referral, now, last=offers[0] if offers else None),
        "decline": lambda: DeclineForm(auto_id="decline_%s"),
        "dispatch": lambda: dispatch_form(referral),
        "assign": lambda: AssignForm(colleagues=colleagues(actor), auto_id="assign_%s"),
    }
    panels = {name: given.get(name) or (fresh[name]() if may[name] else None) for name in may}
    order = ["dispatch", "claim", "ask", "offer", "decline"]
    if referral.state == S.CLAIMED:
        order = ["offer", *order]
    # With an offer out it is the enterprise's turn: nothing stands open that might be sent by mistake.
    first = next((n for n in order if panels[n]), "") if referral.state in (S.WAITING, S.CLAIMED) else ""
    first = next((n for n in order if n in given), first)
    return {
        "panel": panels,
        "open_panel": first,
        "answering": any(panels[n] for n in order),
        "offers": offers,
        "may_take": referral.state == S.WAITING and referral.officer_id is None,
        "manager": actor.role == Role.MANAGER,
        "bank": referral.institution.lends,
    }
