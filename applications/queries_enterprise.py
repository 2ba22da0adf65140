"""What the enterprise reads: its desk, one case, its drafts. Every function says how many queries it makes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse

from portal.foundation.core.actor import Actor
from portal.foundation.core.display import date_cn
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.moments import local_date
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.lamps import Lamp

from .models import (
    Application,
    ApplicationPatent,
    Attachment,
    Consent,
    DeclineReason,
    Draft,
    InformationRequest,
    Offer,
    Referral,
)
from .next_steps import PLEDGE, NextStep, Panel, from_above, panels

LIVE = (
    Application.State.OPEN,
    Application.State.ACCEPTED,
    Application.State.REGISTERING,
    Application.State.REGISTERED,
)
PAGE = 20
EVENTS = 200  # of one case on one page; a case has a few dozen
TAGS = {
    Application.State.OPEN: "info",
    Application.State.ACCEPTED: "info",
    Application.State.REGISTERING: "info",
    Application.State.REGISTERED: "ok",
    Application.State.DISBURSED: "ok",
}
REFERRAL_TAGS = {
    Referral.State.CLAIMED: "info",
    Referral.State.INFO: "warn",
    Referral.State.OFFERED: "ok",
    Referral.State.ACCEPTED: "ok",
}


def route(name: str, *args: object) -> str:
    """The address of a page another app may not have yet; empty when there is none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def drafts_of(actor: Actor) -> QuerySet[Draft]:
    """Unfinished requests of the enterprise, last changed first."""
    return (
        Draft.objects.filter(organisation_id=actor.organisation_id)
        .select_related("updated_by")
        .order_by("-updated_at", "-pk")
    )


@dataclass(slots=True)
class ReferralRow:
    """One institution's line in a case: `offer` is its open or accepted one, `question` the one that waits for an answer."""

    referral: Referral
    lamp: Lamp | None
    offer: Offer | None
    question: InformationRequest | None = None

    @property
    def tag(self) -> str:
        return REFERRAL_TAGS.get(Referral.State(self.referral.state), "")

    @property
    def name(self) -> str:
        return str(self.referral.institution)

    @property
    def rate(self) -> str:
        """The offer's interest or fee, e.g. 3.45%; empty without one."""
        told = self.offer and (self.offer.annual_rate or self.offer.fee_rate)
        return f"{told.normalize():f}%" if told else ""

    @property
    def decline(self) -> str:
        """Why the institution said no."""
        code, note = self.referral.decline_code, self.referral.decline_note
        label = DeclineReason(code).label if code in DeclineReason.values else code
        return "：".join(part for part in (label, note) if part)

    @property
    def revocable(self) -> bool:
        return self.referral.state in Referral.OPEN_STATES


@dataclass(slots=True)
class CaseRow:
    """A case in the list: the lamp of the institution that is nearest to its limit."""

    case: Application
    tag: str
    lamp: Lamp | None
    summary: str


@dataclass(slots=True)
class Desk:
    """The enterprise's home."""

    steps: list[NextStep]
    open: list[CaseRow]
    drafts: list[Draft]
    finished: list[CaseRow]
    after: int | None  # cursor of the next page of finished cases


def desk(actor: Actor, *, now: datetime, after: int | None = None) -> Desk:
    """Home of the enterprise; 7 queries at most, of which at most one by each app above."""
    own = Application.objects.visible_to(actor)
    current = list(own.filter(state__in=LIVE).order_by("-pk")[:100])
    asked = InformationRequest.objects.filter(referral__application__in=current, answered_at=None).order_by("pk")
    rows = rows_of(current, asked, now=now)
    finished = own.exclude(state__in=LIVE).order_by("-pk")
    if after is not None:
        finished = finished.filter(pk__lt=after)
    page = list(finished[: PAGE + 1])
    above = from_above(actor, [c for c in current if c.state != Application.State.OPEN], now=now)
    steps = [step for todo in above.values() for step in todo]
    for case in current:
        steps += [s for s in own_steps(case, rows[case.pk], now=now) if s.kind != PLEDGE or case.number not in above]
    return Desk(
        steps=sorted(steps, key=lambda s: (s.until or date.max, s.case_number)),
        open=[_case_row(case, rows[case.pk]) for case in current],
        drafts=list(drafts_of(actor)[:20]),
        finished=[_case_row(case, []) for case in page[:PAGE]],
        after=page[PAGE - 1].pk if len(page) > PAGE else None,
    )


def rows_of(
    cases: Sequence[Application], open_questions: Iterable[InformationRequest], *, now: datetime
) -> dict[int, list[ReferralRow]]:
    """Referrals of these cases with lamp, current offer and open question, by case; 2 queries."""
    calendar = calendars_in_use.current()
    referrals = list(
        Referral.objects.filter(application__in=cases)
        .select_related("institution__organisation", "product", "clock")
        .order_by("pk")
    )
    offers = {
        o.referral_id: o
        for o in Offer.objects.filter(
            referral__application__in=cases, state__in=(Offer.State.OPEN, Offer.State.ACCEPTED)
        )
    }
    questions = {q.referral_id: q for q in open_questions}
    found: dict[int, list[ReferralRow]] = {case.pk: [] for case in cases}
    for r in referrals:
        lamp = lamps.of(r.clock, now=now, calendar=calendar) if r.clock else None
        asked = questions.get(r.pk) if r.state == Referral.State.INFO else None
        found[r.application_id].append(ReferralRow(r, lamp, offers.get(r.pk), asked))
    return found


def _case_row(case: Application, rows: Sequence[ReferralRow]) -> CaseRow:
    running = [
        (r.referral.clock.due_at, r.lamp)
        for r in rows
        if r.referral.clock and r.referral.state == Referral.State.WAITING
    ]
    counted = Counter(Referral.State(r.referral.state).label for r in rows)
    return CaseRow(
        case=case,
        tag=TAGS.get(Application.State(case.state), ""),
        lamp=min(running, key=lambda pair: pair[0])[1] if running else None,
        summary="，".join(f"{n} 家{label}" for label, n in counted.items()),
    )


def own_steps(case: Application, rows: Sequence[ReferralRow], *, now: datetime) -> list[NextStep]:
    """What this case waits for from the enterprise, as far as this app knows; no query."""
    today = local_date(now)
    steps = [
        NextStep(
            case.number,
            f"答复 {row.name} 的问题",
            row.question.question,
            "去答复",
            reverse("case-answer", args=[case.number, row.question.pk]),
            due=f"{date_cn(local_date(row.question.asked_at), today=today)}提出，机构在等您的答复",
            until=local_date(row.question.asked_at),
        )
        for row in rows
        if row.question is not None
    ]
    if case.state == Application.State.OPEN:
        steps += _choosing(case, rows, today=today)
        if not any(row.revocable for row in rows):
            steps.append(
                NextStep(
                    case.number,
                    "换一批机构",
                    "收到这笔需求的机构都没有继续办理。您可以重新授权，发给其他机构；也可以结束这笔需求。",
                    "选择其他机构",
                    reverse("case-extend", args=[case.number]),
                    until=today,
                )
            )
    if case.state == Application.State.ACCEPTED and (url := route("pledges:start", case.number)):
        steps.append(
            NextStep(
                case.number,
                "办理专利质押登记",
                "方案已选定。签订合同后，由您或银行发起登记申请，另一方确认后一起提交。",
                "办理质押登记",
                url,
                due="登记机构力争 1 个工作日内办结",
                until=today,
                kind=PLEDGE,
            )
        )
    return steps


def _choosing(case: Application, rows: Sequence[ReferralRow], *, today: date) -> list[NextStep]:
    offers = [r.offer for r in rows if r.offer and r.offer.state == Offer.State.OPEN and r.offer.valid_until >= today]
    if not offers:
        return []
    first = min(o.valid_until for o in offers)
    busy = sum(r.referral.state in (Referral.State.WAITING, Referral.State.CLAIMED, Referral.State.INFO) for r in rows)
    named = "、".join(r.name for r in rows if r.offer in offers)
    text = f"{named} 已给出方案。" + (f"另有 {busy} 家机构仍在办理。" if busy else "")
    title = "选择方案" if len(offers) == 1 else f"从 {len(offers)} 份方案里选择"
    url = reverse("case-offers", args=[case.number])
    due = f"最早的一份有效期至 {date_cn(first, today=today)}24:00"
    return [NextStep(case.number, title, text, "查看并选择方案", url, due=due, until=first)]


@dataclass(slots=True)
class Asked:
    """A question with its answer and the files that came with it."""

    question: InformationRequest
    institution: str
    files: list[Attachment]
    open: bool  # waits for an answer


@dataclass(slots=True)
class Seen:
    """Who may read the case: one authorisation."""

    name: str
    granted_by: str
    granted_at: datetime
    revoked_at: datetime | None
    referral: Referral | None


@dataclass(slots=True)
class Live:
    """The part of a case that changes while somebody looks at it."""

    case: Application
    rows: list[ReferralRow]
    steps: list[NextStep]
    panels: list[Panel]

    @property
    def offers(self) -> int:
        return sum(row.offer is not None for row in self.rows)

    @property
    def tag(self) -> str:
        return TAGS.get(Application.State(self.case.state), "")

    @property
    def busy(self) -> bool:
        """An institution still works on it."""
        return any(row.revocable for row in self.rows)


@dataclass(slots=True)
class CasePage:
    """Everything one case shows its enterprise."""

    live: Live
    patents: list[dict[str, Any]]
    asked: list[Asked]
    files: list[Attachment]
    seen: list[Seen]
    events: list[Entry]


def own_case(actor: Actor, number: str) -> Application:
    """The enterprise's case or 404; 1 query."""
    return get_object_or_404(Application.objects.visible_to(actor), number=number)


def live(actor: Actor, case: Application, *, now: datetime) -> Live:
    """What is to be done and how far the institutions are; 3 queries, and one by each app above."""
    open_questions = list(
        InformationRequest.objects.filter(referral__application=case, answered_at=None).order_by("pk")
    )
    return _live(actor, case, open_questions, now=now)


def _live(actor: Actor, case: Application, questions: Iterable[InformationRequest], *, now: datetime) -> Live:
    rows = rows_of([case], questions, now=now)[case.pk]
    above = panels(actor, case, now=now) if case.state != Application.State.OPEN else []
    steps = own_steps(case, rows, now=now)
    if any(panel.running for panel in above):  # the file has been begun: what is next is told by its own card
        steps = [s for s in steps if s.kind != PLEDGE]
    return Live(case, rows, sorted(steps, key=lambda s: s.until or date.max), above)


def case_page(actor: Actor, number: str, *, now: datetime) -> CasePage:
    """One case with all its parts; 6 queries, and one by each app above."""
    patents = ApplicationPatent.objects.filter(application=OuterRef("pk")).order_by("pk")
    consents = Consent.objects.filter(application=OuterRef("pk")).order_by("pk")
    found: Any = (  # the two annotations are unknown to the type of the model
        Application.objects.visible_to(actor)
        .filter(number=number)
        .annotate(
            patent_rows=ArraySubquery(
                patents.values(row=JSONObject(number="number", kind="kind", title="title", expires_on="expires_on"))
            ),
            consent_rows=ArraySubquery(
                consents.values(
                    row=JSONObject(
                        institution="institution_id",
                        short="institution__organisation__short_name",
                        name="institution__organisation__name",
                        by="granted_by",
                        at="granted_at",
                        ended="revoked_at",
                    )
                )
            ),
        )
        .first()
    )
    if found is None:
        raise Http404
    case: Application = found
    questions = list(InformationRequest.objects.filter(referral__application=case).order_by("pk"))
    now_live = _live(actor, case, [q for q in questions if q.answered_at is None], now=now)
    names = {row.referral.pk: row.name for row in now_live.rows}
    waiting = {row.question.pk for row in now_live.rows if row.question}
    by_question: dict[int | None, list[Attachment]] = defaultdict(list)
    for file in case.attachments.order_by("pk"):
        by_question[file.question_id].append(file)
    return CasePage(
        live=now_live,
        patents=[_patent(row) for row in found.patent_rows],
        asked=[Asked(q, names[q.referral_id], by_question[q.pk], q.pk in waiting) for q in questions],
        files=by_question[None],
        seen=[_seen(row, now_live.rows) for row in found.consent_rows],
        events=list(Entry.objects.of_case(case.number).readable_by(actor.organisation_id)[:EVENTS]),
    )


def _patent(row: dict[str, Any]) -> dict[str, Any]:
    """A patent as it was put into the request."""
    number = str(row["number"])
    return {
        "dotted": f"{number[:-1]}.{number[-1]}",
        "title": row["title"],
        "kind": PatentKind(row["kind"]).label,
        "expires_on": date.fromisoformat(row["expires_on"]),
    }


def _seen(row: dict[str, Any], rows: Sequence[ReferralRow]) -> Seen:
    mine = next((r.referral for r in rows if r.referral.institution_id == row["institution"] and r.revocable), None)
    return Seen(
        name=(row["short"] or row["name"]) if row["institution"] else "需求池（接受公开征集的机构，认领后可见）",
        granted_by=row["by"],
        granted_at=datetime.fromisoformat(row["at"]),
        revoked_at=datetime.fromisoformat(row["ended"]) if row["ended"] else None,
        referral=mine if not row["ended"] else None,
    )
