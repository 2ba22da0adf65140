"""One case as the regulator sees it: whose, to whom, every clock, every order and everything that happened."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from applications.cover_rows import listed, within
from applications.models import Application, NextRound
from applications.next_rounds import told
from pledges.after.queries import listed as listed_matters
from pledges.after.queries import within as matters_within
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.journal import looks
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.models import Kind
from portal.reports import actions, sla
from portal.reports.forms import GroundForm
from portal.reports.models import SupervisionOrder

LONGEST = 200  # entries of a timeline; the longest known case has about forty


def _said(entry: Entry) -> str:
    """What happened, in words; the sweep writes its entries without any."""
    if entry.text:
        return entry.text
    if entry.verb == "clock.escalated":
        return f"时限提醒：{Kind(entry.data['kind']).label}，{entry.data.get('label') or entry.data['level']}"
    return entry.verb


def _result(found: NextRound) -> str:
    """What came of a round so far."""
    if any(lender.taken_at is not None for lender in found.lenders.all()):
        return str(NextRound.Outcome.TAKEN.label)
    return str(NextRound.Outcome(found.outcome).label if found.outcome else NextRound.State(found.state).label)


GROUNDS = "grounds"  # in the session: number of a case → the ground that was stated, and on which day


def _ground(request: HttpRequest, found: Application, *, now: datetime) -> str:
    """What was stated for this case today (in Asia/Shanghai); empty when it is to be asked for."""
    ground, day = request.session.get(GROUNDS, {}).get(found.number, ("", ""))
    return str(ground) if day == str(moments.local_date(now)) else ""


def _state_ground(request: HttpRequest, found: Application, *, now: datetime) -> HttpResponse:
    """Ask for the ground, an ordinary question that shows nothing of the case; or record it and go on to the case."""
    order = SupervisionOrder.objects.filter(clock__case_number=found.number).order_by("-pk").first()
    start = {"ground": f"督办单 {order.number}" if order else ""}
    form = GroundForm(request.POST if request.method == "POST" else None, initial=start)
    if request.method == "POST" and form.is_valid():
        ground = form.cleaned_data["ground"]
        actions.drill(found.pk, ground=ground, actor=actor_of(request), now=now)
        today = str(moments.local_date(now))
        kept = {number: said for number, said in request.session.get(GROUNDS, {}).items() if said[1] == today}
        request.session[GROUNDS] = {**kept, found.number: [ground, today]}
        return redirect("supervision-case", found.number)
    context = {"number": found.number, "form": form}
    return render(request, "supervision/case_ground.html", context, status=400 if form.errors else 200)


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, number: str) -> HttpResponse:
    """The only page of supervision that names the enterprise: business secrets, so it opens for a recorded ground only."""
    now, actor = moments.now(), actor_of(request)
    cases = (
        Application.objects.visible_to(actor).select_related("organisation").annotate(cover_rows=within("application"))
    )
    found = get_object_or_404(cases, number=number)
    ground = _ground(request, found, now=now)
    if request.method == "POST" or not ground:
        return _state_ground(request, found, now=now)
    looks.note(
        request,
        owner_id=found.organisation_id,
        actor=actor,
        what=looks.What.CASE,
        subject=f"application:{found.pk}",
        case_number=found.number,
        reason=ground,
    )
    calendar = calendars_in_use.current()
    referrals = list(found.referrals.select_related("institution__organisation", "clock").order_by("pk"))
    files = list(
        found.registrations.exclude(submitted_at=None)
        .select_related("office", "clock")
        .annotate(matter_rows=matters_within())
        .order_by("pk")
    )
    rounds = list(
        found.next_rounds.select_related("clock__organisation").prefetch_related("lenders__institution__organisation")
    )
    covers = listed(found.cover_rows)  # type: ignore[attr-defined]
    matters = [row for file in files for row in listed_matters(file.matter_rows)]  # type: ignore[attr-defined]
    clocks = {r.clock_id for r in referrals} | {r.clock_id for r in files} | {r.clock_id for r in rounds}
    clocks |= {int(c["clock"]) for c in covers if c["clock"]} | {int(m["clock"]) for m in matters}
    entries = list(Entry.objects.of_case(number)[:LONGEST])
    return render(
        request,
        "supervision/case.html",
        {
            "case": found,
            "district": sla.names().key("district", found.district_code or "-").label,
            "referrals": [
                (row, lamps.of(row.clock, now=now, calendar=calendar) if row.clock else None) for row in referrals
            ],
            "files": [(row, lamps.of(row.clock, now=now, calendar=calendar) if row.clock else None) for row in files],
            "matters": matters,
            "rounds": [
                (
                    row,
                    told(row.reasons),
                    _result(row),
                    lamps.of(row.clock, now=now, calendar=calendar) if row.clock else None,
                )
                for row in sorted(rounds, key=lambda row: row.position)
            ],
            "covers": covers,
            "orders": list(SupervisionOrder.objects.filter(clock__in=clocks - {None}).order_by("pk")),
            "entries": [(entry, _said(entry)) for entry in entries],
            "now": now,
        },
    )
