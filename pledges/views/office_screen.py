"""What the clerk's screen shows: the queue, one file's papers and data, the check list, the decision that is open."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from pledges import checks, grounds, presenting, queries, rules
from pledges.actions.handover import other_offices
from pledges.checking.actions import summary
from pledges.checking.queries import round_of
from pledges.duty.forms import RecuseForm
from pledges.forms.office import AssignForm, HandOverForm
from pledges.models import Check, Correction, Document, Ground, Registration
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.assets.register import choice
from portal.foundation.core import moments
from portal.foundation.core.forms import PortalForm

from .common import looked
from .office_patents import page_of_patents

TABS = {
    "contract": "合同",
    "form": "申请表",
    "patents": "专利",
    "papers": "材料",
    "history": "经过",
}
SHORTCUTS = [
    ("1–5", "切换材料"),
    ("c", "移到“核对登记簿”，再按 Enter"),
    ("m", "移到第一处待核对的要点"),
    ("Space", "勾选当前要点"),
    ("a", "受理，或打开予以登记"),
    ("b", "打开要求补正"),
    ("n", "打开不予登记"),
    ("Ctrl+Enter", "在打开的决定里确认"),
]


def file_of(request: HttpRequest, number: str) -> Registration:
    return get_object_or_404(queries.examinable(actor_of(request), today=today()), number=number)


def today() -> date:
    """The reader's day."""
    return moments.local_date(moments.now())


def queue(request: HttpRequest, here: str) -> dict[str, Any]:
    now = moments.now()
    found = queries.queue(actor_of(request), today=moments.local_date(now))
    rows = [
        {"file": f, "lamp": presenting.lamp(f, now=now), "away": f.away}  # type: ignore[attr-defined]  # by queries.queue
        for f in found
    ]
    return {"queue": rows, "here": here}


def registry_of(request: HttpRequest, shown: Registration) -> dict[str, Any]:
    """核对登记簿: the latest round of this file, and whether the reader may begin one; no query."""
    actor, conflict = actor_of(request), bool(shown.conflict)  # type: ignore[attr-defined]  # by queries.examinable
    job = round_of(shown.last_round)  # type: ignore[attr-defined]  # so is this
    running = job is not None and job.finished_at is None
    may = choice.can_be_asked() and bool(rules.can_check_register(actor, shown, conflict=conflict))
    return {
        "job": job,
        "job_running": running,
        "job_said": summary(job) if job is not None and not running else "",
        "may_check_register": may and not running,
    }


def screen(
    request: HttpRequest,
    shown: Registration | None,
    *,
    panel: str = "",
    form: PortalForm | None = None,
    refused: str = "",
    letter: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The three columns. `panel` is the decision that is open: register, correct or refuse."""
    now, actor = moments.now(), actor_of(request)
    if shown is not None:
        looked(request, shown)
    context: dict[str, Any] = queue(request, shown.number if shown else "")
    context |= {"today": queries.decided_today(actor, now=now), "shortcuts": SHORTCUTS}
    if shown is None:
        return render(request, "office/screen.html", context)
    tab = request.GET.get("tab", "contract")
    lines = list(shown.checks.all())
    conflict: bool = shown.conflict  # type: ignore[attr-defined]  # annotated by queries.examinable
    context |= {
        "file": shown,
        "tag": presenting.TAGS[shown.state],
        "lamp": presenting.lamp(shown, now=now),
        "tab": tab if tab in TABS else "contract",
        "tabs": [(str(i), name, label) for i, (name, label) in enumerate(TABS.items(), start=1)],
        **lists(lines),
        "open_lines": len(checks.unsettled(lines)),
        "conflict": conflict,
        "may_accept": bool(rules.can_accept(actor, shown, conflict=conflict)),
        "may_examine": bool(rules.can_examine(actor, shown, conflict=conflict)),
        "may_take_over": bool(rules.can_take_over(actor, shown, conflict=conflict)),
        "may_assign": bool(rules.can_assign(actor, shown)),
        "held": rules.held_by(shown) if shown.clerk_id not in (None, actor.user_id) else "",
        "held_away": shown.away,  # type: ignore[attr-defined]  # and this
        "earlier": _corrections(shown),
        "panel": panel,
        "form": form,
        "refused": refused,
        "letter": letter,
    }
    context |= registry_of(request, shown) | _document(request, shown, context["tab"], context["earlier"])
    if rules.can_recuse(actor, shown, conflict=conflict):
        context["recuse"] = RecuseForm()
    if rules.can_hand_over(actor, shown) and (offices := other_offices(shown)):
        context["hand_over"] = HandOverForm(offices=[(o.pk, o.title) for o in offices])
    if context["may_assign"]:
        context["assign"] = AssignForm(clerks=queries.clerks(shown.office_id, today=moments.local_date(now)))
    return render(request, "office/screen.html", context, status=status)


def lists(lines: list[Check]) -> dict[str, Any]:
    """What needs eyes first, what the system has settled below."""
    rows = [_line(c) for c in lines]
    attention = [r for r in rows if r["manual"] or r["check"].warning or r["check"].result != Check.Result.CLEAR]
    waits = (f"tick-{i}" for i, r in enumerate(attention, start=1) if r["manual"] and not r["ticked"])
    return {
        "attention": attention,
        "settled": [
            r for r in rows if not r["manual"] and not r["check"].warning and r["check"].result == Check.Result.CLEAR
        ],
        "first_open": next(waits, ""),  # the control «m» goes to
    }


def _line(check: Check) -> dict[str, Any]:
    kind, word = presenting.RESULT_TAGS[check.result]
    if check.warning:
        kind, word = "warn", "注意"
    return {
        "check": check,
        "kind": kind,
        "word": word,
        "value": f"{check.ground}:{check.point}",
        "title": check.evidence if check.point else f"{check.ground} {_about(check)}",
        "manual": checks.is_manual(check),
        "ticked": not check.automatic and check.result == Check.Result.CLEAR,
    }


def _about(check: Check) -> str:
    return grounds.FINE[check.ground] if check.result == Check.Result.CLEAR else str(Ground(check.ground).label)


def _document(request: HttpRequest, shown: Registration, tab: str, earlier: list[Correction]) -> dict[str, Any]:
    """What the middle column shows; one query a tab."""
    if tab == "form":
        return {"facts": presenting.facts(shown)}
    if tab == "history":
        events = presenting.events(queries.story(shown, actor_of(request)))
        return {"events": events, "corrections": earlier, "notices": list(shown.notices.all())}
    if tab == "patents":
        return page_of_patents(shown, after=request.GET.get("after", ""), now=moments.now())
    papers = presenting.papers(shown.documents.order_by("pk"))
    if tab == "contract":
        return {"paper": next(iter(papers.get(Document.Kind.CONTRACT, [])), None)}
    rest = [d for kind, found in papers.items() if kind != Document.Kind.CONTRACT for d in found]
    chosen = next((d for d in rest if str(d.ref) == request.GET.get("paper", "")), rest[0] if rest else None)
    return {"rest": rest, "paper": chosen}


def _corrections(shown: Registration) -> list[Correction]:
    return list(shown.corrections.all()) if shown.correction_rounds else []
