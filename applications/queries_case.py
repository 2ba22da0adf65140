"""What the enterprise reads of one case. Every function says how many queries it makes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.http import Http404
from django.shortcuts import get_object_or_404

from portal.foundation.core.actor import Actor
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.journal.models import Entry

from .case_steps import own_steps
from .cover_rows import listed, within
from .cover_rules import COVERABLE
from .models import Application, ApplicationPatent, Attachment, Consent, InformationRequest, Referral
from .next_rounds import Next, of_cases
from .next_steps import NEXT, PLEDGE, NextStep, Panel, panels
from .queries_enterprise import TAGS
from .referral_rows import ReferralRow, rows_of

EVENTS = 200  # of one case on one page; a case has a few dozen


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
    next: Next | None = None  # a live round of next lenders

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
    covers: list[dict[str, str]]
    events: list[Entry]

    @property
    def may_cover(self) -> bool:
        """A bank works on it, so its loan can be guaranteed or insured."""
        open_ = self.live.case.state == Application.State.OPEN
        return open_ and any(r.referral.state in COVERABLE and r.referral.institution.lends for r in self.live.rows)


def own_case(actor: Actor, number: str) -> Application:
    """The enterprise's case or 404; 1 query."""
    return get_object_or_404(Application.objects.visible_to(actor), number=number)


def live(actor: Actor, case: Application, *, now: datetime) -> Live:
    """What is to be done and how far the institutions are; 5 queries at most, and one by each app above."""
    open_questions = list(
        InformationRequest.objects.filter(referral__application=case, answered_at=None).order_by("pk")
    )
    return _live(actor, case, open_questions, now=now)


def _live(actor: Actor, case: Application, questions: Iterable[InformationRequest], *, now: datetime) -> Live:
    rows = rows_of([case], questions, now=now)[case.pk]
    above = panels(actor, case, now=now) if case.state != Application.State.OPEN else []
    next_ = of_cases([case]).get(case.pk)
    # The next lenders have a card of their own here.
    steps = [s for s in own_steps(case, rows, next_=next_, now=now) if s.kind != NEXT]
    if any(panel.running for panel in above):  # the file has been begun: what is next is told by its own card
        steps = [s for s in steps if s.kind != PLEDGE]
    return Live(case, rows, sorted(steps, key=lambda s: s.until or date.max), above, next_)


def case_page(actor: Actor, number: str, *, now: datetime) -> CasePage:
    """One case with all its parts; 8 queries at most, and one by each app above."""
    patents = ApplicationPatent.objects.filter(application=OuterRef("pk")).order_by("pk")
    consents = Consent.objects.filter(application=OuterRef("pk")).order_by("pk")
    found: Any = (  # the annotations are unknown to the type of the model
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
            cover_rows=within("application"),
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
        covers=listed(found.cover_rows),
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
